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
    BRANCH_NAME = "HK0105", "a branch cannot have this name",
        "Names of branches and tags have at most 100 letters (of any script), digits, `_`, `-`, `.` and `/`; no part begins with a dot or a dash.",
        "Choose another name, such as `ci-123` or `feature/x`.";
    BRANCH_UNKNOWN = "HK0106", "no such branch",
        "No branch or tag of this project has the name.",
        "List them with `hanok branch list` and `hanok tag list`.";
    BRANCH_EXISTS = "HK0107", "the name is taken",
        "A branch or a tag of this name exists already.",
        "Choose another name, or drop the other one first with `hanok branch drop` or `hanok tag drop`.";
    BRANCH_IN_USE = "HK0108", "the branch must stay as it is",
        "Other branches or tags were forked from it and read its files, it is protected, or it is `main`.",
        "Drop the branches that were forked from it first (`hanok branch list` shows their parents), or `hanok branch unprotect` it.";
    BRANCH_READ_ONLY = "HK0109", "a tag cannot be changed",
        "A tag is a fixed point across all tables: nothing can be loaded, built, registered or optimised on it.",
        "Write to a branch: `hanok branch create NAME --from TAG` makes one that begins where the tag is.";
    BRANCH_DEPTH = "HK0110", "branches are nested too deeply",
        "A branch reads what it has not changed from its parent, and so on; at most 16 branches stand above each other.",
        "Fork from a branch nearer to `main`.";
    BRANCH_FORK = "HK0111", "a table cannot be forked",
        "Its Delta protocol has features that Hanok cannot write (set by another tool), or files of the wanted version have been vacuumed.",
        "Leave the table out with `--tables`, or fork from a later time.";
    BRANCH_MERGE = "HK0112", "the branch cannot be merged there",
        "A branch is merged into the branch that it was forked from or into one further up, and into no other; `main` was not forked from any.",
        "`hanok branch list` shows what each branch was forked from. What a parent has that a branch does not, `hanok branch rebase` brings.";
}
