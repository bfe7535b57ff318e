//! `kill -9` of a writing process at random moments: no acknowledged commit is lost and none is half there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hanok_online::{OnlineRead, OnlineWrite, Reader, RowState, WriteBatch, Writer};

use crate::kit::{batch, get, request, row, schema};

const CHILD_DIR: &str = "HANOK_TEST_CRASH_DIR";
const KEYS: i64 = 200;
const ROUNDS: u64 = 40;

/// Not a test of its own: the process that [`acknowledged_commits_survive_a_kill`] starts and kills.
#[test]
fn crash_child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let mut writer = Writer::open(Path::new(&dir)).unwrap();
    writer.apply_schema(&schema()).unwrap();
    let begin =
        writer.watermark("done").unwrap().map_or(0, |mark| i64::from_le_bytes(mark.try_into().unwrap()));
    let mut out = std::io::stdout();
    for commit in begin + 1.. {
        let rows = batch(&(0..KEYS).map(|id| row(id, commit, commit)).collect::<Vec<_>>());
        let mark = commit.to_le_bytes();
        writer.write("v", &WriteBatch { watermark: Some(("done", &mark)), ..request(&rows) }).unwrap();
        writeln!(out, "done {commit}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn acknowledged_commits_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::crash_child", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let acknowledged = Arc::new(AtomicI64::new(0));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let noted = Arc::clone(&acknowledged);
        let listener = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(commit) = line.strip_prefix("done ").and_then(|commit| commit.trim().parse().ok())
                {
                    noted.store(commit, Ordering::SeqCst);
                }
            }
        });
        std::thread::sleep(Duration::from_micros(12_000 + round * 7_919 % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        listener.join().unwrap();
        let acknowledged = acknowledged.load(Ordering::SeqCst);

        // A reader that lived through it, a fresh one, and the next writer agree.
        let writer = Writer::open(dir.path()).unwrap();
        let mark =
            writer.watermark("done").unwrap().map_or(0, |mark| i64::from_le_bytes(mark.try_into().unwrap()));
        assert!(mark >= acknowledged, "commit {acknowledged} was acknowledged, {mark} is there");
        reader.refresh().unwrap();
        for reader in [&reader, &Reader::open(dir.path()).unwrap()] {
            for id in 0..KEYS {
                let expected = if mark == 0 { RowState::NotFound } else { RowState::Found };
                if reader.key_count("v").is_none() {
                    assert_eq!(mark, 0);
                } else {
                    let (state, event_us, a) = get(reader, id, 0);
                    assert_eq!((state, event_us, a.unwrap_or(0)), (expected, mark, mark), "half a commit");
                }
            }
        }
        total = mark;
    }
    assert!(total > 0, "the child never got to commit");
}
