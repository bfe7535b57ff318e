-- Branches and tags. A branch has an id of its own, so that a later branch of the same name is another branch:
-- the id is its folder, the first segment of its tables' URLs and what the other tables here call `branch`.
CREATE TABLE branches_2 (
    id         TEXT PRIMARY KEY,            -- a ULID; `main` for main
    name       TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL CHECK (kind IN ('branch', 'tag')),
    parent     TEXT REFERENCES branches_2 (id),  -- NULL for main
    fork_us    INTEGER NOT NULL,            -- the moment of the parent that the branch began with
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    protected  INTEGER NOT NULL DEFAULT 0 CHECK (protected IN (0, 1)),
    created_by TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO branches_2 (id, name, kind, fork_us, created_us)
    SELECT name, name, 'branch', created_us, created_us FROM branches;

CREATE TABLE tables_2 (
    branch      TEXT NOT NULL REFERENCES branches_2 (id),
    schema_name TEXT NOT NULL,
    table_name  TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('table', 'view')),
    directory   TEXT NOT NULL,              -- of a table: its folder below the branch's
    definition  TEXT,                       -- of a view: its SQL
    created_us  INTEGER NOT NULL,
    key_columns TEXT,                       -- of a table: the columns that tell its rows apart, a JSON list
    PRIMARY KEY (branch, schema_name, table_name)
) STRICT;
INSERT INTO tables_2 (branch, schema_name, table_name, kind, directory, definition, created_us)
    SELECT branch, schema_name, table_name, kind, directory, definition, created_us FROM tables;
DROP TABLE tables;
DROP TABLE branches;
ALTER TABLE branches_2 RENAME TO branches;
ALTER TABLE tables_2 RENAME TO tables;
CREATE INDEX branches_by_parent ON branches (parent);
CREATE INDEX tables_by_directory ON tables (directory);

-- The fork map: what each branch saw of its parent when it began. Rows never change; `branch reset` gives the branch a
-- new id and new rows.
CREATE TABLE forks (
    branch      TEXT NOT NULL REFERENCES branches (id),
    schema_name TEXT NOT NULL,
    table_name  TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('table', 'view')),
    directory   TEXT NOT NULL,
    definition  TEXT,
    version     INTEGER,                    -- of a table: the parent's last version that the branch sees
    hint        TEXT,                       -- of a table: the parent's `_last_checkpoint`, if it is not newer
    key_columns TEXT,
    PRIMARY KEY (branch, schema_name, table_name)
) STRICT;
CREATE INDEX forks_by_directory ON forks (directory);

-- The version that the last vacuum of a table began with. What only earlier versions need may be gone, except what
-- forks named at that time need.
CREATE TABLE horizons (
    branch    TEXT NOT NULL REFERENCES branches (id),
    directory TEXT NOT NULL,
    version   INTEGER NOT NULL,
    PRIMARY KEY (branch, directory)
) STRICT;

-- The merge journal. A merge is committed table by table and published last; readers do not see the tables of a merge
-- that is not published.
CREATE TABLE merges (
    id           TEXT PRIMARY KEY,          -- a ULID
    branch       TEXT NOT NULL,             -- the id of the branch that is merged
    branch_name  TEXT NOT NULL,
    target       TEXT NOT NULL REFERENCES branches (id),
    mode         TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('committing', 'published')),
    pid          INTEGER NOT NULL,          -- tells a crashed merge from one that runs
    created_us   INTEGER NOT NULL,
    published_us INTEGER,
    sequence     INTEGER UNIQUE             -- counts publications, from 1
) STRICT;
CREATE INDEX merges_by_target ON merges (target, sequence);

CREATE TABLE merge_tables (
    merge          TEXT NOT NULL REFERENCES merges (id),
    schema_name    TEXT NOT NULL,
    table_name     TEXT NOT NULL,
    action         TEXT NOT NULL CHECK (action IN ('commit', 'create', 'view', 'drop')),
    directory      TEXT NOT NULL,           -- in the target; of a view empty
    source         TEXT,                    -- the table's directory on the branch
    source_version INTEGER,                 -- the branch's version that is merged
    definition     TEXT,                    -- of a view
    before_version INTEGER,                 -- the target's version before and after, of a table that it had
    after_version  INTEGER,
    PRIMARY KEY (merge, schema_name, table_name)
) STRICT;

-- Each branch has a registry of features of its own, copied when it is forked.
CREATE TABLE feature_objects_2 (
    branch     TEXT NOT NULL REFERENCES branches (id),
    kind       TEXT NOT NULL CHECK (kind IN ('entity', 'feature_view', 'feature_service')),
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,            -- counts the applied changes of the definition
    definition TEXT NOT NULL,               -- JSON
    applied_us INTEGER NOT NULL,
    PRIMARY KEY (branch, kind, name)
) STRICT;
INSERT INTO feature_objects_2 (branch, kind, name, version, definition, applied_us)
    SELECT 'main', kind, name, version, definition, applied_us FROM feature_objects;
DROP TABLE feature_objects;
ALTER TABLE feature_objects_2 RENAME TO feature_objects;

-- The name, not the id: what ran on a branch stays on record when the branch is gone.
ALTER TABLE runs ADD COLUMN branch TEXT NOT NULL DEFAULT 'main';
