"""Makes a Hanok project in FOLDER whose online store has the rows of rows.py: project.py HANOK FOLDER KEYS."""

import pathlib
import shutil
import subprocess
import sys

from rows import rows

FILES = {
    "hanok.yaml": "name: bench\nversion: 1\n",
    "sources/drivers.yaml": "sources:\n  - { name: drivers, files: [drivers.parquet], format: parquet }\n",
    "features/drivers.yaml": """\
entities:
  - { name: driver, join_keys: [driver_id], type: int64 }
feature_views:
  - name: driver_stats
    entities: [driver]
    source: { table: raw.drivers }
    timestamp: event_timestamp
    features:
      - { name: conv_rate, type: float32 }
      - { name: acc_rate, type: float32 }
      - { name: avg_daily_trips, type: int64 }
      - { name: score, type: float64 }
      - { name: earnings, type: float64 }
""",
}


def main():
    hanok, folder, keys = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    rows(0, keys).to_parquet(folder / "drivers.parquet")
    for command in ("load", "apply", "materialize"):
        subprocess.run([hanok, "--project", str(folder), command], check=True)
    (folder / "done").touch()


if __name__ == "__main__":
    main()
