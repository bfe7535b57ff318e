//! Names and versions of model files.

use std::path::Path;
use std::time::{Duration, SystemTime};

use hanok_catalog::Catalog;
use hanok_error::Coded as _;
use hanok_explain::{Form, ModelRegistry};
use hanok_infer::Protocol;

use crate::support::fixture;

async fn registry(folder: &Path) -> ModelRegistry {
    let catalog = Catalog::open(&folder.join("catalog.sqlite")).await.unwrap();
    ModelRegistry::new(catalog, folder.join("models"))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("models")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn versions_are_counted_and_bytes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path()).await;
    let (binary, multi) = (fixture("xgboost-binary.json"), fixture("xgboost-multi.ubj"));
    let (first, new) = registry.add("delay", &binary).await.unwrap();
    assert_eq!((first.version, new, first.facts.features.len()), (1, true, 5));
    assert_eq!(registry.add("delay", &multi).await.unwrap().0.version, 2);
    let (again, new) = registry.add("delay", &binary).await.unwrap();
    assert_eq!((again.version, new), (1, false));
    registry.add("지연", &binary).await.unwrap();
    assert_eq!(files(folder.path()).len(), 2, "equal bytes are one file");
    for (reference, version, outputs) in
        [("delay", Some(2), 3), ("delay@1", Some(1), 1), ("지연", Some(1), 1)]
    {
        let model = registry.load(reference).await.unwrap();
        assert_eq!(
            (model.identity.version, model.ensemble().unwrap().outputs()),
            (version, outputs),
            "{reference}"
        );
    }
    let by_path = registry.load(&binary.display().to_string()).await.unwrap();
    assert_eq!(by_path.identity.name, "xgboost-binary.json");
    assert_eq!((by_path.identity.version, by_path.identity.sha256), (None, first.facts.sha256));
    let names: Vec<_> = registry.versions(None).await.unwrap();
    assert_eq!(names.len(), 3);
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path()).await;
    registry.add("delay", &fixture("xgboost-binary.json")).await.unwrap();
    let told = async |reference: &str| {
        let error = registry.load(reference).await.unwrap_err();
        (error.code().0, error.to_string(), error.hint())
    };
    let (code, _, hint) = told("dellay").await;
    assert_eq!((code, hint.as_deref()), ("HK1701", Some("there are: delay")));
    assert_eq!(told("delay@2").await.1, "the predictive model `delay` has no version 2; the newest is 1");
    assert_eq!(told("delay@x").await.0, "HK1701");
    assert_eq!(told("models/no.json").await.0, "HK1701");
    let damaged = folder.path().join("damaged.json");
    std::fs::write(&damaged, "{\"learner\": 1").unwrap();
    assert_eq!(told(&damaged.display().to_string()).await.0, "HK1601");
    assert_eq!(registry.add("x", &damaged).await.unwrap_err().code().0, "HK1601");
    assert_eq!(registry.add("x.y", &damaged).await.unwrap_err().code().0, "HK0003");
}

#[tokio::test]
async fn a_damaged_copy_is_told_and_mended_by_adding_again() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path()).await;
    let path = fixture("lightgbm-binary.txt");
    let (version, _) = registry.add("m", &path).await.unwrap();
    let copy = folder.path().join("models").join(&version.facts.sha256);
    let bytes = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(registry.load("m").await.unwrap_err().code().0, "HK1702");
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(registry.load("m").await.unwrap_err().code().0, "HK1702");
    assert_eq!(registry.add("m", &path).await.unwrap().0, version);
    registry.load("m").await.unwrap();
}

#[tokio::test]
async fn leftovers_of_killed_processes_go_after_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path()).await;
    let models = folder.path().join("models");
    std::fs::create_dir_all(&models).unwrap();
    let leave = |name: &str, age: u64| {
        let file = std::fs::File::create(models.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    leave("ab.17.partial", 7200);
    leave("cd", 7200);
    leave("ef.18.partial", 60);
    let (version, _) = registry.add("m", &fixture("xgboost-binary.json")).await.unwrap();
    let mut expected = vec![version.facts.sha256, "ef.18.partial".to_owned()];
    expected.sort();
    assert_eq!(files(folder.path()), expected);
}

#[tokio::test]
async fn graphs_and_addresses_are_models_too() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path()).await;
    let graphs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hanok-infer/tests/fixtures");
    let (network, _) = registry.add("net", &graphs.join("network.onnx")).await.unwrap();
    let facts = network.facts;
    assert!(facts.format.starts_with("ONNX graph of skl2onnx"), "{}", facts.format);
    assert_eq!((facts.trees, facts.feature_count, facts.outputs, facts.has_cover), (0, 4, 3, false));
    assert!(registry.load("net").await.unwrap().ensemble().is_none());
    // Trees behind a scaler are trees, of one output for two classes.
    let (forest, _) = registry.add("forest", &graphs.join("scaled-forest.onnx")).await.unwrap();
    assert_eq!((forest.facts.trees, forest.facts.feature_count), (12 * forest.facts.outputs, 4));
    assert!(registry.load("forest").await.unwrap().ensemble().is_some());
    let (columns, _) = registry.add("columns", &graphs.join("columns.onnx")).await.unwrap();
    assert_eq!(columns.facts.features, ["column_0", "column_1", "column_2", "column_3"]);
    // A server is no file.
    let error = registry.add("far", Path::new("http://127.0.0.1/invocations")).await.unwrap_err();
    assert_eq!(error.code().0, "HK1709");
    let far = registry.load("http://me:secret@127.0.0.1/invocations").await.unwrap();
    assert_eq!(far.identity.name, "http://me:***@127.0.0.1/invocations");
    assert!(matches!(far.form, Form::Endpoint { protocol: Protocol::Mlflow, .. }));
    // Neither trees nor a graph.
    let damaged = folder.path().join("damaged.onnx");
    std::fs::write(&damaged, [8, 8, 0xff]).unwrap();
    assert_eq!(registry.add("damaged", &damaged).await.unwrap_err().code().0, "HK1601");
}
