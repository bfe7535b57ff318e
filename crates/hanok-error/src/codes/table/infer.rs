//! HK164x: explaining models that are known by their answers only; HK165x: asking such models.

codes! { CODES:
    AGNOSTIC_ANSWER = "HK1640", "a model's answers cannot be explained",
        "The model gave more or fewer outputs than for other rows, or an output that is not a finite number; or the method `linear` met a model that is not linear.",
        "Take `--method permutation` for a model that is not linear. Otherwise ask the model for the row in the message yourself. Explanations mix feature values of the row and of the background, so a model may meet combinations that it never saw.";
    AGNOSTIC_INPUT = "HK1641", "the rows, the background or the grouping of features do not fit",
        "The background has no rows, rows have another number of features than the background, or the tree of groups is none of these features.",
        "Look at the reason in the message. A background is a sample of the training data, a hundred rows or so, with the same columns as the rows.";
    AGNOSTIC_LIMIT = "HK1642", "a model would have to be asked too often, or may be asked too seldom",
        "The method needs the number of model rows in the message: the coalitions of features it looks at, times the rows of the background, times the rows to explain. Exact values need two to the power of the features.",
        "Explain fewer rows (`--limit`), compare with fewer (`--background-rows`), choose `--method permutation` or fewer `--evaluations`, or allow more with `--model-rows-max`.";
    INFER_GRAPH = "HK1650", "an ONNX graph cannot be used",
        "The file is damaged or no ONNX graph, is larger than allowed, or has an operator, a type or an input that Hanok does not compute: inputs are one matrix of float or double numbers or a column of them for each feature; operators are those of scalers, encoders, linear models, trees and dense networks.",
        "The message names the part. Export the model again without it or serve the model with its own library and give the address of its endpoint.";
    INFER_RUN = "HK1651", "an ONNX graph could not be computed",
        "The graph was read, but its values do not fit each other, or it mixes rows: every operator must make each row from the same row.",
        "Compute the same rows with onnxruntime: if that works, serve the model with its own library and give the address of its endpoint.";
    INFER_ENDPOINT = "HK1652", "a prediction endpoint does not answer",
        "The connection was refused or broken off, or no answer came in time, also after the retries.",
        "See whether the server runs at the address in the message and how long it takes for so many rows; give fewer rows a request or a longer timeout.";
    INFER_STATUS = "HK1653", "a prediction endpoint refused",
        "The server answered with the status in the message instead of predictions: the wrong path, the wrong protocol, columns it does not know, or a failure of its own.",
        "Read the server's words in the message and its log. The protocols are Hanok's own, MLflow's scoring protocol and KServe's version 1.";
    INFER_ANSWER = "HK1654", "a prediction endpoint's answer is not understood",
        "The answer is no JSON, has no predictions, has more or fewer of them than rows were sent, has something else than numbers in them, or is larger than allowed.",
        "Send one row with curl and compare the answer with the protocol that was chosen.";
    INFER_ADDRESS = "HK1655", "an address of a prediction endpoint cannot be used",
        "The address is no http or https URL, or the limits given for it are zero.",
        "Give the whole address, for instance http://127.0.0.1:8080/invocations.";
    INFER_ROWS = "HK1656", "rows cannot be sent to a model",
        "A row has more or fewer values than the model has columns, or a value is infinite and the protocol cannot say so.",
        "Give each row one finite value for each column; missing values may be left out.";
}
