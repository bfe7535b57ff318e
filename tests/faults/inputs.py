"""Corrupt and truncated inputs."""

import gzip
import struct

from .cases import case
from .command import check_error, fails, good, run, sql
from .damage import deflate_bomb, flipped, overwritten, wrong_crc, zip_of, zipped
from .loads import CSV, bounded, refused_file, taken_file
from .project import define, expect_clean, expect_whole, new_project

MIB = 1 << 20


def inputs(temp):
    project = new_project(temp / "inputs", whole=True)
    refused(project, temp)
    taken(project)
    odd(project)
    bombs(project)
    with case("all tables of the inputs are as they were"):
        expect_whole(project)
        expect_clean(project)


def refused(project, temp):
    packed = gzip.compress(CSV)
    archive = zipped("rows.csv", CSV)
    made = temp / "rows.parquet"
    query = "select value as id, concat('name ', value) as name, value / 4.0 as value from generate_series(1, 2000)"
    good(project, "sql", query, "-o", made)
    parquet = made.read_bytes()
    assert parquet.endswith(b"PAR1")
    footer = len(parquet) - 8 - struct.unpack("<I", parquet[-8:-4])[0]

    mended = {"csv": CSV, "csv.gz": packed, "csv.zip": archive, "parquet": parquet}
    for name, extension, bad, *names in (
        ("gzip_cut", "csv.gz", packed[: len(packed) // 2], "line "),
        ("gzip_cut_at_the_end", "csv.gz", packed[:-5], "line "),
        ("gzip_wrong_checksum", "csv.gz", flipped(packed, -6)),
        ("gzip_flipped_byte", "csv.gz", flipped(packed, len(packed) // 3)),
        ("gzip_by_name_only", "csv.gz", CSV, "not a gz file"),
        ("gzip_of_four_bytes", "csv.gz", packed[:4]),
        ("zip_cut", "csv.zip", archive[: len(archive) // 2]),
        ("zip_wrong_checksum", "csv.zip", wrong_crc(archive), "b.csv.zip#rows.csv"),
        ("zip_flipped_byte", "csv.zip", flipped(archive, len(archive) // 3), "b.csv.zip#rows.csv"),
        ("parquet_cut", "parquet", parquet[: len(parquet) // 2]),
        ("parquet_garbage_footer", "parquet", overwritten(parquet, slice(footer, -8), 0x5A)),
        ("parquet_footer_length", "parquet", parquet[:-8] + b"\xff\xff\xff\x7fPAR1"),
        ("parquet_garbage_pages", "parquet", overwritten(parquet, slice(4, footer), 0xA5)),
        ("parquet_empty", "parquet", b""),
        ("parquet_by_name_only", "parquet", CSV),
    ):
        with case(name):
            refused_file(project, f"{name}.{extension}", bad, "HK0302", mended[extension], *names)
    for name, bad, code, *names in (
        ("header_not_utf8", b"id,na\xffme,value\n1,a,2\n", "HK0304", "utf-8"),
        ("header_open_quote", b'id,"name,value\n1,a,2\n', "HK0304", "quote"),
        ("utf16_without_mark", CSV.decode().encode("utf-16-le"), "HK0304"),
        ("too_many_columns", ",".join(f"c{n}" for n in range(5000)).encode() + b"\n", "HK0306", "4096"),
    ):
        with case(name):
            refused_file(project, f"{name}.csv", bad, code, CSV, *names)


def taken(project):
    broken = [(2, "", '{"a":2,'), (3, "", "[3]"), (5, "", "null"), (6, "", '{"a":5')]
    files = [
        ("quote_open_to_the_end.csv", b'a,b\n1,x\n2,"y\n3,z\n', 2, [(3, "unterminated quote", '2,"y')]),
        ("not_utf8.csv", b"a,b\n1,x\n2,\xff\xfe\n3,z\n", 2, [(3, "not valid utf-8", "2,\ufffd\ufffd")]),
        ("utf16_with_mark.csv", "a,b\n1,한글\n".encode("utf-16"), 1, []),
        ("field_counts.csv", b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,3\n", 2, [(3, "field", "4,5"), (4, "field", "6,7,8,9")]),
        ("nothing.csv", b"", 0, []),
        ("header_only.csv", b"a,b\n", 0, []),
        ("header_only_cut.csv", b"a,b", 0, []),
        ("nothing.jsonl", b"", 0, []),
        ("broken_line.jsonl", b'{"a":1}\n{"a":2,\n[3]\n{"a":4}\nnull\n{"a":5', 2, broken),
        ("not_utf8.jsonl", b'{"a":"x"}\n{"a":"\xff"}\n', 1, [(2, "", '{"a":"\ufffd"}')]),
    ]
    for name, data, loaded, rejects in files:
        with case(name):
            taken_file(project, name.replace(".jsonl", "_json.jsonl"), data, loaded, rejects)


def odd(project):
    """Readable, but not what one expects."""
    with case("zero bytes in fields are kept or rejected, not lost") as notes:
        (project / "data/zeros.csv").write_bytes(b"a,b\n1,x\x00y\n2,z\n")
        define(project, "zeros", "data/zeros.csv")
        report = good(project, "load", "zeros")
        assert report["rows_loaded"] + report["rows_rejected"] == 2, report
        if report["rows_loaded"] == 2:
            assert sql(project, "select b from raw.zeros order by a")[0]["b"] == "x\0y"
        notes.append(f"{report['rows_loaded']} loaded")
    with case("JSON 10,000 deep is kept as its text"):
        deep = '{"a":' + "[" * 10_000 + "]" * 10_000 + "}\n"
        taken_file(project, "nested.jsonl", b'{"a":1}\n' + deep.encode() + b'{"a":2}\n', 3)
        values = [str(row["a"]) for row in sql(project, "select a from raw.nested")]
        assert values == ["1", deep[5:-2], "2"], [value[:50] for value in values]
    with case("a number of 400 digits is kept digit by digit"):
        digits = "1234567890" * 40
        text = f'{{"a":1}}\n{{"a":{digits}}}\n{{"a":-{digits}.5e300}}\n'
        taken_file(project, "digits.jsonl", text.encode(), 3)
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


def bombs(project):
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
