"""The service on two branches at once, on one kind of database."""

import os
import subprocess
import sys
import time
from pathlib import Path

import requests

from ..hanok import Failure, free_port
from .check import equal

START_S = 30


class Service:
    def __init__(self, url: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "uvicorn", "tests.publish.service:app", "--host", "127.0.0.1", "--port"]
        self.process = subprocess.Popen(
            [*command, str(self.port), "--log-level", "warning"],
            env={**os.environ, "DATABASE_URL": url},
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> "Service":
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.get("/meals")
                return self
            except requests.ConnectionError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.__exit__()
                    raise Failure("the service does not start") from None
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def get(self, path: str) -> list | dict:
        answer = requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict) -> dict:
        answer = requests.post(f"http://127.0.0.1:{self.port}{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


def two_services(main_url: str, dev_url: str) -> None:
    """`main` has three students, `dev` a renamed one and a fourth; a write in one is not seen in the other."""
    with Service(main_url) as main, Service(dev_url) as dev:
        names = lambda service: [student["name"] for student in service.get("/students")]
        equal("students of main", names(main), ["김하늘", "이서준", "박지우"])
        equal("students of dev", names(dev), ["김하늘", "이서연", "박지우", "최유진"])
        equal("a student of dev", dev.get("/students/14"), {
            "id": 14, "name": "최유진", "class": "2반", "born": "2012-01-09", "score": "70.00",
        })
        equal("meals of both", main.get("/meals"), dev.get("/meals"))
        new = {"name": "정민서", "class_id": 2, "born": "2012-05-05"}
        # The database gives the number: the key counts on from the largest.
        equal("the new student", dev.post("/students", new)["id"], 15)
        equal("students of dev then", names(dev)[-1], "정민서")
        equal("students of main then", len(names(main)), 3)
        equal("main's own new student", main.post("/students", {**new, "name": "한지민"})["id"], 14)
        equal("dev's student of that number", dev.get("/students/14")["name"], "최유진")
