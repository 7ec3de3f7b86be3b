"""Trains a scikit-learn model on the vectors of `export-dataset.ts`, and writes it as ONNX.

    python train.py FOLDER

Needs scikit-learn, skl2onnx, onnx and pandas. Writes `model.onnx` and `expected.csv`, a few later
vectors with the probabilities that scikit-learn gives them, beside this file.
"""

import json
import os
import sys

import pandas as pd
from onnx import helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED_ROWS = 25


def main(folder):
    train, later = (pd.read_csv(os.path.join(folder, f"{name}.csv")) for name in ("train", "later"))
    features = [name for name in train.columns if name != "label"]
    model = GradientBoostingClassifier(
        n_estimators=40, learning_rate=0.15, max_leaf_nodes=6, subsample=0.5, random_state=1
    )
    model.fit(train[features].to_numpy(), train["label"])
    scores = model.predict_proba(later[features].to_numpy())[:, 1]
    print("log loss", log_loss(later["label"], scores), "AUC", roc_auc_score(later["label"], scores))

    # Without ZipMap the probabilities are one tensor, which Millrace reads.
    file = to_onnx(
        model,
        # Single precision, as scikit-learn's trees compare in.
        initial_types=[("features", FloatTensorType([None, len(features)]))],
        options={id(model): {"zipmap": False}},
        target_opset={"": 17, "ai.onnx.ml": 3},
    )
    # Millrace refuses a model that does not name its features; the average row is what it explains from.
    helper.set_model_props(file, {
        "millrace.features": json.dumps(features),
        "millrace.reference": json.dumps(train[features].mean().tolist()),
    })
    with open(os.path.join(HERE, "model.onnx"), "wb") as out:
        out.write(file.SerializeToString())
    some = later.iloc[:: max(1, len(later) // EXPECTED_ROWS)][:EXPECTED_ROWS]
    some = some[features].assign(score=model.predict_proba(some[features].to_numpy())[:, 1])
    some.to_csv(os.path.join(HERE, "expected.csv"), index=False)


if __name__ == "__main__":
    main(sys.argv[1])
