"""Makes a case of a seed and a number: its keys, its entity rows, its joins."""

import random

from .case import EVENT, Case, Join, Projection
from .generate_view import floor_to, generate_view
from .kinds import DAY_US, ENTITY_KEY_TYPES, KEYS


def generate(seed: int, number: int, feast: bool) -> Case:
    rng = random.Random(f"{seed}/{number}/{feast}")
    recent, before_1970, far = 1_700_000_000_000_000, -2_208_988_800_000_000, 4_102_444_800_000_000
    epoch = rng.choice([0, 0, recent, recent, before_1970, far])
    step = rng.choice([1, 1_000, 1_000_000, 3_600_000_000, DAY_US])
    times = rng.choice([2, 10, 100, 2_000])
    kinds = ["int64", "int64", "string", "string", "large", "int32"] + ([] if feast else ["bool", "bytes", "timestamp"])
    names = rng.sample(["k0", "장소", "Place_id", "k3"], rng.choice([1, 1, 2, 2, 3]))
    keys = {name: rng.choice(kinds) for name in names}
    pools = {name: KEYS[kind][2](rng) for name, kind in keys.items()}
    if rng.random() < 0.12:
        pools = {name: pool[:1] for name, pool in pools.items()}  # One key has everything.
    null_share = rng.choice([0, 0.05, 0.2])

    entity_keys = {name: name for name in keys}
    if rng.random() < 0.5:
        entity_keys |= {f"{name}_2": name for name in keys}
    entity_form = rng.choice(["parquet"] * 6 + ["csv", "jsonl", "table", "sql"]) if not feast else "parquet"
    count = rng.choice([0, 1, 7, 40, 40, 150, 150, 600])
    if feast or entity_form in ("csv", "jsonl"):
        count = max(count, 40)  # Types of text files come from values; Feast refuses no rows.
    entity_unit = rng.choice(["us", "us", "ms", "ns", "day"]) if entity_form == "parquet" and not feast else "us"
    zone = rng.choice([None, "UTC", "Asia/Seoul", "-03:00"]) if entity_unit != "day" else None
    spread = rng.choice([times, times, max(1, times // 20)])  # A narrow window makes pruning matter.

    def entity_time() -> int | None:
        if not feast and entity_form != "csv" and rng.random() < null_share / 2:
            return None
        at = epoch + rng.randint(-spread, spread) * step + rng.choice([0, 0, 0, 1, -1])
        return floor_to(at, entity_unit)

    narrow = {name: rng.sample(pool, min(len(pool), rng.choice([1, 2, 1_000]))) for name, pool in pools.items()}
    plain_text = entity_form in ("csv", "jsonl")

    def entity_key(name: str) -> object:
        # Feast gets its entity rows from pandas, which makes floats of whole numbers with nulls among them.
        nullable = not (feast and keys[name] != "string") and entity_form != "csv"
        if nullable and rng.random() < null_share:
            return None
        value = rng.choice(narrow[name])
        if plain_text and isinstance(value, str):
            return value.strip() or "a"
        return value

    rows = []
    for _ in range(count):
        if rows and rng.random() < 0.1:
            rows.append(rng.choice(rows))
            continue
        rows.append((entity_time(), [entity_key(key) for key in entity_keys.values()]))
    if plain_text and any(keys[name] not in ("int64", "string") for name in keys):
        entity_form, plain_text = "parquet", False
    entities = {"eid": list(range(count)), "time": [row[0] for row in rows]}
    for at, column in enumerate(entity_keys):
        entities[column] = [row[1][at] for row in rows]
    entity_types = {}
    for column, name in entity_keys.items():
        # Types of another lake table are the lake's.
        wide = entity_form == "parquet" and not feast
        entity_types[column] = rng.choice(ENTITY_KEY_TYPES[keys[name]]) if wide else KEYS[keys[name]][1][0]
    extra = [] if feast or plain_text else rng.sample(["label", "list", "other_time", "nothing"], rng.randint(0, 3))

    views = []
    scale = (epoch, step, times)
    for at in range(rng.choice([1, 2, 2, 3])):
        views.append(generate_view(rng, at, keys, pools, entity_keys, entities, scale, null_share, feast))
    for view in views:
        view.by_queries = any(other.lacking for other in views)
    time_column = rng.choice([EVENT, EVENT, "seen_at"]) if not feast else EVENT
    case = Case(
        number,
        feast,
        {"epoch": epoch, "step": step, "times": times, "null_share": null_share},
        keys,
        entity_keys,
        views,
        [],
        entities,
        entity_types,
        entity_unit,
        zone,
        entity_form,
        time_column,
        extra,
        [rng.randint(0, 999) if entity_unit == "ns" else 0 for _ in range(count)],
    )
    case.joins = [generate_join(rng, case, service) for service in (["s0"] if feast else ["s0", None])]
    if feast and case.joins[0].as_known_at:
        for view in case.views:  # See feast_answer.
            view.rows["created"] = [epoch if at is None else at for at in view.rows["created"]]
    return case


def generate_join(rng, case: Case, service: str | None) -> Join:
    projections = []
    views = list(case.views)
    if service and rng.random() < 0.5:
        views.append(rng.choice(views))  # The same view in two roles.
    if not service:
        rng.shuffle(views)
    for view in views:
        taken = any(p.view is view for p in projections)
        # Feast cannot compare two projections of a view if only one of them has an alias.
        named = case.feast and sum(other is view for other in views) > 1
        maps = {}
        for key in view.keys if service else []:
            if f"{key}_2" in case.entity_keys and (taken or rng.random() < 0.3):
                maps[key] = f"{key}_2"
        # Feast joins by the keys of a map only, so a map there has all keys.
        if case.feast and maps:
            maps = {key: maps.get(key, key) for key in view.keys}
        alias = None
        if taken or named or (service and rng.random() < 0.2):
            alias = rng.choice([f"{view.name}_again", "별명"])
        if alias and alias in [p.name for p in projections]:
            alias = f"{view.name}_{len(projections)}"
        rid, *others = view.features
        few = rng.sample(others, rng.randint(0, len(others))) if rng.random() < 0.5 else others
        features = [rid, *few]
        rng.shuffle(features)
        if service and few == others and not case.feast:
            features = list(view.features)  # As in the view: the service names none.
        projections.append(Projection(view, alias, maps, features))
    names = [f.name for p in projections for f in p.features]
    clash = len(set(names)) < len(names)
    return Join(
        projections,
        service,
        clash or rng.random() < 0.3,
        rng.random() < 0.4,
        rng.choice([1, 2, 4]),
    )
