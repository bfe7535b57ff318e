//! `read_csv FILE...`: reads files into batches and drops them, to profile the reader alone.

use std::path::PathBuf;

use hanok_load::{Event, FileBatches, ReadOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let mut rows = 0;
    for event in FileBatches::open(&files, ReadOptions::default(), None)? {
        match event? {
            Event::Batch(batch) => rows += batch.num_rows(),
            Event::Restart => rows = 0,
            Event::Rejects(_) | Event::FileEnd(_) => {}
        }
    }
    if rows == 0 {
        return Err("no rows".into());
    }
    Ok(())
}
