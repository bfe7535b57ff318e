//! HK06xx: feature definitions, training sets and materialisation.

codes! { CODES:
    FEATURE_DEFINITION = "HK0601", "a feature definition does not make sense",
        "An entity, feature view or feature service refers to something that is not defined, defines a name twice, or has a value that cannot be understood.",
        "Correct the definition named in the message and run `hanok apply` again.";
    FEATURE_SOURCE = "HK0602", "a feature view does not fit its source",
        "The source table lacks a column that the view names, or the column has a type that cannot become the declared one.",
        "Compare the view with its source (`hanok sql \"select * from … limit 5\"`), correct one of them and run `hanok apply` again.";
    FEATURE_UNKNOWN = "HK0603", "no such feature",
        "The feature, feature view or feature service is not registered.",
        "Run `hanok apply` after changing definitions; references are written `view:feature`.";
    FEATURE_COLLISION = "HK0604", "two features would have the same name",
        "Features of different views share a name, so the columns of the result could not be told apart.",
        "Ask for full names (`--full-feature-names`), or give one of the views an alias in the feature service.";
    ENTITY_ROWS = "HK0605", "the entity rows cannot be used",
        "The entity file or table lacks a join key or a timestamp, or has them in a type that does not match.",
        "Give the rows a column for each join key of the chosen features, and one timestamp column (`--timestamp` names it).";
    JOIN_FAILED = "HK0606", "the training set could not be joined or written",
        "A source could not be read, or the output file could not be written.",
        "Look at the reason in the message; nothing half-written is left behind.";
    MATERIALIZE_FAILED = "HK0607", "online values could not be written",
        "The source could not be read or the online store refused.",
        "Look at the reason in the message and run `hanok materialize` again; it goes on where it stopped.";
}
