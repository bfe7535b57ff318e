"""Types: what clients read from the databases equals what DuckDB reads from the same table in Parquet."""

import datetime
import decimal
import json
import math

import duckdb
import psycopg
import sqlalchemy

from .check import equal
from .school import School

TABLE = """
select 1 as id, true as flag, cast(-128 as tinyint) as i8, cast(-32768 as smallint) as i16, -2147483648 as i32,
  cast(-9223372036854775808 as bigint) as i64, cast(1.5 as real) as f32, 0.1 as f64,
  cast('12345678.90' as decimal(10, 2)) as money, cast('-1234567890123456789012345678.0123456789' as decimal(38, 10)) as large,
  '한글 "따옴표" \t' as text, arrow_cast('a''b', 'Binary') as bytes, cast('2024-02-29' as date) as day,
  arrow_cast('2024-02-29T23:59:59.123456', 'Timestamp(Microsecond, None)') as local,
  arrow_cast('2024-02-29T23:59:59.123456Z', 'Timestamp(Microsecond, Some("UTC"))') as moment,
  make_array(1, null, 3) as list, named_struct('이름', '하늘', 'n', make_array(0.5)) as struct
union all
select 2, false, 127, 32767, 2147483647, 9223372036854775807, cast(-0.25 as real), 1e300,
  cast('-0.01' as decimal(10, 2)), cast('0.0000000001' as decimal(38, 10)), '', arrow_cast('', 'Binary'),
  cast('0001-01-01' as date), arrow_cast('0001-01-01T00:00:00', 'Timestamp(Microsecond, None)'),
  arrow_cast('1969-12-31T23:59:59.999999Z', 'Timestamp(Microsecond, Some("UTC"))'),
  arrow_cast(make_array(), 'List(Int64)'), named_struct('이름', null, 'n', null)
union all
select 3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
"""

VIEW = """
{{ config(materialized='view') }}
select 1 as id, arrow_cast(255, 'UInt8') as u8, arrow_cast(65535, 'UInt16') as u16, arrow_cast(4294967295, 'UInt32') as u32,
  arrow_cast(9223372036854775807, 'UInt64') as u64, cast('12:34:56.789' as time) as clock,
  arrow_cast('word', 'Dictionary(Int32, Utf8)') as word, null as empty,
  arrow_cast(90061000001, 'Duration(Microsecond)') as took, map(['가', 'b'], [1, null]) as pairs
union all
select 2, arrow_cast(0, 'UInt8'), arrow_cast(0, 'UInt16'), arrow_cast(0, 'UInt32'), arrow_cast(0, 'UInt64'), cast('00:00:00' as time), null, null, arrow_cast(-1, 'Duration(Microsecond)'), null
"""


def plain(value: object) -> object:
    """One form for what the clients give: numbers as they are, times in UTC, bytes, JSON values."""
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, dict | list):
        return json.loads(json.dumps(value))
    return value


def rows(cursor: object, columns: list[str]) -> list[dict]:
    return [dict(zip(columns, map(plain, row))) for row in cursor]


def kinds(school: School, postgres: str | None, sqlite: str, name: str) -> None:
    parquet = school.path / f"{name}.parquet"
    school.ok("sql", f"select * from mart.{name} order by id", "-o", parquet)
    read = duckdb.sql(f"set timezone = 'UTC'; select * from '{parquet}' order by id")
    columns = read.columns
    wanted = rows(read.fetchall(), columns)
    for row in wanted:
        if "took" in row:
            # Parquet has no durations: the microseconds as a number.
            row["took"] = datetime.timedelta(microseconds=row["took"])
    select = f"select * from {name} order by id"
    if postgres:
        school.publish("main", postgres, "--tables", f"mart.{name}", "--schema", "public")
        with psycopg.connect(postgres) as connection:
            found = connection.execute(select)
            equal("columns", [column.name for column in found.description], columns)
            same(f"PostgreSQL's {name}", rows(found.fetchall(), columns), wanted)
    school.publish("main", sqlite, "--tables", f"mart.{name}")
    engine = sqlalchemy.create_engine(sqlite)
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        found = rows(connection.execute(sqlalchemy.select(table).order_by(table.c.id)), columns)
    engine.dispose()
    for row, other in zip(found, wanted, strict=True):
        # What SQLite has no type for: text with all digits, and microseconds.
        if row.get("large") is not None:
            row["large"] = decimal.Decimal(row["large"])
        if row.get("took") is not None:
            row["took"] = datetime.timedelta(microseconds=row["took"])
    same(f"SQLite's {name}", found, wanted)


def same(what: str, found: list[dict], wanted: list[dict]) -> None:
    for row, other in zip(found, wanted, strict=True):
        for column, value in other.items():
            equal(f"{what}, row {other['id']}, {column}", row[column], value)
            equal(f"the type of {what}, {column}", type(row[column]), type(value))


def numbers_that_are_none(school: School, postgres: str | None) -> None:
    """PostgreSQL has NaN and infinities."""
    if not postgres:
        return
    school.model("odd", "select 1 as id, cast('NaN' as double) as x union all select 2, cast('-Infinity' as double)")
    school.ok("build", "odd")
    school.publish("main", postgres, "--tables", "mart.odd", "--schema", "public")
    with psycopg.connect(postgres) as connection:
        found = [x for (x,) in connection.execute("select x from odd order by id")]
    equal("NaN", math.isnan(found[0]), True)
    equal("an infinity", found[1], -math.inf)
