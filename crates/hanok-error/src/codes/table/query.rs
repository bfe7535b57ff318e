//! HK04xx: SQL.

codes! { CODES:
    SQL_INVALID = "HK0401", "the SQL cannot be understood",
        "The text has a syntax error, or names a table, column or function that does not exist, or mixes types that do not go together.",
        "Correct the SQL; `select * from information_schema.columns` lists what there is. Names fold to lower case unless they are in double quotes.";
    SQL_FAILED = "HK0402", "a query failed while it ran",
        "A value could not be computed (a cast, a division by zero, an overflow).",
        "Look at the reason in the message; `try_cast` gives null in place of an error.";
    SQL_MEMORY = "HK0403", "a query needs more memory than it may use",
        "Sorting, grouping and joining spill to disk; an operator that cannot spill reached the limit.",
        "Raise `memory_mb` in hanok.yaml or with `--memory-mb`, or make the query's input smaller.";
    SQL_READ_ONLY = "HK0404", "this SQL would change something",
        "`hanok sql` reads. Tables are written by loads and models.",
        "Put the query into a model, or load the data from a source.";
    SESSION_INVALID = "HK0405", "a query cannot use its folder or its settings",
        "The folder for spilled data cannot be used, its disk is full, or a setting is out of range.",
        "Check the folder in the message and that the disk has room.";
}
