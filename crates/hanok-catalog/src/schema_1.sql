-- Times are microseconds since 1970-01-01 UTC. Ids are ULIDs in text form.
CREATE TABLE branches (
    name       TEXT PRIMARY KEY,
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE tables (
    branch      TEXT NOT NULL REFERENCES branches (name),
    schema_name TEXT NOT NULL,
    table_name  TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('table', 'view')),
    directory   TEXT NOT NULL,              -- of a table: its folder below the branch's
    definition  TEXT,                       -- of a view: its SQL
    created_us  INTEGER NOT NULL,
    PRIMARY KEY (branch, schema_name, table_name)
) STRICT;

CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    subject       TEXT NOT NULL,            -- what it was about: sources, models, views
    status        TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed')),
    pid           INTEGER NOT NULL,         -- tells a crashed run from a running one
    started_us    INTEGER NOT NULL,
    finished_us   INTEGER,
    rows_in       INTEGER NOT NULL DEFAULT 0,
    rows_out      INTEGER NOT NULL DEFAULT 0,
    rows_rejected INTEGER NOT NULL DEFAULT 0,
    error         TEXT
) STRICT;
CREATE INDEX runs_by_start ON runs (started_us);

CREATE TABLE load_ledger (
    branch        TEXT NOT NULL,
    table_name    TEXT NOT NULL,            -- schema.table
    content_hash  TEXT NOT NULL,            -- BLAKE3 of the file's bytes, hexadecimal
    file          TEXT NOT NULL,
    bytes         INTEGER NOT NULL,
    rows_loaded   INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    load_id       TEXT NOT NULL,
    loaded_us     INTEGER NOT NULL,
    PRIMARY KEY (branch, table_name, content_hash)
) STRICT;

CREATE TABLE feature_objects (
    kind       TEXT NOT NULL CHECK (kind IN ('entity', 'feature_view', 'feature_service')),
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,            -- counts the applied changes of the definition
    definition TEXT NOT NULL,               -- JSON
    applied_us INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

INSERT INTO branches (name, created_us) VALUES ('main', unixepoch() * 1000000);
