//! Reports of generated data, the same in every run. The example `sample` writes them too.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampSecondArray};
use hanok_drift::classifier::classify;
use hanok_drift::course::{Change, ColumnCourse, Course, Window};
use hanok_drift::multivariate::{Rows, correlations, discrepancy, reconstruction};
use hanok_drift::outputs::Metric;
use hanok_drift::{Column, Options, Verdict, compare};
use hanok_report::{AlarmTurn, Checked, DriftReport, Importance, Joint, Monitored, Origin, Side};

/// A generator (splitmix64).
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The names of the columns of [`tables`] before they repeat.
const NAMES: [&str; 12] = [
    "dep_delay",
    "carrier",
    "weekend",
    "출발_시각",
    "distance_to_the_nearest_alternative_airport_in_kilometres_by_road",
    "tailnum",
    "air_time",
    "wind_gust",
    "origin",
    "weight (kg) <net>",
    "seats",
    "승객수",
];

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<StringArray>())
}

/// A column of a side: some of them drift.
fn column(at: usize, rows: usize, is_current: bool, draws: &mut Draws) -> ArrayRef {
    let shift = if is_current && at < NAMES.len() { 1.0 } else { 0.0 };
    match at % NAMES.len() {
        0 => numbers((0..rows).map(|_| Some((draws.normal() + 0.6 * shift).exp() * 8.0 - 6.0))),
        1 => {
            let carriers = if shift > 0.0 {
                ["UA", "B6", "대한항공", "EV", "DL"]
            } else {
                ["UA", "B6", "US", "EV", "DL"]
            };
            texts((0..rows).map(|_| carriers[(draws.uniform().powi(2) * 5.0) as usize].to_owned()))
        }
        2 => {
            Arc::new((0..rows).map(|_| Some(draws.uniform() < 0.28 + 0.01 * shift)).collect::<BooleanArray>())
        }
        3 => {
            let start = if is_current { 1_372_636_800 } else { 1_356_998_400 };
            let within = |draws: &mut Draws| (draws.uniform() * 31.0 * 86_400.0) as i64;
            Arc::new((0..rows).map(|_| Some(start + within(draws))).collect::<TimestampSecondArray>())
        }
        4 => numbers((0..rows).map(|_| Some(draws.uniform().powi(3) * 400.0))),
        5 => texts(
            (0..rows)
                .map(|_| format!("N{}{}", 100 + draws.next() % 900, if shift > 0.0 { "JB" } else { "UA" })),
        ),
        6 => numbers(
            (0..rows).map(|_| (draws.uniform() > 0.02 + 0.1 * shift).then(|| 150.0 + 60.0 * draws.normal())),
        ),
        7 => numbers((0..rows).map(|_| Some((draws.normal() * 4.0 + 12.0 + 0.3 * shift).max(0.0).round()))),
        8 => texts((0..rows).map(|_| ["EWR", "JFK", "LGA"][(draws.uniform() * 3.0) as usize].to_owned())),
        9 => numbers((0..rows).map(|_| Some(70.0 + 12.0 * draws.normal() * (1.0 + 0.5 * shift)))),
        10 => numbers((0..rows).map(|_| Some(f64::from(50 * (1 + (draws.uniform() * 6.0) as u32))))),
        _ => numbers((0..rows).map(|_| Some(draws.uniform() * 180.0))),
    }
}

fn table(columns: usize, rows: usize, is_current: bool) -> RecordBatch {
    let mut draws = Draws(u64::from(is_current) + 7);
    let named = (0..columns).map(|at| {
        let round = at / NAMES.len();
        let name = if round == 0 {
            NAMES[at].to_owned()
        } else {
            format!("{} {}", NAMES[at % NAMES.len()], round + 1)
        };
        (name, column(at, rows, is_current, &mut draws))
    });
    RecordBatch::try_from_iter(named).unwrap()
}

/// So many columns with so many rows a side, with everything that a report can show.
pub(crate) fn drift(columns: usize, rows: usize) -> DriftReport {
    let sides = [table(columns, rows, false), table(columns, rows, true)];
    let mut found = compare(&sides[..1], &sides[1..], &Options::default(), 2).unwrap();
    found.new = vec!["cabin_class".to_owned()];
    let side = |name: &str, version: &str, time: [&str; 2], hash: char| Side {
        name: name.to_owned(),
        table: Some("main.raw.flights".to_owned()),
        version: Some(version.to_owned()),
        time: Some(time.map(str::to_owned)),
        filter: None,
        rows: Some(rows as u64),
        hash: Some(hash.to_string().repeat(64)),
    };
    let named = [
        side("January", "version 12", ["2013-01-01", "2013-01-31"], 'a'),
        side("July", "version 19", ["2013-07-01", "2013-07-31"], 'b'),
    ];
    let mut report = DriftReport::new("Flights: January against July", named, found);
    report.made = Some("hanok 0.1.0, 2026-11-27 09:00 UTC".to_owned());
    report.course = Some(course(&report.report.columns));
    report.importance = Some(Importance {
        model: "late_arrival".to_owned(),
        columns: report
            .report
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| (column.name.clone(), 1.0 / (at + 1) as f64))
            .collect(),
    });
    report.joint = joint(&sides);
    report.origins = vec![
        Origin {
            side: Some(0),
            columns: Vec::new(),
            source: "flights.csv.zip".to_owned(),
            load: Some("01JDQ8Z7".to_owned()),
            at: Some("2026-11-20 03:00 UTC".to_owned()),
            rows: Some(27_004),
        },
        Origin { source: "feed/july.parquet".to_owned(), side: Some(1), ..Origin::default() },
    ];
    report
}

/// The same as a monitor's window, with predictions that got worse.
pub(crate) fn monitored(columns: usize, rows: usize) -> DriftReport {
    let mut report = drift(columns, rows);
    let check = |aspect: &str, metric: Option<Metric>, value: f64, verdict: Verdict| Checked {
        aspect: aspect.to_owned(),
        column: metric.map(|_| NAMES[0].to_owned()),
        metric,
        value: Some(value),
        verdict,
        values: (0..31).map(|at| (at != 3).then(|| value * (1.0 - 0.01 * f64::from(at)))).collect(),
    };
    let turn = |day: u32, column: Option<usize>, aspect: &str, is_on: bool| AlarmTurn {
        window: day as usize,
        column: column.map(|at| NAMES[at].to_owned()),
        aspect: aspect.to_owned(),
        is_on,
    };
    report.monitored = Some(Monitored {
        monitor: "departures".to_owned(),
        windows: (1..=31).map(|day| format!("2013-07-{day:02} 04:00:00")).collect(),
        checks: vec![
            check("rows", None, rows as f64, Verdict::Stable),
            check("performance", Some(Metric::Auc), 0.71, Verdict::Drifted),
            check("estimated_performance", Some(Metric::Auc), 0.83, Verdict::Undecided),
        ],
        alarms: vec![
            turn(30, Some(0), "performance", true),
            turn(20, Some(6), "missing", false),
            turn(12, Some(0), "values", true),
            turn(2, None, "rows", false),
        ],
    });
    report
}

/// What the columns of numbers show together; nothing when there are too few rows or columns.
fn joint(sides: &[RecordBatch; 2]) -> Option<Joint> {
    let names: Vec<&str> = [0, 4, 6, 7, 9, 10]
        .into_iter()
        .map(|at| NAMES[at])
        .filter(|name| sides[0].column_by_name(name).is_some())
        .collect();
    let rows = sides.each_ref().map(|side| Rows::new(std::slice::from_ref(side), &names).ok());
    let [Some(reference), Some(current)] = rows else { return None };
    let options = Options::default();
    Some(Joint {
        columns: names.iter().map(|name| (*name).to_owned()).collect(),
        rows: [reference.len() as u64, current.len() as u64],
        classifier: classify(&sides[..1], &sides[1..], &names, 1, 2).ok(),
        correlations: correlations(&reference, &current, &options).unwrap_or_default(),
        reconstruction: reconstruction(&reference, &current, &options).ok(),
        discrepancy: discrepancy(&reference, &current, 1).ok(),
    })
}

/// A course that begins in the middle where a column has drifted.
fn course(columns: &[Column]) -> Course {
    let start = 1_372_636_800.0;
    let day = |window: usize| start + 86_400.0 * window as f64;
    let windows = (0..31).map(|at| Window { start: day(at), end: day(at + 1), rows: 300 }).collect();
    let one = |column: &Column| {
        let worst = column.worst()?;
        let is_drifted = worst.effect.ratio() >= 1.0;
        let mut draws = Draws(column.name.len() as u64);
        let level = |at: usize| {
            if is_drifted && at >= 12 { worst.effect.beyond_noise } else { 0.2 * worst.effect.threshold }
        };
        let effects =
            (0..31).map(|at| (at != 5).then(|| level(at) * (0.8 + 0.4 * draws.uniform()))).collect();
        let began = is_drifted.then(|| Change { window: 12, time: day(12), p: 0.001 });
        Some(ColumnCourse {
            name: column.name.clone(),
            what: worst.what,
            measure: worst.effect.measure,
            effects,
            threshold: worst.effect.threshold,
            missing: vec![Some(0.0); 31],
            changes: began.into_iter().collect(),
            began,
        })
    };
    Course { windows, columns: columns.iter().filter_map(one).collect(), without_time: 0 }
}
