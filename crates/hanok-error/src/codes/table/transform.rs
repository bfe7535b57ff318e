//! HK05xx: models.

codes! { CODES:
    MODEL_TEMPLATE = "HK0501", "a model's template cannot be rendered",
        "The Jinja in the model has a syntax error, uses something unknown, or does far too much work.",
        "Correct the template at the line in the message.";
    MODEL_YAML = "HK0502", "a properties file of the models cannot be read",
        "A YAML file under `models/` has a syntax error, an unknown field or a value of the wrong type.",
        "Correct the file at the line in the message.";
    MODEL_REF = "HK0503", "a model refers to a model that does not exist",
        "`ref()` names a model for which there is no enabled `.sql` file under `models/`.",
        "Correct the name or add the model.";
    MODEL_SOURCE = "HK0504", "a model refers to a source that does not exist",
        "`source()` names a table that no YAML file declares and that no file in `sources/` loads.",
        "Declare the table under `sources:` in a YAML file in `models/`, or correct the name.";
    MODEL_VAR = "HK0505", "a variable has no value",
        "`var()` names a variable that is not under `vars:` in `hanok.yaml`, and the call gives no default.",
        "Add the variable to `hanok.yaml`, or give a default: `var('name', 'default')`.";
    MODEL_CONFIG = "HK0506", "a model's settings are not allowed",
        "A setting in `config()`, in a YAML file or under `models:` in `hanok.yaml` has a value that cannot be used.",
        "Correct the setting; a model is `materialized` as `table` or `view`.";
    MODEL_DUPLICATE = "HK0507", "two definitions have the same name",
        "A model's name is its file's name without `.sql`, and must be unique in the project; so must the table it writes.",
        "Rename one of the two.";
    MODEL_CYCLE = "HK0508", "models depend on each other in a circle",
        "Following `ref()` from a model leads back to it, so none of them could be built first.",
        "Break the circle: take the shared part into a model of its own.";
    MODEL_SELECT = "HK0509", "nothing fits the selection",
        "The selection names no model, folder or tag of the project.",
        "Name a model, a folder under `models/` or `tag:NAME`; `+` before or after adds ancestors or descendants.";
    MODEL_SQL = "HK0510", "the SQL of a model or a test failed",
        "The query engine refused the rendered SQL or failed while running it.",
        "Correct the model at the line in the message; `hanok sql` runs the same SQL by hand.";
    MODEL_TEST = "HK0511", "a test of the data failed",
        "The query of the test returned rows that break the rule.",
        "Look at the failing rows with the test's query, then mend the data or the rule.";
    MODEL_LIMIT = "HK0512", "the models are larger than allowed",
        "A file, a folder or the number of models goes beyond the limit in the message.",
        "Split the file, or move what is not a model out of the `models/` folder.";
}
