"""Bytes that are not what their names say, and files that were damaged."""

import io
import os
import struct
import zipfile
import zlib


def zipped(name, data, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def flipped(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def overwritten(data, part, value):
    """A part of the data with one byte over and over."""
    return data[: part.start] + bytes([value]) * len(data[part]) + data[part.stop :]


def wrong_crc(archive):
    """The checksum of a zip's only member changed in both places."""
    central = archive.rindex(b"PK\x01\x02")
    return flipped(flipped(archive, 14), central + 16)


def deflate_bomb(repeats, piece, last=b""):
    """`repeats` times `piece`, then `last`, as raw deflate: one compressed block written over and over."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    crc = 0
    for _ in range(repeats):
        crc = zlib.crc32(piece, crc)
    crc = zlib.crc32(last, crc)
    return block * repeats + packer.compress(last) + packer.flush(), crc, repeats * len(piece) + len(last)


def zip_of(member, deflated, crc, size):
    name = member.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(deflated), size, len(name), 0)
    local = b"PK\x03\x04" + common + name + deflated
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def cut(path, keep):
    """Keeps a share of the file."""
    os.truncate(path, int(path.stat().st_size * keep))


def garbage(path, at=0, length=None):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5garbage" * ((length or size - at) // 8 + 1))
