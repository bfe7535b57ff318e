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
    DRIFT_WINDOWS = "HK1807", "the times of a table make no windows",
        "Drift over time cuts the current table into windows of one width. No row has a time, or the width that was asked for gives more windows than the message allows.",
        "Name the column with the times of the rows, or choose wider windows.";
    OUTPUT_ROWS = "HK1820", "predictions, labels, segments or attributions are not of the same rows",
        "Outputs of models are compared row by row, so every list must have one value a row, in the same order.",
        "Give the lists of one and the same table, without dropping rows from one of them; leave NaN where a value is missing.";
    OUTPUT_PROBABILITY = "HK1821", "a prediction is not a probability",
        "A probability lies between 0 and 1, and of several classes each row has one for each class.",
        "Compare raw scores as numbers of a regression, or turn them into probabilities.";
    OUTPUT_LABEL = "HK1822", "a label does not fit the predictions",
        "Labels of a binary model are 0 and 1, labels of several classes are the classes' numbers, of a regression finite numbers; NaN says that there is none.",
        "Name the class that is the positive one, or map the labels to the model's classes.";
    OUTPUT_FEW = "HK1823", "too few rows to estimate performance without labels",
        "The reference needs labelled rows of both classes to calibrate, and enough rows for chunks to compare.",
        "Give a longer reference, or fewer and larger chunks.";
    OUTPUT_TASKS = "HK1824", "two models say different things",
        "Models can be compared row by row only when both say numbers, both a probability, or both probabilities of the same classes.",
        "Compare models of one task; map the classes of one to those of the other.";
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
    DRIFT_SIDE = "HK1840", "a side of a drift comparison is not understood",
        "A side is a table, a file, a saved profile or a query; a table may have a version, a branch or a time after `@`, and a table or file a window of time in brackets. The message says which part is something else.",
        "Write it like `mart.departures`, `mart.departures@12`, `mart.departures@dev`, `mart.departures[2013-01..2013-02]`, `january.parquet` or `january.json`, in quotes for the shell.";
    DRIFT_TIME = "HK1841", "no column says which rows are in a window",
        "A window of time or the course over time needs a column with times. The table has none, or several of them, or the one that was named is of another type.",
        "Name the column with `--time`. Times kept as text or numbers need a view or query that makes timestamps of them.";
    DRIFT_MEMORY = "HK1842", "a comparison needs more memory than it may take",
        "Exact statistics hold the columns that are compared at the time, and of queries, views and text files all of them.",
        "Make profiles of both sides with `hanok profile`, which needs little memory for any number of rows, and compare these; or name fewer columns, compare a shorter window, or allow more with `--memory-mb`.";
    DRIFT_SEGMENTS = "HK1843", "a table cannot be compared by segments",
        "The column of `--by` is missing on a side, or is not of text, whole numbers or booleans, or saved profiles are compared, which do not know segments.",
        "Name a column with some tens of different values that both sides have.";
    DRIFT_COLUMN = "HK1844", "a column that was named is not there",
        "A name given with `--columns` or `--column` is not a column of both sides, or of the events.",
        "Correct the name; the message lists what there is.";
    DRIFT_PROFILES = "HK1845", "saved profiles cannot be compared this way",
        "A saved profile has no rows: other libraries' methods, segments, the course over time and what looks at columns together need them.",
        "Leave the option out, or compare the tables themselves.";
    DRIFT_IMPORTANCE = "HK1846", "no importance for ranking",
        "The explanation or predictive model has no feature that is one of the compared columns, or its rows cannot be had from the current side.",
        "Give an explanation of `hanok explain` for a model whose features are columns of the compared tables.";
    DRIFT_EVENT = "HK1847", "an event of a stream cannot be read",
        "A line is neither a number, nor a JSON object, nor a row of the CSV file whose header came first, or it is longer than 1 MiB.",
        "Correct the sender. With `--skip-invalid` such lines are counted and left out.";
    DRIFT_SETTING = "HK1848", "a detector has no such setting",
        "The name of a `--set NAME=VALUE` is not one of the detector's settings, or the value is not of its type.",
        "Use the names that the message lists; `hanok drift watch --help` has their defaults.";
    MONITOR_DEFINITION = "HK1850", "a monitor's definition does not make sense",
        "A monitor of monitors/*.yaml is defined twice, refers to a channel that is not defined, or has a value that cannot be understood.",
        "Correct the definition named in the message; docs/monitors.md has them all.";
    MONITOR_UNKNOWN = "HK1851", "no such monitor",
        "No file of monitors/ defines a monitor of that name.",
        "Run `hanok monitor status` to see which there are.";
    MONITOR_TABLE = "HK1852", "a monitor does not fit its table",
        "The table lacks a column that the monitor names, its time column is neither a date nor a time, or nothing is left to compare.",
        "Compare the monitor with its table (`hanok sql \"select * from … limit 5\"`) and correct one of them.";
    MONITOR_BUSY = "HK1853", "monitors are running already",
        "Another `hanok monitor` of this project records windows at this moment; only one may, so that no window is recorded twice.",
        "Wait for it. If none is running, run again: a lock of a killed process is let go by the system.";
    MONITOR_CHANNEL = "HK1854", "an alert could not be delivered",
        "The file cannot be written, the webhook or the mail server did not take the message, or an environment variable with its address or password is not set. What was measured is recorded.",
        "Correct the channel; the next `hanok monitor` delivers what is left, for seven days. A mail server whose certificate a private authority signed is trusted with `SSL_CERT_FILE` (docs/monitors.md).";
    MONITOR_HISTORY = "HK1855", "the history of the monitors cannot be used",
        "`monitor.results` or `monitor.deliveries` has other columns than monitors write, or other values.",
        "Only `hanok monitor` should write there. Go on with an earlier state: `hanok branch reset`, or a branch from before the change.";
    MONITOR_WINDOWS = "HK1856", "windows cannot be cut",
        "`--from` and `--to` hold no whole window, a window of rows would begin before the table does, or there is no window yet to report on.",
        "Give a longer range; windows of a calendar begin at midnight, on Monday or on the first of the month in the monitor's time zone.";
    SWAP_OUTPUTS = "HK1860", "two models do not predict the same thing",
        "Both models must predict a number, the probability of one class, or the probabilities of the same classes. The models' outputs are more or fewer, or several numbers that are no probabilities.",
        "Compare models of one task; of models with several numbers name one output with `--class`, counted from 0.";
    SWAP_LABEL = "HK1861", "the column with the truth cannot be used",
        "The column of `--label` does not exist, is no number, or has values that the models' predictions cannot be: of a probability other than 0 and 1, of classes other than their numbers from 0 on.",
        "Make a column of numbers in a query: `--data-sql \"select *, case when … then 1 else 0 end as label from …\"`. Rows without a label may be null.";
    SWAP_SEGMENTS = "HK1862", "the rows cannot be divided by a column",
        "The column of `--by` does not exist, or it has more different values than segments can be told apart.",
        "Name a column with few different values, or make one in a query, such as the hour of a time.";
    SWAP_ROWS = "HK1863", "there are no rows to compare two models on",
        "The table, file or query of `--data` or `--reference` has no rows.",
        "Look at the name of the table and at the query's conditions.";
    SWAP_GATE = "HK1864", "a gate or a metric of a swap is not known",
        "The name of a `--gate NAME=VALUE` is not that of a gate, or that of `--metric` none of the models' task.",
        "Use one of those that the message names; docs/swap.md says what each gate looks at and what it allows by default.";
    REPORT_JSON = "HK1890", "a report cannot be written as JSON",
        "A result of a comparison has something that JSON cannot carry; results of Hanok's own comparisons do not.",
        "Report it with the message; the HTML of the same report can still be written.";
}
