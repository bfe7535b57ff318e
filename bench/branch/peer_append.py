"""peer_append.py FROM INTO VERSION: brings the rows that a copied Delta table got after VERSION back into the first one.

What is done without branches: read the new files, append their rows.
"""

import sys

import pyarrow.dataset as dataset
from deltalake import DeltaTable, write_deltalake

source, target, version = sys.argv[1], sys.argv[2], int(sys.argv[3])
copied = DeltaTable(source)
old = set(DeltaTable(source, version=version).file_uris())
new = [uri for uri in copied.file_uris() if uri not in old]
write_deltalake(target, dataset.dataset(new, format="parquet").scanner().to_reader(), mode="append")
