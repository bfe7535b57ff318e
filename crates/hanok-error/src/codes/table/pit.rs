//! HK10xx: the point-in-time join.

codes! { CODES:
    PIT_COLUMN = "HK1001", "a column of the point-in-time join is missing",
        "The entity rows or the feature source have no column with the name of a join key, a timestamp or a feature.",
        "Correct the name in the feature view, or map the join key with `join_keys:`; names are case-sensitive.";
    PIT_TYPE = "HK1002", "a column has a type that the point-in-time join cannot use",
        "Timestamps must be timestamps or dates; join keys must be integers, booleans, text, bytes, timestamps or dates; a feature's values must be convertible to its declared type.",
        "Cast the column in the model or in the view's SQL, or declare another type.";
    PIT_KEY_TYPES = "HK1003", "a join key has different types on its two sides",
        "The entity rows and the feature source store the key as types that are never equal, for example text and integer.",
        "Cast one of the two sides.";
    PIT_READ = "HK1004", "a feature source cannot be read",
        "A data file is missing, truncated or not Parquet, or the storage or the query behind the source failed.",
        "Look at the cause in the message; restore the file, or rebuild the table.";
    PIT_LIMIT = "HK1005", "the point-in-time join was asked for too much at once",
        "One join takes at most 4,294,967,294 entity rows and 4 GiB of distinct key text.",
        "Join the entity rows in several parts.";
    PIT_NAME = "HK1006", "two output columns have the same name",
        "A feature has the name of an entity column or of another view's feature.",
        "Give one of the views an alias, or choose other output names.";
    PIT_TIME = "HK1007", "a timestamp is out of range",
        "A timestamp cannot be stored as microseconds since 1970: it lies outside the years -290,307 to +294,246.",
        "Correct the data; placeholders for \"never\" should be null.";
    PIT_OPTION = "HK1008", "an option of the point-in-time join is invalid",
        "A ttl is negative, or `as_known_at` was asked for without a created timestamp.",
        "Use a ttl of 0 for no limit, and name the created timestamp column in the feature view.";
}
