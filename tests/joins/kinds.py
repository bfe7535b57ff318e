"""Types of features and join keys, and values of them."""

import math
import random
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

UTC_US = pa.timestamp("us", "UTC")
DAY_US = 86_400_000_000
# Values of features: how a file has them, how the lake has them, how a training set has them.
INTS = [0, 1, -1, 2**31 - 1, -(2**31)]
TEXTS = ["", "a", "A", "값", "é", "e\u0301", "😀", "x" * 40, "line\nbreak", "a\0b", "null"]
SMALL_FLOATS = [0.0, 1.5, -2.25, math.inf, math.nan]
FLOATS = [0.0, -0.0, 1.5, -2.25, 1e300, math.inf, -math.inf, math.nan, 0.1]


@dataclass(frozen=True)
class Kind:
    """A feature's type, and how to make values of it."""

    file: pa.DataType
    lake: pa.DataType
    out: pa.DataType
    make: object
    # A type to declare in YAML with the Arrow type that comes of it.
    declare: tuple = ()


KINDS = {
    "int8": Kind(pa.int8(), pa.int8(), pa.int32(), lambda r: r.choice([0, 1, -128, 127])),
    "int32": Kind(pa.int32(), pa.int32(), pa.int32(), lambda r: r.choice(INTS), ("int64", pa.int64())),
    "uint32": Kind(pa.uint32(), pa.int64(), pa.int64(), lambda r: r.choice([0, 7, 2**32 - 1])),
    "int64": Kind(pa.int64(), pa.int64(), pa.int64(), lambda r: r.choice([*INTS, 2**63 - 1, -(2**63), 2**53 + 1])),
    "small": Kind(pa.int64(), pa.int64(), pa.int64(), lambda r: r.randint(-9, 9), ("int32", pa.int32())),
    "float32": Kind(pa.float32(), pa.float32(), pa.float32(), lambda r: r.choice(SMALL_FLOATS)),
    "float64": Kind(pa.float64(), pa.float64(), pa.float64(), lambda r: r.choice(FLOATS)),
    "halves": Kind(
        pa.float64(), pa.float64(), pa.float64(), lambda r: r.randint(-99, 99) / 2, ("float32", pa.float32())
    ),
    "string": Kind(pa.string(), pa.string(), pa.string(), lambda r: r.choice(TEXTS)),
    "large_string": Kind(pa.large_string(), pa.string(), pa.string(), lambda r: r.choice(TEXTS)),
    "dictionary": Kind(
        pa.dictionary(pa.int32(), pa.string()), pa.string(), pa.string(), lambda r: r.choice(["red", "green", ""])
    ),
    "bool": Kind(pa.bool_(), pa.bool_(), pa.bool_(), lambda r: r.random() < 0.5),
    "bytes": Kind(pa.binary(), pa.binary(), pa.binary(), lambda r: r.choice([b"", b"\0", b"\xff\xfe", b"abc" * 9])),
    "timestamp": Kind(UTC_US, UTC_US, UTC_US, lambda r: r.choice([0, -1, 1, 1_700_000_000_123_456, -(10**15)])),
    "naive_ms": Kind(pa.timestamp("ms"), UTC_US, UTC_US, lambda r: r.choice([0, -1_000, 1_700_000_000_123_000])),
    "date": Kind(pa.date32(), pa.date32(), UTC_US, lambda r: r.randint(-40_000, 40_000) * DAY_US),
    "decimal": Kind(
        pa.decimal128(12, 2), pa.decimal128(12, 2), pa.float64(), lambda r: Decimal(r.randint(-99_999, 99_999)) / 100
    ),
}
# Kinds that Feast passes through as they are.
FEAST_KINDS = ["int32", "int64", "float32", "float64", "string", "bool", "bytes", "timestamp"]


def text_pool(rng: random.Random) -> list:
    pool = ["", " ", "a", "A", "a ", "é", "e\u0301", "한국", "대한", "😀"]
    pool += ["x" * 12, "x" * 13, "x" * 100 + "a", "x" * 100 + "b"]
    return pool + [f"key {n}" for n in range(rng.choice([0, 5, 60]))]


# Join keys: the type in definitions, types that a feature's file and the entity rows may have, values.
KEYS = {
    "int64": ("int64", [pa.int64(), pa.int64()], lambda r: list(range(r.choice([1, 3, 40])))),
    "large": (
        "int64",
        [pa.int64()],
        lambda r: [0, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63 - 2, -(2**63), -(2**63) + 1, 2**32, 2**32 + 1],
    ),
    "int32": ("int32", [pa.int32()], lambda r: [0, 1, -1, 5, 2**31 - 1, -(2**31)]),
    "string": ("string", [pa.string()], text_pool),
    "bool": ("bool", [pa.bool_()], lambda r: [True, False]),
    "bytes": ("bytes", [pa.binary()], lambda r: [b"", b"\0", b"\0\0", b"a", b"\xff"]),
    "timestamp": ("timestamp", [UTC_US], lambda r: [0, -1_000, 1_000_000, 1_700_000_000_000_000]),
}
# Types that the entity rows may have for a key, beside the feature's own.
ENTITY_KEY_TYPES = {
    "int64": [pa.int64(), pa.int32(), pa.int8(), pa.uint16(), pa.uint64()],
    "large": [pa.int64()],
    "int32": [pa.int32(), pa.int64()],
    "string": [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()],
    "bool": [pa.bool_()],
    "bytes": [pa.binary(), pa.large_binary()],
    "timestamp": [UTC_US, pa.timestamp("us"), pa.timestamp("ns", "Asia/Seoul"), pa.timestamp("ms")],
}
