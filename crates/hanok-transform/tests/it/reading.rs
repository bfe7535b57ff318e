//! What a project becomes when it is read.

use hanok_error::{Coded as _, code};
use hanok_transform::{Materialized, Place, Project, ProjectInput, Severity, TestTarget};
use hanok_types::TableName;
use serde_json::json;

use crate::{bakery, input, project_of, write};

fn names(project: &Project, models: &[usize]) -> Vec<String> {
    models.iter().map(|&at| project.models[at].name.clone()).collect()
}

#[test]
fn a_project_in_dbts_style_is_read_whole() {
    let project = Project::read(&bakery()).unwrap();
    let tables: Vec<_> = project
        .models
        .iter()
        .map(|model| (model.name.as_str(), model.table.to_string(), model.config.materialized))
        .collect();
    assert_eq!(
        tables,
        [
            ("customers", "mart.customers".to_owned(), Materialized::Table),
            ("receipts", "mart.receipts".to_owned(), Materialized::Table),
            ("stg_customers", "main.stg_customers".to_owned(), Materialized::View),
            ("stg_lines", "main.stg_lines".to_owned(), Materialized::View),
            ("stg_receipts", "main.stg_receipts".to_owned(), Materialized::View),
        ]
    );
    let at = |name| project.model(name).unwrap();
    assert_eq!(names(&project, project.graph.parents(at("customers"))), ["receipts", "stg_customers"]);
    assert_eq!(names(&project, project.graph.parents(at("receipts"))), ["stg_lines", "stg_receipts"]);
    let receipts = &project.models[at("stg_receipts")];
    assert_eq!(receipts.sources, [TableName::new("raw", "till_receipts").unwrap()]);
    assert!(receipts.sql.contains("from \"raw\".\"till_receipts\"\nwhere sold_at >= '2024-01-01'"));
    assert_eq!(receipts.config.tags.iter().collect::<Vec<_>>(), ["nightly", "receipts"]);
    assert!(!project.models[at("stg_lines")].sql.contains(';'));
    assert!(project.models[at("receipts")].sql.contains("as coffee_amount,"));
    assert_eq!(project.notices, []);

    let tests: Vec<_> = project.tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(tests.len(), 16);
    assert!(tests.contains(&"source_unique_till_receipts_id"));
    assert!(tests.contains(&"relationships_stg_receipts_customer_id"));
    let by_name = |name| project.tests.iter().find(|test| test.name == name).unwrap();
    let relation = by_name("relationships_stg_receipts_customer_id");
    assert_eq!(names(&project, &relation.models), ["stg_customers", "stg_receipts"]);
    assert!(relation.sql.contains("status != 'open'"));
    assert_eq!(relation.place, Place::new("models/staging/_staging.yml", 27));
    assert_eq!(by_name("not_null_stg_lines_quantity").severity, Severity::Warn);
    assert_eq!(by_name("every_customer_is_known").target, TestTarget::Model(at("customers")));
    let source = by_name("source_not_null_till_receipts_id");
    assert_eq!(source.target, TestTarget::Source(TableName::new("raw", "till_receipts").unwrap()));
}

#[test]
fn models_are_selected_as_in_dbt() {
    let project = Project::read(&bakery()).unwrap();
    let select = |selectors: &[&str]| names(&project, &project.select(selectors).unwrap());
    assert_eq!(select(&[]).len(), 5);
    assert_eq!(select(&["receipts"]), ["receipts"]);
    assert_eq!(select(&["+receipts"]), ["receipts", "stg_lines", "stg_receipts"]);
    assert_eq!(select(&["stg_lines+"]), ["customers", "receipts", "stg_lines"]);
    assert_eq!(select(&["+receipts+"]), ["customers", "receipts", "stg_lines", "stg_receipts"]);
    assert_eq!(select(&["marts"]), ["customers", "receipts"]);
    assert_eq!(select(&["models/marts/"]), ["customers", "receipts"]);
    assert_eq!(select(&["models/marts/customers.sql"]), ["customers"]);
    assert_eq!(select(&["marts.customers", "stg_lines"]), ["customers", "stg_lines"]);
    assert_eq!(select(&["tag:nightly"]), ["stg_receipts"]);
    assert_eq!(select(&["tag:nightly+"]), ["customers", "receipts", "stg_receipts"]);
    let error = |selector: &str| project.select(&[selector]).unwrap_err();
    assert_eq!(error("recepts").hint().unwrap(), "did you mean `receipts`?");
    assert_eq!(error("tag:nigthly").hint().unwrap(), "did you mean `tag:nightly`?");
    assert_eq!(error("mart").hint().unwrap(), "did you mean `marts`?");
    assert_eq!(error("").code(), code::MODEL_SELECT);
    assert!(project.select(&["+"]).is_err());
}

#[test]
fn config_in_the_file_wins_over_yaml_over_the_nearest_folder() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            ("a/plain.sql", "select 1 as x"),
            ("a/yaml.sql", "select 1 as x"),
            ("a/own.sql", "{{ config(schema='own', alias='renamed') }} select '{{ this }}' as x"),
            ("a/off.sql", "{{ config(enabled=false) }} select 1"),
            (
                "a/m.yml",
                "models: [{name: yaml, config: {schema: fromyaml, materialized: view}}, \
                         {name: own, config: {schema: fromyaml}}]",
            ),
        ],
    );
    let mut input = input(root.path());
    input.models =
        json!({"+schema": "root", "a": {"+schema": "folder", "+materialized": "table"}, "b": {"+x": 1}});
    let project = Project::read(&input).unwrap();
    let of = |name| {
        let model = &project.models[project.model(name).unwrap()];
        (model.table.to_string(), model.config.materialized)
    };
    assert_eq!(of("plain"), ("folder.plain".into(), Materialized::Table));
    assert_eq!(of("yaml"), ("fromyaml.yaml".into(), Materialized::View));
    assert_eq!(of("own"), ("own.renamed".into(), Materialized::Table));
    assert_eq!(project.models[project.model("own").unwrap()].sql, " select '\"own\".\"renamed\"' as x");
    assert!(project.model("off").is_none());
    assert_eq!(project.notices.len(), 1, "{:?}", project.notices);
    assert_eq!(project.notices[0].message, "`models/b` has no effect in this version");
}

#[test]
fn a_model_has_the_key_that_its_settings_or_its_tests_say() {
    let yaml = "
models:
  - name: tested
    columns:
      - {name: id, tests: [unique, not_null]}
      - {name: day, tests: [not_null]}
  - name: two
    columns:
      - {name: id, tests: [unique, not_null]}
      - {name: other, tests: [unique, not_null]}
  - name: warned
    columns:
      - {name: id, tests: [{unique: {config: {severity: warn}}}, not_null]}
  - name: some
    columns:
      - {name: id, tests: [{unique: {config: {where: 'id > 1'}}}, not_null]}
  - name: told
    config: {unique_key: [id, day]}
    columns:
      - {name: id, tests: [unique, not_null]}
";
    let sql = "select 1 as id, 2 as day, 3 as other";
    let project = project_of(&[
        ("k.yml", yaml),
        ("tested.sql", sql),
        ("two.sql", sql),
        ("warned.sql", sql),
        ("some.sql", sql),
        ("told.sql", sql),
        ("own.sql", "{{ config(unique_key='day') }} select 1 as day"),
    ])
    .unwrap();
    let keys: Vec<_> =
        project.models.iter().map(|model| format!("{} {}", model.name, model.key.join("+"))).collect();
    assert_eq!(keys, ["own day", "some ", "tested id", "told id+day", "two ", "warned "]);
    assert!(project.notices.is_empty(), "{:?}", project.notices);
}

#[test]
fn loaded_tables_need_no_declaration() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("m.sql", "select * from {{ source('raw', 'flights') }}")]);
    let mut input = input(root.path());
    assert_eq!(Project::read(&input).unwrap_err().code(), code::MODEL_SOURCE);
    input.loaded = vec![TableName::new("raw", "flights").unwrap()];
    assert_eq!(Project::read(&input).unwrap().models[0].sql, "select * from \"raw\".\"flights\"");
}

#[test]
fn what_has_no_effect_is_told_with_its_place() {
    let project = project_of(&[
        ("a.sql", "{{ config(pre_hook='x', meta={'owner': 'me'}) }} select 1 as x"),
        ("a.yml", "models:\n  - name: a\n    columns:\n      - name: x\n        tests:\n          - unique: {limit: 3}\n\
                   \x20 - name: aa\n    tests: [unique]\nseeds:\n  - name: s\n"),
    ])
    .unwrap();
    let told: Vec<_> =
        project.notices.iter().map(|notice| format!("{}: {}", notice.place, notice.message)).collect();
    assert_eq!(
        told,
        [
            "models/a.yml:10: `seeds` has no effect in this version",
            "models/a.sql:1: `pre_hook` has no effect in this version",
            "models/a.yml:7: there is no model `aa`, so its description and tests have no effect; did you mean `a`?",
            "models/a.yml:6: `limit` has no effect in this version",
        ]
    );
}

#[test]
fn an_empty_project_is_a_project() {
    let project = project_of(&[]).unwrap();
    assert!(project.models.is_empty() && project.graph.is_empty());
    assert_eq!(project.select::<&str>(&[]).unwrap(), Vec::<usize>::new());
}

#[test]
fn the_example_of_the_repository_is_read_without_notices() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flights");
    let flags = hanok_config::FlagLayer { project: Some(folder), ..hanok_config::FlagLayer::default() };
    let config = hanok_config::Project::find(&flags).unwrap();
    let project = Project::read(&ProjectInput::new(&config, Vec::new())).unwrap();
    assert_eq!(project.notices, []);
    assert!(project.models.len() > 5 && project.tests.len() > 20);
}
