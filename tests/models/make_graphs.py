"""Writes small ONNX graphs with what onnxruntime makes of some rows.

    python tests/models/make_graphs.py crates/hanok-infer/tests/fixtures

The files are committed: run this again only to add a case. `NAME.values` is little-endian: u32 rows, columns, outputs; then f64: the rows,
and the outputs. Needs scikit-learn, skl2onnx, onnx and onnxruntime.
"""

import pathlib
import struct
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import sklearn.compose
import sklearn.decomposition
import sklearn.discriminant_analysis
import sklearn.ensemble
import sklearn.impute
import sklearn.linear_model
import sklearn.neural_network
import sklearn.preprocessing
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.pipeline import make_pipeline

ROWS, COLUMNS = 40, 4


def data():
    random = np.random.default_rng(7)
    rows = random.normal(size=(300, COLUMNS)).astype(np.float32)
    target = rows[:, 0] * rows[:, 1] + np.sin(rows[:, 2])
    return rows, target, np.digitize(target, [-0.5, 0.5])


def models():
    linear, preprocessing = sklearn.linear_model, sklearn.preprocessing
    dense = {"hidden_layer_sizes": (8, 5), "max_iter": 300, "random_state": 0}
    ensemble, forest = sklearn.ensemble, {"n_estimators": 12, "max_depth": 4, "random_state": 0}
    discriminant = sklearn.discriminant_analysis.LinearDiscriminantAnalysis()
    imputed = [sklearn.impute.SimpleImputer(), preprocessing.StandardScaler(), sklearn.decomposition.PCA(2)]
    return {
        "logistic": (make_pipeline(preprocessing.StandardScaler(), linear.LogisticRegression()), "classes"),
        "logistic-two": (linear.LogisticRegression(), "two"),
        "discriminant": (discriminant, "classes"),
        "ridge": (make_pipeline(preprocessing.MinMaxScaler(), linear.Ridge()), "target"),
        "normalised": (make_pipeline(preprocessing.Normalizer(), preprocessing.RobustScaler(), linear.Ridge()), "target"),
        "imputed": (make_pipeline(*imputed, linear.LinearRegression()), "target"),
        "network": (make_pipeline(preprocessing.StandardScaler(), sklearn.neural_network.MLPClassifier(**dense)), "classes"),
        "network-two": (sklearn.neural_network.MLPClassifier(**dense), "two"),
        "scaled-forest": (make_pipeline(preprocessing.StandardScaler(), ensemble.RandomForestClassifier(**forest)), "two"),
        "scaled-boosting": (make_pipeline(preprocessing.MinMaxScaler(), ensemble.GradientBoostingClassifier(**forest)), "two"),
        "imputed-forest": (make_pipeline(sklearn.impute.SimpleImputer(), ensemble.RandomForestRegressor(**forest)), "target"),
        "reduced-boosting": (make_pipeline(sklearn.decomposition.PCA(3), ensemble.GradientBoostingClassifier(**forest)), "classes"),
        "coded-forest": (make_pipeline(coded(), ensemble.RandomForestClassifier(**forest)), "classes"),
        "network-tanh": (sklearn.neural_network.MLPRegressor(activation="tanh", **dense), "target"),
    }


def coded():
    """Whole numbers of the last column as columns of their own."""
    encoder = sklearn.preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    rest = sklearn.preprocessing.StandardScaler()
    return sklearn.compose.ColumnTransformer([("codes", encoder, [COLUMNS - 1]), ("rest", rest, list(range(COLUMNS - 1)))])


def with_sklearn(folder):
    rows, target, classes = data()
    targets = {"classes": classes, "two": classes > 0, "target": target}
    for name, (model, kind) in models().items():
        some = rows.copy()
        if name.startswith("imputed"):
            some[::5, 1] = np.nan
        if name == "coded-forest":
            some[:, -1] = np.round(some[:, -1])
        model.fit(some, targets[kind])
        options = {id(model): {"zipmap": False}} if kind != "target" else None
        write(folder, name, to_onnx(model, some[:1], options=options), some[:ROWS])
    named = [(f"column_{at}", FloatTensorType([None, 1])) for at in range(COLUMNS)]
    model = make_pipeline(sklearn.preprocessing.StandardScaler(), linear_of(rows, target))
    model[0].fit(rows)
    write(folder, "columns", to_onnx(model, initial_types=named), rows[:ROWS])


def linear_of(rows, target):
    return sklearn.linear_model.LinearRegression().fit(rows, target)


def by_hand(folder):
    """What exporters of deep learning write, in double with a batch of a fixed size and in float."""
    random = np.random.default_rng(8)
    for name, kind, batch in (("layers", TensorProto.FLOAT, "N"), ("layers-double", TensorProto.DOUBLE, ROWS)):
        numpy_type = helper.tensor_dtype_to_np_dtype(kind)
        constants = {
            "w1": random.normal(size=(6, COLUMNS)), "b1": random.normal(size=6), "scale": random.normal(size=6),
            "bias": random.normal(size=6), "mean": random.normal(size=6), "variance": random.random(6) + 0.5,
            "w2": random.normal(size=(9, 3)), "half": np.array(0.5), "least": np.array(-1.5), "most": np.array(2.0),
        }
        initializers = [numpy_helper.from_array(np.asarray(v, numpy_type), n) for n, v in constants.items()]
        integers = {"axes": [1], "some": [0, -1, 2], "shape": [-1, 3]}
        initializers += [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in integers.items()]
        node = helper.make_node
        nodes = [
            node("Gemm", ["x", "w1", "b1"], ["a"], transB=1, alpha=0.5),
            node("BatchNormalization", ["a", "scale", "bias", "mean", "variance"], ["b"], epsilon=1e-3),
            node("LeakyRelu", ["b"], ["c"], alpha=0.2),
            node("Gather", ["x", "some"], ["d"], axis=1),
            node("Concat", ["c", "d"], ["e"], axis=-1),
            node("MatMul", ["e", "w2"], ["f"]),
            node("Clip", ["f", "least", "most"], ["g"]),
            node("Constant", [], ["two"], value=numpy_helper.from_array(np.array([2.0], numpy_type))),
            node("Pow", ["g", "two"], ["h"]),
            node("ReduceMean", ["h", "axes"], ["i"]),
            node("Sub", ["g", "i"], ["j"]),
            node("Elu", ["j"], ["k"]),
            node("Exp", ["k"], ["l"]), node("Sqrt", ["l"], ["m"]), node("Neg", ["m"], ["n"]), node("Abs", ["n"], ["o"]),
            node("Log", ["o"], ["p"]), node("Mul", ["p", "half"], ["q"]), node("Softplus", ["q"], ["r"]),
            node("Div", ["r", "o"], ["s"]), node("Reshape", ["s", "shape"], ["t"]), node("Flatten", ["t"], ["u"]),
            node("Sigmoid", ["u"], ["v"]), node("Softmax", ["v"], ["w"]), node("Dropout", ["w"], ["y"]),
        ]
        given = helper.make_tensor_value_info("x", kind, [batch, COLUMNS])
        made = helper.make_tensor_value_info("y", kind, [batch, 3])
        graph = helper.make_graph(nodes, name, [given], [made], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        write(folder, name, model, data()[0][:ROWS].astype(numpy_type))


def write(folder, name, model, rows):
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    given = {inputs[0].name: rows}
    if len(inputs) > 1:
        given = {each.name: rows[:, at : at + 1] for at, each in enumerate(inputs)}
    outputs = np.asarray(session.run(None, given)[-1], dtype="<f8").reshape(len(rows), -1)
    (folder / f"{name}.onnx").write_bytes(content)
    head = struct.pack("<3I", *rows.shape, outputs.shape[1])
    (folder / f"{name}.values").write_bytes(head + rows.astype("<f8").tobytes() + outputs.tobytes())
    print(name, [node.op_type for node in model.graph.node], outputs.shape)


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    with_sklearn(folder)
    by_hand(folder)


if __name__ == "__main__":
    main()
