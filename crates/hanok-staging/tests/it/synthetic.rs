//! Tables without a real row.

use hanok_staging::{Facts, Plan};

use crate::support::{Fixture, MEMORY, fates, integers, plan, texts};

async fn school() -> Fixture {
    let fixture = Fixture::new().await;
    let columns = vec![
        ("id", integers((0..400).map(Some))),
        ("name", texts((0..400).map(|at| format!("가짜하늘{at:04}")))),
        ("grade", integers((0..400).map(|at| Some(at % 3)))),
        ("elder", integers((0..400).map(|at| (at % 9 == 8).then_some(at - 8)))),
    ];
    fixture.write("raw.students", columns).await;
    let columns = vec![
        ("id", integers((0..1600).map(Some))),
        ("student", integers((0..1600).map(|at| (at % 8 > 0).then_some(at / 4)))),
        ("book", integers((0..1600).map(|at| Some(at % 5)))),
        // One person's name in many rows is still a person's name.
        ("borrower_name", texts((0..1600).map(|at| format!("가짜바다{:04}", at / 40)))),
    ];
    fixture.write("raw.loans", columns).await;
    fixture.write("raw.books", vec![("id", integers((0..5).map(Some)))]).await;
    fixture
}

async fn check(fixture: &Fixture, branch: &str, made: &Plan) {
    let manifest = fixture.stage(branch, made, &Facts::default(), 1, MEMORY).await.unwrap().1;
    assert_eq!(fates(&manifest)["raw.loans"], "synthetic");
    let count = async |sql: &str| fixture.count(branch, sql).await;
    let loans = count("select count(*) from raw.loans").await;
    assert!(loans > 0);
    assert_eq!(count("select count(distinct id) from raw.loans").await, loans);
    let dangling = |column: &str, table: &str| {
        format!(
            "select count(*) from raw.loans l left join raw.{table} t on t.id = l.{column} where l.{column} is not null and t.id is null"
        )
    };
    assert_eq!(count(&dangling("student", "students")).await, 0);
    assert_eq!(count(&dangling("book", "books")).await, 0);
    assert!(count("select count(student) from raw.loans").await > loans / 2);
    for (table, column) in [("students", "name"), ("loans", "borrower_name")] {
        let real = format!("select count(*) from raw.{table} where {column} like '가짜%'");
        assert_eq!(count(&real).await, 0, "{table}");
    }
}

const TABLES: &str = "
  raw.loans: {mode: synthetic, key: id, references: {student: raw.students.id, book: raw.books.id}}
  raw.books: {mode: share}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_synthetic_table_refers_to_masked_and_shared_rows() {
    let fixture = school().await;
    let text = format!(
        "tables:{TABLES}  raw.students: {{key: id, sample: {{rate: 0.5}}, columns: {{id: hash, name: fake(kind=name)}}}}"
    );
    check(&fixture, "masked", &plan(&text)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_plan_may_be_synthetic() {
    let fixture = school().await;
    let text = format!(
        "mode: synthetic\ntables:{TABLES}  raw.students: {{mode: synthetic, key: id, references: {{elder: raw.students.id}}}}"
    );
    check(&fixture, "made", &plan(&text)).await;
    // Around a circle there is nothing to refer to yet.
    assert_eq!(fixture.count("made", "select count(elder) from raw.students").await, 0);
    let originals = "select count(*) from raw.students where id < 400";
    assert_eq!(fixture.count("made", originals).await, 0);
    let text = "mode: synthetic";
    let manifest = fixture.made("all", text).await;
    assert!(fates(&manifest).values().all(|fate| fate == "synthetic"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_table_does_not_refer_to_a_synthetic_one() {
    let fixture = school().await;
    let text = "tables: {raw.students: {mode: synthetic, key: id}, raw.loans: {references: {student: raw.students.id}, columns: {borrower_name: drop}}}";
    let problems = fixture.problems(text, &Facts::default()).await;
    assert!(problems[0].contains("real rows have no made-up ones"), "{problems:?}");
}
