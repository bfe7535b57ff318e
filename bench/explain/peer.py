"""One run of a peer: peer.py PEER MODEL ROWS COUNT METHOD THREADS OUT [BACKGROUND]; prints the CPU and wall seconds of the work alone."""

import json
import os
import sys
import time

peer, model, rows, count, method, threads, out = sys.argv[1:8]
count, threads = int(count), int(threads)
os.environ["OMP_NUM_THREADS"] = str(threads)

import numpy as np  # noqa: E402

features = int(os.path.basename(rows).split(".")[0])
x = np.fromfile(rows, dtype="<f8").reshape(-1, features)[:count].astype(np.float32)


def work_of():
    if peer == "xgboost" or peer == "shap_c":
        import xgboost

        booster = xgboost.Booster(params={"nthread": threads})
        booster.load_model(model)
        booster.set_param({"nthread": threads})
        if peer == "shap_c":
            import shap

            if method == "interventional":
                background = np.fromfile(sys.argv[8], dtype="<f8").reshape(-1, features).astype(np.float32)
                explainer = shap.TreeExplainer(booster, background)
            else:
                explainer = shap.TreeExplainer(booster)
                explainer.model.original_model = None  # else shap asks XGBoost for the values
                explainer.model.model_type = "other"
            return lambda: explainer.shap_values(x, check_additivity=False)
        matrix = xgboost.DMatrix(x, nthread=threads)
        options = {
            "raw": {"output_margin": True},
            "path": {"pred_contribs": True},
            "interactions": {"pred_interactions": True},
        }[method]
        return lambda: booster.predict(matrix, **options)
    if peer == "lightgbm":
        import lightgbm

        booster = lightgbm.Booster(model_file=model)
        options = {"raw": {"raw_score": True}, "path": {"pred_contrib": True}}[method]
        return lambda: booster.predict(x, num_threads=threads, **options)
    import catboost

    booster = catboost.CatBoost().load_model(model.replace(".json", ".cbm"))
    if method == "raw":
        return lambda: booster.predict(x, prediction_type="RawFormulaVal", thread_count=threads)
    pool = catboost.Pool(x)
    return lambda: booster.get_feature_importance(pool, type="ShapValues", thread_count=threads)


work = work_of()
cpu, wall = time.process_time(), time.perf_counter()
values = work()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
np.asarray(values, dtype="<f8").tofile(out)
print(json.dumps({"cpu_s": cpu, "wall_s": wall}))
