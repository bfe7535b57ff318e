//! HK07xx: the online store.

codes! { CODES:
    ONLINE_IO = "HK0701", "the online store cannot be read or written",
        "The operating system refused a read or a write in the `.hanok/online` folder.",
        "Check that the folder exists, belongs to you and that its disk is healthy, then run the command again.";
    ONLINE_LOCKED = "HK0702", "another process is writing to the online store",
        "The online store takes one writing process at a time, and its lock file is held.",
        "Wait for the other `hanok` process to finish, or stop it.";
    ONLINE_FORMAT = "HK0703", "the online store has another data format",
        "The folder was written by a Hanok with an older or a newer layout of the online store.",
        "Use the matching Hanok, or delete the `.hanok/online` folder and run `hanok materialize` again.";
    ONLINE_DAMAGED = "HK0704", "the online store is damaged",
        "A stored page or row does not have the documented layout, for example after a disk fault or a partial copy.",
        "Delete the `.hanok/online` folder and run `hanok apply` and `hanok materialize` again: the lake has all of it.";
    ONLINE_VIEW_UNKNOWN = "HK0705", "no such feature view in the online store",
        "The view was never applied to the online store, or it was dropped.",
        "Run `hanok apply`, then `hanok materialize`.";
    ONLINE_SCHEMA_INVALID = "HK0706", "the online store cannot hold a view of this schema",
        "A name is empty or used twice, a join key has a floating point type, or there are too many columns.",
        "Correct the feature view's entities and features, then run `hanok apply`.";
    ONLINE_BATCH_INVALID = "HK0707", "rows do not fit the view in the online store",
        "A column is missing, has a type that cannot be converted without loss, or a value is too long.",
        "Compare the source's columns with the feature view; run `hanok apply` after changing either.";
    ONLINE_FULL = "HK0708", "there is no room for the online store",
        "The disk is full, or the store reached its configured size limit. Nothing of the batch was written.",
        "Free some space or raise the limit, then run the command again.";
    ONLINE_READ_ONLY = "HK0709", "the online store's folder is read-only",
        "The folder or its file system does not permit writing.",
        "Make `.hanok/online` writable for the user that runs `hanok`.";
}
