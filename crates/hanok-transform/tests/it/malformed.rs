//! Projects that are wrong in many ways: each gives a coded error with a place, none a panic.

use hanok_error::{Code, Coded as _, Report, code};
use hanok_transform::Project;
use proptest::prelude::*;

use crate::{bakery, input, project_of, write};

/// The files of a wrong project, and the code and the place of its error.
type Case = (&'static [(&'static str, &'static str)], Code, &'static str);

/// Code and place of the error.
fn error(files: &[(&str, &str)]) -> (Code, String, String) {
    let error = project_of(files).expect_err("the project is wrong");
    let place = error.place().unwrap_or_default();
    assert!(Report::new(&error).code.starts_with("HK"));
    (error.code(), place, error.to_string())
}

#[test]
fn errors_have_a_code_and_a_place() {
    let cases: &[Case] = &[
        (&[("a.sql", "select 1\nfrom {{ ref('b' }}")], code::MODEL_TEMPLATE, "models/a.sql:2"),
        (&[("a.sql", "\n\n{% if %}")], code::MODEL_TEMPLATE, "models/a.sql:3"),
        (&[("a.sql", "{% for x in 3 %}{% endfor %}")], code::MODEL_TEMPLATE, "models/a.sql:1"),
        (&[("a.sql", "{{ config(materialized='table' }}")], code::MODEL_TEMPLATE, "models/a.sql:1"),
        (&[("a.sql", "  \n -- \n {{ nope() }}")], code::MODEL_TEMPLATE, "models/a.sql:3"),
        (&[("a.sql", "{{ 1 / 0 }}")], code::MODEL_TEMPLATE, "models/a.sql:1"),
        (&[("a.sql", "{# only a comment #}\n")], code::MODEL_TEMPLATE, "models/a.sql"),
        (&[("a.sql", "select 1\n\nfrom {{ ref('b') }}")], code::MODEL_REF, "models/a.sql:3"),
        (&[("a.sql", "select {{ var('x') }}")], code::MODEL_VAR, "models/a.sql:1"),
        (&[("a.sql", "-- \nfrom {{ source('s', 't') }}")], code::MODEL_SOURCE, "models/a.sql:2"),
        (
            &[("a.sql", "\n{{ config(materialized='incremental') }} select 1")],
            code::MODEL_CONFIG,
            "models/a.sql:2",
        ),
        (
            &[("a.sql", "{{ config(schema='information_schema') }} select 1")],
            code::MODEL_CONFIG,
            "models/a.sql:1",
        ),
        (&[("a.sql", "{{ config(schema='a b') }} select 1")], code::MODEL_CONFIG, "models/a.sql:1"),
        (&[("my-model.sql", "select 1")], code::NAME_INVALID, "models/my-model.sql"),
        (&[("a.sql", "select 1"), ("x/a.sql", "select 1")], code::MODEL_DUPLICATE, "models/x/a.sql"),
        (
            &[("a.sql", "select 1"), ("b.sql", "{{ config(alias='a') }} select 1")],
            code::MODEL_DUPLICATE,
            "models/b.sql",
        ),
        (&[("a.sql", "select * from {{ ref('a') }}")], code::MODEL_CYCLE, "models/a.sql:1"),
        (
            &[("a.sql", "{{ ref('b') }}"), ("b.sql", "{{ config(enabled=false) }} select 1")],
            code::MODEL_REF,
            "models/a.sql:1",
        ),
        (&[("m.yml", "models:\n  - name: [")], code::MODEL_YAML, "models/m.yml:2"),
        (&[("m.yml", "models:\n\t- name: a")], code::MODEL_YAML, "models/m.yml:2"),
        (&[("m.yml", "version: 2\nmodel: []")], code::MODEL_YAML, "models/m.yml:2"),
        (&[("m.yml", "models:\n  - name: a\n  - name: a")], code::MODEL_DUPLICATE, "models/m.yml:3"),
        (
            &[("m.yml", "sources:\n  - name: s\n    tables:\n      - name: t\n      - name: t\n")],
            code::MODEL_DUPLICATE,
            "models/m.yml:5",
        ),
        (
            &[("m.yml", "sources:\n  - name: s\n    tables:\n      - name: a b\n")],
            code::NAME_INVALID,
            "models/m.yml:4",
        ),
        (
            &[("a.sql", "select 1"), ("m.yml", "models:\n  - name: a\n    config:\n      materialized: 3\n")],
            code::MODEL_CONFIG,
            "models/m.yml:4",
        ),
        (
            &[("a.sql", "select 1"), ("m.yml", "models:\n  - name: a\n    tests:\n      - unique\n")],
            code::MODEL_YAML,
            "models/m.yml:4",
        ),
        (
            &[
                ("a.sql", "select 1"),
                (
                    "m.yml",
                    "models:\n  - name: a\n    columns:\n      - name: x\n        tests:\n          - uniqe\n",
                ),
            ],
            code::MODEL_YAML,
            "models/m.yml:6",
        ),
        (
            &[
                ("a.sql", "select 1"),
                (
                    "m.yml",
                    "models:\n  - name: a\n    columns:\n      - name: x\n        tests:\n          - relationships: {to: ref('c'), field: x}\n",
                ),
            ],
            code::MODEL_REF,
            "models/m.yml:6",
        ),
    ];
    for (files, code, place) in cases {
        let found = error(files);
        assert_eq!((found.0, found.1.as_str()), (*code, *place), "{files:?}: {}", found.2);
    }
}

#[test]
fn a_circle_is_told_with_every_step() {
    let (code, place, message) = error(&[
        ("a.sql", "select * from {{ ref('c') }}"),
        ("b.sql", "select *\nfrom {{ ref('a') }}"),
        ("c.sql", "\n\nselect * from {{ ref('b') }}"),
    ]);
    assert_eq!((code, place.as_str()), (code::MODEL_CYCLE, "models/a.sql:1"));
    assert_eq!(
        message,
        "the models need each other in a circle: \
         a (models/a.sql:1) → c (models/c.sql:3) → b (models/b.sql:2) → a"
    );
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a.sql", "x")]);
    std::fs::write(root.path().join("models/a.sql"), b"select 1\n\xfe\xff").unwrap();
    let error = Project::read(&input(root.path())).unwrap_err();
    assert_eq!((error.code(), error.place().unwrap().as_str()), (code::MODEL_TEMPLATE, "models/a.sql:2"));
}

/// The bakery's files, to be broken.
fn bakery_files() -> Vec<(String, Vec<u8>)> {
    let root = bakery().root.join("models");
    let mut files = Vec::new();
    for folder in ["staging", "marts"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
            files.push((name, std::fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}

/// What is inserted: the characters that templates, YAML and SQL give a meaning to, and a few that nobody expects.
const PIECES: &[&[u8]] = &[
    b"{{",
    b"}}",
    b"{%",
    b"%}",
    b"{#",
    b"#}",
    b"'",
    b"\"",
    b":",
    b"- ",
    b"\n",
    b"\t",
    b"[",
    b"{",
    b"&a ",
    b"*a",
    b"|",
    b"ref('",
    b"config(",
    b"\xff",
    b"\0",
    "학".as_bytes(),
    b"<<: ",
    b"!!x ",
    b"---\n",
    b"-%}",
    b"{%- raw %}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn broken_bytes_never_panic_and_errors_are_placed(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..3, any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut files = bakery_files();
        let file = file.index(files.len());
        let bytes = &mut files[file].1;
        for (place, kind, piece, byte) in edits {
            let at = place.index(bytes.len() + 1);
            match kind {
                0 => drop(bytes.splice(at..at, PIECES[piece.index(PIECES.len())].iter().copied())),
                1 if at < bytes.len() => bytes[at] = byte,
                _ => { bytes.drain(at..(at + 1 + usize::from(byte % 16)).min(bytes.len()).max(at)); }
            }
        }
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            let path = root.path().join("models").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let mut project = bakery();
        project.root = root.path().to_owned();
        if let Err(error) = Project::read(&project) {
            prop_assert!(error.place().is_some_and(|place| place.starts_with("models/")), "{error}");
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
