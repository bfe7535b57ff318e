"""Tables of many kinds of columns, and Hanok's example on them."""

import json
import subprocess

import numpy as np
import pyarrow as pa


class Hanok:
    """The example `drift`."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, *arguments):
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr.strip()}")
        return done.stdout

    def on(self, command, reference, current, *more):
        paths = [self.write("reference", reference), self.write("current", current)]
        return json.loads(self.run(command, *paths, *more))

    def profile(self, table):
        """A saved profile, by the example `profile` beside this one."""
        out = self.folder / "profile.json"
        profile = Hanok(self.binary.with_name("profile"), self.folder)
        profile.run("of", self.write("table", table), out)
        return json.loads(out.read_bytes())

    def write(self, name, table):
        path = self.folder / f"{name}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=777)
        return path


def statistics(aspect):
    return {statistic["measure"]: statistic for statistic in aspect["statistics"]}


def with_missing(random, values, rate):
    return pa.array(values, mask=random.random(len(values)) < rate)


def make(seed):
    """A reference and a current table; the second is often like the first."""
    random = np.random.default_rng(seed)
    sizes = [int(random.choice([1, 2, 7, 40, 300, 1000, 1001, 3000, 12_000])) for _ in range(2)]
    shift = float(random.choice([0, 0, 0.05, 0.5]))
    return side(random, sizes[0], 0.0), side(random, sizes[1], shift)


def side(random, rows, shift):
    normal = random.normal(shift, 1, rows)
    odd = np.where(random.random(rows) < 0.05, random.choice([np.inf, -np.inf, np.nan], rows), normal)
    words = np.array(["가나다", "nul\0", "", "a", "b", "c", "d"])
    weights = np.array([3, 1, 1, 5, 2, 2, 1 + 5 * shift])
    some = lambda words, weights: words[random.choice(len(words), rows, p=weights / weights.sum())]
    return pa.table({
        "normal": normal,
        "lognormal": np.exp(2 * normal),
        "float32": normal.astype(np.float32),
        "large": 1e15 + normal,
        "subnormal": np.round(normal * 20) * 5e-324,
        "wide": normal * 1e300,
        "integers": np.round(normal * 3).astype(np.int64),
        "mixed": np.round(normal * 3).astype(np.int64) if shift == 0 else np.round(normal * 3),
        "levels": random.choice([1.0, 2.0, 4.0], rows, p=np.array([1, 2, 1 + shift]) / (4 + shift)),
        "two": random.choice([0, 1], rows),
        "zeros": np.where(random.random(rows) < 0.8, 0.0, np.abs(normal)),
        "constant": np.full(rows, 3.25),
        "odd": odd,
        "missing": with_missing(random, normal, 0.2 + shift / 2),
        "nothing": pa.nulls(rows, pa.float64()),
        "words": some(words, weights),
        "many": some(np.array([f"word {at}" for at in range(300)]), np.arange(300) + 1.0),
        "one": np.full(rows, "only"),
        "words_missing": with_missing(random, some(words, weights), 0.3),
        "truth": random.random(rows) < 0.4 + shift / 4,
    })


def clean(table, name):
    """A column's values without what is null or NaN."""
    values = table[name].drop_null().to_numpy()
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values
