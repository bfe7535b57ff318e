"""Commands that are killed at a random moment."""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field

from ..hanok import Failure
from .measure import Usual, Watch
from .project import Shop
from .state import State, check_whole


@dataclass
class Tally:
    """What happened in a phase."""

    kills: int = 0
    hits: int = 0
    seen: Counter = field(default_factory=Counter)

    def text(self) -> str:
        seen = ", ".join(f"{self.seen[what]} {what}" for what in ("before", "between", "after") if self.seen[what])
        return f"{self.kills} kills, {self.hits} hit a running process; then seen: {seen or 'not looked'}"


class Killer:
    def __init__(self, project: Shop, rng: random.Random) -> None:
        self.project = project
        self.rng = rng
        self.tally = Tally()

    def kill(self, args: tuple[str, ...], usual: Usual, from_share: float = 0.0) -> None:
        """Starts the command and kills it after a random part of its usual time, or of its usual changes to files.

        Time hits every part of the work; changes hit the moments that leave different things behind.
        """
        share = self.rng.uniform(from_share, 1.0)
        watch = Watch(self.project.path) if self.rng.random() < 0.5 else None
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self.project.command(*args), stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )
            if watch:
                while watch.count < share * usual.events and process.poll() is None:
                    watch.wait(0.005)
                watch.close()
            else:
                time.sleep(share * usual.seconds)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            code = process.wait()
            self.tally.kills += 1
            if code == -signal.SIGKILL:
                self.tally.hits += 1
            elif code != 0:
                errors.seek(0)
                raise Failure(f"`hanok {' '.join(args)}` ended with {code} by itself:\n{errors.read().decode()}")

    def look(self, before: State, after: State) -> None:
        found = State(self.project.tables(), online=self.project.online() if before.online else {})
        self.tally.seen[check_whole(before, after, found)] += 1
