"""What a project shows to its readers, and how two such states compare."""

from collections import Counter
from dataclasses import dataclass, field

from ..hanok import Failure
from .shop import CUSTOMERS, FEATURES, PRODUCTS, SAMPLE

Online = dict[str, list]
"""By feature view: for each sampled key its values, statuses and event timestamps."""


@dataclass
class State:
    """What a project shows to its readers."""

    tables: dict[str, list[str]] = field(default_factory=dict)
    ledger: list[str] = field(default_factory=list)
    online: Online = field(default_factory=dict)


def sample() -> list[dict[str, str]]:
    step = CUSTOMERS // SAMPLE
    known = [{"customer": f"c{at * step:03}", "product": f"p{at % PRODUCTS:02}"} for at in range(SAMPLE)]
    return [*known, {"customer": "nobody", "product": "nothing"}]


def by_view(answer: dict) -> Online:
    names = answer["metadata"]["feature_names"]
    found: Online = {}
    for view, features in FEATURES.items():
        results = [answer["results"][names.index(f"{view}__{feature}")] for feature in features]
        parts = [result[part] for result in results for part in ("values", "statuses", "event_timestamps")]
        found[view] = [list(key) for key in zip(*parts)]
    return found


def difference(expected: list[str], found: list[str]) -> str:
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    lines = [f"{len(expected) - 1} rows expected, {len(found) - 1} found"]
    lines += [f"    missing {count} x {line}" for line, count in list(missing.items())[:4]]
    lines += [f"    extra   {count} x {line}" for line, count in list(extra.items())[:4]]
    return "\n".join(lines)


def check_equal(expected: State, found: State) -> None:
    if sorted(expected.tables) != sorted(found.tables):
        raise Failure(f"tables {sorted(found.tables)}, expected {sorted(expected.tables)}")
    for name, rows in expected.tables.items():
        if rows != found.tables[name]:
            raise Failure(f"{name} is not as in the undisturbed project: {difference(rows, found.tables[name])}")
    if expected.ledger != found.ledger:
        raise Failure(f"hanok.loads is not as in the undisturbed project: {difference(expected.ledger, found.ledger)}")
    for view, keys in expected.online.items():
        if keys != found.online[view]:
            raise Failure(f"{view} is not as in the undisturbed project:\n{keys}\n{found.online[view]}")


def check_whole(before: State, after: State, found: State) -> str:
    """After a kill everything is as before or as after the command. Returns which: `before`, `after` or `between`."""
    moved = Counter()
    for name in sorted(before.tables | after.tables | found.tables):
        was, becomes, now = (state.tables.get(name) for state in (before, after, found))
        if now not in (was, becomes):
            raise Failure(
                f"{name} is half-written after a kill: {difference(becomes or [], now or [])}\n  and before: "
                f"{difference(was or [], now or [])}"
            )
        if was != becomes:
            moved[now == becomes] += 1
    for view, now in found.online.items():
        was, becomes = before.online.get(view), after.online[view]
        if now not in (was, becomes):
            raise Failure(f"{view} is half-written after a kill:\nbefore {was}\nnow    {now}\nafter  {becomes}")
        if was != becomes:
            moved[now == becomes] += 1
    return "between" if len(moved) > 1 else ("after" if moved[True] else "before")
