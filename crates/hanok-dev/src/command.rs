//! The two subcommands and how they end: 0 fine, 1 findings, 2 wrong usage or an unreadable tree.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::finding::Level;
use crate::tree::{Tree, TreeError};
use crate::{generated, tidy};

const USAGE: &str = "\
usage: hanok-dev tidy       check tiers, owners of dependencies, sizes, docs, calls and generated references
       hanok-dev generate   write the generated references
";

/// Runs one subcommand on the repository of the current folder.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let subcommand = arguments.next();
    let result = match (subcommand.as_deref(), arguments.next()) {
        (Some("tidy"), None) => run_tidy(),
        (Some("generate"), None) => run_generate(),
        (Some("--help" | "-h" | "help"), None) => {
            print(USAGE);
            return ExitCode::SUCCESS;
        }
        _ => {
            complain(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("error: failed to look at the repository: {error}\n"));
            ExitCode::from(2)
        }
    }
}

fn run_tidy() -> Result<ExitCode, TreeError> {
    let tree = Tree::read(&repository_root()?)?;
    let findings = tidy::check(&tree);
    for finding in &findings {
        print(&format!("{finding}\n"));
    }
    let failures = findings.iter().filter(|finding| finding.level == Level::Failure).count();
    print(&format!(
        "tidy: {} files, {failures} failures, {} notes\n",
        tree.files.len(),
        findings.len() - failures
    ));
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_generate() -> Result<ExitCode, TreeError> {
    let root = repository_root()?;
    for document in generated::documents() {
        let path = root.join(document.path);
        let io = |error| TreeError::Io { path: path.clone(), error };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        std::fs::write(&path, &document.text).map_err(io)?;
        print(&format!("wrote {}\n", document.path));
    }
    Ok(ExitCode::SUCCESS)
}

fn repository_root() -> Result<PathBuf, TreeError> {
    let output =
        Command::new("git").args(["rev-parse", "--show-toplevel"]).output().map_err(TreeError::GitStart)?;
    if !output.status.success() {
        return Err(TreeError::Git(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

/// A closed pipe (`tidy | head`) is no reason to fail, so errors of the terminal are dropped.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
