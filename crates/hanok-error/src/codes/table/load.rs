//! HK03xx: loading sources.

codes! { CODES:
    LOAD_READ = "HK0301", "a source file cannot be read",
        "The file is missing, the permissions do not allow reading it, or the disk failed.",
        "Look at the path and the reason in the message, mend it and load again; nothing of this source was loaded.";
    LOAD_CORRUPT = "HK0302", "a source file is corrupt or truncated",
        "The compressed stream, the zip directory or the Parquet footer does not hold together: an interrupted download or copy is the usual reason.",
        "Fetch the file again, or take it out of the source's `files`; nothing of this source was loaded.";
    LOAD_OPTION = "HK0303", "an option of the source cannot be used",
        "A glob, an encoding label, a delimiter, a declared type or a format is not known or not possible.",
        "Correct the source's YAML file.";
    LOAD_HEADER = "HK0304", "the header of a file cannot be read",
        "The first row is not valid in the encoding, has an unterminated quote or is longer than the row limit.",
        "Set `csv: { header: false }` if the file has no header, or correct `delimiter`, `quote` or `encoding`.";
    LOAD_CONTRACT = "HK0305", "the data breaks the source's contract",
        "The contract is `freeze`, and a file brings a column or a value that the table cannot hold.",
        "Correct the file, or set the contract to `evolve` (take it in) or `discard_row` (send such rows to the rejects).";
    LOAD_COLUMNS = "HK0306", "a source has too many columns",
        "More distinct columns than the limit were found; JSON with data in its keys is the usual reason.",
        "Reshape the data so that the keys are values, or raise the limit.";
    LOAD_CHANGED = "HK0307", "a file changed while it was read",
        "The second look at a file found other data than the first one.",
        "Load again once nothing writes to the file; move finished files into the folder instead of writing them there.";
    LOAD_NO_FILES = "HK0308", "a source has no files",
        "No file matches the source's `files`.",
        "Check the paths; they are relative to the project folder.";
    LOAD_TYPE = "HK0309", "a type of a Parquet file cannot be loaded",
        "The lake has no type that holds it.",
        "Cast the column where the file is written.";
    LOAD_STOPPED = "HK0310", "reading stopped unexpectedly",
        "A worker thread ended without an answer; this is a defect of Hanok.",
        "Please report it with the file that shows it.";
    LOAD_SOURCE_INVALID = "HK0311", "a source definition is not valid",
        "A file in `sources/` has a syntax error, an unknown field, a name used twice or a value of the wrong type.",
        "Correct the file at the line and column named in the message.";
    LOAD_BUSY = "HK0312", "another process is loading the table",
        "One load of a table runs at a time, and the other one did not end in time.",
        "Wait for the other process, or end it if it hangs, and load again; files that it has loaded are not loaded twice.";
    SOURCE_UNKNOWN = "HK0313", "no such source",
        "No file below `sources/` defines a source of this name.",
        "Correct the name, or define the source; the message lists those that there are.";
}
