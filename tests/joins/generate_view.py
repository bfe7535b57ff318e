"""Makes a feature view: its rows, many of them close to entity rows, and the files that bring them."""

from .case import CREATED, Commit, Feature, View
from .kinds import DAY_US, FEAST_KINDS, KINDS


def generate_view(rng, at, keys, pools, entity_keys, entities, scale, null_share, feast) -> View:
    epoch, step, times = scale
    few = [] if rng.random() < 0.06 and not feast else rng.sample(list(keys), rng.randint(1, len(keys)))
    own_keys = [name for name in keys if name in few]
    kinds = FEAST_KINDS if feast else list(KINDS)
    features = [Feature(f"v{at}_rid", "int64")]
    for n in range(rng.randint(1, 5)):
        kind = rng.choice(kinds)
        declared = not feast and bool(KINDS[kind].declare) and rng.random() < 0.5
        features.append(Feature(rng.choice([f"v{at}_f{n}", f"v{at}_값{n}"]), kind, declared))
    if not feast and rng.random() < 0.3:
        features.append(Feature("same", "int32"))  # A name that other views and the entity rows may have too.
    ttl_s = rng.choice([0, 0, max(1, step * rng.randint(1, times) // 1_000_000), max(1, 3 * step // 1_000_000), 1])
    if feast and ttl_s > 86_400:
        ttl_s = ttl_s // 86_400 * 86_400  # See feast_answer.
    view = View(
        f"v{at}",
        {name: keys[name] for name in own_keys},
        ttl_s,
        rng.random() < 0.7,
        features,
        "sql" if rng.random() < 0.15 and not feast else "table",
        rng.random() < 0.5,
    )
    columns = {"event": [], "created": [], "seq": [], **{key: [] for key in own_keys}, **{f.name: [] for f in features}}
    made = []
    count = rng.choice([0, 1, 12, 120, 120, 500, 500, 1_500])
    related = list(range(len(entities["eid"])))
    sources = {key: [column for column, name in entity_keys.items() if name == key] for key in own_keys}
    ttl_us = ttl_s * 1_000_000
    offsets = [0, 0, 0, 1, -1, -ttl_us, -ttl_us - 1, -ttl_us + 1, -step, step]
    for rid in range(count):
        values = {f.name: (None if rng.random() < 0.15 else KINDS[f.kind].make(rng)) for f in features}
        values[features[0].name] = rid
        if made and rng.random() < 0.06:
            made.append(dict(rng.choice(made)))  # An exact duplicate.
            continue
        if made and rng.random() < 0.15:
            row = {**rng.choice(made), **values}  # A tie on the event timestamp, perhaps on both.
            if rng.random() < 0.7:
                row["created"] = None if rng.random() < 0.2 else epoch + rng.randint(-times, times) * step
            made.append(row)
            continue
        row = dict(values)
        for key in own_keys:
            row[key] = None if rng.random() < null_share / 2 else rng.choice(pools[key])
        row["event"] = epoch + rng.randint(-times, times) * step + rng.choice([0, 0, 0, 1, -1])
        if related and rng.random() < 0.45:
            entity = rng.choice(related)
            if entities["time"][entity] is not None:
                row["event"] = entities["time"][entity] + rng.choice(offsets)
            for key in own_keys:
                row[key] = entities[rng.choice(sources[key])][entity]
            if rng.random() < 0.3 and entities["time"][entity] is not None:
                row["created"] = entities["time"][entity] + rng.choice([-1, 0, 1])
        if rng.random() < null_share / 2:
            row["event"] = None
        if "created" not in row:
            near = (row["event"] or epoch) + rng.choice([0, 1, step, -step, rng.randint(-times, times) * step])
            row["created"] = None if rng.random() < null_share else near
        made.append(row)
    order = rng.choice(["none", "none", "time", "key"])
    if order == "time":
        made.sort(key=lambda row: row["event"] if row["event"] is not None else -(2**62))
    elif order == "key" and own_keys:
        made.sort(key=lambda row: repr(row[own_keys[0]]))
    view.commits = generate_commits(rng, len(made), feast)
    if not feast and len(view.commits) > 1 and not view.commits[1].foreign and rng.random() < 0.4:
        # The second load brings a column.
        view.grown = True
        first = sum(rows for rows, _ in view.commits[0].files)
        view.features.append(Feature(f"v{at}_late", "int32"))
        by_rid = {}
        for n, row in enumerate(made):
            row[f"v{at}_late"] = None if n < first else by_rid.setdefault(row[features[0].name], rng.randint(0, 9))
            if n >= first and row[features[0].name] in {r[features[0].name] for r in made[:first]}:
                row[features[0].name] = 1_000_000 + n  # A duplicate across loads is no duplicate any more.
                row[f"v{at}_late"] = rng.randint(0, 9)
    days = not feast and rng.random() < 0.08 and all(not commit.foreign for commit in view.commits)
    at_row = 0
    for commit in view.commits:
        for rows, how in commit.files:
            how["unit"] = "day" if days else how["unit"]
            if commit.foreign and rng.random() < 0.1:
                # Delta takes a column that a file lacks as null.
                view.lacking = True
                how["freely"]["without"] = rng.choice([view.features[-1].name, CREATED])
                for n, row in enumerate(made[at_row : at_row + rows]):
                    row["created" if how["freely"]["without"] == CREATED else view.features[-1].name] = None
                    row[features[0].name] = 2_000_000 + at_row + n  # No duplicate of other files' rows.
            for row in made[at_row : at_row + rows]:
                row["event"] = floor_to(row["event"], how["unit"])
                row["created"] = floor_to(row["created"], how["unit"])
            at_row += rows
    columns |= {f.name: [] for f in view.features}
    for n, row in enumerate(made):
        row["seq"] = n
        for name, values in columns.items():
            values.append(row[name])
    view.rows = columns
    return view


def generate_commits(rng, rows: int, feast: bool) -> list:
    """Cuts rows into commits and files: one or two loads, then perhaps commits by another writer."""
    loads, foreign = (1, 0) if feast else (rng.choice([1, 1, 1, 2]), rng.choice([0, 0, 0, 1, 2]))
    parts = loads + foreign
    shares = [rng.random() for _ in range(parts)]
    if foreign:
        shares[:loads] = [share / 10 for share in shares[:loads]]
    sizes = [int(rows * share / sum(shares)) for share in shares]
    sizes[-1] += rows - sum(sizes)
    commits = []
    for at, size in enumerate(sizes):
        commit = Commit(at >= loads)
        files = rng.choice([1, 1, 2, 4]) if not feast and size > 4 else 1
        cuts = sorted(rng.randint(0, size) for _ in range(files - 1))
        for start, end in zip([0, *cuts], [*cuts, size]):
            how = {
                "unit": "us" if commit.foreign or feast else rng.choice(["us", "us", "ms", "ns"]),
                "zone": "UTC" if commit.foreign else rng.choice([None, "UTC", "Asia/Seoul"]),
                "row_group_size": rng.choice([1, 7, 30, 200, 10_000]),
                "data_page_size": rng.choice([1, 64, 1 << 20]),
                "write_batch_size": rng.choice([1, 5, 1024]),
                "use_dictionary": rng.random() < 0.6,
                "write_statistics": rng.random() < 0.8,
                # A small dictionary is given up in the middle of a column chunk.
                "dictionary_pagesize_limit": rng.choice([1 << 20, 16]),
                "compression": rng.choice(["none", "snappy", "zstd", "gzip"]),
                "data_page_version": rng.choice(["1.0", "2.0"]),
                "write_page_index": rng.random() < 0.5,
            }
            # As Spark wrote timestamps for years.
            if commit.foreign and rng.random() < 0.15:
                how["use_deprecated_int96_timestamps"] = True
            if commit.foreign:
                how["freely"] = {"shuffled": rng.random() < 0.3, "required": rng.random() < 0.3}
                how["freely"] |= {"delta": not how["use_dictionary"] and rng.random() < 0.5, "without": None}
            how["residue"] = rng.choice([0, 1, 500, 999]) if how["unit"] == "ns" else 0
            commit.files.append((end - start, how))
        commits.append(commit)
    return commits


def floor_to(us: int | None, unit: str) -> int | None:
    step = {"ms": 1_000, "day": DAY_US}.get(unit, 1)
    return None if us is None else us // step * step
