"""Bad surroundings: `faults.py PATH_TO_HANOK [SECTION…]`.

Damaged inputs, full disks, read-only disks, missing columns, endless lines and broken state. Each case looks at Hanok from
outside, through its command line: the exit code, an error whose code `hanok errors` lists and whose text names the file
(and the line, where there is one), no panic, the tables' rows as they were before, and the next good run.

Full and read-only disks are small tmpfs mounts. They need root, or a kernel that lets users make namespaces (the tool then
starts itself again in one); where neither is possible it fails, unless HANOK_TEST_ALLOW_SKIP=1.
"""

import functools
import gzip
import io
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from contextlib import closing, contextmanager
from pathlib import Path

HANOK = str(Path(sys.argv[1]).resolve())
# No command of these may take longer; most take some 50 ms.
TIMEOUT_S = 90
MIB = 1 << 20
GIB = 1 << 30
# Peak memory of a load whatever the file holds.
RSS_MIB_MAX = 300
ENDLESS_S_MAX = 30


class Done:
    """A command that ended."""

    def __init__(self, args, status, out, err, seconds, rss_mib):
        self.args, self.status, self.out, self.err = args, status, out, err
        self.seconds, self.rss_mib = seconds, rss_mib
        try:
            self.json = json.loads(out)
        except ValueError:
            self.json = None

    @property
    def error(self):
        return self.json.get("error") if isinstance(self.json, dict) else None

    def __str__(self):
        return f"hanok {' '.join(self.args)} -> {self.status}\n{self.out[:1500]}\n{self.err[:1500]}"


@functools.cache
def known_codes():
    done = subprocess.run([HANOK, "errors", "--json"], capture_output=True, check=True)
    return {info["code"] for info in json.loads(done.stdout)["errors"]}


def run(project, *args, as_json=True, stdout=None):
    """Runs Hanok. The output goes to files, so that nobody waits for a reader."""
    # Who wants backtraces gets them, in messages too.
    env = {key: value for key, value in os.environ.items() if key != "RUST_BACKTRACE"}
    args = ["--project", str(project), *(["--json"] if as_json else []), *map(str, args)]
    with tempfile.TemporaryFile() as own_out, tempfile.TemporaryFile() as err:
        out = stdout or own_out
        begun = time.monotonic()
        process = subprocess.Popen([HANOK, *args], stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=env)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begun > TIMEOUT_S:
                process.kill()
                os.wait4(process.pid, 0)
                raise AssertionError(f"hanok {' '.join(args)} did not end within {TIMEOUT_S} s")
            time.sleep(0.002)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (own_out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        seconds = time.monotonic() - begun
        done = Done(args, process.returncode, *texts, seconds, usage.ru_maxrss / 1024)
    assert "panicked" not in done.err and "panicked" not in done.out, f"a panic: {done}"
    assert done.status >= 0, f"killed by {signal.Signals(-done.status).name}: {done}"
    return done


def good(project, *args, **options):
    done = run(project, *args, **options)
    assert done.status == 0, f"should have worked: {done}"
    return done.json


def sql(project, query):
    return good(project, "sql", query)["data"]


def count(project, table):
    return sql(project, f"select count(*) as n from {table}")[0]["n"]


def check_error(done, codes, *names):
    """A coded error, whole: code, what, where, what to do."""
    assert done.status == 1, f"exit code {done.status}, not 1: {done}"
    error = done.error
    assert error, f"no error object on standard output: {done}"
    assert set(error) >= {"code", "message", "place", "hint"}, f"an error without its parts: {error}"
    assert error["code"] in known_codes(), f"{error['code']} is not in `hanok errors`"
    assert error["code"] in codes.split(), f"{error['code']}, not {codes}: {error}"
    assert error["message"] and error["hint"], f"an empty part: {error}"
    text = f"{error['message']} {error['place'] or ''}"
    for name in names:
        assert str(name) in text, f"`{name}` is not named: {error}"
    return error


def fails(project, codes, *names, args, people=True, **options):
    """Runs a command that must fail, for machines and then for people, who must see the same."""
    error = check_error(run(project, *args, **options), codes, *names)
    if people:
        shown = run(project, *args, as_json=False, **options)
        assert shown.status == 1, f"exit code for people: {shown}"
        first, *rest = shown.err[shown.err.index("error[") :].splitlines()
        assert first.startswith(f"error[{error['code']}]: "), f"people see another error: {shown}"
        assert any(line.startswith("  help: ") for line in rest), f"people are not told what to do: {shown}"
        assert "error[" not in shown.out, f"an error among the results: {shown}"
    return error


# ---------------------------------------------------------------------------------------------------------------------
# Projects and cases

FAILED, PASSED = [], []


@contextmanager
def case(name):
    begun = time.monotonic()
    notes = []
    try:
        yield notes
    except Exception as error:
        FAILED.append(name)
        where = traceback.extract_tb(error.__traceback__)[1:]
        place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in where[:3])
        print(f"  FAIL {name} ({place})\n       {type(error).__name__}: {error}", flush=True)
    else:
        PASSED.append(name)
        text = f": {', '.join(notes)}" if notes else ""
        print(f"  ok   {name}{text} ({time.monotonic() - begun:.1f} s)", flush=True)


def new_project(folder, whole=False):
    """The blank project with its six rows; `whole` has everything done to it once."""
    done = subprocess.run([HANOK, "init", str(folder), "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if whole:
        for step in ("load", "build", "apply", "materialize"):
            good(folder, step)
    return folder


def copied(base, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    return folder


def expect_whole(project, rows=6):
    """The blank project's tables, and what it serves."""
    check_count(project, "raw.visits", rows)
    check_count(project, "mart.visits_by_day", rows)
    served(project)


def check_count(project, table, rows):
    found = count(project, table)
    assert found == rows, f"{table} has {found} rows, not {rows}"


def served(project):
    got = good(project, "features", "get", "--service", "how_busy", "--entity", "place=library")
    assert [result["values"] for result in got["results"]] == [["library"], [52], [1404]], got


def define(project, name, files, options=""):
    (project / "sources" / f"{name}.yaml").write_text(f"sources:\n  - name: {name}\n    files: {files}\n{options}")


def folder_of(project, table):
    schema, name = table.split(".")
    with closing(sqlite3.connect(project / ".hanok/catalog.sqlite")) as connection:
        query = "select directory from tables where schema_name = ? and table_name = ?"
        return project / ".hanok/lake/main" / connection.execute(query, (schema, name)).fetchone()[0]


def expect_clean(project):
    """No file of a command that is over is left half-written."""
    left = [path for path in project.rglob("*") if path.name.endswith(".partial") or "#" in path.name]
    spilled = [path for path in (project / ".hanok/spill").rglob("*") if path.is_file()]
    assert not left and not spilled, f"left over: {left + spilled}"


# ---------------------------------------------------------------------------------------------------------------------
# 1. Corrupt and truncated inputs

ROWS = "".join(f"{n},name {n},{n / 4}\n" for n in range(1, 2001))
CSV = f"id,name,value\n{ROWS}".encode()


def zipped(name, data, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def flipped(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def wrong_crc(archive):
    """The checksum of a zip's only member changed in both places."""
    central = archive.rindex(b"PK\x01\x02")
    return flipped(flipped(archive, 14), central + 16)


def refused_file(project, name, bad, codes, *names, good_file=None, options=""):
    """A good file is loaded; a bad one beside it is refused as a whole; when it has been mended its rows come."""
    stem, extension = name.split(".", 1)
    folder = project / "data" / stem
    folder.mkdir()
    good_file = good_file or CSV
    (folder / "a.csv").write_bytes(b"id,name,value\n0,first,0.5\n")
    if extension == "parquet":
        (folder / "a.csv").unlink()
        good(project, "sql", "select cast(0 as bigint) id, 'first' name, 0.5 value", "-o", folder / "a.parquet")
    bad_file = folder / f"b.{extension}"
    define(project, stem, f"data/{stem}/*", options)
    good(project, "load", stem)
    assert count(project, f"raw.{stem}") == 1
    bad_file.write_bytes(bad)
    error = fails(project, codes, *(names or (bad_file.name,)), args=("load", stem))
    assert count(project, f"raw.{stem}") == 1, "rows of a refused load are in the table"
    bad_file.write_bytes(good_file)
    report = good(project, "load", stem)
    assert (report["rows_loaded"], report["rows_rejected"]) == (2000, 0), report
    assert count(project, f"raw.{stem}") == 2001
    return error


def taken_file(project, name, data, loaded, rejects=(), options=""):
    """The file is loaded; each reject is (line, part of the reason, part of the raw text)."""
    stem, _ = name.split(".", 1)
    path = project / "data" / name
    path.write_bytes(data)
    define(project, stem, f"data/{name}", options)
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
    return report


def deflate_bomb(repeats, piece, last=b""):
    """`repeats` times `piece`, then `last`, as raw deflate: one compressed block written over and over."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    crc = 0
    for _ in range(repeats):
        crc = zlib.crc32(piece, crc)
    crc = zlib.crc32(last, crc)
    return block * repeats + packer.compress(last) + packer.flush(), crc, repeats * len(piece) + len(last)


def zip_of(member, deflated, crc, size):
    name = member.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(deflated), size, len(name), 0)
    local = b"PK\x03\x04" + common + name + deflated
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def inputs(temp):
    project = new_project(temp / "inputs", whole=True)
    packed = gzip.compress(CSV)
    archive = zipped("rows.csv", CSV)
    made = temp / "rows.parquet"
    query = "select value as id, concat('name ', value) as name, value / 4.0 as value from generate_series(1, 2000)"
    good(project, "sql", query, "-o", made)
    parquet = made.read_bytes()
    assert parquet.endswith(b"PAR1")
    footer = len(parquet) - 8 - struct.unpack("<I", parquet[-8:-4])[0]

    refused = [
        ("gzip_cut", "csv.gz", packed[: len(packed) // 2], packed, "HK0302", ("b.csv.gz", "line ")),
        ("gzip_cut_at_the_end", "csv.gz", packed[:-5], packed, "HK0302", ("b.csv.gz", "line ")),
        ("gzip_wrong_checksum", "csv.gz", flipped(packed, -6), packed, "HK0302", ("b.csv.gz",)),
        ("gzip_flipped_byte", "csv.gz", flipped(packed, len(packed) // 3), packed, "HK0302", ("b.csv.gz",)),
        ("gzip_by_name_only", "csv.gz", CSV, packed, "HK0302", ("b.csv.gz", "not a gz file")),
        ("gzip_of_four_bytes", "csv.gz", packed[:4], packed, "HK0302", ("b.csv.gz",)),
        ("zip_cut", "csv.zip", archive[: len(archive) // 2], archive, "HK0302", ("b.csv.zip",)),
        ("zip_wrong_checksum", "csv.zip", wrong_crc(archive), archive, "HK0302", ("b.csv.zip#rows.csv",)),
        ("zip_flipped_byte", "csv.zip", flipped(archive, len(archive) // 3), archive, "HK0302", ("b.csv.zip#rows.csv",)),
        ("parquet_cut", "parquet", parquet[: len(parquet) // 2], parquet, "HK0302", ("b.parquet",)),
        ("parquet_garbage_footer", "parquet", parquet[:footer] + b"\x5a" * (len(parquet) - footer - 8) + parquet[-8:],
         parquet, "HK0302", ("b.parquet",)),
        ("parquet_footer_length", "parquet", parquet[:-8] + b"\xff\xff\xff\x7f" + b"PAR1", parquet, "HK0302", ("b.parquet",)),
        ("parquet_garbage_pages", "parquet", parquet[:4] + b"\xa5" * (footer - 4) + parquet[footer:], parquet, "HK0302",
         ("b.parquet",)),
        ("parquet_empty", "parquet", b"", parquet, "HK0302", ("b.parquet",)),
        ("parquet_by_name_only", "parquet", CSV, parquet, "HK0302", ("b.parquet",)),
        ("header_not_utf8", "csv", b"id,na\xffme,value\n1,a,2\n", CSV, "HK0304", ("b.csv", "utf-8")),
        ("header_open_quote", "csv", b'id,"name,value\n1,a,2\n', CSV, "HK0304", ("b.csv", "quote")),
        ("utf16_without_mark", "csv", CSV.decode().encode("utf-16-le"), CSV, "HK0304", ("b.csv",)),
        ("too_many_columns", "csv", ",".join(f"c{n}" for n in range(5000)).encode() + b"\n", CSV, "HK0306", ("b.csv", "4096")),
    ]
    for name, extension, bad, mended, codes, names in refused:
        with case(name):
            refused_file(project, f"{name}.{extension}", bad, codes, *names, good_file=mended)

    deep = '{"a":' + "[" * 10_000 + "]" * 10_000 + "}\n"
    digits = "1234567890" * 40
    taken = [
        ("quote_open_to_the_end.csv", b'a,b\n1,x\n2,"y\n3,z\n', 2, [(3, "unterminated quote", '2,"y')]),
        ("not_utf8.csv", b"a,b\n1,x\n2,\xff\xfe\n3,z\n", 2, [(3, "not valid utf-8", "2,\ufffd\ufffd")]),
        ("utf16_with_mark.csv", "a,b\n1,한글\n".encode("utf-16"), 1, []),
        ("field_counts.csv", b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,3\n", 2, [(3, "field", "4,5"), (4, "field", "6,7,8,9")]),
        ("nothing.csv", b"", 0, []),
        ("header_only.csv", b"a,b\n", 0, []),
        ("header_only_cut.csv", b"a,b", 0, []),
        ("nothing.jsonl", b"", 0, []),
        ("broken_line.jsonl", b'{"a":1}\n{"a":2,\n[3]\n{"a":4}\nnull\n{"a":5', 2,
         [(2, "", '{"a":2,'), (3, "", "[3]"), (5, "", "null"), (6, "", '{"a":5')]),
        ("not_utf8.jsonl", b'{"a":"x"}\n{"a":"\xff"}\n', 1, [(2, "", '{"a":"\ufffd"}')]),
    ]
    for name, data, loaded, rejects in taken:
        with case(name):
            taken_file(project, name.replace(".jsonl", "_json.jsonl"), data, loaded, rejects)

    with case("zero bytes in fields are kept or rejected, not lost") as notes:
        (project / "data/zeros.csv").write_bytes(b"a,b\n1,x\x00y\n2,z\n")
        define(project, "zeros", "data/zeros.csv")
        report = good(project, "load", "zeros")
        assert report["rows_loaded"] + report["rows_rejected"] == 2, report
        if report["rows_loaded"] == 2:
            assert sql(project, "select b from raw.zeros order by a")[0]["b"] == "x\0y"
        notes.append(f"{report['rows_loaded']} loaded")
    with case("JSON 10,000 deep is kept as its text"):
        taken_file(project, "nested.jsonl", b'{"a":1}\n' + deep.encode() + b'{"a":2}\n', 3)
        values = [str(row["a"]) for row in sql(project, "select a from raw.nested")]
        assert values == ["1", deep[5:-2], "2"], [value[:50] for value in values]
    with case("a number of 400 digits is kept digit by digit") as notes:
        text = f'{{"a":1}}\n{{"a":{digits}}}\n{{"a":-{digits}.5e300}}\n'
        report = taken_file(project, "digits.jsonl", text.encode(), 3)
        values = [str(row["a"]) for row in sql(project, "select a from raw.digits")]
        assert digits in values and f"-{digits}.5e300" in values, values
    for what, name, header in [
        ("duplicate header names are told apart or refused", "twice", b"a,a,b,a"),
        ("empty header names get names or are refused", "unnamed", b"a,,  ,"),
    ]:
        with case(what) as notes:
            (project / f"data/{name}.csv").write_bytes(header + b"\n1,2,3,4\n")
            define(project, name, f"data/{name}.csv")
            done = run(project, "load", name)
            if done.status == 0:
                rows = sql(project, f"select * from raw.{name}")
                values = [value for column, value in rows[0].items() if not column.startswith("_")]
                assert sorted(values) == [1, 2, 3, 4], rows
                notes.append("kept as " + ", ".join(column for column in rows[0] if not column.startswith("_")))
            else:
                notes.append(check_error(done, "HK0304", f"{name}.csv")["message"])
    with case("no file matches"):
        define(project, "nowhere", "data/nowhere/*.csv")
        fails(project, "HK0308", "data/nowhere/*.csv", args=("load", "nowhere"))
    with case("a folder where a file should be"):
        (project / "data/folder.csv").mkdir()
        define(project, "folder", "data/folder.csv")
        fails(project, "HK0301 HK0308", "folder.csv", args=("load", "folder"))

    with case("zip bomb: 2 GiB in one line") as notes:
        piece = b"x" * (64 * MIB)
        bomb = zip_of("bomb.csv", *deflate_bomb(32, piece))
        bounded(project, "bomb_line", "csv.zip", bomb, notes, rows=0)
    with case("zip bomb: 2 GiB in rows of 1 MiB") as notes:
        rows = b"".join(b"%d,%s\n" % (n, bytes([97 + n % 26]) * (MIB - 8)) for n in range(32))
        bomb = zip_of("bomb.csv", *deflate_bomb(64, rows))
        bounded(project, "bomb_rows", "csv.zip", bomb, notes, rows=2047)
    with case("gzip bomb: 1 GiB of line ends, in members") as notes:
        bomb = gzip.compress(b"\n" * (32 * MIB)) * 32
        bounded(project, "bomb_lines", "csv.gz", gzip.compress(b"a,b\n1,2\n") + bomb, notes, rows=1)
    with case("gzip bomb: 4 million rejects of two bytes") as notes:
        bounded(project, "bomb_rejects", "csv.gz", gzip.compress(b"a,b\n1,2\n" + b"x\n" * 4_000_000), notes, rows=1)
    with case("all tables of the inputs are as they were"):
        expect_whole(project)
        expect_clean(project)


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


# ---------------------------------------------------------------------------------------------------------------------
# 2. and 3. Full and read-only disks


@contextmanager
def disk(folder, mib):
    """A disk of its own, which goes with everything on it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def remount(folder, options):
    # With source and type, because what `mount` would find in /proc/mounts cannot be said again in a user namespace.
    command = ["mount", "--internal-only", "-t", "tmpfs", "-o", f"remount,{options}", "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def free_bytes(folder):
    state = os.statvfs(folder)
    return state.f_bavail * state.f_bsize


@contextmanager
def filled(folder, free):
    """The disk with no more than `free` bytes of room."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        wanted = free_bytes(folder) - free
        if wanted > 0:
            os.posix_fallocate(file.fileno(), 0, wanted)
    try:
        yield
    finally:
        ballast.unlink()


BIG_ROWS = 60_000
BIG_VIEW = """entities:
  - { name: key, type: int64 }
feature_views:
  - name: big
    entities: [key]
    source: { table: mart.big_copy }
    timestamp: seen
    features: [ { name: text, type: string } ]
"""
FULL_CODES = "HK0005 HK0101 HK0201 HK0405 HK0402 HK0607 HK0708"
FULL_WORDS = ("No space left", "no room", "disk is full")


def big_project(folder, data):
    project = new_project(folder)
    define(project, "big", f'["{data}"]', "    columns: { seen: timestamp }\n")
    (project / "models/big_copy.sql").write_text("select key, text, seen from {{ source('raw', 'big') }}\n")
    (project / "features/big.yaml").write_text(BIG_VIEW)
    for step in (("load", "visits"), ("build", "visits_by_day")):
        good(project, *step)
    return project


def catalog_is_sound(project):
    path = project / ".hanok/catalog.sqlite"
    if path.exists() and path.stat().st_size:
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"


def full_disk_step(folder, project, args, sizes, check_before, check_after, notes):
    """The command at several sizes of free room; then with enough of it."""
    failed = 0
    free_before = free_bytes(folder)
    for free in sizes:
        with filled(folder, free):
            done = run(project, *args)
        if done.status == 0:
            break
        failed += 1
        if done.status == 3:
            text = " ".join(model["message"] or "" for model in done.json["models"])
            assert any(code in text for code in FULL_CODES.split()), done
            code = text[-7:-1]
        else:
            error = check_error(done, FULL_CODES)
            text, code = error["message"], error["code"]
        assert any(word in text for word in FULL_WORDS), f"the message does not say why: {text}"
        notes.append(f"{free // 1024} KiB {code}")
        check_before()
        catalog_is_sound(project)
        expect_clean(project)
    left = free_before - free_bytes(folder)
    notes.append(f"{left // 1024} KiB left behind")
    assert failed >= 2, "the disk was never full"
    good(project, *args)
    check_after()


def disk_full(temp):
    data = temp / "big.csv"
    with data.open("w") as file:
        file.write("key,text,seen\n")
        state = 1
        for key in range(BIG_ROWS):
            state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            file.write(f"{key},{state:016x}{state * 31 & (1 << 64) - 1:016x},2026-01-01T00:00:{key % 60:02}\n")
    kib = 1024
    with disk(temp / "disk", 128) as folder:
        project = big_project(folder / "project", data)
        rows = lambda table, n=BIG_ROWS: lambda: check_count(project, table, n)
        with case("a first command on a full disk") as notes:
            fresh = new_project(folder / "fresh")
            for free in (0, 64 * kib):
                shutil.rmtree(fresh / ".hanok", ignore_errors=True)
                with filled(folder, free):
                    error = check_error(run(fresh, "load"), FULL_CODES)
                notes.append(f"{free // kib} KiB {error['code']}")
                assert good(fresh, "load")["rows_loaded"] + count(fresh, "raw.visits") in (6, 12)
                assert count(fresh, "raw.visits") == 6
            shutil.rmtree(fresh)
        with case("load on a full disk") as notes:
            none = lambda: expect_no_table(project, "raw.big")
            sizes = (0, 32 * kib, 128 * kib, 512 * kib, 2 * MIB)
            full_disk_step(folder, project, ("load", "big"), sizes, none, rows("raw.big"), notes)
        with case("build on a full disk") as notes:
            none = lambda: expect_no_table(project, "mart.big_copy")
            sizes = (0, 32 * kib, 128 * kib, 512 * kib, 2 * MIB)
            full_disk_step(folder, project, ("build", "big_copy"), sizes, none, rows("mart.big_copy"), notes)
        with case("build of a table that is there, on a full disk") as notes:
            same = rows("mart.big_copy")
            full_disk_step(folder, project, ("build", "big_copy"), (0, 256 * kib, MIB), same, same, notes)
        with case("apply on a full disk") as notes:
            good(project, "build", "big_copy")
            with filled(folder, 0):
                check_error(run(project, "apply"), FULL_CODES)
            good(project, "apply")
        with case("materialize on a full disk") as notes:
            def all_served():
                got = good(project, "features", "get", "--features", "big:text", "--entity", f"key={BIG_ROWS - 1}")
                assert got["results"][1]["statuses"] == ["PRESENT"], got
            none = lambda: None
            sizes = (0, 64 * kib, 256 * kib, MIB, 4 * MIB)
            full_disk_step(folder, project, ("materialize", "big"), sizes, none, all_served, notes)
            report = good(project, "materialize", "big")
            assert report["online_keys"] == BIG_ROWS, report
        for kind in ("parquet", "csv", "jsonl"):
            with case(f"sql -o {kind} on a full disk") as notes:
                output = folder / f"out.{kind}"
                output.write_text("the old file")
                args = ("sql", "select * from raw.big", "-o", output)
                old = lambda: expect_text(output, "the old file")
                full_disk_step(folder, project, args, (0, 64 * kib, MIB), old, lambda: None, notes)
                assert output.stat().st_size > MIB
                output.unlink()
        with case("features join -o on a full disk") as notes:
            output = folder / "training.parquet"
            query = "select key, seen as event_timestamp from raw.big"
            args = ("features", "join", "--entities-sql", query, "--features", "big:text", "-o", output)
            none = lambda: expect_none(output)
            full_disk_step(folder, project, args, (0, 64 * kib, MIB), none, lambda: None, notes)
            assert good(project, "sql", "select 1", "-o", folder / "x.csv")["rows"] == 1
        with case("a sort that spills to a full disk") as notes:
            output = temp / "sorted.csv"
            query = "select a.text, b.text as other, a.key from raw.big a cross join (select text from raw.big limit 8) b order by 1, 2"
            args = ("sql", query, "-o", output, "--memory-mb", 64)
            with filled(folder, MIB):
                error = check_error(run(project, *args), FULL_CODES)
                assert any(word in error["message"] for word in FULL_WORDS), error
            notes.append(f"{error['code']}")
            expect_none(output)
            expect_clean(project)
            assert good(project, *args)["rows"] == 8 * BIG_ROWS
            output.unlink()
        with case("a larger disk in place of a full one") as notes:
            full = filled(folder, 0)
            with full:
                check_error(run(project, "load"), FULL_CODES)
                remount(folder, "size=160m")
                good(project, "load")
                good(project, "build")
            catalog_is_sound(project)
            assert [count(project, table) for table in ("raw.visits", "raw.big", "mart.big_copy")] == [6, BIG_ROWS, BIG_ROWS]
        with case("standard output that takes nothing"):
            with open("/dev/full", "wb") as nowhere:
                for args in (("sql", "select * from raw.big", "--format", "csv"), ("runs",)):
                    done = run(project, *args, as_json=False, stdout=nowhere)
                    assert done.status == 1 and "error[HK0005]" in done.err and "No space left" in done.err, done
                done = run(project, "sql", "select * from raw.big", stdout=nowhere)
                assert done.status == 1, done


def expect_no_table(project, table):
    check_error(run(project, "sql", f"select count(*) from {table}"), "HK0401 HK0103", table.split(".")[1])
    assert count(project, "raw.visits") == 6


def expect_text(path, text):
    assert path.read_text() == text, f"{path.name} was overwritten"


def expect_none(path):
    assert not path.exists(), f"{path.name} is there"


def disk_read_only(temp):
    base = new_project(temp / "base", whole=True)
    outside = temp / "outside"
    outside.mkdir()
    for title, closed in (("as a command left it", False), ("with nothing but the catalog's own file", True)):
        with disk(temp / f"disk{closed:d}", 64) as folder:
            project = copied(base, folder / "project")
            if closed:
                merged_catalog(project)
            (project / "data/more.csv").write_text("day,place,visits,minutes\n2026-11-05,library,1,2\n")
            remount(folder, "ro")
            with case(f"a read-only project, {title}: reading works"):
                expect_whole(project)
                good(project, "runs")
                good(project, "sql", "select * from hanok.history")
                good(project, "sql", "select * from raw.visits", "-o", outside / "rows.parquet")
            read_only = "HK0005 HK0101 HK0201 HK0709"
            entities = ("--entities-sql", "select place, event_timestamp from mart.visits_by_day", "--service", "how_busy")
            for args in (
                ("load",), ("build",), ("apply",), ("materialize",),
                ("sql", "select 1", "-o", project / "x.csv"),
                ("features", "join", *entities, "-o", outside / "training.parquet"),
            ):
                with case(f"a read-only project, {title}: {' '.join(args[:2])[:14]} says so"):
                    error = fails(project, read_only, args=args)
                    text = f"{error['message']} {error['hint']}".lower()
                    assert "read-only" in text or "readonly" in text, error
            remount(folder, "rw")
            with case(f"a read-only project, {title}: writable again"):
                expect_whole(project)
                assert good(project, "load")["rows_loaded"] == 1
                good(project, "build")
                good(project, "materialize")
                assert count(project, "mart.visits_by_day") == 7
                expect_clean(project)
    with case("a read-only folder for a new project"):
        with disk(temp / "disk2", 4) as folder:
            fresh = new_project(folder / "fresh")
            remount(folder, "ro")
            for args in (("load",), ("sql", "select 1")):
                error = fails(fresh, read_only, fresh, args=args)
            init = subprocess.run([HANOK, "init", str(folder / "other"), "--json"], capture_output=True, text=True)
            assert init.returncode == 1 and json.loads(init.stdout)["error"]["code"] == "HK0005", init


# ---------------------------------------------------------------------------------------------------------------------
# 4. Missing columns


def missing_columns(temp):
    project = new_project(temp / "columns", whole=True)
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

    with case("a model names a missing column"):
        model = project / "models/lacking.sql"
        model.write_text("-- two lines\n-- of remarks\nselect\n    place,\n    vistis\nfrom {{ source('raw', 'visits') }}\n")
        done = run(project, "build", "lacking")
        assert done.status == 3, done
        message = done.json["models"][0]["message"]
        assert "lacking.sql:5" in message and "vistis" in message and "[HK0510]" in message, message
        people = run(project, "build", "lacking", as_json=False)
        assert people.status == 3 and "lacking.sql:5" in people.out, people
        expect_no_column_model(project)
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

    good_rows = "place,event_timestamp\nlibrary,2026-11-04T12:00:00Z\n"
    entities = project / "entities.csv"
    output = project / "training.csv"
    args = ("features", "join", "--entities", entities, "--service", "how_busy", "-o", output)
    for title, text, codes, names in (
        ("lack a join key", good_rows.replace("place,", "palce,"), "HK0605 HK1001", ("place",)),
        ("lack the timestamp and have two others", "place,a,b\nlibrary,2026-11-04,2026-11-04\n", "HK0605 HK1001", ("timestamp",)),
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
        good(project, "sql", "select 'library' place, timestamp '2026-11-04' event_timestamp", "-o", project / "e.parquet")
        whole = (project / "e.parquet").read_bytes()
        (project / "e.parquet").write_bytes(whole[: len(whole) // 2])
        fails(project, "HK0005 HK0605", "e.parquet", args=(*args[:3], project / "e.parquet", *args[4:]))
    with case("sql names a missing column"):
        fails(project, "HK0401", "vistis", args=("sql", "select vistis from raw.visits"))
    with case("all tables are as they were"):
        expect_whole(project)
        expect_clean(project)


def expect_no_column_model(project):
    check_error(run(project, "sql", "select * from mart.lacking"), "HK0401 HK0103", "lacking")


# ---------------------------------------------------------------------------------------------------------------------
# 5. A line, or a field, of 1 GiB


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


# ---------------------------------------------------------------------------------------------------------------------
# 6. Broken state


def cut(path, keep):
    """Keeps a share of the file."""
    os.truncate(path, int(path.stat().st_size * keep))


def garbage(path, at=0, length=None):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5garbage" * ((length or size - at) // 8 + 1))


def merged_catalog(project):
    """The catalog in one file, as after a copy."""
    path = project / ".hanok/catalog.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    return path


def broken_state(temp):
    base = new_project(temp / "base", whole=True)
    merged_catalog(base)
    project = temp / "project"
    reading = ("sql", "select count(*) from raw.visits")
    every = (("load",), ("build",), ("apply",), ("materialize",), reading, ("runs",))

    for title, damage in (
        ("cut to a half", lambda path: cut(path, 0.5)),
        ("cut to 100 bytes", lambda path: os.truncate(path, 100)),
        ("all garbage", garbage),
        ("garbage after its first page", lambda path: garbage(path, 4096)),
        ("garbage in its schema", lambda path: garbage(path, 100, 3000)),
    ):
        with case(f"the catalog is {title}") as notes:
            copied(base, project)
            catalog = project / ".hanok/catalog.sqlite"
            damage(catalog)
            for args in every:
                done = run(project, *args)
                if done.status != 0:
                    error = check_error(done, "HK0101 HK0104", "catalog")
                    notes.append(f"{args[0]} {error['code']}")
                else:
                    notes.append(f"{args[0]} ok")
            assert sum(" HK" in note for note in notes) >= 3, notes
            fails(project, "HK0101 HK0104", "catalog.sqlite", args=("load",))
            shutil.copy(base / ".hanok/catalog.sqlite", catalog)
            for end in ("-wal", "-shm"):
                Path(f"{catalog}{end}").unlink(missing_ok=True)
            expect_whole(project)
    with case("the catalog is of a newer Hanok"):
        copied(base, project)
        with closing(sqlite3.connect(project / ".hanok/catalog.sqlite")) as connection:
            known = connection.execute("pragma user_version").fetchone()[0]
            connection.execute(f"pragma user_version = {known + 1}")
        for args in every:
            fails(project, "HK0102", "catalog.sqlite", str(known + 1), args=args, people=args == reading)
        with closing(sqlite3.connect(project / ".hanok/catalog.sqlite")) as connection:
            assert connection.execute("pragma user_version").fetchone()[0] == known + 1, "it was changed"
            connection.execute(f"pragma user_version = {known}")
        expect_whole(project)
    with case("the catalog is a folder"):
        copied(base, project)
        catalog = project / ".hanok/catalog.sqlite"
        catalog.unlink()
        catalog.mkdir()
        fails(project, "HK0101", "catalog.sqlite", args=("load",))

    # A second load, so that there are two versions and two files.
    (base / "data/more.csv").write_text("day,place,visits,minutes\n2026-11-05,library,52,1404\n")
    good(base, "load")
    merged_catalog(base)
    table = folder_of(base, "raw.visits").relative_to(base)
    log = "_delta_log/{:020}.json"
    newest_part = max((base / table).glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns).name
    for title, name, damage, codes, names in (
        ("the log's first entry is gone", log.format(0), Path.unlink, "HK0204", ("raw.visits", table.name)),
        ("the log's last entry is cut", log.format(1), lambda path: cut(path, 0.5), "HK0204", ("raw.visits", table.name)),
        ("the log's last entry is garbage", log.format(1), garbage, "HK0204", ("raw.visits", table.name)),
        ("a data file is gone", newest_part, Path.unlink, "HK0204", (newest_part,)),
        ("a data file is cut", newest_part, lambda path: cut(path, 0.5), "HK0204", (newest_part,)),
        ("a data file is garbage", newest_part, garbage, "HK0204", (newest_part,)),
        ("a data file is empty", newest_part, lambda path: cut(path, 0), "HK0204", (newest_part,)),
        # Which file, the engine does not say here.
        ("a data file has garbage pages", newest_part, lambda path: garbage(path, 4, 400), "HK0204", ("raw.visits",)),
    ):
        with case(title) as notes:
            copied(base, project)
            path = project / table / name
            whole = path.read_bytes()
            damage(path)
            error = fails(project, codes, *names, args=("sql", "select sum(visits), max(place), max(minutes) from raw.visits"))
            notes.append(f"sql {error['code']}")
            built = run(project, "build", "visits_by_day")
            assert built.status == 3, built
            text = built.json["models"][0]["message"]
            assert any(f"[{code}]" in text for code in known_codes()) and names[0] in text, text
            notes.append(f"build {text[-7:-1]}")
            # The mart stays as it was, and features come out of it.
            assert count(project, "mart.visits_by_day") == 6
            path.write_bytes(whole)
            good(project, "build", "visits_by_day")
            assert count(project, "mart.visits_by_day") == 7
    for title, name, damage in (
        ("the log's first entry is gone", log.format(0), Path.unlink),
        ("the log's last entry is garbage", log.format(1), garbage),
    ):
        with case(f"load: {title}"):
            copied(base, project)
            (project / "data/third.csv").write_text("day,place,visits,minutes\n2026-11-06,library,52,1404\n")
            path = project / table / name
            whole = path.read_bytes()
            damage(path)
            before = sorted(path.name for path in (project / table / "_delta_log").iterdir())
            fails(project, "HK0204", "raw.visits", table.name, args=("load",))
            assert sorted(path.name for path in (project / table / "_delta_log").iterdir()) == before
            path.write_bytes(whole)
            assert good(project, "load")["rows_loaded"] == 1
            assert count(project, "raw.visits") == 8
    with case("the log's last entry is empty, as a power cut leaves it: that load has not happened"):
        copied(base, project)
        cut(project / table / log.format(1), 0)
        assert count(project, "raw.visits") == 6
        assert good(project, "load")["rows_loaded"] == 1
        assert count(project, "raw.visits") == 7
    with case("a whole table's folder is gone"):
        copied(base, project)
        shutil.rmtree(project / table)
        fails(project, "HK0103 HK0204 HK0401", "visits", args=reading)
    with case("a feature source's data file is gone: join and materialize") as notes:
        copied(base, project)
        mart = folder_of(project, "mart.visits_by_day")
        part = next(mart.glob("*.parquet"))
        whole = part.read_bytes()
        part.unlink()
        shutil.rmtree(project / ".hanok/online")
        query = "select 'library' as place, timestamp '2026-11-04' as event_timestamp"
        joining = ("features", "join", "--entities-sql", query, "--service", "how_busy", "-o", project / "t.csv")
        for args in (joining, ("materialize",)):
            error = fails(project, "HK0204 HK0402 HK0201 HK1004 HK0606 HK0607", part.name, args=args)
            notes.append(f"{args[0]} {error['code']}")
        expect_none(project / "t.csv")
        part.write_bytes(whole)
        good(project, *joining)
        good(project, "materialize")
        served(project)

    for title, damage in (
        ("cut to a half", lambda path: cut(path, 0.5)),
        ("cut to one page", lambda path: os.truncate(path, 4096)),
        ("empty", lambda path: cut(path, 0)),
        ("all garbage", garbage),
        ("garbage after its first pages", lambda path: garbage(path, 2 * 4096)),
        ("a few bytes", lambda path: path.write_bytes(b"not LMDB")),
    ):
        with case(f"the online store is {title}") as notes:
            copied(base, project)
            store = project / ".hanok/online/data.mdb"
            damage(store)
            reads = ("features", "get", "--service", "how_busy", "--entity", "place=library")
            for args in (reads, ("materialize",)):
                done = run(project, *args)
                if done.status != 0:
                    notes.append(f"{args[0]} {check_error(done, 'HK0701 HK0703 HK0704 HK0705', 'online')['code']}")
                else:
                    notes.append(f"{args[0]} ok")
            if not any(" HK" in note for note in notes):
                served(project)
            # What the page of HK0704 says.
            shutil.rmtree(project / ".hanok/online")
            good(project, "apply")
            good(project, "materialize")
            served(project)
    with case("a server on a damaged online store does not start"):
        copied(base, project)
        garbage(project / ".hanok/online/data.mdb")
        fails(project, "HK0704 HK0703", "online", args=("serve", "--http", "127.0.0.1:0"))
    with case("a hanok.yaml that is no YAML"):
        copied(base, project)
        (project / "hanok.yaml").write_text("name: [\nversion: 1\n")
        fails(project, "HK0002", "hanok.yaml:", args=("load",))
    with case("the lake's folder is a file"):
        copied(base, project)
        shutil.rmtree(project / ".hanok/lake")
        (project / ".hanok/lake").write_text("x")
        fails(project, "HK0201", "lake", args=("load",))


SECTIONS = {
    "inputs": inputs,
    "full": disk_full,
    "read-only": disk_read_only,
    "columns": missing_columns,
    "endless": endless,
    "state": broken_state,
}


NEED_MOUNTS = {"full", "read-only"}


def mounts_are_possible():
    """Goes on in a mount namespace of its own, which takes every mount with it however this ends; false when that, and
    mounting at all, is not allowed here."""
    if "HANOK_FAULTS_INSIDE" not in os.environ:
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
        if subprocess.run([*unshare, "true"], capture_output=True).returncode == 0:
            os.environ["HANOK_FAULTS_INSIDE"] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory(prefix="hanok-faults-") as folder:
        tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        if tried.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)
        return tried.returncode == 0


def main():
    wanted = sys.argv[2:] or list(SECTIONS)
    if NEED_MOUNTS & set(wanted) and not mounts_are_possible():
        if os.environ.get("HANOK_TEST_ALLOW_SKIP") != "1":
            sys.exit("full and read-only disks need root or user namespaces; HANOK_TEST_ALLOW_SKIP=1 leaves them out")
        print("left out, because nothing can be mounted here: full and read-only disks")
        wanted = [name for name in wanted if name not in NEED_MOUNTS]
    with tempfile.TemporaryDirectory(prefix="hanok-faults-") as temp:
        for name in wanted:
            begun = time.monotonic()
            print(f"{name}:", flush=True)
            folder = Path(temp) / name
            folder.mkdir()
            SECTIONS[name](folder)
            shutil.rmtree(folder)
            print(f"  ({time.monotonic() - begun:.1f} s)", flush=True)
    print(f"{len(PASSED)} cases passed, {len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
