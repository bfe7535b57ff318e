//! Rows in blocks, blocks on threads.

use std::sync::Mutex;

/// Calls `work` for every block of rows with the block's number and its part of `out`, on some threads; each thread has a
/// state of its own. A row's values depend on neither the blocks nor the threads.
pub(crate) fn for_blocks<S>(
    out: &mut [f64],
    block_values: usize,
    threads: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [f64]) + Sync,
) {
    let blocks = out.len().div_ceil(block_values.max(1));
    let queue = Mutex::new(out.chunks_mut(block_values.max(1)).enumerate());
    let run = || {
        let mut state = state();
        loop {
            // Taking a block cannot panic, so a poisoned lock is still whole.
            let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
            let Some((block, out)) = next else { break };
            work(&mut state, block, out);
        }
    };
    let threads = threads.clamp(1, blocks.max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
}
