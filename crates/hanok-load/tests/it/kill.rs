//! `kill -9` at random moments: a rerun gives the tables of an undisturbed run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hanok_load::load;

use crate::load::{World, open_lake, rows, source};
use crate::support::write;

const ROUNDS: u64 = 25;

/// Not a test of its own: the process that gets killed.
#[test]
#[ignore = "run by the test below as a process of its own"]
fn child() {
    let Ok(folder) = std::env::var("HANOK_TEST_FOLDER") else { return };
    let folder = Path::new(&folder);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lake = open_lake(folder).await;
        load(&lake, folder, &source(folder, ""), &|_| {}).await.unwrap();
    });
}

fn start_child(folder: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--ignored"])
        .env("HANOK_TEST_FOLDER", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Rows without their load ids, and whether every reject's load has rows.
async fn content(folder: &Path) -> (Vec<Vec<String>>, Vec<Vec<String>>, bool) {
    let lake = open_lake(folder).await;
    let split = |rows: Vec<Vec<String>>| -> (Vec<Vec<String>>, Vec<String>) {
        rows.into_iter()
            .map(|mut row| {
                let id = row.pop().unwrap();
                (row, id)
            })
            .unzip()
    };
    let (table, ids) = split(rows(&lake, "t").await);
    let (rejects, reject_ids) = split(rows(&lake, "t__rejects").await);
    let known = reject_ids.iter().all(|id| ids.contains(id));
    let rejects = rejects
        .into_iter()
        .map(|mut row| {
            let name = row[0].rsplit('/').next().unwrap().to_owned();
            row[0] = name;
            row
        })
        .collect();
    (table, rejects, known)
}

fn files(folder: &Path, names: std::ops::Range<u32>) {
    for name in names {
        let mut text = "a,b\n".to_owned();
        for row in 0..3000 {
            text += &if row % 50 == 7 { format!("bad {name} {row}\n") } else { format!("{row},f{name}\n") };
        }
        write(folder, &format!("{name}.csv"), text.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_loads_lose_and_double_nothing() {
    let calm = World::new().await;
    files(calm.folder.path(), 0..4);
    assert!(start_child(calm.folder.path()).wait().unwrap().success());
    let expected = content(calm.folder.path()).await;
    assert_eq!((expected.0.len(), expected.1.len(), expected.2), (4 * 2940, 4 * 60, true));

    let mut killed = 0;
    for round in 0..ROUNDS {
        let world = World::new().await;
        let folder = world.folder.path();
        // More files may have arrived by the time of the rerun.
        files(folder, 0..2);
        let mut child = start_child(folder);
        let mut wait_us = 2_000 + round * 4_999 % 120_000;
        while child.try_wait().unwrap().is_none() && wait_us > 0 {
            let step = wait_us.min(1_000);
            std::thread::sleep(Duration::from_micros(step));
            wait_us -= step;
        }
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        files(folder, 2..4);
        assert!(start_child(folder).wait().unwrap().success());
        assert_eq!(content(folder).await, expected, "round {round}");
    }
    assert!(killed > ROUNDS / 4, "only {killed} of {ROUNDS} were killed: the moments are too late");
}
