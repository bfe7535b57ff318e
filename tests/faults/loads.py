"""What may come of a file that is loaded: refused as a whole, taken with rejects, or either within limits."""

from .command import check_error, count, fails, good, run, sql
from .project import define

# Peak memory of a load whatever the file holds.
RSS_MIB_MAX = 300
ENDLESS_S_MAX = 30

ROWS = "".join(f"{n},name {n},{n / 4}\n" for n in range(1, 2001))
CSV = f"id,name,value\n{ROWS}".encode()


def refused_file(project, name, bad, code, mended, *names):
    """A good file is loaded; a bad one beside it is refused as a whole; when it has been mended its rows come."""
    stem, extension = name.split(".", 1)
    folder = project / "data" / stem
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"id,name,value\n0,first,0.5\n")
    if extension == "parquet":
        (folder / "a.csv").unlink()
        good(project, "sql", "select cast(0 as bigint) id, 'first' name, 0.5 value", "-o", folder / "a.parquet")
    bad_file = folder / f"b.{extension}"
    define(project, stem, f"data/{stem}/*")
    good(project, "load", stem)
    assert count(project, f"raw.{stem}") == 1
    bad_file.write_bytes(bad)
    fails(project, code, bad_file.name, *names, args=("load", stem))
    assert count(project, f"raw.{stem}") == 1, "rows of a refused load are in the table"
    bad_file.write_bytes(mended)
    report = good(project, "load", stem)
    assert (report["rows_loaded"], report["rows_rejected"]) == (2000, 0), report
    assert count(project, f"raw.{stem}") == 2001


def taken_file(project, name, data, loaded, rejects=()):
    """The file is loaded; each reject is (line, part of the reason, part of the raw text)."""
    stem, _ = name.split(".", 1)
    path = project / "data" / name
    path.write_bytes(data)
    define(project, stem, f"data/{name}")
    report = good(project, "load", stem)
    assert (report["rows_loaded"], report["rows_rejected"]) == (loaded, len(rejects)), report
    assert count(project, f"raw.{stem}") == loaded
    if rejects:
        found = sql(project, f"select * from raw.{stem}__rejects order by line")
        for row, (line, reason, raw) in zip(found, rejects):
            assert row["file"].split("#")[0].endswith(name), row["file"]
            assert row["line"] == line and reason in row["reason"] and raw in row["raw"], (row, line, reason, raw)
        assert len(found) == len(rejects), found
    again = good(project, "load", stem)
    assert again["rows_loaded"] == again["rows_rejected"] == 0 and again["tables"][0]["files_skipped"] == 1, again


def bounded(project, stem, extension, data, notes, rows=None):
    """A load of much within the limits of memory and time: rows, rejects or a coded error."""
    path = project / "data" / f"{stem}.{extension}"
    if data is not None:
        path.write_bytes(data)
    try:
        define(project, stem, f"data/{stem}.{extension}")
        done = run(project, "load", stem)
        notes.append(f"{done.seconds:.1f} s, {done.rss_mib:.0f} MiB")
        if done.status == 0:
            report = done.json
            notes.append(f"{report['rows_loaded']} rows, {report['rows_rejected']} rejects")
            assert rows is None or report["rows_loaded"] == rows, report
            assert report["rows_loaded"] + report["rows_rejected"] > 0, report
        else:
            error = check_error(done, "HK0302 HK0304", path.name)
            notes.append(f"{error['code']}: {error['message'].split(': ', 1)[-1][:80]}")
        assert done.rss_mib < RSS_MIB_MAX, f"{done.rss_mib:.0f} MiB at the peak"
        assert done.seconds < ENDLESS_S_MAX, f"{done.seconds:.0f} s"
        return done
    finally:
        path.unlink()
