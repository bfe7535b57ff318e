//! Recorded alerts to channels.
//!
//! What is to be sent is what the results say and the deliveries do not, so that an alert whose process was killed before it sent
//! it is sent by the next run. Killed between sending and recording that, it is sent twice, with one id.

use std::collections::BTreeSet;

use hanok_error::{Coded as _, Report};
use serde::Serialize;

use crate::alert::Alert;
use crate::definition::Definitions;
use crate::error::MonitorError;
use crate::history::{History, Sent};
use crate::run::Place;

/// How long an alert that no channel takes is tried again, microseconds.
const DAYS_MAX_US: i64 = 7 * 86_400_000_000;
/// Messages of one run; the others are left to the next.
const SENT_MAX: usize = 500;

/// An alert and a channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// The alert's id.
    pub alert: String,
    /// Its monitor.
    pub monitor: String,
    /// Its one line.
    pub subject: String,
    /// The channel.
    pub channel: String,
    /// Why it was not delivered, after the error's code.
    pub error: Option<String>,
}

/// Sends what is recorded and not delivered. A channel that fails is not tried again in this run.
pub(crate) async fn deliver(
    place: &Place<'_>,
    history: &History<'_>,
    definitions: &Definitions,
    now_us: i64,
) -> Result<Vec<Delivery>, MonitorError> {
    let since_us = now_us - DAYS_MAX_US;
    let alerts = history.alerts(since_us).await?;
    if alerts.is_empty() {
        return Ok(Vec::new());
    }
    let delivered = history.delivered(since_us).await?;
    let (mut deliveries, mut down) = (Vec::new(), BTreeSet::new());
    for (id, rows) in alerts {
        let named = |name: &str| definitions.monitors.iter().find(|monitor| monitor.name.as_str() == name);
        // A monitor that is no longer defined tells nobody.
        let Some(monitor) = rows.first().and_then(|row| named(&row.monitor)) else { continue };
        let branch = place.session.lake().branch().name.as_str();
        let report = rows.first().and_then(|row| monitor.report_of(row.window));
        let Some(alert) = Alert::new(&id, (place.name, branch), &rows, monitor.alert.language, report) else {
            continue;
        };
        for name in &monitor.alert.channels {
            let Some(channel) = definitions.channels.iter().find(|channel| channel.name == *name) else {
                continue;
            };
            if delivered.contains(&(id.clone(), name.to_string()))
                || down.contains(name)
                || deliveries.len() >= SENT_MAX
            {
                continue;
            }
            let error = channel.send(place.folder, &alert).await.err();
            let error = error.map(|error| format!("{}: {}", error.code(), Report::new(&error).message));
            if let Some(error) = &error {
                tracing::warn!(channel = %name, alert = %id, %error, "an alert was not delivered");
                down.insert(name.clone());
            }
            let sent = Sent {
                alert_id: id.clone(),
                monitor: alert.monitor.clone(),
                channel: name.to_string(),
                run: place.run.to_owned(),
                at_us: now_us,
                error: error.clone(),
            };
            history.sent(&[sent]).await?;
            let (monitor, subject) = (alert.monitor.clone(), alert.subject.clone());
            deliveries.push(Delivery {
                alert: id.clone(),
                monitor,
                subject,
                channel: name.to_string(),
                error,
            });
        }
    }
    Ok(deliveries)
}
