//! HK18xx: drift statistics.

codes! { CODES:
    DRIFT_COLUMNS = "HK1801", "two tables have nothing to compare",
        "The reference and the current table have no column of the same name, or one of them has a name twice.",
        "Compare tables of one origin, or name the columns that both have.";
    DRIFT_TYPE = "HK1802", "a column has no drift statistics",
        "Numbers, booleans, texts, dates and times are compared by value, lists by their lengths and elements; other types are not.",
        "Leave the column out, or derive a column of numbers or text from it.";
    DRIFT_LIMIT = "HK1803", "a column is larger than drift statistics allow",
        "Exact statistics sort a column in memory, and a column may have at most 2,147,483,647 rows; categories have a limit of their own, given in the message.",
        "Compare a sample or a shorter window, or treat a column of identifiers as what it is and leave it out.";
    DRIFT_OPTION = "HK1804", "an option of a drift comparison is out of range",
        "A level of significance, a threshold or a number of bins is outside of what the message names.",
        "Correct the option.";
    DRIFT_ROWS = "HK1805", "too few rows or columns for a drift statistic",
        "A multivariate statistic needs some complete rows on both sides and at least two columns with different values.",
        "Give more rows, or leave out the columns that are mostly missing.";
    DRIFT_DETECTOR = "HK1806", "a streaming detector's setting is out of range",
        "A confidence, a window or a threshold is not of the range that the message names.",
        "Correct the setting; the defaults are those of the method's authors.";
    PROFILE_DAMAGED = "HK1830", "a saved profile cannot be read",
        "The file is not a profile, is cut off, or its parts do not agree with each other.",
        "Make the profile again with `hanok profile`.";
    PROFILE_VERSION = "HK1831", "a saved profile has another version of the format",
        "It was written by a newer program, or by an older one whose format is no longer read.",
        "Use the program that wrote it, or make the profile again.";
    PROFILE_LIMIT = "HK1832", "a profile is larger than its format allows",
        "A profile counts at most 2^53 rows, and its file has at most 1 GiB.",
        "Keep profiles of shorter windows apart.";
    PROFILE_MERGE = "HK1833", "two profiles cannot be merged",
        "Profiles of parts of one table have the same columns, and a column the same kind of values in each.",
        "Merge profiles of one table; profile a table again whose columns have changed.";
    PROFILE_ROWS = "HK1834", "rows do not fit the profile that they are added to",
        "Every batch of rows must have the columns that the profile was begun with, in the same order.",
        "Select the same columns for every batch.";
}
