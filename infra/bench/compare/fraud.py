"""Classifiers of scikit-learn and LightGBM on the vectors that our fraud model learns from."""

import sys
import warnings

import lightgbm
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from exchange import answer, model, read_arrays, timed

SEED = 1
# Those of our trees, so that the implementations differ and not their settings.
TREES, LEAVES, RATE, PATIENCE = 400, 15, 0.05, 40


def signed_log(values):
    return np.nan_to_num(np.sign(values) * np.log1p(np.abs(values)), posinf=0, neginf=0)


def fit_lightgbm(x, y, weights, held_out, held_out_labels):
    classifier = lightgbm.LGBMClassifier(
        n_estimators=TREES, num_leaves=LEAVES, learning_rate=RATE, reg_lambda=5, min_child_weight=10,
        min_child_samples=1, colsample_bytree=0.5, subsample=0.5, subsample_freq=1, n_jobs=1,
        random_state=SEED, verbose=-1,
    )
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    return classifier.fit(
        x, y, sample_weight=weights, eval_set=[(held_out, held_out_labels)], eval_metric="logloss",
        callbacks=[stop],
    )


def fit_sklearn_trees(x, y, weights):
    return HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, l2_regularization=5, max_features=0.5,
        early_stopping=True, n_iter_no_change=PATIENCE, random_state=SEED,
    ).fit(x, y, sample_weight=weights)


def fit_forest(x, y, weights):
    forest = RandomForestClassifier(n_estimators=100, min_samples_leaf=5, n_jobs=1, random_state=SEED)
    return forest.fit(x, y, sample_weight=weights)


def fit_logistic(x, y, weights):
    pipeline = make_pipeline(
        FunctionTransformer(signed_log), StandardScaler(), LogisticRegression(C=1, max_iter=300)
    )
    return pipeline.fit(x, y, logisticregression__sample_weight=weights)


def main():
    arrays = read_arrays(sys.argv[1])
    x, y, weights = arrays["train"].T, arrays["trainLabels"], arrays["trainWeights"]
    held_out, held_out_labels = arrays["holdOut"].T, arrays["holdOutLabels"]
    test, labels = np.ascontiguousarray(arrays["test"].T), arrays["testLabels"]
    fits = {
        "LightGBM": lambda: fit_lightgbm(x, y, weights, held_out, held_out_labels),
        "scikit-learn HistGradientBoosting": lambda: fit_sklearn_trees(x, y, weights),
        "scikit-learn RandomForest": lambda: fit_forest(np.nan_to_num(x, nan=-1), y, weights),
        "scikit-learn LogisticRegression": lambda: fit_logistic(x, y, weights),
    }
    rows = []
    for name, fit in fits.items():
        classifier, training = timed(fit)
        given = np.nan_to_num(test, nan=-1) if "RandomForest" in name else test
        scores, scoring = timed(lambda: classifier.predict_proba(given)[:, 1])
        figures = {
            "AUC": roc_auc_score(labels, scores),
            "average precision": average_precision_score(labels, scores),
            "log loss": log_loss(labels, scores),
        }
        rows.append(model(name, figures, training, scoring))
    answer(rows)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
