"""What a join must find, by the definition: a plain join and a ranking, in DuckDB's SQL."""

from collections import Counter

import duckdb
import pyarrow as pa

from .case import Case, Join, Projection

COVERED = Counter()
DUCKDB = duckdb.connect(config={"threads": 2})


def sql_keys(kind: str, values: list) -> pa.Array:
    """Key values in the one form in which the oracle compares them."""
    data_type = {"string": pa.string(), "bytes": pa.binary(), "bool": pa.bool_()}.get(kind, pa.int64())
    return pa.array(values, data_type)


def duckdb_winners(case: Case, join: Join, projection: Projection, rows: list) -> list:
    """For each entity row the feature row that wins, and all that tie with it on both timestamps."""
    view = projection.view
    entity = {"row": list(range(len(rows))), "t": pa.array([case.entities["time"][row] for row in rows], pa.int64())}
    feature = {
        "seq": pa.array(view.rows["seq"], pa.int64()),
        "t": pa.array(view.rows["event"], pa.int64()),
        "c": pa.array(view.rows["created"] if view.created else [None] * len(view.rows["seq"]), pa.int64()),
    }
    conditions = ["f.t <= e.t"]
    for n, key in enumerate(view.keys):
        column = projection.keys.get(key, key)
        entity[f"k{n}"] = sql_keys(case.keys[key], [case.entities[column][row] for row in rows])
        feature[f"k{n}"] = sql_keys(case.keys[key], view.rows[key])
        conditions.append(f"e.k{n} = f.k{n}")
    same_key = " AND ".join(["true", *conditions[1:]])
    if view.ttl_s:
        conditions.append(f"f.t >= e.t - {view.ttl_s * 1_000_000}")
    if join.as_known_at and view.created:
        conditions.append("(f.c IS NULL OR f.c <= e.t)")
    entity["row"] = pa.array(entity["row"], pa.int64())
    DUCKDB.register("e", pa.table(entity))
    DUCKDB.register("f", pa.table(feature))
    found = DUCKDB.execute(
        f"""
        WITH matched AS (SELECT e.row, f.seq, f.t, f.c FROM e JOIN f ON {" AND ".join(conditions)}),
        ranked AS (
            SELECT *,
                row_number() OVER (PARTITION BY row ORDER BY t DESC, c DESC NULLS LAST, seq DESC) AS place,
                rank() OVER (PARTITION BY row ORDER BY t DESC, c DESC NULLS LAST) AS level,
                rank() OVER (PARTITION BY row ORDER BY t DESC) AS event_level
            FROM matched)
        SELECT e.row, max(r.seq) FILTER (place = 1), list(r.seq) FILTER (level = 1),
            count(*) FILTER (event_level = 1), max(r.t) FILTER (place = 1), e.t
        FROM e LEFT JOIN ranked r ON e.row = r.row GROUP BY e.row, e.t ORDER BY e.row
        """
    ).fetchall()
    # What this join has put to the test.
    ttl = view.ttl_s * 1_000_000
    late = f"count(*) FILTER (f.t = e.t - {ttl} - 1), count(*) FILTER (f.t = e.t + 1), count(*) FILTER (f.c = e.t + 1)"
    expired, future, unknown = DUCKDB.execute(f"SELECT {late} FROM e JOIN f ON {same_key}").fetchall()[0]
    COVERED["rows 1 µs over the ttl"] += expired if ttl else 0
    COVERED["rows 1 µs in the future"] += future
    COVERED["rows known 1 µs late"] += unknown if join.as_known_at and view.created else 0
    for _, winner, tied, events, event, at in found:
        COVERED["entity rows"] += 1
        COVERED["without a match"] += winner is None
        COVERED["at equal timestamps"] += winner is not None and event == at
        COVERED["exactly as old as the ttl"] += winner is not None and bool(ttl) and event == at - ttl
        COVERED["decided by created"] += winner is not None and len(tied) < events
        COVERED["decided by row order"] += winner is not None and len(tied) > 1 and not view.any_tie
        COVERED["before 1970"] += at is not None and at < 0
    return [(winner, tied or []) for _, winner, tied, *_ in found]
