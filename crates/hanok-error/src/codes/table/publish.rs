//! HK14xx: publishing tables into databases and folders.

codes! { CODES:
    PUBLISH_TARGET = "HK1401", "the target of a publication is not understood",
        "A target is a URL of PostgreSQL, a file of SQLite or a folder.",
        "Write `postgres://user@host:5432/database`, `sqlite:file.db` or a path. The password may be in PGPASSWORD.";
    PUBLISH_NAME = "HK1402", "a name cannot be published",
        "A schema, table or column has a name that databases keep for themselves, one of more than 63 bytes (a Hangul syllable takes three), or one that differs from another only by case.",
        "Rename it in a model, or leave the table out with `--tables`. Nothing has been written.";
    PUBLISH_TYPE = "HK1403", "a column's type cannot be published",
        "Databases have no type that holds these values as they are.",
        "Cast the column in a model. docs/publish.md has the table of types. Nothing has been written.";
    PUBLISH_VALUE = "HK1404", "a value cannot be published",
        "The database's type of the column cannot hold this value: text with a NUL character, an unsigned number above 9223372036854775807, a date or time outside of the database's range, fractions of a microsecond, NaN where there is none.",
        "Correct or filter the row in a model. The target still has what it had.";
    PUBLISH_FOREIGN = "HK1405", "the target has something of this name that Hanok did not publish",
        "Hanok replaces only what it published itself and nobody has replaced or altered since; its table `hanok_published` remembers which.",
        "Publish into another schema (`--schema`), database or folder, or remove the old one yourself.";
    PUBLISH_CONNECT = "HK1406", "the target cannot be opened",
        "The server does not answer, refuses the user or the encryption, or the file cannot be opened.",
        "Check host, port, user, PGPASSWORD and `sslmode` (disable, prefer, require, verify-ca, verify-full).";
    PUBLISH_DATABASE = "HK1407", "the database refused a step of the publication",
        "The message is the database's own. Everything happens in one transaction, which was taken back.",
        "If rights are missing, grant CREATE on the database. If other objects depend on a published table, drop them first or publish into another schema.";
    PUBLISH_KEY = "HK1408", "a key does not fit the tables",
        "A primary key, unique key, foreign key or index names a column or table that is not published, or the rows break it: repeated or missing keys, references to rows that are not there.",
        "Correct `key`, `references` and `indexes` in the plan, or the rows. The target still has what it had.";
    PUBLISH_FOLDER = "HK1409", "files of a publication cannot be written",
        "The folder or its parent is read-only or the disk is full.",
        "Make room or choose another folder. The folder still has what it had.";
}
