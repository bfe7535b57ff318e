"""The shop's project: its files, its commands and its state."""

import json
import re
import shutil
import time
from pathlib import Path

from ..hanok import Project, table_folders
from .measure import Usual, Watch
from .shop import PROJECT, VIEWS, File
from .state import Online, State, by_view, sample


class Shop(Project):
    def make(self) -> None:
        for name, text in PROJECT.items():
            self.put(File(name, text.lstrip().encode()))

    def put(self, file: File) -> None:
        """Writes a file so that it appears whole, as whoever delivers data should."""
        target = self.path / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.draft")
        draft.write_bytes(file.content)
        draft.replace(target)

    def measured(self, *args: str) -> Usual:
        watch = Watch(self.path)
        started = time.perf_counter()
        self.ok(*args)
        seconds = time.perf_counter() - started
        before = -1
        while watch.count != before:
            before = watch.count
            watch.wait(0)
        watch.close()
        return Usual(seconds, watch.count)

    def tables(self) -> dict[str, list[str]]:
        """Every table: its columns in the first line, then its rows, sorted. Load ids and the project's path aside."""
        columns = {}
        for name, (kind, folder) in table_folders(self.path).items():
            fields = VIEWS[name] if kind == "view" else columns_of(folder)
            # A table without a commit does not exist yet.
            if fields:
                columns[name] = fields
        if not columns:
            return {}
        width = max(map(len, columns.values()))
        selects = []
        for name, fields in columns.items():
            texts = [f'cast("{column}" as varchar)' for column, _ in fields if column != "_hanok_load_id"]
            texts += ["cast(null as varchar)"] * (width - len(texts))
            texts = [f"{text} as c{at}" for at, text in enumerate(texts)]
            selects.append(f"select '{name}' as t, {', '.join(texts)} from {name}")
        tables = {name: [json.dumps(fields)] for name, fields in columns.items()}
        out = self.ok("sql", " union all ".join(selects), "--format", "json")
        # Both projects': states are copied from one to the other.
        out = re.sub(re.escape(str(self.path.parent)) + "/(reference|crash)/", "", out)
        for line in sorted(out.splitlines()):
            tables[line[6 : line.index('"', 6)]].append(line)
        return tables

    def ledger(self) -> list[str]:
        query = "select table_name, content_hash, rows_loaded, rows_rejected from hanok.loads"
        return sorted(self.ok("sql", query, "--format", "json").splitlines())

    def online(self) -> Online:
        entities = [f"--entity=customer={row['customer']},product={row['product']}" for row in sample()]
        return by_view(self.answer("features", "get", "--service", "shop", "--full-feature-names", *entities))

    def state(self, online: bool) -> State:
        return State(self.tables(), self.ledger(), self.online() if online else {})

    def save(self, where: Path) -> None:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        for part in (".hanok", "data"):
            if (self.path / part).exists():
                shutil.copytree(self.path / part, where / part)

    def restore(self, where: Path) -> None:
        for part in (".hanok", "data"):
            shutil.rmtree(self.path / part, ignore_errors=True)
            if (where / part).exists():
                shutil.copytree(where / part, self.path / part)


def columns_of(folder: Path) -> list[tuple[str, str]] | None:
    """A table's columns and types, from its Delta log: one command less than from `information_schema`."""
    for commit in sorted((folder / "_delta_log").glob("*.json"), reverse=True):
        for line in commit.read_text().splitlines():
            if line.startswith('{"metaData"'):
                fields = json.loads(json.loads(line)["metaData"]["schemaString"])["fields"]
                return [(field["name"], json.dumps(field["type"])) for field in fields]
    return None
