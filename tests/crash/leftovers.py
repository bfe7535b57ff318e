"""What killed commands leave in a project: no more than something takes away again, and every row's load is known."""

import re

from ..hanok import Failure, lake_folder, table_folders
from .project import Shop


def check_load_ids(shop: Shop) -> None:
    """Every row's load is in the ledger, also when two runs share the load."""
    for name in ("orders", "clicks", "stock"):
        if f"raw.{name}" not in table_folders(shop.path):
            continue
        unknown = shop.rows(
            f"select distinct _hanok_load_id as id from raw.{name} where _hanok_load_id not in "
            f"(select load_id from hanok.loads where table_name = 'raw.{name}')"
        )
        if unknown:
            raise Failure(f"raw.{name} has rows of loads that are not in hanok.loads: {unknown}")


def nameless(shop: Shop) -> set[str]:
    """Folders of tables that the catalog does not know."""
    known = {folder.name for _, folder in table_folders(shop.path).values()}
    return {path.name for path in lake_folder(shop.path).iterdir() if path.is_dir()} - known


def garbage(shop: Shop) -> list[str]:
    """Files of the lake that no commit names."""
    found, unknown = [], nameless(shop)
    for table in lake_folder(shop.path).iterdir():
        if not table.is_dir() or table.name in unknown:
            continue
        named = set()
        for commit in table.glob("_delta_log/*.json"):
            named |= set(re.findall(r'"path":"([^"]+)"', commit.read_text()))
        for file in table.rglob("*"):
            inside = str(file.relative_to(table))
            log = re.fullmatch(r"_delta_log/(\d{20}\.(json|checkpoint\.parquet)|_last_checkpoint)", inside)
            if file.is_file() and inside not in named and not log:
                found.append(f"{table.name}/{inside}")
    return found


def check_garbage(shop: Shop, undisturbed: Shop, kills: int) -> None:
    """What no command takes away must not exist at all; what a vacuum takes away is bounded by the kills."""
    left = garbage(shop)
    # A killed command can have written one file of rows and one of rejects for each source, or one for each model.
    if len(left) > 8 * max(1, kills):
        raise Failure(f"{len(left)} left-over files after {kills} kills: {left[:6]}")
    shop.ok("runs")
    spill = sorted(path.name for path in (shop.path / ".hanok/spill").iterdir())
    if len(spill) > 2:
        raise Failure(f".hanok/spill keeps what killed processes left: {spill}")
    stores = [project.path / ".hanok/online/data.mdb" for project in (undisturbed, shop)]
    if all(store.exists() for store in stores):
        usual, found = (store.stat().st_size for store in stores)
        if found > 3 * usual + (1 << 20):
            raise Failure(f"the online store has {found} bytes, undisturbed {usual}")
