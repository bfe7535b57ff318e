"""What is refused, each with its code; the target has what it had."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from .check import equal, refused
from .school import School
from .server import PASSWORD, Server

VALUES = {
    "nul": "select 1 as id, chr(65) as x union all select 2, chr(0)",
    "unsigned": "select 1 as id, arrow_cast(1, 'UInt64') as x union all select 2, arrow_cast(18446744073709551615, 'UInt64')",
    "nested_nan": "select 1 as id, make_array(1.5) as x union all select 2, make_array(1.5, cast('NaN' as double))",
    "fraction": "select 1 as id, arrow_cast(1000, 'Timestamp(Nanosecond, None)') as x "
    "union all select 2, arrow_cast(1001, 'Timestamp(Nanosecond, None)')",
}
ONLY_SQLITE = {
    "nan": "select 1 as id, 1.5 as x union all select 2, cast('NaN' as double)",
    "far": "select 1 as id, cast('2024-01-01' as date) as x union all select 2, arrow_cast(4000000, 'Date32')",
}
ONLY_POSTGRES = {
    "very_far": "select 1 as id, cast('2024-01-01' as date) as x union all select 2, arrow_cast(2147483647, 'Date32')",
}
NAMES = {
    "long_name": f"select 1 as id, 2 as {'가' * 22}",
    "by_case": 'select 1 as id, 2 as "Id"',
    "system_column": "select 1 as id, 2 as xmin",
    "가" * 22: "select 1 as id",
}
TYPES = {"months": "select 1 as id, interval '1 month' as x"}
VIEW = "{{ config(materialized='view') }}\n"


def models(school: School) -> None:
    """All of them, built at once."""
    for group in (VALUES, ONLY_SQLITE, ONLY_POSTGRES, NAMES, TYPES):
        for name, query in group.items():
            school.model(name, VIEW + query)
    school.model("repeated", "select 1 as id union all select 1")
    school.model("missing", "select 1 as id, 99 as student_id")
    school.ok("build")


def everywhere(school: School, to: str, to_postgres: bool, names_read: Callable[[], list]) -> None:
    """Of a database that has the school, published with its plan."""
    before = names_read()
    publish = ("staging", "publish", "main", "--to", to)
    for name in [*VALUES, *(ONLY_POSTGRES if to_postgres else ONLY_SQLITE)]:
        # The good table comes first, and is taken back.
        text = refused(school, "HK1404", *publish, "--tables", f"mart.students,mart.{name}")
        # The rows of a union come in any order.
        equal("table, column and row are named", bool(re.search(rf"`x` of \w+\.{name} .* in row [01]\n", text)), True)
    for name in NAMES:
        refused(school, "HK1402", *publish, "--tables", f"mart.students,mart.{name}")
    for name in TYPES:
        refused(school, "HK1403", *publish, "--tables", f"mart.students,mart.{name}")
    plans = {
        "no such column": "mart.students: { key: nobody }",
        "repeated keys": "mart.repeated: { key: id }",
        "missing rows": "mart.missing: { key: id, references: { student_id: mart.students.student_id } }",
    }
    for name, text in plans.items():
        school.put("bad.yaml", f"tables:\n  {text}\n")
        tables = "mart.students,mart.repeated,mart.missing"
        refused(school, "HK1408", *publish, "--tables", tables, "--plan", school.path / "bad.yaml")
    equal("what was published before", names_read(), before)


def of_sqlite(school: School, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table meals_of_a_service (id integer primary key)")
        connection.execute("drop table meals")
        connection.execute("create table meals (meal_id integer primary key)")
        connection.commit()
        refused(school, "HK1405", "staging", "publish", "main", "--to", f"sqlite:{path}")
        equal("a table of somebody else", connection.execute("select count(*) from meals").fetchone(), (0,))
        connection.execute("drop table meals")
    refused(school, "HK1401", "staging", "publish", "main", "--to", f"sqlite:{path}", "--schema", "public")
    refused(school, "HK1406", "staging", "publish", "main", "--to", f"sqlite:{path.parent}/none/x.db")


def of_postgres(school: School, server: Server, name: str) -> None:
    url = server.url(name) + "?schema=public"
    tables = "mart.classes,mart.meals,mart.students,mart.신청"
    publish = ("staging", "publish", "main", *school.plan, "--tables", tables, "--to")
    with server.connect(name) as connection:
        connection.execute("create view names as select name from students")
        text = refused(school, "HK1407", *publish, url)
        equal("the view is named", "names" in text, True)
        connection.execute("drop view names; drop table meals; create table meals (meal_id int)")
        refused(school, "HK1405", *publish, url)
        connection.execute("drop table meals")
    for wrong in (server.url(name, "wr0ng"), "postgres://hanok:wr0ng@127.0.0.1:1/x", "mysql://hanok:wr0ng@h/x",
                  "postgres://hanok:wr0ng@h/x?sslmode=wr0ng", "postgres://hanok:wr0ng@h/x?wr0ng=1"):
        code = "HK1401" if "mysql" in wrong or "?" in wrong else "HK1406"
        refused(school, code, *publish, wrong, secret="wr0ng@")
    verified = f"{server.url(name, host='localhost')}?schema=public&sslmode=verify-full"
    refused(school, "HK1406", *publish, verified)
    refused(school, "HK1406", *publish, f"{url}&sslmode=verify-full&sslrootcert={server.certificate}")
    shown = school.ok(*publish, f"{verified}&sslrootcert={server.certificate}")
    for mode in ("disable", "require"):
        shown += school.ok(*publish, f"{url}&sslmode={mode}")
    equal("the password is shown", PASSWORD in shown + school.ok("runs"), False)


def of_a_folder(school: School, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    refused(school, "HK1405", "staging", "publish", "main", "--to", folder)
    equal("the file of somebody else", (folder / "notes.txt").read_text(), "mine")
    shutil.rmtree(folder)
    folder.write_text("a file")
    refused(school, "HK1405", "staging", "publish", "main", "--to", folder)
