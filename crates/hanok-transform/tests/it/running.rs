//! Projects built in a lake.

use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use hanok_catalog::Catalog;
use hanok_lake::{CommitMode, CommitOptions, Lake, TableWriter, WriterOptions};
use hanok_query::{Session, SessionOptions};
use hanok_transform::{Event, Node, NodeResult, NodeStatus, Project, RunOptions, RunSummary, run};
use hanok_types::TableName;

use crate::{bakery, project_of};

async fn session(root: &Path) -> Session {
    let catalog = Catalog::open(&root.join("catalog.sqlite")).await.unwrap();
    let lake = Lake::open_local(&root.join("lake"), catalog).unwrap();
    let options =
        SessionOptions { threads: 2, memory_bytes_max: 256 << 20, spill_folder: root.join("spill") };
    Session::open(&lake, &options).unwrap()
}

/// Stores the rows of `sql` as a table, as loading would.
async fn store(session: &Session, table: &str, sql: &str) {
    let mut rows = session.sql(sql).await.unwrap();
    let mut table = session.lake().table_for_write(&TableName::parse(table, "raw").unwrap()).await.unwrap();
    let mut writer = TableWriter::new(&table, &rows.schema(), WriterOptions::default()).unwrap();
    while let Some(batch) = rows.next().await.unwrap() {
        writer.write(batch).await.unwrap();
    }
    let staged = writer.finish().await.unwrap();
    table.commit(staged, CommitMode::Replace, &CommitOptions::default()).await.unwrap();
}

async fn number(session: &Session, sql: &str) -> i64 {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    batches.iter().find(|batch| batch.num_rows() > 0).unwrap().column(0).as_primitive::<Int64Type>().value(0)
}

async fn build(session: &Session, project: &Arc<Project>, selectors: &[&str]) -> RunSummary {
    let options = RunOptions { models: project.select(selectors).unwrap(), workers: 3, tests: true };
    run(project, session, &options, &mut |_| {}).await
}

fn result<'a>(summary: &'a RunSummary, name: &str) -> &'a NodeResult {
    summary.results.iter().find(|result| result.name == name).unwrap_or_else(|| panic!("no result of {name}"))
}

fn failures(summary: &RunSummary) -> Vec<String> {
    let bad = |result: &&NodeResult| matches!(result.status, NodeStatus::Failed | NodeStatus::Skipped);
    let mut names: Vec<_> = summary.results.iter().filter(bad).map(|result| result.name.clone()).collect();
    names.sort();
    names
}

async fn open_bakery(session: &Session) {
    let values = "(1, 'Mina', 'Kim'), (2, 'Jun', 'Lee')";
    store(
        session,
        "till_customers",
        &format!("select column1 as id, column2 as first_name, column3 as last_name from (values {values})"),
    )
    .await;
    let values =
        "(10, 1, 'paid', '2024-02-01'), (11, 1, 'open', '2024-02-02'), (12, 2, 'paid', '2023-01-01')";
    store(
        session,
        "till_receipts",
        &format!("select column1 as id, column2 as customer, column3 as status, column4 as sold_at from (values {values})"),
    )
    .await;
    let values = "(10, 'bread', 2, 350), (10, 'coffee', 1, 400), (11, 'cake', 3, 500)";
    store(
        session,
        "till_lines",
        &format!("select column1 as receipt, column2 as kind, column3 as quantity, column4 as price_cents from (values {values})"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_built_and_tested() {
    let root = tempfile::tempdir().unwrap();
    let session = session(root.path()).await;
    open_bakery(&session).await;
    let project = Arc::new(Project::read(&bakery()).unwrap());
    let mut log = Vec::new();
    let options = RunOptions { models: project.select::<&str>(&[]).unwrap(), workers: 2, tests: true };
    let summary = run(&project, &session, &options, &mut |event| {
        log.push(match event {
            Event::Planned { models, tests } => format!("planned {models} {tests}"),
            Event::Started { name, .. } => format!("started {name}"),
            Event::Finished(result) => format!("finished {}", result.name),
        });
    })
    .await;
    assert_eq!(failures(&summary), Vec::<String>::new(), "{:#?}", summary.results);
    assert!(summary.is_success());
    assert_eq!(summary.models(NodeStatus::Success), 5);
    assert_eq!(summary.tests(NodeStatus::Success), 16);
    assert_eq!(result(&summary, "receipts").rows, Some(2));
    assert_eq!(result(&summary, "stg_receipts").rows, None);
    assert_eq!(number(&session, "select cast(sum(lifetime_amount) as bigint) from mart.customers").await, 26);
    assert_eq!(log[0], "planned 5 16");
    assert_eq!(log.len(), 1 + 2 * 21);
    let at = |entry: &str| log.iter().position(|line| line == entry).unwrap();
    assert!(at("finished receipts") < at("started customers"));
    assert!(at("finished stg_lines") < at("started receipts"));

    // A second run replaces; nothing is doubled.
    let again = build(&session, &project, &[]).await;
    assert!(again.is_success());
    assert_eq!(number(&session, "select count(*) from mart.receipts").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_are_counted_and_warnings_do_not_fail() {
    let root = tempfile::tempdir().unwrap();
    let session = session(root.path()).await;
    open_bakery(&session).await;
    let values = "(10, 1, 'paid', '2024-02-01'), (10, 1, 'lost', '2024-02-02'), (13, 9, 'paid', '2024-02-03'), (14, 9, 'open', '2024-02-03')";
    store(
        &session,
        "till_receipts",
        &format!("select column1 as id, column2 as customer, column3 as status, column4 as sold_at from (values {values})"),
    )
    .await;
    let values = "(10, 'bread', null, 350), (10, 'coffee', 1, 400)";
    store(
        &session,
        "till_lines",
        &format!("select column1 as receipt, column2 as kind, column3 as quantity, column4 as price_cents from (values {values})"),
    )
    .await;
    let project = Arc::new(Project::read(&bakery()).unwrap());
    let summary = build(&session, &project, &[]).await;
    assert_eq!(
        failures(&summary),
        [
            "accepted_values_stg_receipts_status",
            "relationships_stg_receipts_customer_id",
            "source_unique_till_receipts_id",
            "unique_receipts_receipt_id",
            "unique_stg_receipts_receipt_id",
        ]
    );
    let warned = result(&summary, "not_null_stg_lines_quantity");
    assert_eq!((warned.status, warned.rows), (NodeStatus::Warned, Some(1)));
    // The open receipt of the unknown customer is outside the test's condition.
    let relation = result(&summary, "relationships_stg_receipts_customer_id");
    assert_eq!(relation.message.as_deref(), Some("1 row breaks the rule"));
    let report = relation.report.as_ref().unwrap();
    assert_eq!(
        (report.code.as_str(), report.place.as_deref()),
        ("HK0511", Some("models/staging/_staging.yml:27"))
    );
    // Tests of sources belong to full builds.
    let one = build(&session, &project, &["stg_customers"]).await;
    assert_eq!(
        one.results.iter().map(|result| result.node).filter(|node| matches!(node, Node::Test(_))).count(),
        2
    );
    assert!(one.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_model_skips_its_descendants_only_and_names_its_line() {
    let root = tempfile::tempdir().unwrap();
    let session = session(root.path()).await;
    let table = "{{ config(materialized='table') }}";
    let project = project_of(&[
        ("ok.sql", &format!("{table} select 1 as x")),
        ("missing.sql", &format!("{table}\nselect\n  x,\n  {{% for c in ['a', 'b'] %}}{{{{ c }}}}_nope,\n  {{% endfor %}} 1\nfrom {{{{ ref('ok') }}}}")),
        ("syntax.sql", "select 1 as x\n\nfrom from {{ ref('ok') }}"),
        ("runtime.sql", &format!("{table}\nselect x / (x - 1) as y from {{{{ ref('ok') }}}}")),
        ("child.sql", "select * from {{ ref('missing') }}"),
        ("grandchild.sql", &format!("{table} select * from {{{{ ref('child') }}}} cross join {{{{ ref('ok') }}}}")),
        ("other.sql", "select * from {{ ref('ok') }}"),
        ("m.yml", "models:\n  - name: grandchild\n    columns: [{name: x, tests: [unique]}]\n  - name: other\n    columns:\n      - name: x\n        tests:\n          - unique\n          - relationships: {to: ref('child'), field: x}\n      - name: gone\n        tests: [not_null]\n"),
    ])
    .unwrap();
    let project = Arc::new(project);
    let summary = build(&session, &project, &[]).await;
    assert_eq!(
        failures(&summary),
        [
            "child",
            "grandchild",
            "missing",
            "not_null_other_gone",
            "relationships_other_x",
            "runtime",
            "syntax",
            "unique_grandchild_x"
        ]
    );
    let report = |name| result(&summary, name).report.clone().unwrap();
    assert_eq!(report("missing").place.as_deref(), Some("models/missing.sql:4"), "{}", report("missing"));
    assert_eq!(report("syntax").place.as_deref(), Some("models/syntax.sql:3"), "{}", report("syntax"));
    assert_eq!(report("runtime").code, "HK0510");
    assert_eq!(report("not_null_other_gone").place.as_deref(), Some("models/m.yml:11"));
    let skipped = result(&summary, "grandchild");
    assert_eq!(skipped.status, NodeStatus::Skipped);
    assert_eq!(skipped.message.as_deref(), Some("the model `missing` failed"));
    assert_eq!(result(&summary, "relationships_other_x").status, NodeStatus::Skipped);
    assert!(!summary.is_success());
    // Nothing of the failed table is visible.
    assert!(session.lake().find(&TableName::new("main", "runtime").unwrap()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_rebuild_leaves_the_rows_and_kinds_can_change() {
    let root = tempfile::tempdir().unwrap();
    let session = session(root.path()).await;
    let of = |sql: &str| Arc::new(project_of(&[("m.sql", sql)]).unwrap());
    let built = build(&session, &of("{{ config(materialized='table') }} select 7 as x"), &[]).await;
    assert_eq!(result(&built, "m").rows, Some(1));
    let failed = build(&session, &of("{{ config(materialized='table') }} select cast('x' || cast(x as varchar) as bigint) as x from (select random() as x)"), &[]).await;
    assert!(!failed.is_success());
    assert_eq!(number(&session, "select x from main.m").await, 7);
    assert!(build(&session, &of("select 8 as x"), &[]).await.is_success());
    assert_eq!(number(&session, "select x from main.m").await, 8);
    // From a view back to a table, with another schema, and empty.
    let empty =
        build(&session, &of("{{ config(materialized='table') }} select 9 as y where false"), &[]).await;
    assert_eq!(result(&empty, "m").rows, Some(0));
    assert_eq!(number(&session, "select count(y) from main.m").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_run_stops() {
    let root = tempfile::tempdir().unwrap();
    let session = session(root.path()).await;
    // Hours of work: what is dropped must not hold up the end of the process.
    let sql = "{{ config(materialized='table') }} select count(*) as n from generate_series(1, 100000000) as a(x) \
               cross join generate_series(1, 1000000) as b(y) where (a.x + b.y) % 3 = 1";
    let project = Arc::new(project_of(&[("endless.sql", sql)]).unwrap());
    let options = RunOptions { models: vec![0], workers: 1, tests: true };
    let mut quiet = |_: Event<'_>| {};
    let running = run(&project, &session, &options, &mut quiet);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), running).await.is_err());
    assert!(session.lake().find(&TableName::new("main", "endless").unwrap()).await.unwrap().is_none());
}
