"""A line, or a field, of 1 GiB."""

from .cases import case
from .command import check_error, count, good, run, sql
from .loads import RSS_MIB_MAX, bounded
from .project import expect_none, expect_whole, new_project

GIB = 1 << 30


def sparse(path, head, tail):
    """A file of 1 GiB that takes no room: `head`, zero bytes, `tail`."""
    with path.open("wb") as file:
        file.write(head)
        file.seek(GIB - len(tail))
        file.write(tail)


def endless(temp):
    project = new_project(temp / "endless", whole=True)
    for title, name, head, tail, rows in (
        ("a CSV line", "line.csv", b"a,b\n1,2\n", b"\n3,4\n", 2),
        ("a CSV line without an end", "tail.csv", b"a,b\n1,2\n", b"x", 1),
        ("a quoted CSV field", "field.csv", b'a,b\n1,2\n5,"', b'"\n3,4\n', 2),
        ("a quoted CSV field without an end", "open.csv", b'a,b\n1,2\n5,"', b"x\n3,4\n", 2),
        ("a CSV header", "header.csv", b"a,", b"\n3,4\n", None),
        ("a JSON line", "line_json.jsonl", b'{"a":1}\n{"a":"', b'"}\n{"a":2}\n', 2),
        ("a first JSON line", "first_json.jsonl", b'{"a":"', b'"}\n{"a":2}\n', 1),
    ):
        with case(f"1 GiB in {title}") as notes:
            stem, extension = name.split(".")
            sparse(project / "data" / name, head, tail)
            done = bounded(project, stem, extension, None, notes, rows=rows)
            if done.status == 0:
                rejects = sql(project, f"select * from raw.{stem}__rejects")
                assert all(row["file"].endswith(name) and row["line"] and row["reason"] for row in rejects)
            path = project / "data" / name
            path.write_bytes(b'{"a":7}\n' if extension == "jsonl" else b"a,b\n7,8\n")
            good(project, "load", stem)
            assert count(project, f"raw.{stem}") == (rows or 0) + 1
    with case("1 GiB in an entity row") as notes:
        entities = project / "entities.csv"
        sparse(entities, b"place,event_timestamp\nlibrary,2026-11-04T12:00:00Z\n", b"\n")
        output = project / "training.csv"
        done = run(project, "features", "join", "--entities", entities, "--service", "how_busy", "-o", output)
        entities.unlink()
        notes.append(f"{done.seconds:.1f} s, {done.rss_mib:.0f} MiB")
        check_error(done, "HK0005 HK0605", "entities.csv:3")
        expect_none(output)
        assert done.rss_mib < RSS_MIB_MAX
    with case("all tables are as they were"):
        expect_whole(project)
