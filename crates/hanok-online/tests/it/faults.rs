//! What must end in a coded error and leave the store as it was.

use std::fs;
use std::path::Path;
use std::process::Command;

use hanok_error::Coded as _;
use hanok_online::{OnlineRead, OnlineWrite, Reader, RowState, StoreError, StoreOptions, WriteError, Writer};

use crate::kit::{batch, get, request, row, schema, write};

#[test]
fn the_size_limit_is_an_error_and_keeps_the_old_rows() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        StoreOptions { map_bytes: 128 * 1024, map_bytes_max: 512 * 1024, ..StoreOptions::default() };
    let mut writer = Writer::open_with(dir.path(), &options).unwrap();
    writer.apply_schema(&schema()).unwrap();
    write(&mut writer, &[row(1, 1, 1)]);
    let rows = batch(&(0..50_000).map(|id| row(id, 2, 2)).collect::<Vec<_>>());
    let error = writer.write("v", &request(&rows)).unwrap_err();
    assert!(matches!(error, WriteError::Store(StoreError::Full { .. })), "{error:?}");
    assert_eq!(error.code().0, "HK0708");
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 1, Some(1)));
    assert_eq!(reader.key_count("v"), Some(1));
    // The writer goes on.
    write(&mut writer, &[row(1, 3, 3)]);
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 3, Some(3)));
}

#[test]
fn another_format_and_another_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(Writer::open(dir.path()).unwrap());
    let data = dir.path().join("data.mdb");
    let mut bytes = fs::read(&data).unwrap();
    let at = bytes.windows(8).position(|window| window == b"hanok-on").unwrap();
    bytes[at + 8] = 99;
    fs::write(&data, &bytes).unwrap();
    for error in [Writer::open(dir.path()).err(), Reader::open(dir.path()).err()] {
        assert!(matches!(error, Some(StoreError::Format { found: 99, known: 1, .. })), "{error:?}");
    }
    fs::write(&data, b"no database at all, but long enough to look at".repeat(400)).unwrap();
    for error in [Writer::open(dir.path()).err(), Reader::open(dir.path()).err()] {
        assert_eq!(error.map(|error| error.code().0), Some("HK0704"));
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_a_coded_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(Writer::open(&file.join("online")).err().map(|error| error.code().0), Some("HK0701"));
}

/// A small file system, when the user may mount one.
struct Tmpfs<'p>(&'p Path);

impl<'p> Tmpfs<'p> {
    fn mount(path: &'p Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(path)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self(path))
    }

    fn make_read_only(&self) -> bool {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0).output();
        done.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[test]
fn a_full_disk_is_an_error_and_keeps_the_old_rows() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Tmpfs::mount(dir.path(), "2m") else {
        println!("skipped: no right to mount a file system");
        return;
    };
    let path = dir.path().join("online");
    let mut writer = Writer::open(&path).unwrap();
    writer.apply_schema(&schema()).unwrap();
    write(&mut writer, &[row(1, 1, 1)]);
    let rows = batch(&(0..50_000).map(|id| row(id, 2, 2)).collect::<Vec<_>>());
    let error = writer.write("v", &request(&rows)).unwrap_err();
    assert_eq!(error.code().0, "HK0708", "{error:?}");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 1, Some(1)));
    write(&mut writer, &[row(1, 3, 3)]);
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 3, Some(3)));
    drop((reader, writer));
    let writer = Writer::open(&path).unwrap();
    assert_eq!(writer.key_count("v").unwrap(), 1);
    drop((writer, disk));
}

#[test]
fn a_new_store_on_a_full_disk_is_an_error_and_not_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Tmpfs::mount(dir.path(), "64k") else {
        println!("skipped: no right to mount a file system");
        return;
    };
    fs::write(dir.path().join("filler"), vec![1; 60 * 1024]).unwrap();
    let error = Writer::open(&dir.path().join("online")).err().unwrap();
    assert_eq!(error.code().0, "HK0708", "{error:?}");
    drop(disk);
}

#[test]
fn a_read_only_disk_can_be_read_and_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Tmpfs::mount(dir.path(), "2m") else {
        println!("skipped: no right to mount a file system");
        return;
    };
    let path = dir.path().join("online");
    let mut writer = Writer::open(&path).unwrap();
    writer.apply_schema(&schema()).unwrap();
    write(&mut writer, &[row(1, 1, 1)]);
    drop(writer);
    assert!(disk.make_read_only());
    assert_eq!(Writer::open(&path).err().map(|error| error.code().0), Some("HK0709"));
    let reader = Reader::open(&path).unwrap();
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 1, Some(1)));
    assert_eq!(Writer::open(&path).err().map(|error| error.code().0), Some("HK0709"));
    drop((reader, disk));
}

#[test]
fn a_truncated_file_is_an_error_and_not_a_crash() {
    for (rows, kept_percent) in [(20_000, 50), (20_000, 90), (2_000, 50), (2_000, 95), (20_000, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        writer.apply_schema(&schema()).unwrap();
        write(&mut writer, &(0..rows).map(|id| row(id, 1, 1)).collect::<Vec<_>>());
        drop(writer);
        let file = fs::File::options().write(true).open(dir.path().join("data.mdb")).unwrap();
        file.set_len(file.metadata().unwrap().len() * kept_percent / 100).unwrap();
        match Reader::open(dir.path()) {
            Err(error) => assert_eq!(error.code().0, "HK0704", "{rows} rows, {kept_percent} %: {error:?}"),
            // Only pages that no row lives in are gone.
            Ok(reader) => {
                assert_eq!(reader.key_count("v"), Some(rows as u64), "{rows} rows, {kept_percent} %");
                assert!(kept_percent >= 90);
            }
        }
    }
}
