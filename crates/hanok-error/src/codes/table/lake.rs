//! HK02xx: the lake.

codes! { CODES:
    LAKE_IO = "HK0201", "the lake's storage failed",
        "The storage refused to read or write an object: missing permissions, a full disk or an interrupted connection.",
        "Mend the storage and run the command again; an unfinished write leaves no trace in any table.";
    LAKE_CONFLICT = "HK0202", "another writer got in the way",
        "Other processes kept changing the table, so the commit did not succeed within its retries.",
        "Run the command again when the other writers are done.";
    LAKE_SCHEMA = "HK0203", "the data does not fit the table's schema",
        "A column is missing or has a type that cannot be stored in the table's column.",
        "Change the source's contract or the declared types, or load with `disposition: replace`.";
    LAKE_CORRUPT = "HK0204", "a table of the lake cannot be read",
        "A log entry or a data file is missing, truncated or not in the format of Delta Lake.",
        "Restore the table's folder from a copy, or read an earlier version with `FOR VERSION AS OF`.";
    LAKE_TYPE = "HK0205", "a type cannot be stored in the lake",
        "Delta Lake has no type for this Arrow type.",
        "Cast the column in the model or declare another type in the source.";
    LAKE_VERSION = "HK0206", "no such version of the table",
        "The table has no commit with this version, or none as old as this time.",
        "List the versions with `hanok sql \"select * from hanok.history\"`.";
    LAKE_LOCKED = "HK0207", "the table is under maintenance by another process",
        "Optimising and vacuuming take a lock for each table, and the lock was not free in time.",
        "Wait for the other process and run the command again.";
}
