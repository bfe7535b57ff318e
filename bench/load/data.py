"""data.py FILE ROWS: a CSV of 8 columns, about 86 bytes a row, the same for every run.

Integers, decimals of 2 and of 15 digits, timestamps, texts of few and of many values, booleans; nulls in two columns, and
one text in eight needs quotes, some of them doubled."""

import pathlib
import sys

import numpy as np

path, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
if path.exists():
    sys.exit(0)
random = np.random.default_rng(7)
COUNTRIES = np.array(["KR", "US", "DE", "FR", "JP", "BR", "IN", "GB"])
WORDS = np.array(["alpha", "beta", '"gamma, delta"', '"epsilon ""zeta"""', "eta", "theta iota", "kappa", "lambda-mu"])
partial = path.with_suffix(".partial")
with open(partial, "w", newline="") as out:
    out.write("id,user_id,amount,ratio,event_time,country,note,flag\n")
    for start in range(0, rows, 100_000):
        n = min(100_000, rows - start)
        ids = np.arange(start, start + n)
        users = random.integers(0, 10_000_000, n)
        amounts = random.random(n) * 10_000
        ratios = random.random(n)
        times = np.datetime64("2020-01-01T00:00:00") + random.integers(0, 4 * 365 * 86_400, n).astype("timedelta64[s]")
        countries = COUNTRIES[random.integers(0, 8, n)]
        words = WORDS[random.integers(0, 8, n)]
        tails = random.integers(0, 100_000, n)
        for i in range(n):
            row = ids[i]
            note = "" if row % 13 == 0 else words[i] if words[i][0] == '"' else f"{words[i]} {tails[i]:x}"
            amount = "" if row % 17 == 0 else f"{amounts[i]:.2f}"
            time = str(times[i]).replace("T", " ")
            flag = "true" if users[i] & 1 else "false"
            out.write(f"{row},{users[i]},{amount},{ratios[i]:.15g},{time},{countries[i]},{note},{flag}\n")
partial.rename(path)
