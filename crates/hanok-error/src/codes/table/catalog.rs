//! HK01xx: the catalog.

codes! { CODES:
    CATALOG_IO = "HK0101", "the catalog cannot be read or written",
        "The SQLite file of the project is missing, locked for too long, read-only, damaged, or the disk is full.",
        "Check that the disk has room and the `.hanok` folder is writable, then run the command again.";
    CATALOG_NEWER = "HK0102", "the catalog was written by a newer Hanok",
        "This binary knows an older schema version than the catalog has; it refuses rather than damage it.",
        "Install the newer Hanok.";
    TABLE_UNKNOWN = "HK0103", "no such table",
        "The name is not in the catalog.",
        "List the tables with `hanok sql \"select * from information_schema.tables\"`.";
    RECORD_INVALID = "HK0104", "a catalog record cannot be understood",
        "A stored record does not have the shape this version expects.",
        "Report this as a bug and restore the catalog from a copy.";
}
