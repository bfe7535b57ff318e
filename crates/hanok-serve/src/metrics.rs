//! Counters, in Prometheus' text form.

use std::cell::Cell;
use std::fmt::{Arguments, Write as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hanok_online::Reader;

use crate::model::Task;

/// Upper bounds of the latency histogram, in microseconds.
const BOUNDS_US: [u64; 14] =
    [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];
/// Counter sets, so that threads do not take cache lines from each other.
const SHARDS: usize = 16;
/// Statuses with a counter of their own; others count as the last.
const STATUSES: [u16; 8] = [200, 400, 404, 408, 413, 422, 503, 500];

/// Rows that a request looked up.
#[derive(Clone, Copy, Default)]
pub(crate) struct RowCounts {
    pub found: u64,
    pub not_found: u64,
    pub expired: u64,
}

/// What is counted of each address that takes requests.
#[derive(Default)]
struct Requests {
    statuses: [AtomicU64; STATUSES.len()],
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    latency_ns: AtomicU64,
    /// Rows that a model answered.
    rows: AtomicU64,
}

/// The addresses that take requests.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    Features,
    Predict,
    Explain,
}

impl From<Task> for Route {
    fn from(task: Task) -> Self {
        match task {
            Task::Predict => Self::Predict,
            Task::Explain(_) => Self::Explain,
        }
    }
}

#[repr(align(128))]
#[derive(Default)]
struct Shard {
    routes: [Requests; 3],
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

    /// Counts rows that a model answered.
    pub(crate) fn model_rows(&self, task: Task, rows: usize) {
        self.shard().routes[Route::from(task) as usize].rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Counts an answered request.
    pub(crate) fn request(&self, route: Route, status: u16, took: Duration) {
        let requests = &self.shard().routes[route as usize];
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        requests.statuses[at].fetch_add(1, Ordering::Relaxed);
        let took_us = took.as_micros() as u64;
        let bucket = BOUNDS_US.iter().position(|bound| took_us <= *bound).unwrap_or(BOUNDS_US.len());
        requests.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        requests.latency_ns.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
    }

    fn sum(&self, counter: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| counter(shard).load(Ordering::Relaxed)).sum()
    }

    /// The families of some addresses: requests by status, and how long they took. Each address has a label that tells it from the
    /// others.
    fn render_requests(
        &self,
        line: &mut dyn FnMut(Arguments<'_>),
        (name, what): (&str, &str),
        routes: &[(Route, &str)],
    ) {
        let sum = |route: &Route, counter: &dyn Fn(&Requests) -> &AtomicU64| {
            self.sum(|shard| counter(&shard.routes[*route as usize]))
        };
        line(format_args!("# HELP {name}s_total {what} by HTTP status."));
        line(format_args!("# TYPE {name}s_total counter"));
        for (route, label) in routes {
            for (at, status) in STATUSES.iter().enumerate() {
                let count = sum(route, &|requests| &requests.statuses[at]);
                line(format_args!("{name}s_total{{{label}status=\"{status}\"}} {count}"));
            }
        }
        line(format_args!("# HELP {name}_seconds Time from a request's head to its answer."));
        line(format_args!("# TYPE {name}_seconds histogram"));
        for (route, label) in routes {
            let mut cumulated = 0;
            for (at, bound) in BOUNDS_US.iter().enumerate() {
                cumulated += sum(route, &|requests| &requests.buckets[at]);
                let bound = *bound as f64 / 1e6;
                line(format_args!("{name}_seconds_bucket{{{label}le=\"{bound}\"}} {cumulated}"));
            }
            cumulated += sum(route, &|requests| &requests.buckets[BOUNDS_US.len()]);
            line(format_args!("{name}_seconds_bucket{{{label}le=\"+Inf\"}} {cumulated}"));
            let seconds = sum(route, &|requests| &requests.latency_ns) as f64 / 1e9;
            let all = match label.strip_suffix(',') {
                Some(label) => format!("{{{label}}}"),
                None => String::new(),
            };
            line(format_args!("{name}_seconds_sum{all} {seconds}"));
            line(format_args!("{name}_seconds_count{all} {cumulated}"));
        }
    }

    /// Everything as text.
    pub(crate) fn render(&self, reader: &Reader) -> String {
        let mut out = String::with_capacity(8_192);
        let mut line = |line: Arguments<'_>| {
            // Writing to a string does not fail.
            let _ = out.write_fmt(line);
            out.push('\n');
        };
        self.render_requests(
            &mut line,
            ("hanok_request", "Requests for online features"),
            &[(Route::Features, "")],
        );
        let routes = [(Route::Predict, "route=\"predict\","), (Route::Explain, "route=\"explain\",")];
        self.render_requests(&mut line, ("hanok_model_request", "Requests to predictive models"), &routes);
        line(format_args!("# HELP hanok_model_rows_total Rows that models answered."));
        line(format_args!("# TYPE hanok_model_rows_total counter"));
        for (route, label) in routes {
            let rows = self.sum(|shard| &shard.routes[route as usize].rows);
            line(format_args!("hanok_model_rows_total{{{}}} {rows}", label.trim_end_matches(',')));
        }
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
