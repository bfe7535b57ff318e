//! What a plan is refused for, all at once, and which tables come how.

use std::collections::BTreeMap;

use hanok_error::Coded as _;
use hanok_staging::{Facts, Reference};

use crate::support::{Fixture, MEMORY, fates, integers, name, plan, texts};

async fn school() -> Fixture {
    let fixture = Fixture::new().await;
    let ids = || integers((0..40).map(Some));
    let names = || texts((0..40).map(|at| format!("가짜하늘{at:04}")));
    fixture
        .write(
            "raw.classes",
            vec![
                ("class_no", integers((0..4).map(Some))),
                ("room", texts((0..4).map(|at| format!("{at}호")))),
            ],
        )
        .await;
    fixture
        .write(
            "raw.students",
            vec![
                ("student_id", ids()),
                ("name", names()),
                ("class_no", integers((0..40).map(|at| Some(at % 4)))),
                ("height", ids()),
            ],
        )
        .await;
    fixture
        .write(
            "raw.meals",
            vec![("meal", integers((0..200).map(Some))), ("who", integers((0..200).map(|at| Some(at % 40))))],
        )
        .await;
    fixture
        .write("raw.students__rejects", vec![("line", texts((0..2).map(|at| format!("broken {at}"))))])
        .await;
    fixture
        .write(
            "mart.by_class",
            vec![("class_no", integers((0..4).map(Some))), ("n", integers((0..4).map(Some)))],
        )
        .await;
    fixture.lake.put_view(&name("mart.list"), "select name from raw.students").await.unwrap();
    fixture
}

fn facts() -> Facts {
    let reference = |column: &str, table: &str, key: &str| Reference {
        columns: vec![column.to_owned()],
        table: name(table),
        key: vec![key.to_owned()],
    };
    Facts {
        derived: BTreeMap::from([
            (name("mart.list"), vec![name("raw.students")]),
            (name("mart.by_class"), vec![name("mart.list")]),
        ]),
        references: vec![
            (name("raw.meals"), reference("who", "raw.students", "student_id")),
            (name("raw.students"), reference("class_no", "raw.classes", "class_no")),
        ],
        personal: [(name("raw.students"), "height".to_owned())].into(),
        rejects: BTreeMap::from([(name("raw.students__rejects"), name("raw.students"))]),
    }
}

const GOOD: &str = "tables:
  raw.students:
    key: student_id
    sample: {rate: 0.5}
    columns: {student_id: hash, name: fake(kind=name), height: generalise(bucket=10)}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_a_masked_table_is_masked_and_what_is_made_of_it_left_out() {
    let fixture = school().await;
    let manifest = fixture.stage("dev", &plan(GOOD), &facts(), 1, MEMORY).await.unwrap().1;
    let expected = [
        ("mart.by_class", "omitted"),
        ("raw.classes", "shared"),
        ("raw.meals", "masked"),
        ("raw.students", "masked"),
        ("raw.students__rejects", "omitted"),
    ];
    assert_eq!(fates(&manifest), expected.map(|(table, fate)| (table.to_owned(), fate.to_owned())).into());
    let meals = manifest.tables.iter().find(|table| table.table == name("raw.meals")).unwrap();
    assert_eq!(meals.columns[1].treatment, "hash(length=32)", "as the key that it refers to");
    // Views stay, and show what is masked.
    let shown = fixture.rows("dev", "select name from mart.list").await;
    assert!(!shown.is_empty() && shown.iter().all(|row| !row[0].starts_with("가짜하늘")), "{shown:?}");
    let meals = "select count(*) from raw.meals m join raw.students s on s.student_id = m.who";
    let students = fixture.count("dev", "select count(*) from raw.students").await;
    assert_eq!(fixture.count("dev", meals).await, students * 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_columns_without_a_treatment_are_listed() {
    let fixture = school().await;
    let problems = fixture.problems("{}", &facts()).await;
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("raw.students.height is tagged personal and has no treatment"));
    assert!(
        problems[1]
            .starts_with("raw.students.name looks like a name of a person by its name and has no treatment"),
        "{}",
        problems[1]
    );
    assert!(problems[2].starts_with("raw.students.student_id looks like a number of a person"));
    let refused = fixture.stage("x", &plan("{}"), &facts(), 1, MEMORY).await.unwrap_err();
    assert_eq!(refused.code().0, "HK1302");
    assert_eq!(fixture.folders(), ["main"], "nothing was made");
    let kept = "tables: {raw.students: {mode: share, columns: {student_id: keep, name: {treatment: keep, reason: public}, height: keep}}}";
    let problems = fixture.problems(kept, &facts()).await;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().all(|problem| problem.contains("to keep it, give a `reason`")));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_are_told_at_once() {
    let fixture = school().await;
    let text = "tables:
  raw.nothing: {}
  mart.list: {}
  raw.classes: {mode: share, sample: {rate: 0.5}}
  raw.students:
    key: student_id
    references: {height: raw.teachers.id, name: raw.classes.class_no}
    columns: {student_id: generalise(bucket=10), name: noise, weight: hash, height: 'null'}
  raw.meals:
    references: {who: raw.students.student_id}
    columns: {who: hash}
  raw.students__rejects: {mode: omit}
";
    let problems = fixture.problems(text, &Facts::default()).await;
    let has =
        |part: &str| assert!(problems.iter().any(|problem| problem.contains(part)), "{part}\n{problems:#?}");
    has("mart.list is a view");
    has("raw.nothing does not exist");
    has("raw.classes is shared as a whole");
    has("raw.students refers to raw.teachers, which is not a table");
    has("raw.students.name is Utf8 and refers to raw.classes.class_no, which is Int64");
    has("raw.students.weight does not exist");
    has("raw.students.name cannot be treated so: `noise` cannot be applied to Utf8");
    has(
        "raw.students.student_id is treated with `generalise(bucket=10)`, but raw.meals.who with `hash(length=32)`",
    );
    has("raw.students.student_id is a key");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_memory_is_a_coded_error_and_leaves_nothing() {
    let fixture = school().await;
    let error = fixture.stage("dev", &plan(GOOD), &facts(), 1, 100).await.unwrap_err();
    assert_eq!(error.code().0, "HK1303", "{error}");
    assert_eq!(fixture.folders(), ["main"]);
    assert_eq!(fixture.lake.catalog().branches().await.unwrap().len(), 1);
}
