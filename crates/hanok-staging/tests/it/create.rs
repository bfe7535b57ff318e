//! Staging branches as branches: alike for one key, apart from their parent, whole or not there.

use hanok_catalog::CatalogError;
use hanok_lake::{AsOf, LakeError, MergeMode};
use hanok_mask::Key;
use hanok_staging::{Facts, StagingError, is_signed};

use crate::support::{Fixture, MEMORY, integers, name, plan, texts};

const PLAN: &str = "k: 3
tables:
  raw.students:
    key: id
    sample: {rate: 0.3}
    quasi_identifiers: [year]
    columns: {id: fpe(digits=9), name: fake(kind=name), note: shuffle, year: keep}
  raw.loans: {key: id, references: {student: raw.students.id}, columns: {student: fpe(digits=9)}}
";

async fn school() -> Fixture {
    let fixture = Fixture::new().await;
    let columns = vec![
        ("id", integers((0..300).map(Some))),
        ("name", texts((0..300).map(|at| format!("가짜하늘{at:04}")))),
        ("note", texts((0..300).map(|at| format!("n{}", at % 7)))),
        ("year", integers((0..300).map(|at| Some(at % 3)))),
    ];
    fixture.write("raw.students", columns).await;
    let student = integers((0..900).map(|at| Some(at % 300)));
    fixture.write("raw.loans", vec![("id", integers((0..900).map(Some))), ("student", student)]).await;
    fixture.write("raw.books", vec![("title", texts((0..9).map(|at| format!("b{at}"))))]).await;
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_makes_one_branch_and_another_key_another() {
    let fixture = school().await;
    let mut seen = Vec::new();
    for (branch, key) in [("a", 1), ("b", 1), ("c", 2)] {
        fixture.stage(branch, &plan(PLAN), &Facts::default(), key, MEMORY).await.unwrap();
        let students = fixture.rows(branch, "select * from raw.students order by id").await;
        let loans = fixture.rows(branch, "select * from raw.loans order by id").await;
        seen.push((students, loans));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    let (students, loans) = &seen[0];
    assert!((50..150).contains(&students.len()) && loans.len() == students.len() * 3, "{}", students.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_is_made() {
    let fixture = school().await;
    let session = fixture.session("main").await;
    let (made_of, key) = (plan(PLAN), Key::new([1; 32]));
    let preview =
        fixture.staging("dev", &made_of, &Facts::default(), &key, &session, MEMORY).preview().await.unwrap();
    assert_eq!(fixture.folders(), ["main"]);
    let (branch, made) = fixture.stage("dev", &made_of, &Facts::default(), 1, MEMORY).await.unwrap();
    for (before, after) in preview.tables.iter().zip(&made.tables).filter(|(_, after)| after.fate == "masked")
    {
        assert_eq!((before.rows, before.roots, before.children), (after.rows, after.roots, after.children));
    }
    let record = fixture.lake.catalog().staging(&branch.id).await.unwrap().unwrap();
    assert!(is_signed(&record.manifest, &record.signature, &[9; 32]));
    assert!(!record.manifest.contains("가짜하늘"));
    let students = made.tables.iter().find(|table| table.table == name("raw.students")).unwrap();
    let anonymity = students.anonymity.as_ref().unwrap();
    assert!(anonymity.smallest >= 3 && anonymity.classes == 3, "{anonymity:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parent_s_past_is_not_on_the_branch() {
    let fixture = school().await;
    fixture.made("dev", PLAN).await;
    let lake = fixture.lake.on_branch("dev").await.unwrap();
    let students = lake.table(&name("raw.students")).await.unwrap();
    assert_eq!(students.version(), Some(0));
    let earlier = lake.table_as_of(&name("raw.students"), AsOf::Timestamp(0)).await;
    assert!(matches!(earlier, Err(LakeError::Version { .. })));
    assert!(
        lake.catalog()
            .forks(lake.branch_id())
            .await
            .unwrap()
            .iter()
            .all(|fork| fork.record.name == name("raw.books"))
    );
    assert_eq!(fixture.count("dev", "select count(*) from raw.books").await, 9);
    // The way back to originals, and the way of masked rows into the parent, are closed.
    assert!(matches!(lake.reset(true).await, Err(LakeError::Catalog(CatalogError::BranchInUse { .. }))));
    let merged = lake.merge(MergeMode::Lenient, false).await.unwrap();
    assert!(!merged.conflicts.is_empty());
    assert_eq!(fixture.count("main", "select count(*) from raw.students").await, 300);
    let again = fixture.stage("dev", &plan(PLAN), &Facts::default(), 1, MEMORY).await;
    assert!(matches!(again, Err(StagingError::Catalog(CatalogError::BranchExists { .. }))));
}

/// Two columns that refer together are masked each in its own domain, and still find their row.
#[tokio::test(flavor = "multi_thread")]
async fn composite_references_hold() {
    let fixture = Fixture::new().await;
    let streets = (0..60).map(|at| (Some(at / 10), format!("s{}", at % 10)));
    let (cities, names): (Vec<_>, Vec<_>) = streets.unzip();
    fixture.write("raw.streets", vec![("town", integers(cities)), ("label", texts(names))]).await;
    let columns = vec![
        ("id", integers((0..90).map(Some))),
        ("town", integers((0..90).map(|at| (at % 7 > 0).then_some(at % 6)))),
        ("street", texts((0..90).map(|at| format!("s{}", at % 12)))),
    ];
    fixture.write("raw.houses", columns).await;
    let text = "tables:
  raw.houses:
    key: id
    sample: {rate: 0.4}
    references: {'town, street': 'raw.streets(town, label)'}
    columns: {town: hash, street: hash(length=16)}
  raw.streets: {key: [town, label]}
";
    let join =
        "select count(*) from raw.houses h join raw.streets s on s.town = h.town and s.label = h.street";
    let manifest = fixture.made("dev", text).await;
    assert_eq!(manifest.tables[1].columns[0].treatment, "hash(length=32)", "as what refers to it");
    let ids = fixture.ids("dev", "select id from raw.houses").await;
    let resolves = |id: &&i64| **id % 7 > 0 && **id % 12 < 10;
    assert_eq!(fixture.count("dev", join).await, ids.iter().filter(resolves).count() as i64);
    let referred: std::collections::BTreeSet<_> =
        ids.iter().filter(resolves).map(|id| (id % 6, id % 12)).collect();
    assert_eq!(fixture.count("dev", "select count(*) from raw.streets").await, referred.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_come_from_lists_files_and_queries() {
    let fixture = school().await;
    std::fs::write(fixture.folder.path().join("ids.csv"), "id,why\n7,x\n8,y\n").unwrap();
    for (branch, sample) in [
        ("list", "{keys: [7, 8]}"),
        ("file", "{keys: ids.csv}"),
        ("query", "{sql: 'select id from raw.students where id in (7, 8)'}"),
    ] {
        let text = format!(
            "tables: {{raw.students: {{key: id, sample: {sample}, columns: {{name: drop, note: drop}}}}}}"
        );
        fixture.made(branch, &text).await;
        assert_eq!(fixture.ids(branch, "select id from raw.students").await, [7, 8].into(), "{branch}");
        assert!(fixture.session(branch).await.sql("select name from raw.students").await.is_err());
    }
    let wrong =
        "tables: {raw.students: {key: id, sample: {keys: gone.csv}, columns: {name: drop, note: drop}}}";
    let error = fixture.stage("x", &plan(wrong), &Facts::default(), 1, MEMORY).await.unwrap_err();
    assert!(matches!(error, StagingError::Sample { .. }), "{error}");
}
