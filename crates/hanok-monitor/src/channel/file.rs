//! A file of JSON lines.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::ChannelError;
use crate::alert::Alert;

/// Appends an alert as one line, which is on the disk when this returns. A line that a crash has cut off stays a line of its own.
pub(super) async fn append(path: PathBuf, alert: &Alert) -> Result<(), ChannelError> {
    let refused = |source| ChannelError::File { path: path.clone(), source };
    let line = serde_json::to_vec(alert).map_err(|error| refused(error.into()))?;
    let target = path.clone();
    let written = tokio::task::spawn_blocking(move || write(&target, line)).await;
    written.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(refused)
}

fn write(path: &Path, mut line: Vec<u8>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let is_new = !path.exists();
    let mut file = File::options().create(true).append(true).read(true).open(path)?;
    line.push(b'\n');
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    // One write, so that lines of several processes do not mix.
    file.write_all(&line)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) if is_new => File::open(folder).and_then(|folder| folder.sync_all()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/alerts.jsonl");
        write(&path, b"{\"a\":1}".to_vec()).unwrap();
        write(&path, b"{\"a\":2}".to_vec()).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"{\"cut").unwrap();
        write(&path, b"{\"a\":3}".to_vec()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"a\":2}\n{\"cut\n{\"a\":3}\n");
        assert!(write(folder.path(), Vec::new()).is_err());
    }
}
