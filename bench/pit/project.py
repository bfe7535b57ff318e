"""Makes a Hanok project in FOLDER/project with the views of FOLDER loaded: project.py HANOK FOLDER VIEWS TTL_US."""

import pathlib
import shutil
import subprocess
import sys

VIEW = """\
  - name: v{at}
    entities: [key]
    source: {{ table: raw.view_{at} }}
    timestamp: event_timestamp
    created: created
    ttl: {ttl_s}s
    features: [{features}]
"""


def main():
    hanok, folder, views, ttl_us = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3]), int(sys.argv[4])
    project = folder / f"project-{views}"
    if (project / "done").exists():
        return
    shutil.rmtree(project, ignore_errors=True)
    features = ", ".join(f"{{ name: f{c}, type: float64 }}" for c in range(5))
    files = {
        "hanok.yaml": "name: bench\nversion: 1\n",
        "sources/views.yaml": "sources:\n"
        + "".join(
            f"  - {{ name: view_{at}, files: ['{folder}/view_{at}.parquet'], format: parquet }}\n" for at in range(views)
        ),
        "features/views.yaml": "entities:\n  - { name: key, join_keys: [key], type: int64 }\nfeature_views:\n"
        + "".join(VIEW.format(at=at, ttl_s=ttl_us // 1_000_000, features=features) for at in range(views)),
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    for command in ("load", "apply"):
        subprocess.run([hanok, "--quiet", "--project", str(project), command], check=True)
    (project / "done").touch()


main()
