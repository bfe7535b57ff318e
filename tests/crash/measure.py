"""What a command usually takes, in seconds and in changes of files."""

import ctypes
import os
import select
import statistics
import struct
from dataclasses import dataclass
from pathlib import Path


class Watch:
    """Counts what happens to the files below a folder (Linux's inotify)."""

    MASK = 0x2 | 0x80 | 0x100 | 0x200 | 0x1000000  # modified, moved here, created, deleted; folders only

    def __init__(self, folder: Path) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.handle = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.folders: dict[int, Path] = {}
        self.count = 0
        self.add(folder)

    def add(self, folder: Path) -> None:
        number = self.libc.inotify_add_watch(self.handle, os.fsencode(folder), self.MASK)
        if number < 0:
            return
        self.folders[number] = folder
        for below in folder.iterdir() if folder.is_dir() else ():
            if below.is_dir():
                self.add(below)

    def wait(self, seconds: float) -> None:
        """Waits for events, that long at most, and counts them."""
        if not select.select([self.handle], [], [], seconds)[0]:
            return
        events, at = os.read(self.handle, 1 << 16), 0
        while at < len(events):
            number, mask, _, length = struct.unpack_from("iIII", events, at)
            name = events[at + 16 : at + 16 + length].rstrip(b"\0")
            at += 16 + length
            self.count += 1
            if mask & 0x40000000 and mask & 0x100 and number in self.folders:
                self.add(self.folders[number] / os.fsdecode(name))

    def close(self) -> None:
        os.close(self.handle)


@dataclass
class Usual:
    """What a command usually takes."""

    seconds: float
    events: int
    """Changes of files below the project's folder."""


def usual(runs: list[Usual]) -> Usual:
    return Usual(statistics.median(run.seconds for run in runs), int(statistics.median(run.events for run in runs)))
