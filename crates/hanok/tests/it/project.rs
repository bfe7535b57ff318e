//! A small project from `init` to online reads.

use crate::support::Hanok;

#[test]
fn the_blank_project_goes_the_whole_way() {
    let hanok = Hanok::new();
    hanok.check("init", &hanok.show(&["init", "shop"]));
    hanok.check("init_again", &hanok.show(&["init", "shop"]));
    let in_shop = |arguments: &[&str]| hanok.show(&[arguments, &["--project", "shop"]].concat());
    hanok.check("runs_none", &in_shop(&["runs"]));
    hanok.check("materialize_none", &in_shop(&["materialize"]));
    hanok.check("load", &in_shop(&["load"]));
    hanok.check("load_again", &in_shop(&["load"]));
    hanok.check("load_unknown", &in_shop(&["load", "visitors"]));
    hanok.check("build", &in_shop(&["build"]));
    hanok.check("build_json", &in_shop(&["build", "--json"]));
    hanok.check("apply", &in_shop(&["apply"]));
    hanok.check("apply_again", &in_shop(&["apply"]));
    hanok.check("materialize", &in_shop(&["materialize"]));
    hanok.check("materialize_again", &in_shop(&["materialize"]));
    let features = ["features", "get", "--features", "visits:visits,visits:minutes"];
    let get = |entities: &[&str]| in_shop(&[&features[..], entities].concat());
    hanok.check("get", &get(&["--entity", "place=library", "--entity", "place=moon"]));
    hanok.check("get_json", &get(&["--entity", "place=library", "--json"]));
    hanok.check("get_without_key", &get(&["--entity", "room=5"]));
    hanok.check(
        "get_unknown",
        &in_shop(&["features", "get", "--features", "visits:visit", "--entity", "place=x"]),
    );
    hanok.check(
        "get_unknown_service",
        &in_shop(&["features", "get", "--service", "busy", "--entity", "place=x"]),
    );
    hanok.write(
        "labels.csv",
        "place,event_timestamp\nlibrary,2026-11-04T08:00:00Z\nmoon,2026-11-04T08:00:00Z\n",
    );
    let join =
        ["features", "join", "--entities", "labels.csv", "--service", "how_busy", "-o", "training.csv"];
    hanok.check("join", &in_shop(&join));
    hanok.check("join_result", &std::fs::read_to_string(hanok.path("training.csv")).unwrap());
    hanok.check("optimize", &in_shop(&["optimize"]));
    hanok.check("checkpoint", &in_shop(&["checkpoint"]));
    hanok.check("vacuum_dry_run", &in_shop(&["vacuum", "--older-than", "0s", "--dry-run"]));
    hanok.check("vacuum", &in_shop(&["vacuum", "mart.visits_by_day", "--older-than", "0s"]));
    hanok.check("vacuum_again", &in_shop(&["vacuum", "mart.visits_by_day", "--older-than", "0s"]));
    hanok.check("vacuum_age", &in_shop(&["vacuum", "--older-than", "soon"]));
    hanok.check("optimize_unknown", &in_shop(&["optimize", "raw.visitors"]));
    hanok.check("runs", &in_shop(&["runs"]));
    hanok.check("runs_json", &in_shop(&["runs", "--limit", "1", "--json"]));
}

#[test]
fn a_table_is_compacted_by_itself_after_many_loads() {
    let hanok = Hanok::with_project();
    let settings = std::fs::read_to_string(hanok.path("hanok.yaml")).unwrap();
    hanok.write("hanok.yaml", &format!("{settings}\ncompact_after: 3\n"));
    let optimized = || {
        let runs = hanok.json(&["runs", "--json"]);
        runs["runs"].as_array().unwrap().iter().filter(|run| run["kind"] == "optimize").count()
    };
    for (round, expected) in [0, 0, 1, 1, 1, 2, 2, 2].into_iter().enumerate() {
        hanok.write(
            &format!("data/more-{round}.csv"),
            &format!("day,place,visits,minutes\n2026-12-0{},gym,1,1\n", round + 1),
        );
        assert!(hanok.run(&["load"]).status.success());
        assert_eq!(optimized(), expected, "after load {round}");
    }
    let gym =
        hanok.json(&["sql", "select count(*) as n from raw.visits where place = 'gym'", "--format", "json"]);
    assert_eq!(gym["n"], 8);
}

#[test]
fn a_build_with_failures_says_which_and_exits_with_3() {
    let hanok = Hanok::with_project();
    hanok.run(&["load"]);
    hanok.write("models/broken.sql", "select\n    no_such_column\nfrom {{ ref('visits_by_day') }}\n");
    hanok.write("models/after.sql", "select * from {{ ref('broken') }}\n");
    hanok.write(
        "models/broken.yml",
        "version: 2\nmodels:\n  - name: visits_by_day\n    columns: [{ name: minutes, tests: [not_null] }]\n",
    );
    let schema = std::fs::read_to_string(hanok.path("models/schema.yml")).unwrap();
    hanok.write("models/schema.yml", &schema.replace("[library, cafeteria]", "[library]"));
    std::fs::remove_file(hanok.path("models/broken.yml")).unwrap();
    hanok.check("build_failures", &hanok.show(&["build"]));
    hanok.check("build_unknown", &hanok.show(&["build", "nothing"]));
}

#[test]
fn rejected_rows_are_told() {
    let hanok = Hanok::with_project();
    hanok.write(
        "data/more.csv",
        "day,place,visits,minutes\n2026-11-05,library,many,1\n2026-11-06,library,5,1\n",
    );
    let sources = std::fs::read_to_string(hanok.path("sources/visits.yaml")).unwrap();
    hanok.write("sources/visits.yaml", &sources.replace("{ day: date }", "{ day: date, visits: int64 }"));
    hanok.check("load_rejected", &hanok.show(&["load"]));
}

#[test]
fn yaml_mistakes_have_a_place() {
    let hanok = Hanok::with_project();
    hanok.write("hanok.yaml", "name: shop\nversion: 1\nlaek: x\n");
    hanok.check("yaml_mistake", &hanok.show(&["load"]));
    hanok.check("yaml_mistake_json", &hanok.show(&["load", "--json"]));
}

#[test]
fn sql_in_every_format() {
    let hanok = Hanok::with_project();
    let query =
        "select 1 as number, 'a,b' as text, null as nothing union all select 2, 'ü', null order by number";
    hanok.check("sql_table", &hanok.show(&["sql", query]));
    hanok.check("sql_table_quiet", &hanok.show(&["sql", query, "-q"]));
    hanok.check("sql_csv", &hanok.show(&["sql", query, "--format", "csv"]));
    hanok.check("sql_json_lines", &hanok.show(&["sql", query, "--format", "json"]));
    hanok.check("sql_json", &hanok.show(&["sql", query, "--json"]));
    hanok.check("sql_json_no_rows", &hanok.show(&["sql", "select 1 as n where false", "--json"]));
    hanok.check("sql_file", &hanok.show(&["sql", query, "-o", "result.parquet"]));
    hanok.check("sql_file_json", &hanok.show(&["sql", query, "-o", "result.csv", "--json"]));
    let parquet = hanok.run(&["sql", "select 1 as n", "--format", "parquet"]).stdout;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    assert!(std::fs::read(hanok.path("result.parquet")).unwrap().starts_with(b"PAR1"));
}

#[test]
fn sql_mistakes() {
    let hanok = Hanok::with_project();
    hanok.check("sql_unknown_table", &hanok.show(&["sql", "select * from raw.visitors"]));
    hanok.check("sql_syntax", &hanok.show(&["sql", "selec 1"]));
    hanok.check("sql_syntax_json", &hanok.show(&["sql", "selec 1", "--json"]));
    hanok.check("sql_formats", &hanok.show(&["sql", "select 1", "--json", "--format", "csv"]));
    hanok.check("sql_no_folder", &hanok.show(&["sql", "select 1", "-o", "nowhere/x.csv"]));
}
