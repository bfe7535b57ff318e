//! HK16xx: models of other libraries: reading, predicting, explaining.

codes! { CODES:
    ENSEMBLE_FORMAT = "HK1601", "a model file is not what it should be",
        "The file is truncated, damaged or of another format, or its parts contradict each other: a child that does not exist, a node with two parents, lists of different lengths.",
        "Save the model again with its library and compare the place named in the message; pickles are never read.";
    ENSEMBLE_UNSUPPORTED = "HK1602", "a model cannot be computed exactly",
        "The model has a part whose predictions Hanok would not reproduce to the last bit, so it refuses rather than approximate.",
        "The message names the part. Train without it, or serve the model with its own library.";
    ENSEMBLE_LIMIT = "HK1603", "a model is larger than allowed",
        "The number of trees, nodes, outputs or levels goes beyond the limit in the message.",
        "Train a smaller model; limits of this size are met by damaged files only.";
    ENSEMBLE_FEATURES = "HK1604", "the data does not have the model's features",
        "Features are matched by name. A feature of the model has no column, or the model has no names and was not told to go by position.",
        "Rename or add the columns named in the message; for a model without names, give the columns in the order of training and say so.";
    ENSEMBLE_TYPE = "HK1605", "a column cannot be a feature",
        "Features are numbers or booleans; categories are given by the numbers that the library gave them or, where the model file has them, by their texts.",
        "Cast the column.";
    ENSEMBLE_EXPLAIN = "HK1606", "a model cannot be explained in this way",
        "Path-dependent values need each node's cover, which this model's file does not have, or the background, the output or the size of the result does not fit the request.",
        "Look at the reason in the message; with a background table, use the interventional method.";
    ENSEMBLE_VERSION = "HK1620", "a model file is of a version that is not read",
        "The file says that a later version of its library or of its format wrote it, whose rules may differ.",
        "Save the model with the version that the message names, or update Hanok.";
    ENSEMBLE_COMBINATION = "HK1621", "a model tests several features at once",
        "CatBoost has combined the categorical features that the message names into one statistic of the target; no single feature is tested there, so that neither a tree's path nor a feature's share is defined.",
        "Train with `max_ctr_complexity=1`, or with a larger `one_hot_max_size`.";
    ENSEMBLE_BACKGROUND = "HK1622", "a model has no path-dependent values",
        "These values average over the training data as the file describes it, and this file does not: it has no covers, or its leaves are linear functions of features whose means it does not have.",
        "Explain by the interventional method, with a background table.";
}
