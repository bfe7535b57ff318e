-- Predictive models: what is known of each version's file, which lies in models/<sha256> beside this file.
CREATE TABLE model_versions (
    name      TEXT NOT NULL,
    version   INTEGER NOT NULL,             -- 1, 2, …
    sha256    TEXT NOT NULL,                -- of the file's bytes, hexadecimal
    bytes     INTEGER NOT NULL,
    format    TEXT NOT NULL,                -- library and version that wrote it, for people
    features  TEXT NOT NULL,                -- JSON list of names; empty when the file has none
    feature_count INTEGER NOT NULL,
    outputs   INTEGER NOT NULL,
    trees     INTEGER NOT NULL,
    has_cover INTEGER NOT NULL,             -- 1 when path-dependent values can be computed
    source    TEXT NOT NULL,                -- the path that it was added from
    added_us  INTEGER NOT NULL,
    PRIMARY KEY (name, version),
    UNIQUE (name, sha256)
) STRICT;
