//! `hanok branch show`.

use hanok_engine::BranchDetails;

use super::{differences, kind};
use crate::console::Console;
use crate::context::Context;
use crate::error::CliError;
use crate::render::{bytes, counted, time};
use crate::status::ExitStatus;

/// Shows one branch or tag.
pub(crate) async fn show(context: &Context, name: &str) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let details = engine.show_branch(name).await?;
    context.console.report(&details, || summary(&context.console, &details))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, details: &BranchDetails) -> String {
    let branch = &details.report.branch;
    let mut text = format!("{} {}", kind(branch.kind), branch.name);
    if let Some(parent) = &branch.parent_name {
        text.push_str(&format!(", of {parent} as of {} UTC", time(branch.fork_us)));
    }
    text.push('\n');
    let by = if branch.created_by.is_empty() { String::new() } else { format!(" by {}", branch.created_by) };
    text.push_str(&format!("made {} UTC{by}\n", time(branch.created_us)));
    if let Some(expires) = branch.expires_us {
        let word = if details.report.expired { "expired" } else { "expires" };
        text.push_str(&format!("{word} {} UTC\n", time(expires)));
    }
    if branch.protected {
        text.push_str("protected\n");
    }
    if !details.children.is_empty() {
        text.push_str(&format!("forked from it: {}\n", details.children.join(", ")));
    }
    let tables = counted(details.report.tables, "table");
    let files = counted(details.own_files, "file");
    text.push_str(&format!("{tables}; of its own {files}, {}\n\n", bytes(details.own_bytes)));
    if branch.parent.is_none() {
        text.truncate(text.len() - 1);
    } else if details.changes.is_empty() {
        text.push_str("it has changed nothing\n");
    } else {
        text.push_str(&differences(console, &details.changes));
    }
    text
}
