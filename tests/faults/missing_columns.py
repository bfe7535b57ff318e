"""Missing columns: in files, models, features and entity rows."""

from .cases import case
from .command import check_error, count, fails, good, run, sql
from .project import define, expect_clean, expect_none, expect_whole, new_project


def missing_columns(temp):
    project = new_project(temp / "columns", whole=True)
    in_files(project)
    in_models(project)
    in_feature_views(project)
    in_entity_rows(project)
    with case("sql names a missing column"):
        fails(project, "HK0401", "vistis", args=("sql", "select vistis from raw.visits"))
    with case("all tables are as they were"):
        expect_whole(project)
        expect_clean(project)


def in_files(project):
    first = b"a,b,c\n1,x,0.5\n2,y,1.5\n"
    lacking = b"a,c\n3,2.5\n"
    more = b"a,b,c,d\n4,z,3.5,new\n"
    for contract, taken in (("evolve", 1), ("freeze", 0), ("discard_row", 0)):
        stem = f"with_{contract}"
        folder = project / "data" / stem
        folder.mkdir()
        (folder / "a.csv").write_bytes(first)
        define(project, stem, f"data/{stem}/*.csv", f"    contract: {contract}\n")
        good(project, "load", stem)
        with case(f"a file lacks a column, contract {contract}: its rows have null"):
            (folder / "b.csv").write_bytes(lacking)
            assert good(project, "load", stem)["rows_loaded"] == 1
            assert sql(project, f"select b, c from raw.{stem} where a = 3") in ([{"c": 2.5}], [{"b": None, "c": 2.5}])
        with case(f"a file brings a column, contract {contract}"):
            (folder / "c.csv").write_bytes(more)
            if contract == "freeze":
                fails(project, "HK0305", "c.csv", "`d`", args=("load", stem))
                assert count(project, f"raw.{stem}") == 3
                (folder / "c.csv").write_bytes(b"a,b,c\n4,z,3.5\n")
                assert good(project, "load", stem)["rows_loaded"] == 1
            else:
                report = good(project, "load", stem)
                assert (report["rows_loaded"], report["rows_rejected"]) == (taken, 1 - taken), report
                if not taken:
                    reject = sql(project, f"select * from raw.{stem}__rejects")[0]
                    assert reject["line"] == 2 and "`d`" in reject["reason"] and reject["raw"] == "4,z,3.5,new", reject
            assert count(project, f"raw.{stem}") == 3 + (contract == "freeze" or taken)
    with case("a value that the table's column cannot hold, contract freeze"):
        folder = project / "data/with_freeze"
        (folder / "d.csv").write_bytes(b"a,b,c\n5,v,0.5\nsix,w,0.5\n")
        error = fails(project, "HK0305", "d.csv", "`a`", "six", "d.csv:3", args=("load", "with_freeze"))
        assert error["place"].endswith("d.csv:3"), error
        (folder / "d.csv").unlink()
        assert count(project, "raw.with_freeze") == 4


def in_models(project):
    with case("a model names a missing column"):
        model = project / "models/lacking.sql"
        model.write_text(
            "-- two lines\n-- of remarks\nselect\n    place,\n    vistis\nfrom {{ source('raw', 'visits') }}\n"
        )
        done = run(project, "build", "lacking")
        assert done.status == 3, done
        message = done.json["models"][0]["message"]
        assert "lacking.sql:5" in message and "vistis" in message and "[HK0510]" in message, message
        people = run(project, "build", "lacking", as_json=False)
        assert people.status == 3 and "lacking.sql:5" in people.out, people
        check_error(run(project, "sql", "select * from mart.lacking"), "HK0401 HK0103", "lacking")
        model.write_text("select place, visits from {{ source('raw', 'visits') }}\n")
        good(project, "build", "lacking")
        assert count(project, "mart.lacking") == 6
    with case("a model's file is changed to name a missing column: the table stays as it was"):
        model = project / "models/lacking.sql"
        model.write_text("select gone from {{ source('raw', 'visits') }}\n")
        assert run(project, "build", "lacking").status == 3
        assert count(project, "mart.lacking") == 6
        model.unlink()
    with case("a column test names a missing column"):
        properties = project / "models/schema.yml"
        as_it_was = properties.read_text()
        properties.write_text(f"{as_it_was}      - name: nowhere\n        tests: [unique]\n")
        done = run(project, "build", "visits_by_day")
        assert done.status == 3, done
        test = next(test for test in done.json["tests"] if test["status"] != "passed")
        assert "schema.yml:" in test["message"] and "nowhere" in test["message"] and "[HK05" in test["message"], test
        properties.write_text(as_it_was)
        good(project, "build", "visits_by_day")


def in_feature_views(project):
    view = project / "features/features.yaml"
    original = view.read_text()
    for what, old, new, name in (
        ("feature", "name: minutes,", "name: minuets,", "minuets"),
        ("timestamp", "timestamp: event_timestamp", "timestamp: event_tiem", "event_tiem"),
        ("table", "table: mart.visits_by_day", "table: mart.visits_by_dya", "visits_by_dya"),
    ):
        with case(f"a feature view names a missing {what}"):
            assert old in original
            view.write_text(original.replace(old, new))
            fails(project, "HK0602 HK0601 HK0401 HK0103", name, args=("apply",))
            expect_whole(project)
            view.write_text(original)
            good(project, "apply")
    with case("an entity's join key is no column of the view's source"):
        view.write_text(original.replace("name: place, type", "name: palce, type").replace("[place]", "[palce]"))
        fails(project, "HK0602 HK0601", "palce", args=("apply",))
        view.write_text(original)
        good(project, "apply")


def in_entity_rows(project):
    good_rows = "place,event_timestamp\nlibrary,2026-11-04T12:00:00Z\n"
    two_others = "place,a,b\nlibrary,2026-11-04,2026-11-04\n"
    entities = project / "entities.csv"
    output = project / "training.csv"
    args = ("features", "join", "--entities", entities, "--service", "how_busy", "-o", output)
    for title, text, codes, names in (
        ("lack a join key", good_rows.replace("place,", "palce,"), "HK0605 HK1001", ("place",)),
        ("lack the timestamp and have two others", two_others, "HK0605 HK1001", ("timestamp",)),
        ("lack every timestamp", "place\nlibrary\n", "HK0605 HK1001", ("timestamp",)),
        ("have a timestamp that is none", good_rows + "library,yesterday\n", "HK0605 HK1002", ("event_timestamp",)),
        ("have a broken row", good_rows + "library\n", "HK0005 HK0605", ("entities.csv:3", "field")),
        ("are an empty file", "", "HK0605 HK1001 HK0005", ()),
    ):
        with case(f"entity rows {title}"):
            output.unlink(missing_ok=True)
            entities.write_text(text)
            fails(project, codes, *names, args=args)
            expect_none(output)
            entities.write_text(good_rows)
            assert good(project, *args)["rows"] == 1
            output.unlink()
    with case("entity rows in a file that is not there"):
        fails(project, "HK0005", "nowhere.csv", args=(*args[:3], "nowhere.csv", *args[4:]))
    with case("entity rows in a Parquet file that is cut"):
        query = "select 'library' place, timestamp '2026-11-04' event_timestamp"
        good(project, "sql", query, "-o", project / "e.parquet")
        whole = (project / "e.parquet").read_bytes()
        (project / "e.parquet").write_bytes(whole[: len(whole) // 2])
        fails(project, "HK0005 HK0605", "e.parquet", args=(*args[:3], project / "e.parquet", *args[4:]))
