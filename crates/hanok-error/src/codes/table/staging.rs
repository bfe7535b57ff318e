//! HK13xx: staging branches.

codes! { CODES:
    STAGING_PLAN = "HK1301", "a staging plan cannot be carried out",
        "The plan names tables or columns that do not exist, treatments that do not fit a column's type, or references that would not hold on the branch. All problems are listed; nothing was made.",
        "Correct the plan at the tables and columns of the message. `--preview` checks it without making anything.";
    STAGING_PERSONAL = "HK1302", "personal columns have no treatment",
        "A column is tagged `personal`, or its name or values look so, and the plan does not say what becomes of it. Nothing was made.",
        "Give each column a treatment under `tables:`, or `{treatment: keep, reason: …}` where the original may be seen; `mode: omit` leaves a whole table out.";
    STAGING_MEMORY = "HK1303", "a staging branch needs more memory than allowed",
        "The keys of the sample, or a table that must be treated as a whole (`shuffle`, `generalise(rare=…)`, synthetic tables), take more than half of the memory setting.",
        "Allow more with `--memory-mb`, take a smaller sample, or choose treatments that work value by value.";
    STAGING_SAMPLE = "HK1304", "the keys of a sample cannot be read",
        "The file or the query that names the sampled rows cannot be read, or its columns are not those of the table's key.",
        "A file has a header with the columns of the key; a query returns as many columns as the key has, in its order.";
    STAGING_MASKED = "HK1305", "originals must not come into a staging branch",
        "A load would bring the original rows of a masked, synthetic or omitted table into the staging branch.",
        "Load on the parent and make the branch again, or name the sources of other tables.";
    STAGING_UNKNOWN = "HK1306", "a branch is no staging branch",
        "The branch was made with `hanok branch create`, so nothing says what was masked.",
        "`hanok staging list` names the staging branches.";
    STAGING_KEY = "HK1307", "a key of staging branches cannot be used",
        "A key file must hold 64 hexadecimal digits, and the folder `.hanok` must take the project's own key.",
        "Make a key with `openssl rand -hex 32 > FILE`, and keep it where the branch's users cannot read it.";
}
