//! Tasks shared out over a few threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::Result;

/// Runs `work` on every task, each thread with a state of its own, and yields the states. The first error stops
/// everything. One thread, or one task, runs right here.
pub(crate) fn run<T: Sync, S: Send>(
    threads: usize,
    tasks: &[T],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let threads = threads.clamp(1, tasks.len().max(1));
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let worker = || -> Result<S> {
        let mut own = state();
        while !failed.load(Ordering::Relaxed) {
            let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            if let Err(error) = work(&mut own, task) {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(own)
    };
    if threads == 1 {
        return Ok(vec![worker()?]);
    }
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let ended: Vec<_> = started.into_iter().map(|thread| thread.join()).collect();
        ended.into_iter().map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
