//! HK17xx: predictive models over tables: the registry, predictions, explanations and their charts.

codes! { CODES:
    PREDICTOR_UNKNOWN = "HK1701", "there is no such predictive model",
        "No model, or no version of it, is registered under the name, or the file does not exist. A name with a dot or a slash is a file.",
        "`hanok model list` names the models; `hanok model add NAME FILE` registers one.";
    PREDICTOR_DAMAGED = "HK1702", "a registered model's file is not what was registered",
        "The file below `.hanok/models` is gone, or its content is not the one that the catalog has the hash of.",
        "Add the same file again: the version stays the same, and its copy is written anew.";
    PREDICTOR_COLUMNS = "HK1703", "the columns of the data cannot be given to a model",
        "A column named with `--columns`, `--keys` or `--label` does not exist or is not of a fitting type, or the model has no feature names and the number of columns is not that of its features.",
        "Name the columns as the data has them; for a model without feature names, give them with `--columns` in the order of training.";
    EXPLANATION_ROW = "HK1704", "one row to explain was not found",
        "No row, or more than one, has the values that `--row` asks for.",
        "Name all columns that tell the rows apart, such as `--row carrier=B6,flight=725`, or a row's number, counted from 1.";
    EXPLANATION_ADDITIVITY = "HK1705", "an explanation does not add up to the prediction",
        "Base value and values of a row should add up to what is predicted for it; the difference is larger than rounding explains.",
        "Please report it with the model and the row: the values would be wrong.";
    EXPLANATION_FILE = "HK1706", "a file or table is not an explanation",
        "The file is not Parquet, has no entry `hanok.explanation` in its metadata or one that is not understood, or lacks columns that the entry names; or the table has no such property, or other rows by now.",
        "Write it with `hanok explain MODEL --data …` and `-o FILE.parquet` or `--table TABLE`, and do not rewrite it with tools that drop the metadata.";
    EXPLANATION_REQUEST = "HK1707", "an explanation cannot be computed as asked",
        "The method, the output, interactions and the background do not go together, or the background or the result is larger than allowed.",
        "Look at the reason in the message; `hanok explain --help` says what goes together.";
    EXPLANATION_CHART = "HK1708", "a chart cannot be made of an explanation",
        "The explanation does not have what the chart shows: a feature, a row, an output, interactions, or enough rows.",
        "Look at the reason in the message, and explain again with what is missing.";
    PREDICTOR_ADDRESS = "HK1709", "an address cannot be registered as a model",
        "A registered model is a copy of a file that stays as it is; a server that predicts can answer otherwise tomorrow.",
        "Give the address in place of a model's name: `hanok predict ADDRESS …`, `hanok explain ADDRESS …`.";
    SERVED_MODEL_UNKNOWN = "HK1780", "the server has no such predictive model",
        "No model, or no version of it that is still served, has the name in the address. The newest versions of each registered model are served.",
        "`hanok model list` names the models; a version added now is served after a few seconds.";
    SERVED_MODEL_BROKEN = "HK1781", "the server could not load a predictive model",
        "The model is registered, but its file is gone, damaged, or of a kind that this version of Hanok does not read.",
        "Look at the reason in the message, and add the file again with `hanok model add NAME FILE`.";
    MODEL_REQUEST_MALFORMED = "HK1782", "the request is not what a model's address takes",
        "The body is not JSON of the documented form, has no rows, or has both rows and instances.",
        "Send `{\"columns\": [NAMES], \"rows\": [[VALUES]]}`, `{\"instances\": [{NAME: VALUE}]}` or `{\"entities\": {KEY: [VALUES]}}`; see docs/models.md.";
    MODEL_REQUEST_COLUMNS = "HK1783", "the values of the request do not fit the model",
        "A feature of the model is missing, a column is none of its features or stands there twice, rows differ in length, or a value is no number.",
        "Send the features that `hanok model show NAME` lists, by name; `null` is a missing value.";
    MODEL_REQUEST_FEATURES = "HK1784", "the features of the online store do not fit the model",
        "A feature of the model is none of the features asked for, or several, is of a type that is no number, or the model has no feature names.",
        "Name the features as `view:feature`, or send those that the store does not have as `columns` and `rows`.";
    MODEL_REQUEST_EXPLAIN = "HK1785", "the server cannot explain the model",
        "The server explains by the training data's covers, which the model's file does not have, or the model's leaves are functions, or it is an ONNX graph that is known by its answers only.",
        "Explain such a model against a background with `hanok explain MODEL --data … --background …`.";
}
