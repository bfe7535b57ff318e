"""An XGBoost model's trees as arrays for fasttreeshap: trees.py MODEL writes MODEL.npz."""

import json
import sys
import tempfile

import numpy as np
import xgboost

path = sys.argv[1]
with tempfile.NamedTemporaryFile(suffix=".json") as file:
    xgboost.Booster(model_file=path).save_model(file.name)
    trees = json.load(open(file.name))["learner"]["gradient_booster"]["model"]["trees"]
arrays = {"count": len(trees)}
for at, tree in enumerate(trees):
    left, right = np.array(tree["left_children"], np.int32), np.array(tree["right_children"], np.int32)
    conditions, is_leaf = np.array(tree["split_conditions"], np.float32), left < 0
    arrays |= {
        f"children_left{at}": left,
        f"children_right{at}": right,
        f"children_default{at}": np.where(np.array(tree["default_left"]) == 1, left, right).astype(np.int32),
        f"features{at}": np.where(is_leaf, -1, np.array(tree["split_indices"])).astype(np.int32),
        # x < t as x <= the number before t.
        f"thresholds{at}": np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64),
        f"values{at}": np.where(is_leaf, conditions, 0).astype(np.float64),
        f"node_sample_weight{at}": np.array(tree["sum_hessian"], np.float64),
    }
np.savez(path + ".npz", **arrays)
