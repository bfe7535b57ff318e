"""One larger join."""

from ..hanok import Failure, Project
from .by_definition import COVERED, DUCKDB
from .case import CREATED, EVENT

LARGE_ENTITIES, LARGE_FEATURES = 250_000, 200_000


def check_large(seed: int, project: Project) -> None:
    """One larger join within little memory: in parts, over several batches of entity rows and of output."""
    folder = project.path
    for name in ("sources", "features", "data"):
        (folder / name).mkdir(parents=True)
    number = lambda salt, n: f"(hash(i, {salt}, {seed}) % {n})::BIGINT"  # noqa: E731
    keys = f"{number(1, 20_000)} - 10 AS k, 'key ' || {number(2, 2)} AS s"
    seconds = lambda salt, n: f"make_timestamp({number(salt, n)} * 1000000)"  # noqa: E731
    DUCKDB.execute(
        f"""
        CREATE OR REPLACE TABLE large_e AS SELECT i AS eid, {keys}, {seconds(3, 1_000)} AS {EVENT}
        FROM range({LARGE_ENTITIES}) t(i);
        CREATE OR REPLACE TABLE large_f AS
        SELECT i AS rid, {keys}, {seconds(4, 1_000)} AS {EVENT}, {seconds(5, 3)} AS {CREATED}, i / 8 AS value
        FROM range({LARGE_FEATURES}) t(i);
        COPY (FROM large_e ORDER BY eid) TO '{folder}/entities.parquet';
        COPY (FROM large_f ORDER BY rid) TO '{folder}/data/rows.parquet';
        """
    )
    (folder / "hanok.yaml").write_text("name: large\nversion: 1\n")
    (folder / "sources/s.yaml").write_text("sources: [{ name: rows, files: [data/rows.parquet] }]\n")
    (folder / "features/f.yaml").write_text(
        "entities: [{ name: e, join_keys: { k: int64, s: string } }]\n"
        "feature_views: [{ name: v, entities: [e], source: { table: raw.rows }, timestamp: event_timestamp,\n"
        "  created: created, ttl: 300s, features: [{ name: rid }, { name: value }] }]\n"
    )
    project.ok("load")
    project.ok("apply")
    out = folder / "out.parquet"
    args = ["--memory-mb", "64", "--threads", "2", "-o", out]
    project.ok("features", "join", "--entities", folder / "entities.parquet", "--features", "v:rid,v:value", *args)
    wrong = DUCKDB.execute(
        f"""
        WITH ranked AS (
            SELECT e.eid, f.rid, f.value, row_number() OVER (
                PARTITION BY e.eid ORDER BY f.{EVENT} DESC, f.{CREATED} DESC NULLS LAST, f.rid DESC) AS place
            FROM large_e e JOIN large_f f ON e.k = f.k AND e.s = f.s AND f.{EVENT} <= e.{EVENT}
                AND f.{EVENT} >= e.{EVENT} - INTERVAL 300 SECONDS),
        expected AS (
            SELECT e.eid, r.rid, r.value FROM large_e e LEFT JOIN ranked r ON e.eid = r.eid AND r.place = 1)
        SELECT x.eid, x.rid, x.value, o.file_row_number, o.rid, o.value
        FROM expected x FULL JOIN read_parquet('{out}', file_row_number = true) o ON x.eid = o.eid
        WHERE x.rid IS DISTINCT FROM o.rid OR x.value IS DISTINCT FROM o.value
            OR x.eid IS DISTINCT FROM o.file_row_number
        ORDER BY x.eid LIMIT 5
        """
    ).fetchall()
    matched = DUCKDB.execute(f"SELECT count(rid) FROM read_parquet('{out}')").fetchall()[0][0]
    COVERED["matched in the large join"] = matched
    if wrong or matched < LARGE_ENTITIES // 10:
        raise Failure(f"the large join, eid, rid, value and what they are: {wrong}; {matched} rows have a match")
