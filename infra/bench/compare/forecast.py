"""Methods of statsforecast on the weekly demand that our forecaster is measured on."""

import sys
import warnings

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import (
    AutoARIMA,
    AutoCES,
    AutoETS,
    CrostonSBA,
    DynamicOptimizedTheta,
    Naive,
    SimpleExponentialSmoothingOptimized,
    TSB,
    WindowAverage,
)

from exchange import answer, model, read_arrays, timed

METHODS = {
    "naive": Naive(),
    "mean of 8": WindowAverage(window_size=8),
    "SES": SimpleExponentialSmoothingOptimized(),
    "AutoETS": AutoETS(season_length=1),
    "AutoCES": AutoCES(season_length=1),
    "dynamic theta": DynamicOptimizedTheta(season_length=1),
    "AutoARIMA": AutoARIMA(season_length=1),
    "SBA": CrostonSBA(),
    "TSB": TSB(alpha_d=0.1, alpha_p=0.1),
}
# The median of these is the ensemble that the reference figures name.
MEDIAN_OF = ["SES", "AutoETS", "dynamic theta", "TSB"]


def forecast(method, histories, horizon):
    """One row a series, one column a step; demand is not negative."""
    frame = pd.DataFrame(
        [(s, week, value) for s, own in enumerate(histories) for week, value in enumerate(own)],
        columns=["unique_id", "ds", "y"],
    )
    found = StatsForecast(models=[method], freq=1, n_jobs=1).forecast(df=frame, h=horizon)
    found = found.sort_values(["unique_id", "ds"])
    return np.maximum(found.iloc[:, -1].to_numpy().reshape(len(histories), horizon), 0)


def main():
    arrays = read_arrays(sys.argv[1])
    horizon = int(arrays["horizon"][0])
    origins = [int(origin) for origin in arrays["origins"]]
    actual = np.stack([arrays["sold"][:, origin : origin + horizon] for origin in origins])

    def measure(values):
        return {
            "WAPE": np.abs(values - actual).sum() / actual.sum(),
            "bias": (values - actual).sum() / actual.sum(),
        }

    made, rows = {}, []
    for name, method in METHODS.items():
        made[name], seconds = timed(
            lambda: np.stack([forecast(method, arrays["cleaned"][:, :origin], horizon) for origin in origins])
        )
        rows.append(model(f"statsforecast {name}", measure(made[name]), seconds, 0))
    values = np.median(np.stack([made[name] for name in MEDIAN_OF]), axis=0)
    seconds = sum(row["trainingSeconds"] for row in rows if row["name"].split(" ", 1)[1] in MEDIAN_OF)
    rows.append(model("statsforecast median of " + ", ".join(MEDIAN_OF), measure(values), seconds, 0))
    answer(rows)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
