//! Counters, in Prometheus' text form.

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hanok_online::Reader;

/// Upper bounds of the latency histogram, in microseconds.
const BOUNDS_US: [u64; 14] =
    [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];
/// Counter sets, so that threads do not take cache lines from each other.
const SHARDS: usize = 16;
/// Statuses with a counter of their own; others count as the last.
const STATUSES: [u16; 7] = [200, 400, 404, 408, 413, 422, 500];

/// Rows that a request looked up.
#[derive(Clone, Copy, Default)]
pub(crate) struct RowCounts {
    pub found: u64,
    pub not_found: u64,
    pub expired: u64,
}

#[repr(align(128))]
#[derive(Default)]
struct Shard {
    statuses: [AtomicU64; STATUSES.len()],
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    latency_ns: AtomicU64,
    found: AtomicU64,
    not_found: AtomicU64,
    expired: AtomicU64,
}

/// All counters of one server.
#[derive(Default)]
pub(crate) struct Metrics {
    shards: [Shard; SHARDS],
    pub connections: AtomicUsize,
}

static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = Cell::new(NEXT_SHARD.fetch_add(1, Ordering::Relaxed) % SHARDS);
}

impl Metrics {
    fn shard(&self) -> &Shard {
        &self.shards[SHARD.get()]
    }

    pub(crate) fn rows(&self, counts: RowCounts) {
        let shard = self.shard();
        shard.found.fetch_add(counts.found, Ordering::Relaxed);
        if counts.not_found > 0 {
            shard.not_found.fetch_add(counts.not_found, Ordering::Relaxed);
        }
        if counts.expired > 0 {
            shard.expired.fetch_add(counts.expired, Ordering::Relaxed);
        }
    }

    /// Counts an answered request.
    pub(crate) fn request(&self, status: u16, took: Duration) {
        let shard = self.shard();
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        shard.statuses[at].fetch_add(1, Ordering::Relaxed);
        let took_us = took.as_micros() as u64;
        let bucket = BOUNDS_US.iter().position(|bound| took_us <= *bound).unwrap_or(BOUNDS_US.len());
        shard.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        shard.latency_ns.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
    }

    fn sum(&self, counter: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| counter(shard).load(Ordering::Relaxed)).sum()
    }

    /// Everything as text.
    pub(crate) fn render(&self, reader: &Reader) -> String {
        let mut out = String::with_capacity(4_096);
        let mut line = |line: std::fmt::Arguments<'_>| {
            // Writing to a string does not fail.
            let _ = out.write_fmt(line);
            out.push('\n');
        };
        line(format_args!("# HELP hanok_requests_total Requests for online features by HTTP status."));
        line(format_args!("# TYPE hanok_requests_total counter"));
        for (at, status) in STATUSES.iter().enumerate() {
            let count = self.sum(|shard| &shard.statuses[at]);
            line(format_args!("hanok_requests_total{{status=\"{status}\"}} {count}"));
        }
        line(format_args!("# HELP hanok_request_seconds Time from a request's head to its answer."));
        line(format_args!("# TYPE hanok_request_seconds histogram"));
        let mut cumulated = 0;
        for (at, bound) in BOUNDS_US.iter().enumerate() {
            cumulated += self.sum(|shard| &shard.buckets[at]);
            let bound = *bound as f64 / 1e6;
            line(format_args!("hanok_request_seconds_bucket{{le=\"{bound}\"}} {cumulated}"));
        }
        cumulated += self.sum(|shard| &shard.buckets[BOUNDS_US.len()]);
        line(format_args!("hanok_request_seconds_bucket{{le=\"+Inf\"}} {cumulated}"));
        let seconds = self.sum(|shard| &shard.latency_ns) as f64 / 1e9;
        line(format_args!("hanok_request_seconds_sum {seconds}"));
        line(format_args!("hanok_request_seconds_count {cumulated}"));
        line(format_args!("# HELP hanok_rows_total Rows looked up, by what was found."));
        line(format_args!("# TYPE hanok_rows_total counter"));
        line(format_args!("hanok_rows_total{{state=\"found\"}} {}", self.sum(|shard| &shard.found)));
        line(format_args!("hanok_rows_total{{state=\"not_found\"}} {}", self.sum(|shard| &shard.not_found)));
        line(format_args!("hanok_rows_total{{state=\"expired\"}} {}", self.sum(|shard| &shard.expired)));
        line(format_args!("# HELP hanok_connections Open connections."));
        line(format_args!("# TYPE hanok_connections gauge"));
        line(format_args!("hanok_connections {}", self.connections.load(Ordering::Relaxed)));
        line(format_args!("# HELP hanok_online_keys Keys in memory by feature view."));
        line(format_args!("# TYPE hanok_online_keys gauge"));
        let views = reader.views();
        for table in views.tables() {
            let name = label(&table.schema().name);
            line(format_args!("hanok_online_keys{{view=\"{name}\"}} {}", table.key_count()));
        }
        line(format_args!("# HELP hanok_online_bytes Memory of the rows by feature view."));
        line(format_args!("# TYPE hanok_online_bytes gauge"));
        for table in views.tables() {
            let name = label(&table.schema().name);
            line(format_args!("hanok_online_bytes{{view=\"{name}\"}} {}", table.memory_bytes()));
        }
        line(format_args!("# HELP hanok_online_age_seconds Time since commits were last looked for."));
        line(format_args!("# TYPE hanok_online_age_seconds gauge"));
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        let age = now_us.saturating_sub(reader.refreshed_us()) as f64 / 1e6;
        line(format_args!("hanok_online_age_seconds {age}"));
        out
    }
}

/// A label's value with Prometheus' escapes.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
