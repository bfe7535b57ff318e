"""`hanok serve` while what it serves from is killed."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time

from ..hanok import Failure, free_port
from .project import Shop
from .shop import FEATURES
from .state import Online, State, by_view, sample

FOLLOW_SECONDS_MAX = 5.0
"""How long a server may take to show what was committed."""


class Server:
    """`hanok serve` over a project."""

    def __init__(self, project: Shop) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            project.command("serve", "--http", f"127.0.0.1:{self.port}"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        rows = sample()
        self.body = json.dumps(
            {
                "feature_service": "shop",
                "full_feature_names": True,
                "entities": {key: [row[key] for row in rows] for key in ("customer", "product")},
            }
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                self.connection.connect()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"hanok serve does not answer; it ended with {self.process.poll()}") from None
                time.sleep(0.01)

    def ask(self, connection: http.client.HTTPConnection | None = None) -> Online:
        connection = connection or self.connection
        connection.request("POST", "/get-online-features", self.body, {"content-type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Failure(f"hanok serve answered {response.status}: {text.decode()}")
        return by_view(json.loads(text))

    def wait_for(self, online: Online) -> None:
        """Asks until the answer is the committed state; over a connection of its own, beside `Asking`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        deadline = time.monotonic() + FOLLOW_SECONDS_MAX
        while True:
            found = self.ask(connection)
            if found == online:
                connection.close()
                return
            if time.monotonic() > deadline:
                raise Failure(f"hanok serve does not show what was committed:\n{found}\nexpected:\n{online}")
            time.sleep(0.01)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


class Asking:
    """Asks a server all the time, on a thread of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[Online] = []
        self.error: Exception | None = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                self.answers.append(self.server.ask())
                time.sleep(0.004)
        except Exception as error:  # reported by the thread that checks
            self.error = error

    def check(self, before: State, after: State) -> int:
        """Stops. Each key of each view was as before or as after, and never went back."""
        self.stopping.set()
        self.thread.join()
        if self.error:
            raise Failure(f"hanok serve stopped answering while a materialisation was killed: {self.error!r}")
        for view in FEATURES:
            keys = list(zip(before.online[view], after.online[view]))
            newer = [False] * len(keys)
            for answer in self.answers:
                for at, ((was, becomes), now) in enumerate(zip(keys, answer[view])):
                    if now not in (was, becomes) or (newer[at] and now != becomes):
                        raise Failure(f"hanok serve answered {view} {now}; before it was {was}, then {becomes}")
                    newer[at] = now == becomes
        return len(self.answers)
