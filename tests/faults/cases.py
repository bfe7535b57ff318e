"""One case after the other; a failure does not hide the others."""

import time
import traceback
from contextlib import contextmanager
from pathlib import Path

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
        place = " < ".join(f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in where[:3])
        print(f"  FAIL {name} ({place})\n       {type(error).__name__}: {error}", flush=True)
    else:
        PASSED.append(name)
        text = f": {', '.join(notes)}" if notes else ""
        print(f"  ok   {name}{text} ({time.monotonic() - begun:.1f} s)", flush=True)
