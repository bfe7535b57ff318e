"""A server of PostgreSQL for the time of the tests."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from ..hanok import Failure, free_port

PASSWORD = "k3ep-out"
START_S = 30


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    candidates = ([Path(found).resolve().parent] if found else []) + folders
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


class Server:
    """Listens on 127.0.0.1 with and without TLS; one user `hanok` with a password. As root it runs as `postgres`."""

    def __init__(self, bin: Path) -> None:
        self.bin, self.port = bin, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="hanok-postgres-"))
        self.as_user = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            self.as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self.certificate = self.folder / "server.crt"
        self.process = None

    def __enter__(self) -> "Server":
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = self.folder / "data"
        self.run(
            self.bin / "initdb", "-D", data, "-U", "hanok", "-A", "scram-sha-256", f"--pwfile={secret}",
            "-E", "UTF8", "--locale=C", "--no-sync",
        )
        self.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", self.folder / "server.key", "-out", self.certificate,
        )
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off",
            "ssl": "on", "ssl_cert_file": self.certificate, "ssl_key_file": self.folder / "server.key",
        }
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("w")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", data, *flags], stdout=log, stderr=log, cwd=self.folder, **self.as_user
        )
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.connect("postgres").close()
                return self
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    text = (self.folder / "log").read_text()
                    self.__exit__()
                    raise Failure(f"PostgreSQL does not start:\n{text}") from None
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: object) -> None:
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, cwd=self.folder, timeout=60, **self.as_user
        )
        if done.returncode != 0:
            raise Failure(f"{command[0]} ended with {done.returncode}:\n{done.stderr}")

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="hanok", password=PASSWORD, dbname=database, autocommit=True
        )

    def database(self, name: str) -> str:
        """A new database; its URL."""
        with self.connect("postgres") as connection:
            connection.execute(f'create database "{name}"')
        return self.url(name)

    def url(self, name: str, password: str = PASSWORD, host: str = "127.0.0.1") -> str:
        return f"postgres://hanok:{password}@{host}:{self.port}/{name}"
