"""The point-in-time join, two threads each: ours from Delta tables, the peers from the Parquet files that were loaded
into them; Parquet out."""

import argparse
import pathlib
import subprocess
import sys

from harness import Bench, Command, cache, cargo_build, target_dir, venv_python, versions

HERE = pathlib.Path(__file__).resolve().parent
TTL_US = 5 * 86_400_000_000
THREADS = 2
HANOK = str(target_dir() / "release" / "hanok")
# name, entity rows, feature rows, keys, views
CASES = [
    ("100k x 1M x 5", 100_000, 1_000_000, 10_000, 1),
    ("1M x 10M x 5", 1_000_000, 10_000_000, 200_000, 1),
    ("1M x 10M x 3 views x 5", 1_000_000, 10_000_000, 200_000, 3),
]


def ours(folder: pathlib.Path, views: int, out: pathlib.Path) -> list[str]:
    """The command of ours; the only place that knows how it is called."""
    features = ",".join(f"v{at}:f{c}" for at in range(views) for c in range(5))
    return [HANOK, "--quiet", "--threads", str(THREADS), "--project", f"{folder}/project-{views}", "features", "join",
            "--entities", f"{folder}/entity.parquet", "--features", features, "--full-feature-names", "-o", str(out)]


def run(*command) -> int:
    return subprocess.run([str(part) for part in command], check=False).returncode


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run pit")
    parser.add_argument("--no-build", action="store_true", help="take the binary that is there")
    bench = Bench("pit", parser)
    bench.versions = versions("pit", "pit-feast")
    if not bench.options.no_build:
        cargo_build("-p", "hanok")
    python, feast = venv_python("pit"), venv_python("pit-feast")
    for name, entity_rows, feature_rows, keys, views in CASES:
        if not bench.wanted(name):
            continue
        folder = cache(f"bench-data/pit-{entity_rows}-{feature_rows}")
        if run(python, HERE / "data.py", folder, entity_rows, feature_rows, keys, views):
            sys.exit("the data could not be generated")
        if run(python, HERE / "project.py", HANOK, folder, views, TTL_US):
            sys.exit("the views could not be loaded")
        outs = {who: folder / f"out-{views}-{who}.parquet"
                for who in ("ours", "duckdb_asof", "duckdb_full", "polars", "feast_duckdb")}
        no_telemetry = {"FEAST_USAGE": "False", "OMP_NUM_THREADS": str(THREADS)}
        peers = {
            "duckdb_asof": [python, HERE / "peer_duckdb.py", "asof", folder, views, TTL_US, outs["duckdb_asof"]],
            "duckdb_full": [python, HERE / "peer_duckdb.py", "full", folder, views, TTL_US, outs["duckdb_full"]],
            "polars": [python, HERE / "peer_polars.py", folder, views, TTL_US, outs["polars"]],
            "feast_duckdb": Command([str(part) for part in
                                     [feast, HERE / "peer_feast.py", folder, views, TTL_US, outs["feast_duckdb"]]],
                                    env=no_telemetry),
        }
        mine = ours(folder, views, outs["ours"])
        # The answers must agree before anything is timed; full ties between rows do not occur in the data.
        if run(*mine) or run(*peers["duckdb_full"]) or run(python, HERE / "same.py", outs["duckdb_full"], outs["ours"], "exact"):
            sys.exit(f"{name}: ours and duckdb_full do not agree")
        for who in ("polars", "feast_duckdb"):
            if bench.options.peer and who not in bench.options.peer:
                continue
            arguments = peers[who].arguments if isinstance(peers[who], Command) else peers[who]
            if run(*arguments) or run(python, HERE / "same.py", outs["duckdb_full"], outs[who], "sums"):
                print(f"{name}: {who} answers differently; it is timed all the same")
        bench.case(name, mine, peers, units=entity_rows)
        for out in outs.values():
            out.unlink(missing_ok=True)
    bench.finish()


main()
