"""The rows that both servers hold: one a driver, numbers mixed from its id."""

import numpy as np
import pandas as pd


def mixed(entity, column):
    """As crates/hanok-serve/examples/serve_demo.rs mixes them."""
    with np.errstate(over="ignore"):
        word = entity * np.uint64(6_364_136_223_846_793_005) + np.uint64((column * 0x9E37_79B9_7F4A_7C15) % 2**64)
        word ^= word >> np.uint64(29)
        word *= np.uint64(0xBF58_476D_1CE4_E5B9)
        return word ^ (word >> np.uint64(32))


def rows(start, end):
    entity = np.arange(start, end, dtype=np.uint64)
    seconds = 1_795_305_600 + (mixed(entity, 0) % np.uint64(259_200)).astype(np.int64)
    return pd.DataFrame(
        {
            "driver_id": entity.astype(np.int64),
            "event_timestamp": pd.to_datetime(seconds, unit="s", utc=True),
            "conv_rate": ((mixed(entity, 1) % np.uint64(1_000)).astype(np.float32) / np.float32(1e3)),
            "acc_rate": ((mixed(entity, 2) % np.uint64(1_000_000)).astype(np.float32) / np.float32(1e6)),
            "avg_daily_trips": (mixed(entity, 3) % np.uint64(1_000)).astype(np.int64),
            "score": (mixed(entity, 4) >> np.uint64(11)).astype(np.float64) / 2.0**53,
            "earnings": (mixed(entity, 5) % np.uint64(10_000_000)).astype(np.float64) / 100.0,
        }
    )
