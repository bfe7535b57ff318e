//! Samples over random schemas, against sets that are closed the slow way.

use std::collections::{BTreeMap, BTreeSet};

use hanok_mask::Treatment;
use hanok_staging::{ColumnPlan, Facts, Keys, Plan, Reference, Sample, Scalar, TablePlan};
use proptest::prelude::*;

use crate::support::{Fixture, MEMORY, integers, name, plan};

/// A table: its rows' references by column, each to a key of the column's target, or to nothing.
#[derive(Clone, Debug)]
struct Model {
    /// Of each reference column, the table that it refers to.
    targets: Vec<usize>,
    /// Of each row, the row referred to; beyond the last one for a reference that dangles.
    rows: Vec<Vec<Option<usize>>>,
    roots: Option<BTreeSet<usize>>,
}

const ROWS_MAX: usize = 24;

fn model(tables: usize) -> impl Strategy<Value = Model> {
    let targets = prop::collection::vec(0..tables, 0..3);
    targets.prop_flat_map(|targets| {
        let reference = prop_oneof![1 => Just(None), 5 => (0..ROWS_MAX + 2).prop_map(Some)];
        let row = prop::collection::vec(reference, targets.len());
        let roots = prop::collection::btree_set(0..ROWS_MAX, 0..4);
        let roots = prop::option::weighted(0.4, roots);
        (Just(targets), prop::collection::vec(row, 1..ROWS_MAX), roots)
            .prop_map(|(targets, rows, roots)| Model { targets, rows, roots })
    })
}

fn models() -> impl Strategy<Value = Vec<Model>> {
    (2usize..6).prop_flat_map(|tables| prop::collection::vec(model(tables), tables))
}

/// Keys are not rows' places, and differ between tables.
fn key(table: usize, row: usize) -> i64 {
    (table * 1_000 + row * 3 + 7) as i64
}

fn reaches(models: &[Model], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = models[from].targets.clone();
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(&models[at].targets);
        }
    }
    false
}

/// The rows to keep, by rules applied to all rows until nothing changes.
fn closed(models: &[Model]) -> Vec<BTreeSet<usize>> {
    let tables = 0..models.len();
    let is_circular = |from: usize, to: usize| reaches(models, to, from) || from == to;
    // Tables that a sample can reach: downwards, then upwards.
    let mut down: Vec<bool> = models.iter().map(|model| model.roots.is_some()).collect();
    for _ in tables.clone() {
        for at in tables.clone() {
            down[at] |= models[at].targets.iter().any(|to| !is_circular(at, *to) && down[*to]);
        }
    }
    let mut joined = down;
    for _ in tables.clone() {
        for at in tables.clone().filter(|at| joined[*at]).collect::<Vec<_>>() {
            models[at].targets.iter().for_each(|to| joined[*to] = true);
        }
    }
    let mut kept: Vec<BTreeSet<usize>> = tables
        .clone()
        .map(|at| match (&models[at].roots, joined[at]) {
            (_, false) => (0..models[at].rows.len()).collect(),
            (Some(roots), _) => roots.iter().copied().filter(|row| *row < models[at].rows.len()).collect(),
            (None, true) => BTreeSet::new(),
        })
        .collect();
    let grow = |kept: &mut Vec<BTreeSet<usize>>, children: bool| {
        loop {
            let before: usize = kept.iter().map(BTreeSet::len).sum();
            for at in tables.clone() {
                for row in 0..models[at].rows.len() {
                    for (to, referred) in models[at].targets.iter().zip(&models[at].rows[row]) {
                        let Some(referred) = referred.filter(|row| *row < models[*to].rows.len()) else {
                            continue;
                        };
                        if children && !is_circular(at, *to) && kept[*to].contains(&referred) {
                            kept[at].insert(row);
                        }
                        if !children && kept[at].contains(&row) {
                            kept[*to].insert(referred);
                        }
                    }
                }
            }
            if kept.iter().map(BTreeSet::len).sum::<usize>() == before {
                return;
            }
        }
    };
    grow(&mut kept, true);
    grow(&mut kept, false);
    kept
}

async fn written(models: &[Model]) -> Fixture {
    let fixture = Fixture::new().await;
    for (at, model) in models.iter().enumerate() {
        let rows = model.rows.len();
        let names: Vec<String> = (0..model.targets.len()).map(|column| format!("r{column}")).collect();
        let mut columns = vec![("k", integers((0..rows).map(|row| Some(key(at, row)))))];
        for (column, column_name) in names.iter().enumerate() {
            let to = model.targets[column];
            let values = model.rows.iter().map(|row| row[column].map(|referred| key(to, referred)));
            columns.push((column_name.as_str(), integers(values)));
        }
        fixture.write(&format!("raw.t{at}"), columns).await;
    }
    fixture
}

fn plan_of(models: &[Model], treatment: &str) -> Plan {
    let mut made = plan("{}");
    for (at, model) in models.iter().enumerate() {
        let references = model.targets.iter().enumerate().map(|(column, to)| Reference {
            columns: vec![format!("r{column}")],
            table: name(&format!("raw.t{to}")),
            key: vec!["k".to_owned()],
        });
        let sample = model.roots.as_ref().map(|roots| {
            Sample::Keys(Keys::List(roots.iter().map(|row| Scalar(key(at, *row).to_string())).collect()))
        });
        let treatment: Treatment = treatment.parse().unwrap();
        let column = ColumnPlan { treatment: Some(treatment), tags: Vec::new(), domain: None, reason: None };
        let columns = BTreeMap::from([("k".to_owned(), column)]);
        let table = TablePlan {
            key: vec!["k".to_owned()],
            sample,
            references: references.collect(),
            columns,
            ..TablePlan::default()
        };
        made.tables.insert(name(&format!("raw.t{at}")), table);
    }
    made
}

/// References that find a row.
async fn joined(fixture: &Fixture, branch: &str, models: &[Model]) -> Vec<i64> {
    let mut counts = Vec::new();
    for (at, model) in models.iter().enumerate() {
        for (column, to) in model.targets.iter().enumerate() {
            let sql = format!("select count(*) from raw.t{at} a join raw.t{to} b on a.r{column} = b.k");
            counts.push(fixture.count(branch, &sql).await);
        }
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What is kept is what the rules say, around circles too; so nothing dangles that did not. Hashed keys join as the
    /// plain ones do.
    #[test]
    fn samples_are_closed(models in models()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = written(&models).await;
            let expected = closed(&models);
            fixture.stage("plain", &plan_of(&models, "keep"), &Facts::default(), 1, MEMORY).await.unwrap();
            for (at, rows) in expected.iter().enumerate() {
                let found = fixture.ids("plain", &format!("select k from raw.t{at}")).await;
                let keys: BTreeSet<i64> = rows.iter().map(|row| key(at, *row)).collect();
                prop_assert_eq!(found, keys, "table {}", at);
            }
            let whole = joined(&fixture, "plain", &models).await;
            let resolved: Vec<i64> = models.iter().enumerate().flat_map(|(at, model)| {
                let expected = &expected;
                let models = &models;
                model.targets.iter().enumerate().map(move |(column, to)| {
                    let refers = |row: &&usize| model.rows[**row][column].is_some_and(|row| row < models[*to].rows.len());
                    expected[at].iter().filter(refers).count() as i64
                })
            }).collect();
            prop_assert_eq!(&whole, &resolved);
            fixture.stage("hashed", &plan_of(&models, "hash"), &Facts::default(), 1, MEMORY).await.unwrap();
            prop_assert_eq!(joined(&fixture, "hashed", &models).await, whole);
            Ok(())
        })?;
    }
}

/// A chain as long as the table is followed to its end, and in one go.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_chain_is_followed() {
    let fixture = Fixture::new().await;
    let rows = 20_000;
    let columns = vec![
        ("k", integers((0..rows).map(Some))),
        ("r", integers((0..rows).map(|row| (row > 0).then_some(row - 1)))),
    ];
    fixture.write("raw.chain", columns).await;
    let text = |key: i64| {
        format!(
            "tables: {{raw.chain: {{key: k, sample: {{keys: [{key}]}}, references: {{r: raw.chain.k}}}}}}"
        )
    };
    fixture.made("long", &text(rows - 1)).await;
    assert_eq!(fixture.count("long", "select count(*) from raw.chain").await, rows);
    let manifest = fixture.made("short", &text(9)).await;
    assert_eq!(fixture.count("short", "select count(*) from raw.chain").await, 10);
    assert_eq!((manifest.tables[0].roots, manifest.tables[0].referenced), (1, 9));
}
