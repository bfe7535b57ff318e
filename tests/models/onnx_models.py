"""Random tree ensembles in ONNX with every mode of nodes, and what ONNX Runtime makes of them."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def model(random, features, version=3, kind="Regressor", trees=5, outputs=1, depth=4, transform="NONE", aggregate="SUM", double=False, modes=MODES):
    """A model of random trees; version 5 is the operator `TreeEnsemble`."""
    nodes, leaves = [], []
    binary = kind == "Classifier" and outputs == 2

    def grow(tree, level):
        """The place of a new node in its tree."""
        at = len([node for node in nodes if node["tree"] == tree])
        node = {"tree": tree, "id": at, "mode": "LEAF", "feature": 0, "value": 0.0, "yes": 0, "no": 0, "track": 0}
        nodes.append(node)
        if level < depth and (level == 0 or random.random() < 0.8):
            node.update(mode=str(random.choice(modes)), feature=int(random.integers(features)))
            node.update(value=float(np.float32(random.integers(-4, 5) / 2)), track=int(random.integers(2)))
            node["yes"], node["no"] = grow(tree, level + 1), grow(tree, level + 1)
        else:
            for output in [0] if binary else range(outputs):
                leaves.append((tree, at, output, float(np.float32(random.normal()))))
        return at

    for tree in range(trees):
        grow(tree, 0)
    base = [float(np.float32(random.normal())) for _ in range(1 if binary else outputs)]
    if version == 5:
        made, domain_version = unified(nodes, leaves, trees, outputs, transform, aggregate, double), 5
    else:
        made, domain_version = separate(nodes, leaves, kind, outputs, base, transform, aggregate), 3
    element = TensorProto.DOUBLE if double else TensorProto.FLOAT
    rows = helper.make_tensor_value_info("rows", element, [None, features])
    out = [helper.make_tensor_value_info("scores", TensorProto.DOUBLE if double and version == 5 else TensorProto.FLOAT, [None, None])]
    if kind == "Classifier":
        out.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, [None]))
    graph = helper.make_graph([made], "trees", [rows], out)
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", domain_version)]
    return helper.make_model(graph, opset_imports=imports, producer_name="tests", ir_version=9)


def separate(nodes, leaves, kind, outputs, base, transform, aggregate):
    columns = {
        "nodes_treeids": "tree", "nodes_nodeids": "id", "nodes_modes": "mode", "nodes_featureids": "feature",
        "nodes_values": "value", "nodes_truenodeids": "yes", "nodes_falsenodeids": "no", "nodes_missing_value_tracks_true": "track",
    }
    attributes = {name: [node[key] for node in nodes] for name, key in columns.items()}
    prefix = "class" if kind == "Classifier" else "target"
    for at, name in enumerate(["treeids", "nodeids", "ids", "weights"]):
        attributes[f"{prefix}_{name}"] = [leaf[at] for leaf in leaves]
    if kind == "Classifier":
        attributes["classlabels_int64s"] = list(range(outputs))
    else:
        attributes.update(n_targets=outputs, aggregate_function=aggregate)
    names = ["label", "scores"] if kind == "Classifier" else ["scores"]
    return helper.make_node(
        f"TreeEnsemble{kind}", ["rows"], names, domain="ai.onnx.ml", base_values=base, post_transform=transform, **attributes)


def unified(nodes, leaves, trees, outputs, transform, aggregate, double):
    inner = [node for node in nodes if node["mode"] != "LEAF"]
    place = {(node["tree"], node["id"]): at for at, node in enumerate(inner)}
    leaf_place = {}
    for at, (tree, node, _, _) in enumerate(leaves):
        leaf_place[tree, node] = at
    child = lambda node, side: (node["tree"], node[side])
    number = lambda key: place[key] if key in place else leaf_place[key]
    element = TensorProto.DOUBLE if double else TensorProto.FLOAT
    tensor = lambda name, values, kind=element: helper.make_tensor(name, kind, [len(values)], values)
    members = []
    for node in inner:
        # Membership in place of equality; ONNX Runtime takes integers only.
        if node["mode"] == "BRANCH_EQ":
            members += [float(np.floor(node["value"])), 2.0, 3.0, float("nan")]
    modes = [6 if node["mode"] == "BRANCH_EQ" else MODES.index(node["mode"]) for node in inner]
    return helper.make_node(
        "TreeEnsemble", ["rows"], ["scores"], domain="ai.onnx.ml",
        n_targets=outputs, post_transform=["NONE", "SOFTMAX", "LOGISTIC"].index(transform),
        aggregate_function=["AVERAGE", "SUM"].index(aggregate), tree_roots=[place[tree, 0] for tree in range(trees)],
        nodes_featureids=[node["feature"] for node in inner], nodes_splits=tensor("splits", [node["value"] for node in inner]),
        nodes_modes=tensor("modes", modes, TensorProto.UINT8),
        nodes_truenodeids=[number(child(node, "yes")) for node in inner],
        nodes_trueleafs=[int(child(node, "yes") not in place) for node in inner],
        nodes_falsenodeids=[number(child(node, "no")) for node in inner],
        nodes_falseleafs=[int(child(node, "no") not in place) for node in inner],
        nodes_missing_value_tracks_true=[node["track"] for node in inner],
        leaf_targetids=[leaf[2] for leaf in leaves], leaf_weights=tensor("weights", [leaf[3] for leaf in leaves]),
        **({"membership_values": tensor("members", members)} if members else {}),
    )


def run(model, rows):
    """The last output of a model, with one thread: then trees are added up in their order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}[session.get_inputs()[0].type]
    scores = session.run(None, {session.get_inputs()[0].name: rows.astype(kind)})[-1]
    if isinstance(scores, list):
        scores = np.array([list(row.values()) for row in scores])
    return np.asarray(scores).reshape(len(rows), -1)
