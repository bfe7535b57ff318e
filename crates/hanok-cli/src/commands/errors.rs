//! `hanok errors`.

use hanok_error::CodeInfo;

use crate::args::ErrorsArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, columns};
use crate::status::ExitStatus;

/// Prints the page of a code, or the titles of all.
pub(crate) fn errors(context: &Context, args: &ErrorsArgs) -> Result<ExitStatus, CliError> {
    let console = &context.console;
    let chosen: Vec<&CodeInfo> = match &args.code {
        None => hanok_error::all().collect(),
        Some(asked) => {
            let code = normal(asked);
            let page = hanok_error::all().find(|info| info.code.0 == code);
            let unknown = || {
                CliError::Usage(format!("there is no error code `{asked}`; `hanok errors` lists them all"))
            };
            vec![page.ok_or_else(unknown)?]
        }
    };
    if console.json {
        let object = |info: &&CodeInfo| {
            serde_json::json!({
                "code": info.code.0, "title": info.title, "cause": info.cause, "remedy": info.remedy,
            })
        };
        let pages: Vec<_> = chosen.iter().map(object).collect();
        console.object(&serde_json::json!({ "errors": pages }))?;
        return Ok(ExitStatus::Success);
    }
    let text = match (&args.code, chosen.as_slice()) {
        (Some(_), [info]) => page(console, info),
        _ => {
            let row =
                |info: &&CodeInfo| vec![Cell::left(info.code.0).tone(Tone::Strong), Cell::left(info.title)];
            columns(console, &chosen.iter().map(row).collect::<Vec<_>>())
        }
    };
    console.data(text.as_bytes())?;
    Ok(ExitStatus::Success)
}

fn page(console: &Console, info: &CodeInfo) -> String {
    let head = console.paint(Tone::Strong, &format!("{}: {}", info.code, info.title));
    format!("{head}\n\nWhy. {}\n\nWhat to do. {}\n", info.cause, info.remedy)
}

/// `hk0001` and `0001` mean `HK0001`.
fn normal(asked: &str) -> String {
    let upper = asked.trim().to_ascii_uppercase();
    if upper.starts_with("HK") { upper } else { format!("HK{upper}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_may_be_written_short() {
        assert_eq!(normal("hk0201"), "HK0201");
        assert_eq!(normal("0201"), "HK0201");
    }
}
