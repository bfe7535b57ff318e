//! Work on some threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `run` for 0 to `count` − 1 and gives the results in this order; after an error nothing more begins. Each thread keeps memory
/// for sorting from one call to the next.
///
/// # Errors
/// The first error by number.
pub fn each<T: Send, E: Send>(
    count: usize,
    threads: usize,
    run: impl Fn(usize, &mut Vec<u64>) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let work = || {
        let mut scratch = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                break;
            }
            let found = run(at, &mut scratch);
            if found.is_err() {
                next.store(count, Ordering::Relaxed);
            }
            // Adding to a list cannot leave it half changed, so a poisoned lock is still whole.
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, found));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, found)| found).collect()
}
