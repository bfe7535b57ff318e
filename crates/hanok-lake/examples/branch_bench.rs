//! What `bench/branch` needs from inside: making lakes of many tables, commits and files, and the time of a fork or of an
//! opened table without that of a process around it. Each prints one JSON object.
//!
//!     branch_bench make PROJECT TABLES COMMITS ROWS      raw.t0 … with COMMITS commits of ROWS rows each
//!     branch_bench append PROJECT BRANCH TABLE FILES     one commit of so many files
//!     branch_bench fork PROJECT PREFIX COUNT             branches PREFIX0 …, and the seconds that each took
//!     branch_bench open PROJECT BRANCH TABLE COUNT       seconds to open a table, again and again

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use hanok_catalog::{BranchKind, Catalog};
use hanok_lake::{CommitMode, CommitOptions, ForkRequest, Lake, Table, TableWriter, WriterOptions};
use hanok_types::{BranchName, TableName};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(answer) => {
            #[expect(clippy::print_stdout, reason = "its answer")]
            {
                println!("{answer}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "its only way to say so")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<serde_json::Value, Failure> {
    match *arguments {
        ["make", project, tables, commits, rows] => {
            let lake = open(project).await?;
            let (commits, rows) = (commits.parse()?, rows.parse()?);
            for at in 0..tables.parse::<u64>()? {
                let mut handle = lake.table_for_write(&table(&format!("t{at}"))?).await?;
                for commit in 0..commits {
                    write(&mut handle, commit * rows, rows, 1).await?;
                }
            }
            Ok(serde_json::json!({}))
        }
        ["append", project, branch, name, files] => {
            let lake = open(project).await?.on_branch(branch).await?;
            let mut handle = lake.table_for_write(&table(name)?).await?;
            write(&mut handle, 0, 100, files.parse()?).await?;
            Ok(serde_json::json!({}))
        }
        ["fork", project, prefix, count] => {
            let lake = open(project).await?;
            let mut seconds = Vec::new();
            for at in 0..count.parse::<u64>()? {
                let started = Instant::now();
                lake.fork(&request(&format!("{prefix}{at}"))?).await?;
                seconds.push(started.elapsed().as_secs_f64());
            }
            Ok(serde_json::json!({ "seconds": seconds }))
        }
        ["open", project, branch, name, count] => {
            let lake = open(project).await?.on_branch(branch).await?;
            let name = table(name)?;
            let (mut seconds, mut files) = (Vec::new(), 0);
            for _ in 0..count.parse::<u64>()? {
                let started = Instant::now();
                files = lake.table(&name).await?.files().await?.len();
                seconds.push(started.elapsed().as_secs_f64());
            }
            Ok(serde_json::json!({ "seconds": seconds, "files": files }))
        }
        _ => Err("usage: see the head of branch_bench.rs".into()),
    }
}

async fn open(project: &str) -> Result<Lake, Failure> {
    let state = Path::new(project).join(".hanok");
    std::fs::create_dir_all(&state)?;
    let catalog = Catalog::open(&state.join("catalog.sqlite")).await?;
    Ok(Lake::open_local(&state.join("lake"), catalog)?)
}

fn table(name: &str) -> Result<TableName, Failure> {
    Ok(TableName::new("raw", name)?)
}

fn request(name: &str) -> Result<ForkRequest, Failure> {
    Ok(ForkRequest {
        name: BranchName::new(name.to_owned())?,
        kind: BranchKind::Branch,
        as_of: None,
        tables: None,
        expires_us: None,
        created_by: String::new(),
    })
}

/// One commit of `files` files with `rows` rows each.
async fn write(handle: &mut Table, first: u64, rows: u64, files: u64) -> Result<(), Failure> {
    // A file for each batch.
    let options = WriterOptions { file_bytes_max: 1, ..WriterOptions::default() };
    let mut writer = TableWriter::new(handle, &batch(0, 0)?.schema(), options)?;
    for file in 0..files {
        writer.write(batch(first + file * rows, rows)?).await?;
    }
    let staged = writer.finish().await?;
    handle.commit(staged, CommitMode::Append, &CommitOptions::default()).await?;
    Ok(())
}

fn batch(first: u64, rows: u64) -> Result<RecordBatch, Failure> {
    let ids = first..first + rows;
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone().map(u64::cast_signed)))),
        ("amount", Arc::new(Float64Array::from_iter_values(ids.clone().map(|id| (id % 977) as f64 / 8.0)))),
        ("kind", Arc::new(StringArray::from_iter_values(ids.map(|id| format!("kind {}", id % 13))))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
