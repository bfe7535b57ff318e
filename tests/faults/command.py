"""Commands of Hanok, what they took, and the errors that they end with."""

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HANOK = str(Path(sys.argv[1]).resolve())
# No command of these may take longer; most take some 50 ms.
TIMEOUT_S = 90


class Done:
    """A command that ended."""

    def __init__(self, args, status, out, err, seconds, rss_mib):
        self.args, self.status, self.out, self.err = args, status, out, err
        self.seconds, self.rss_mib = seconds, rss_mib
        try:
            self.json = json.loads(out)
        except ValueError:
            self.json = None

    @property
    def error(self):
        return self.json.get("error") if isinstance(self.json, dict) else None

    def __str__(self):
        return f"hanok {' '.join(self.args)} -> {self.status}\n{self.out[:1500]}\n{self.err[:1500]}"


@functools.cache
def known_codes():
    done = subprocess.run([HANOK, "errors", "--json"], capture_output=True, check=True)
    return {info["code"] for info in json.loads(done.stdout)["errors"]}


def run(project, *args, as_json=True, stdout=None):
    """Runs Hanok. The output goes to files, so that nobody waits for a reader."""
    # Who wants backtraces gets them, in messages too.
    env = {key: value for key, value in os.environ.items() if key != "RUST_BACKTRACE"}
    args = ["--project", str(project), *(["--json"] if as_json else []), *map(str, args)]
    with tempfile.TemporaryFile() as own_out, tempfile.TemporaryFile() as err:
        out = stdout or own_out
        begun = time.monotonic()
        process = subprocess.Popen([HANOK, *args], stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=env)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begun > TIMEOUT_S:
                process.kill()
                os.wait4(process.pid, 0)
                raise AssertionError(f"hanok {' '.join(args)} did not end within {TIMEOUT_S} s")
            time.sleep(0.002)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (own_out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        seconds = time.monotonic() - begun
        done = Done(args, process.returncode, *texts, seconds, usage.ru_maxrss / 1024)
    assert "panicked" not in done.err and "panicked" not in done.out, f"a panic: {done}"
    assert done.status >= 0, f"killed by {signal.Signals(-done.status).name}: {done}"
    return done


def good(project, *args, **options):
    done = run(project, *args, **options)
    assert done.status == 0, f"should have worked: {done}"
    return done.json


def sql(project, query):
    return good(project, "sql", query)["data"]


def count(project, table):
    return sql(project, f"select count(*) as n from {table}")[0]["n"]


def check_error(done, codes, *names):
    """A coded error, whole: code, what, where, what to do."""
    assert done.status == 1, f"exit code {done.status}, not 1: {done}"
    error = done.error
    assert error, f"no error object on standard output: {done}"
    assert set(error) >= {"code", "message", "place", "hint"}, f"an error without its parts: {error}"
    assert error["code"] in known_codes(), f"{error['code']} is not in `hanok errors`"
    assert error["code"] in codes.split(), f"{error['code']}, not {codes}: {error}"
    assert error["message"] and error["hint"], f"an empty part: {error}"
    text = f"{error['message']} {error['place'] or ''}"
    for name in names:
        assert str(name) in text, f"`{name}` is not named: {error}"
    return error


def fails(project, codes, *names, args, people=True, **options):
    """Runs a command that must fail, for machines and then for people, who must see the same."""
    error = check_error(run(project, *args, **options), codes, *names)
    if people:
        shown = run(project, *args, as_json=False, **options)
        assert shown.status == 1, f"exit code for people: {shown}"
        first, *rest = shown.err[shown.err.index("error[") :].splitlines()
        assert first.startswith(f"error[{error['code']}]: "), f"people see another error: {shown}"
        assert any(line.startswith("  help: ") for line in rest), f"people are not told what to do: {shown}"
        assert "error[" not in shown.out, f"an error among the results: {shown}"
    return error
