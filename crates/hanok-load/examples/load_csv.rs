//! `load_csv FILE... DIR`: loads CSV files into a fresh lake in DIR, for `bench/run load`.

use std::path::Path;

use hanok_catalog::Catalog;
use hanok_lake::Lake;
use hanok_load::{Disposition, ReadOptions, Source, load};
use hanok_types::Name;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.pop().ok_or("usage: load_csv FILE... DIR")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let catalog = Catalog::open(&folder.join("catalog.sqlite")).await?;
    let lake = Lake::open_local(&folder.join("lake"), catalog)?;
    let source = Source {
        name: Name::new("bench")?,
        files: arguments,
        disposition: Disposition::Append,
        options: ReadOptions::default(),
        defined_in: folder.to_owned(),
    };
    let outcome = load(&lake, Path::new("."), &source, &|_| {}).await?;
    if outcome.rows_rejected > 0 {
        return Err("rows were rejected".into());
    }
    Ok(())
}
