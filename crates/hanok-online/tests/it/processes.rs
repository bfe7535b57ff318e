//! One process writes while others read.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hanok_online::{OnlineRead, OnlineWrite, Reader, RowState, StoreError, StoreOptions, Writer};

use crate::kit::{get, row, schema, write};

const CHILD_DIR: &str = "HANOK_TEST_WRITER_DIR";
const KEYS: i64 = 500;

/// Not a test of its own: the writing process of the tests below.
#[test]
fn writer_child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let options = StoreOptions { map_bytes: 256 * 1024, ..StoreOptions::default() };
    let mut writer = Writer::open_with(Path::new(&dir), &options).unwrap();
    writer.apply_schema(&schema()).unwrap();
    for commit in 1.. {
        // Some keys change in every commit, and new ones come, so that maps and tables grow meanwhile.
        let rows: Vec<_> = (0..KEYS).map(|id| row(id, commit, commit)).collect();
        write(&mut writer, &rows);
        write(&mut writer, &[row(1_000 + commit, commit, commit)]);
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_writer(dir: &Path) -> Killed {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::writer_child"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Killed(child.unwrap())
}

#[test]
fn rows_are_whole_and_move_forward_while_another_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions { map_bytes: 256 * 1024, ..StoreOptions::default() };
    let reader = Reader::open_with(dir.path(), &options).unwrap();
    let child = start_writer(dir.path());
    let until = Instant::now() + Duration::from_secs(3);
    while reader.key_count("v") < Some(KEYS as u64) {
        assert!(Instant::now() < until + Duration::from_secs(20), "the writer never got to commit");
        reader.refresh().unwrap();
    }
    let stop = AtomicBool::new(false);
    let newest = std::thread::scope(|scope| {
        let watchers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = vec![0; KEYS as usize];
                    while !stop.load(Ordering::Relaxed) {
                        for id in 0..KEYS {
                            // `get` itself fails on a torn row.
                            let (state, event_us, a) = get(&reader, id, 0);
                            assert_eq!((state, a), (RowState::Found, Some(event_us)));
                            let last = &mut seen[id as usize];
                            assert!(event_us >= *last, "went back in time");
                            *last = event_us;
                        }
                    }
                    seen[0]
                })
            })
            .collect();
        let until = Instant::now() + Duration::from_secs(2);
        let mut refreshed = 0;
        while Instant::now() < until {
            refreshed += reader.refresh().unwrap().rows;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(refreshed > 0);
        watchers.into_iter().map(|watcher| watcher.join().unwrap()).max().unwrap()
    });
    assert!(newest > 1, "nothing moved");
    drop(child);
    reader.refresh().unwrap();
    let fresh = Reader::open(dir.path()).unwrap();
    assert_eq!(get(&reader, 3, 0), get(&fresh, 3, 0));
    assert_eq!(reader.key_count("v"), fresh.key_count("v"));
}

#[test]
fn a_second_writing_process_is_refused_until_the_first_ends() {
    let dir = tempfile::tempdir().unwrap();
    let child = start_writer(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while reader.key_count("v").is_none() {
        assert!(Instant::now() < until);
        reader.refresh().unwrap();
    }
    let options = StoreOptions { lock_wait_ms: 20, ..StoreOptions::default() };
    match Writer::open_with(dir.path(), &options) {
        Err(StoreError::Locked { holder, .. }) => assert_eq!(holder, child.0.id().to_string()),
        other => panic!("{:?}", other.err()),
    }
    drop(child);
    Writer::open_with(dir.path(), &options).unwrap();
}
