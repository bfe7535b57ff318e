"""Runs the sections, or those that are named."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .broken_state import broken_state
from .cases import FAILED, PASSED
from .disks import mounts_are_possible
from .endless_lines import endless
from .full_disks import disk_full
from .inputs import inputs
from .missing_columns import missing_columns
from .read_only_disks import disk_read_only

SECTIONS = {
    "inputs": inputs,
    "full": disk_full,
    "read-only": disk_read_only,
    "columns": missing_columns,
    "endless": endless,
    "state": broken_state,
}

NEED_MOUNTS = {"full", "read-only"}


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
