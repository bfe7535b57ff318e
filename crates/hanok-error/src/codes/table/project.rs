//! HK00xx: the project folder and its settings.

codes! { CODES:
    PROJECT_NOT_FOUND = "HK0001", "no Hanok project here",
        "The folder, and none above it, holds a `hanok.yaml`.",
        "Run `hanok init DIR`, change into the project folder, or pass `--project DIR`.";
    PROJECT_INVALID = "HK0002", "a project file cannot be read as what it should be",
        "A YAML file has a syntax error, an unknown field or a value of the wrong type.",
        "Correct the file at the line and column named in the message.";
    NAME_INVALID = "HK0003", "a name is not allowed",
        "Names of schemas, tables, models, entities and features are letters (of any script), digits and underscores, and do not start with a digit.",
        "Rename the object.";
    INIT_NOT_EMPTY = "HK0004", "the folder is not empty",
        "`hanok init` never overwrites files.",
        "Choose a new or an empty folder.";
    FILE_IO = "HK0005", "a file cannot be read or written",
        "The operating system refused: the path is missing, the permissions do not allow it, or the disk is full.",
        "Look at the path and the reason in the message, mend it and run the command again; nothing half-written is kept.";
}
