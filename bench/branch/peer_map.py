"""peer_map.py make LAKE MAP | branch MAP NAME: a lake as a map from paths to objects, as object-versioning servers keep it.

The plainest such map, in SQLite: a branch is a copy of its parent's rows. lakeFS shares ranges of rows between branches,
so its branches cost less than this and its reads and writes go through a server, which this has none of.
"""

import os
import sqlite3
import sys


def make(lake: str, target: str) -> None:
    connection = sqlite3.connect(target)
    connection.execute("create table objects (branch text, path text, object text, primary key (branch, path)) without rowid")
    for folder, _, names in os.walk(lake):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), lake)
            connection.execute("insert into objects values ('main', ?, ?)", (path, path))
    connection.commit()


def branch(target: str, name: str) -> None:
    connection = sqlite3.connect(target)
    connection.execute("insert into objects select ?, path, object from objects where branch = 'main'", (name,))
    connection.commit()


{"make": make, "branch": branch}[sys.argv[1]](*sys.argv[2:])
