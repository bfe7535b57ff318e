//! `hanok plot`: files of every form, tables, and what cannot be drawn.

use crate::predictors::{fixture, project};
use crate::support::Hanok;

/// A project with a model `delay` and the explanation `e.parquet` of its rows.
fn explained() -> Hanok {
    let hanok = project();
    assert!(hanok.run(&["model", "add", "delay", &fixture("xgboost-binary.json")]).status.success());
    let explain = ["explain", "delay", "--data", "raw.visits", "--interactions", "-o", "e.parquet"];
    assert!(hanok.run(&explain).status.success());
    hanok
}

#[test]
fn every_kind_is_drawn_in_every_form() {
    let hanok = explained();
    let options: [(&str, &[&str]); 10] = [
        ("bar", &["--cohort", "room", "--lang", "ko"]),
        ("beeswarm", &["--max", "3", "--theme", "dark"]),
        ("violin", &[]),
        ("waterfall", &["--row", "id=41"]),
        ("force", &["--row", "7"]),
        ("scatter", &["--feature", "feature 2", "--color", "room"]),
        ("heatmap", &["--width", "400"]),
        ("heatmap", &["--order", "clustered"]),
        ("decision", &["--row", "id=41"]),
        ("interactions", &[]),
    ];
    for (kind, options) in options {
        for form in ["svg", "png", "html", "csv"] {
            let name = format!("{kind}.{form}");
            let plot = [&["plot", kind, "e.parquet", "--json", "-o", &name][..], options].concat();
            let report = hanok.json(&plot);
            assert_eq!((&report["output"], &report["missing_letters"]), (&name.as_str().into(), &"".into()));
            let bytes = std::fs::read(hanok.path(&name)).unwrap();
            let begin: &[u8] = match form {
                "svg" => b"<svg",
                "png" => b"\x89PNG",
                "html" => b"<!doctype html>",
                _ => b"",
            };
            assert!(bytes.starts_with(begin) && bytes.len() > 100, "{name}");
            assert!(hanok.run(&plot).status.success());
            assert_eq!(std::fs::read(hanok.path(&name)).unwrap(), bytes, "{name}");
        }
    }
}

#[test]
fn what_is_drawn_is_told_and_its_numbers_are_written() {
    let hanok = explained();
    hanok.check("plot", &hanok.show(&["plot", "bar", "e.parquet", "-o", "bar.svg"]));
    assert!(hanok.run(&["plot", "bar", "e.parquet", "-o", "bar.csv"]).status.success());
    let numbers = std::fs::read_to_string(hanok.path("bar.csv")).unwrap();
    assert!(numbers.starts_with("output,cohort,feature,rows,mean_abs,mean,std,max_abs\n"), "{numbers}");
    assert!(numbers.lines().count() == 6 && numbers.contains("\n0,,feature 4,3000,0.23"), "{numbers}");
    let table = ["plot", "bar", "e.parquet", "--cohort", "room", "--table", "explain.delay_importance"];
    hanok.check("plot_table", &hanok.show(&table));
    let rows =
        "select cohort, count(*) as features from explain.delay_importance group by cohort order by cohort";
    hanok.check("plot_table_rows", &hanok.show(&["sql", rows]));
    // The same again stands in place of the first, and a branch has its own.
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    assert!(hanok.run(&[&table[..], &["--branch", "dev"]].concat()).status.success());
    assert!(hanok.run(&table).status.success());
    assert_eq!(hanok.json(&["sql", rows, "--json"])["rows"], 3);
}

#[test]
fn a_model_is_explained_for_its_chart() {
    let hanok = explained();
    let drawn = |source: &[&str], kind: &[&str], name: &str| {
        let plot = [&["plot"], &kind[..1], source, &kind[1..], &["-o", name]].concat();
        let output = hanok.run(&plot);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(hanok.path(name)).unwrap()
    };
    let model = ["delay", "--data", "raw.visits"];
    for (place, kind) in
        [&["bar"][..], &["heatmap"], &["interactions"], &["decision", "--row", "3"]].into_iter().enumerate()
    {
        let (first, second) = (format!("{place}.svg"), format!("again-{place}.svg"));
        assert_eq!(drawn(&["e.parquet"], kind, &first), drawn(&model, kind, &second), "{kind:?}");
    }
    // One row of a model is found before it is explained, here without any other row.
    let row = ["waterfall", "--row", "id=41"];
    assert_eq!(drawn(&["e.parquet"], &row, "row.svg"), drawn(&model, &row, "row-again.svg"));
    let against = [&model[..], &["--background", "rows.csv", "--limit", "50", "--keys", "id"]].concat();
    assert!(drawn(&against, &["beeswarm"], "against.svg").contains("interventional against 3,000"));
    // What was explained on the way is gone.
    let spilled = std::fs::read_dir(hanok.path(".hanok/spill")).map_or(0, Iterator::count);
    assert_eq!(spilled, 0);
}

#[test]
fn what_cannot_be_drawn_is_told() {
    let hanok = explained();
    let show = |arguments: &[&str]| hanok.show(&[&["plot"], arguments].concat());
    let svg = ["-o", "x.svg"];
    hanok.check("plot_extension", &show(&["bar", "e.parquet", "-o", "x.pdf"]));
    hanok.check("plot_nowhere", &show(&["bar", "e.parquet"]));
    hanok.check("plot_no_data", &show(&[&["bar", "delay"][..], &svg].concat()));
    hanok.check("plot_explained", &show(&[&["bar", "e.parquet", "--data", "rows.csv"][..], &svg].concat()));
    hanok.check("plot_no_file", &show(&[&["bar", "none.parquet"][..], &svg].concat()));
    assert!(hanok.run(&["sql", "select 1 as a", "-o", "other.parquet"]).status.success());
    hanok.check("plot_other_file", &show(&[&["bar", "other.parquet"][..], &svg].concat()));
    hanok.check("plot_no_feature", &show(&[&["scatter", "e.parquet"][..], &svg].concat()));
    let unknown = ["scatter", "e.parquet", "--feature", "feature_9"];
    hanok.check("plot_unknown_feature", &show(&[&unknown[..], &svg].concat()));
    hanok.check("plot_no_row", &show(&[&["force", "e.parquet", "--row", "id=0"][..], &svg].concat()));
    hanok.check("plot_unused", &show(&[&["violin", "e.parquet", "--row", "3"][..], &svg].concat()));
    hanok.write("font.ttf", "no font");
    let png = ["bar", "e.parquet", "-o", "x.png", "--font"];
    hanok.check("plot_no_font", &show(&[&png[..], &["none.ttf"]].concat()));
    hanok.check("plot_font", &show(&[&png[..], &["font.ttf"]].concat()));
    assert!(!hanok.path("x.svg").exists() && !hanok.path("x.png").exists());
}
