//! `hanok apply`.

use hanok_engine::ApplyReport;

use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::counted;
use crate::status::ExitStatus;

/// Registers the definitions and says what changed.
pub(crate) async fn apply(context: &Context) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let spinner = Progress::spinner(context.console.bars(), "checking definitions");
    let report = engine.apply().await?;
    drop(spinner);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &ApplyReport) -> String {
    let changes = [
        ("+", Tone::Good, &report.created),
        ("~", Tone::Warn, &report.changed),
        ("-", Tone::Bad, &report.removed),
    ];
    let mut text = String::new();
    for (sign, tone, names) in changes {
        for name in names {
            text.push_str(&format!("{} {name}\n", console.paint(tone, sign)));
        }
    }
    if text.is_empty() {
        text.push_str("nothing has changed\n");
    }
    text.push_str(&format!("\nregistered: {}\n", registered(report)));
    text
}

/// How much is registered, in words.
pub(crate) fn registered(report: &ApplyReport) -> String {
    let entities =
        if report.entities == 1 { "1 entity".to_owned() } else { format!("{} entities", report.entities) };
    let views = counted(report.feature_views as u64, "feature view");
    let services = counted(report.feature_services as u64, "feature service");
    format!("{entities}, {views}, {services}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_carry_signs() {
        let report = ApplyReport {
            created: vec!["entity route".into()],
            removed: vec!["feature view old".into()],
            entities: 1,
            feature_views: 2,
            ..Default::default()
        };
        let expected = "\
+ entity route
- feature view old

registered: 1 entity, 2 feature views, 0 feature services
";
        assert_eq!(summary(&Console::new(false, false), &report), expected);
    }
}
