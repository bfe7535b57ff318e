//! HK12xx: masking and synthetic data.

codes! { CODES:
    MASK_TREATMENT = "HK1201", "a treatment of a column is written wrongly",
        "The treatment, one of its parameters or a parameter's value is not known.",
        "Correct it; the message names what is known. For example `hash(length=16)` or `generalise(bucket=10)`.";
    MASK_TYPE = "HK1202", "a treatment cannot be applied to a column of this type",
        "For example, noise needs numbers, dates or timestamps, and fakes need text.",
        "Choose another treatment for the column, or cast the column in the model.";
    MASK_FORMAT = "HK1203", "a value does not fit its treatment's format",
        "Format-preserving encryption met a value with letters outside its alphabet, with nothing to encrypt, with more symbols than it takes, or with more digits than declared. Keeping such a value would show the original.",
        "Choose a wider alphabet or more digits, or treat the column with `hash`, `fake` or `null`.";
    MASK_RESIDENT = "HK1204", "format-preserving encryption refuses resident registration numbers",
        "A value has the format, a birth date and a gender digit of a resident registration number (주민등록번호). An encrypted one could be the number of another person.",
        "Use `fake(kind=resident_number)`, `null` or `drop`, or write `fpe(resident=replace)` to replace such values with invalid numbers.";
    MASK_SHAPE = "HK1205", "the columns given to masking do not fit each other",
        "Row identities and quasi-identifiers must have as many rows as the column, and a synthetic column must be one that the model was fitted on.",
        "Give columns of the same table and the same rows.";
    MASK_WHOLE_TABLE = "HK1206", "a treatment needs the whole table",
        "`synthetic` makes rows from the distributions of a whole table; it cannot be applied to a column on its own.",
        "Declare `synthetic` for the table, or choose another treatment for the column.";
    MASK_CONVERT = "HK1207", "masked values could not be stored",
        "The values of one batch are larger than their type can hold, for example more than 2 GiB of text.",
        "Mask the table in smaller batches, or use a large text type.";
}
