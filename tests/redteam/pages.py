"""The pages of a Parquet file, decompressed: what readers of values never show, such as unused dictionary entries.

Format: parquet.thrift, `PageHeader`, in Thrift's compact protocol.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq


def pages(path) -> Iterator[bytes]:
    """Every dictionary and data page, decompressed, and the footer."""
    data = path.read_bytes()
    metadata = pq.ParquetFile(path).metadata
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            starts = [chunk.data_page_offset]
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                starts.append(chunk.dictionary_page_offset)
            at = min(starts)
            end = at + chunk.total_compressed_size
            while at < end:
                header = _Header(data, at)
                body = data[header.end : header.end + header.compressed]
                codec = chunk.compression.lower()
                if codec != "uncompressed" and body:
                    body = pa.decompress(body, header.uncompressed, codec=codec, asbytes=True)
                yield body
                at = header.end + header.compressed
    footer = int.from_bytes(data[-8:-4], "little")
    yield data[-8 - footer : -8]


class _Header:
    """The sizes of a page, and where its body begins."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self.end = data, at
        fields = self._struct()
        self.uncompressed, self.compressed = fields[2], fields[3]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.end]
            self.end += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _struct(self) -> dict[int, object]:
        fields, field = {}, 0
        while (byte := self._data[self.end]) != 0:
            self.end += 1
            field = field + (byte >> 4) if byte >> 4 else self._zigzag()
            fields[field] = self._value(byte & 0x0F)
        self.end += 1
        return fields

    def _value(self, kind: int) -> object:
        match kind:
            case 1 | 2:
                return kind == 1
            case 3:
                self.end += 1
                return self._data[self.end - 1]
            case 4 | 5 | 6:
                return self._zigzag()
            case 7:
                self.end += 8
                return None
            case 8:
                size = self._varint()
                self.end += size
                return self._data[self.end - size : self.end]
            case 12:
                return self._struct()
            case _:
                raise ValueError(f"a page header with a field of type {kind}")
