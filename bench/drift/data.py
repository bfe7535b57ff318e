"""Writes two tables as Parquet: FOLDER ROWS COLUMNS makes FOLDER/ROWSxCOLUMNS.{reference,current}.parquet.

Two of three columns have numbers, the others words: of measurements, amounts, counts, rates and whole numbers, some with missing
values, and of categories with 2 to 1,000 names. Every fifth column drifts. The same arguments give the same tables.
"""

import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 250_000


def number(random, at, rows, moved):
    shift = 0.4 if moved else 0.0
    normal = random.standard_normal(rows, dtype=np.float32)
    match at % 5:
        case 0:
            return pa.array(normal.astype(np.float64) * 7 + 20 + 7 * shift)
        case 1:
            return pa.array(np.exp(normal.astype(np.float64) + shift))
        case 2:
            return pa.array(np.round(normal * 30 + 30 * shift).astype(np.int64))
        case 3:
            return pa.array(np.round(50 + 10 * (normal.astype(np.float64) + shift), 2), mask=random.random(rows, dtype=np.float32) < 0.03)
        case _:
            return pa.array(random.random(rows) ** (1 + shift))


def word(random, at, rows, moved):
    count = (2, 6, 12, 40, 150, 1000)[at % 6]
    weights = 1 / np.arange(1, count + 1)
    if moved:
        weights[0] *= 2
    places = random.choice(count, rows, p=weights / weights.sum())
    names = pa.array([f"value {name}" for name in range(count)])
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), names).cast(pa.string())


def column(at, rows, side, group):
    random = np.random.default_rng([at, side, group])
    moved = side == 1 and at % 5 == 0
    return word(random, at // 3, rows, moved) if at % 3 == 2 else number(random, at, rows, moved)


def names(columns):
    return [f"{'word' if at % 3 == 2 else 'number'}_{at}" for at in range(columns)]


def write(path, rows, columns, side):
    partial = path.with_suffix(".partial")
    writer = None
    for group, start in enumerate(range(0, rows, GROUP_ROWS)):
        count = min(GROUP_ROWS, rows - start)
        table = pa.table({name: column(at, count, side, group) for at, name in enumerate(names(columns))})
        writer = writer or pq.ParquetWriter(partial, table.schema)
        writer.write_table(table, row_group_size=GROUP_ROWS)
    writer.close()
    partial.rename(path)


def main():
    folder, rows, columns = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for side, name in enumerate(["reference", "current"]):
        path = folder / f"{rows}x{columns}.{name}.parquet"
        if not path.exists():
            write(path, rows, columns, side)


main()
