"""LightGBM and scikit-learn on the folds that our propensity model is measured on."""

import os
import sys
import warnings

import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer

from exchange import answer, model, read_arrays, timed

SEED = 1
CATEGORIES = ["Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend"]


def lightgbm_of(_):
    return lightgbm.LGBMClassifier(
        n_estimators=300, learning_rate=0.02, num_leaves=12, min_child_samples=30, colsample_bytree=0.5,
        subsample=0.7, subsample_freq=1, reg_lambda=5, n_jobs=1, random_state=SEED, verbose=-1,
    )


def sklearn_trees_of(_):
    return HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=12, l2_regularization=5, max_features=0.5,
        categorical_features="from_dtype", random_state=SEED,
    )


def logistic_of(x):
    numbers = [name for name in x.columns if name not in CATEGORIES]
    columns = make_column_transformer(
        (PowerTransformer(), numbers), (OneHotEncoder(handle_unknown="ignore", min_frequency=20), CATEGORIES)
    )
    return make_pipeline(columns, LogisticRegression(C=0.1, max_iter=1000))


MODELS = {
    "LightGBM": lightgbm_of,
    "scikit-learn HistGradientBoosting": sklearn_trees_of,
    "scikit-learn LogisticRegression": logistic_of,
}


def main():
    folds = read_arrays(sys.argv[1])["folds"]
    table = pd.read_csv(os.path.join(sys.argv[1], "sessions.csv"))
    labels = table.pop("Revenue").astype(str).str.lower().isin(["true", "1"]).astype(int).to_numpy()
    table[CATEGORIES] = table[CATEGORIES].astype("category")
    rows = []
    for suffix, columns in {"": table, ", without PageValues": table.drop(columns="PageValues")}.items():
        for name, make in MODELS.items():
            parts, training, scoring = [], 0, 0
            for fold in range(folds.max() + 1):
                x, y = columns[folds != fold], labels[folds != fold]
                classifier, seconds = timed(lambda: make(x).fit(x, y))
                training += seconds
                scores, seconds = timed(lambda: classifier.predict_proba(columns[folds == fold])[:, 1])
                scoring += seconds
                given = labels[folds == fold]
                parts.append((
                    roc_auc_score(given, scores), average_precision_score(given, scores), log_loss(given, scores)
                ))
            figures = dict(zip(["AUC", "average precision", "log loss"], np.mean(parts, axis=0)))
            rows.append(model(name + suffix, figures, training, scoring))
    answer(rows)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
