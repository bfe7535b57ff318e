"""peer_dlt.py CSV FOLDER: pyarrow's CSV stream → dlt's Arrow path → Delta, the fastest way that dlt has."""

import os
import sys

csv, folder = sys.argv[1], os.path.abspath(sys.argv[2])
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
os.environ["DLT_DATA_DIR"] = folder + "/state"

import dlt
import pyarrow.csv


@dlt.resource(name="bench", table_format="delta", write_disposition="append")
def rows():
    yield from pyarrow.csv.open_csv(
        csv,
        read_options=pyarrow.csv.ReadOptions(block_size=16 << 20),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True),
    )


pipeline = dlt.pipeline(
    "bench_load",
    pipelines_dir=folder + "/pipelines",
    destination=dlt.destinations.filesystem(bucket_url="file://" + folder + "/lake"),
    dataset_name="raw",
)
pipeline.run(rows())
