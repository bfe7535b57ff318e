"""Searching for values that must not be there."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from .pages import pages


class Hunt:
    """Looks for personal values and remembers where it found them."""

    def __init__(self, values: set[str]) -> None:
        self.values = {value.encode(): value for value in values}
        self.found: dict[str, set[str]] = {}
        self.searched_bytes = 0

    def bytes(self, where: str, data: bytes) -> None:
        self.searched_bytes += len(data)
        hits = {value for needle, value in self.values.items() if needle in data}
        if hits:
            self.found.setdefault(where, set()).update(hits)

    def text(self, where: str, text: str) -> None:
        self.bytes(where, text.encode())

    def file(self, path: Path) -> None:
        """A file as it is, its name, and what is packed in it."""
        self.text(f"{path} (name)", path.name)
        data = path.read_bytes()
        self.bytes(f"{path} (bytes)", data)
        if data[:4] == b"PAR1" and data[-4:] == b"PAR1":
            self._parquet(path)
        elif path.suffix == ".json":
            for line in filter(None, data.decode().splitlines()):
                # Escapes are undone.
                self.text(f"{path} (log)", json.dumps(json.loads(line), ensure_ascii=False))

    def folder(self, folder: Path) -> int:
        """Every file below; how many there were."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            self.file(path)
        return len(files)

    def _parquet(self, path: Path) -> None:
        for page in pages(path):
            self.bytes(f"{path} (page)", page)
        file = pq.ParquetFile(path)
        for batch in file.iter_batches():
            self.text(f"{path} (values)", json.dumps(batch.to_pydict(), ensure_ascii=False, default=str))
        metadata = file.metadata
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                statistics = metadata.row_group(group).column(column).statistics
                if statistics and statistics.has_min_max:
                    self.text(f"{path} (statistics)", f"{statistics.min}\n{statistics.max}")
