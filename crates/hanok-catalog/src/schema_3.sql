-- Staging branches: what was done to make each, and a code under the project's key that says so.
CREATE TABLE staging (
    branch    TEXT PRIMARY KEY REFERENCES branches (id),
    manifest  TEXT NOT NULL,                -- JSON
    signature TEXT NOT NULL                 -- of the manifest's bytes, hexadecimal
) STRICT;
