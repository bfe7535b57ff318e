//! Models and what onnxruntime computes with them.

use std::path::PathBuf;

/// A model and what onnxruntime makes of rows, written by `tests/models/make_graphs.py`.
pub(crate) struct Fixture {
    pub name: String,
    pub model: Vec<u8>,
    pub columns: usize,
    pub outputs: usize,
    pub rows: Vec<f64>,
    pub expected: Vec<f64>,
}

pub(crate) fn fixtures() -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    paths.into_iter().map(fixture).collect()
}

fn fixture(path: PathBuf) -> Fixture {
    let values = std::fs::read(path.with_extension("values")).unwrap();
    let (head, numbers) = values.split_at(12);
    let head: Vec<usize> =
        head.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize).collect();
    let [rows, columns, outputs] = head[..] else { panic!("a head of three numbers") };
    let numbers: Vec<f64> =
        numbers.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    assert_eq!(numbers.len(), rows * (columns + outputs));
    let (rows, expected) = numbers.split_at(rows * columns);
    Fixture {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        model: std::fs::read(&path).unwrap(),
        columns,
        outputs,
        rows: rows.to_vec(),
        expected: expected.to_vec(),
    }
}

pub(crate) fn one(name: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap()
}
