"""Writes a fitted scikit-learn model as the JSON document that Hanok reads.

    from export_sklearn import export
    export(model, "model.json", feature_names=["a", "b"])

Decision trees, random forests, extra trees, gradient boosting (also by histograms) and isolation forests; linear, logistic and other
generalised linear models; regressors and classifiers. The documents are described in crates/hanok-models/src/format/exchange.rs and
linear.rs. Pickles are never read by Hanok: loading one runs whatever code is in it.
"""

import json

import numpy as np
import sklearn


def export(model, path, feature_names=None, rows=None):
    """Writes `model`; the names default to those that it was fitted with. Linear models can be explained without a background when `rows`,
    those of training, are given: the document then has the features' means."""
    if feature_names is None:
        feature_names = list(getattr(model, "feature_names_in_", []))
    document = {
        "format": "hanok-trees",
        "version": 1,
        "source": f"scikit-learn {sklearn.__version__} {type(model).__name__}",
        "features": int(model.n_features_in_),
        "feature_names": list(feature_names),
        "compare": "f32",
        "divisor": 1,
        "link": "identity",
    }
    kind = type(model).__name__
    if kind.startswith("HistGradientBoosting"):
        document.update(_histogram(model))
    elif kind.startswith("GradientBoosting"):
        document.update(_boosting(model))
    elif kind == "IsolationForest":
        document.update(_isolation(model))
    elif hasattr(model, "estimators_"):
        trees = [_averaged(estimator) for estimator in model.estimators_]
        document.update(base=[0.0] * len(trees[0]["outputs"]), divisor=len(trees), trees=trees)
    elif hasattr(model, "tree_"):
        tree = _averaged(model)
        document.update(base=[0.0] * len(tree["outputs"]), trees=[tree])
    elif hasattr(model, "coef_"):
        document.update(_linear(model))
        del document["compare"], document["divisor"]
        if rows is not None:
            document["means"] = np.asarray(rows, dtype=float).mean(axis=0).tolist()
    else:
        raise TypeError(f"{kind} is neither a tree model nor a linear one")
    with open(path, "w") as file:
        json.dump(document, file)


def _arrays(tree):
    """What all trees have in common."""
    leaf = tree.children_left < 0
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count))
    return {
        "feature": np.where(leaf, -1, tree.feature).tolist(),
        "threshold": np.where(leaf, 0.0, tree.threshold).tolist(),
        "missing_left": np.where(leaf, 0, missing).astype(int).tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "cover": tree.weighted_n_node_samples.tolist(),
    }


def _averaged(estimator):
    """A tree of means or of class shares."""
    tree = estimator.tree_
    value = tree.value
    if hasattr(estimator, "classes_"):
        if tree.n_outputs > 1:
            raise TypeError("classifiers of several outputs are not exported")
        value = value / value.sum(axis=2, keepdims=True)
    value = value.reshape(tree.node_count, -1)
    return {**_arrays(tree), "outputs": list(range(value.shape[1])), "value": value.ravel().tolist()}


def _boosting(model):
    classes = model.estimators_.shape[1]
    trees = []
    for stage in model.estimators_:
        for output, estimator in enumerate(stage):
            value = model.learning_rate * estimator.tree_.value.ravel()
            trees.append({**_arrays(estimator.tree_), "outputs": [output], "value": value.tolist()})
    raw = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32)).ravel()
    if model.init is not None and model.init != "zero":
        raise TypeError("an `init` model is not exported")
    link = "identity"
    if hasattr(model, "classes_"):
        if model.loss != "log_loss":
            raise TypeError(f"the loss {model.loss} is not exported")
        link = "logistic" if classes == 1 else "softmax"
    return {"base": raw.tolist(), "link": link, "trees": trees}


def _histogram(model):
    # Categorical features stand before all others inside the model, as the numbers of their categories.
    categorical = getattr(model, "is_categorical_", None)
    if categorical is None:
        categorical = np.zeros(model.n_features_in_, dtype=bool)
    order = np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~np.asarray(categorical))])
    known, texts = [], {}
    for feature, categories in zip(order, model._preprocessor.named_transformers_["encoder"].categories_ if np.any(categorical) else []):
        if all(isinstance(category, str) for category in categories):
            texts[str(feature)] = list(categories)
            categories = range(len(categories))
        known.append([float(category) for category in categories if category == category])
        if any(np.float32(category) != category for category in known[-1]):
            raise TypeError(f"the categories of feature {feature} are neither texts nor numbers of 32 bits")
    trees, sets = [], []
    for stage in model._predictors:
        for output, predictor in enumerate(stage):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            set_of, members_left = np.full(len(nodes), -1), np.zeros(len(nodes), dtype=int)
            for at in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf):
                node = nodes[at]
                words = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
                goes_left = lambda code: words[code // 32] >> (code % 32) & 1 == 1
                # A category that training has not seen goes where NaN goes.
                members_left[at] = not node["missing_go_to_left"]
                members = [value for code, value in enumerate(known[node["feature_idx"]]) if goes_left(code) == bool(members_left[at])]
                set_of[at] = len(sets)
                sets.append(members)
            trees.append({
                "outputs": [output],
                "feature": np.where(leaf, -1, order[nodes["feature_idx"]]).tolist(),
                "threshold": np.where(leaf | (set_of >= 0), 0.0, nodes["num_threshold"]).tolist(),
                "set": set_of.tolist(),
                "members_left": members_left.tolist(),
                "missing_left": np.where(leaf, 0, nodes["missing_go_to_left"]).astype(int).tolist(),
                "left": np.where(leaf, -1, nodes["left"].astype(int)).tolist(),
                "right": np.where(leaf, -1, nodes["right"].astype(int)).tolist(),
                "cover": nodes["count"].astype(float).tolist(),
                "value": nodes["value"].tolist(),
            })
    base = np.asarray(model._baseline_prediction).ravel().tolist()
    link = "identity"
    if hasattr(model, "classes_"):
        link = "logistic" if len(base) == 1 else "softmax"
    elif model.loss in ("poisson", "gamma"):
        link = "exp"
    return {"base": base, "compare": "f64", "link": link, "sets": sets, "categories": texts, "trees": trees}


def _linear(model):
    """Linear, logistic and other generalised linear models. Classifiers without probabilities give what their decision function does."""
    coefficients = np.atleast_2d(np.asarray(model.coef_, dtype=float))
    intercepts = np.broadcast_to(np.asarray(model.intercept_, dtype=float).ravel(), len(coefficients))
    kind = type(model).__name__
    link = "identity"
    if kind.startswith("LogisticRegression"):
        if getattr(model, "multi_class", "auto") == "ovr" or (len(coefficients) > 1 and model.solver == "liblinear"):
            raise TypeError("one logistic regression for each class is not exported")
        link = "logistic" if len(coefficients) == 1 else "softmax"
    elif kind == "SGDClassifier" and model.loss == "log_loss":
        if len(coefficients) > 1:
            raise TypeError("one logistic regression for each class is not exported")
        link = "logistic"
    elif hasattr(model, "_get_loss"):
        # Generalised linear models with an identity or a logarithm as their link.
        link = {"IdentityLink": "identity", "LogLink": "exp"}[type(model._get_loss().link).__name__]
    return {
        "format": "hanok-linear",
        "coefficients": coefficients.ravel().tolist(),
        "intercepts": intercepts.tolist(),
        "link": link,
    }


def _isolation(model):
    """The raw value is the mean path length over its expectation; 2 to its negative is the anomaly score, −`score_samples`."""
    trees = []
    for estimator, features in zip(model.estimators_, model.estimators_features_):
        tree = estimator.tree_
        depth = np.zeros(tree.node_count)
        for node in range(tree.node_count):
            for child in (tree.children_left[node], tree.children_right[node]):
                if child >= 0:
                    depth[child] = depth[node] + 1
        value = depth + _path_length(tree.n_node_samples)
        arrays = _arrays(tree)
        arrays["feature"] = [int(features[f]) if f >= 0 else -1 for f in arrays["feature"]]
        trees.append({**arrays, "outputs": [0], "value": value.tolist()})
    expectation = _path_length(np.array([model._max_samples]))[0]
    return {"base": [0.0], "divisor": len(trees) * expectation, "link": "power_of_half", "trees": trees}


def _path_length(samples):
    """The mean length of an unsuccessful search in a binary tree of so many samples (Liu et al. 2008)."""
    samples = np.asarray(samples, dtype=float)
    length = 2.0 * (np.log(np.maximum(samples - 1.0, 1.0)) + np.euler_gamma) - 2.0 * (samples - 1.0) / np.maximum(samples, 1.0)
    return np.where(samples <= 1, 0.0, np.where(samples == 2, 1.0, length))
