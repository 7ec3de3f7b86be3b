"""What the scripts of this folder share: the arrays that they are given, and how they answer."""

import json
import os
import sys
import time

import numpy as np


def read_arrays(folder):
    """Arrays by name, as `exchange-folder.ts` wrote them."""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    return {
        name: np.fromfile(os.path.join(folder, f"{name}.bin"), dtype=array["type"]).reshape(array["shape"])
        for name, array in manifest.items()
    }


def timed(work):
    """What `work` returns, and the processor seconds that it took."""
    began = time.process_time()
    value = work()
    return value, time.process_time() - began


def model(name, figures, training, scoring):
    """One line of the table."""
    return {
        "name": name,
        "figures": {key: float(value) for key, value in figures.items()},
        "trainingSeconds": training,
        "scoringSeconds": scoring,
    }


def answer(models):
    json.dump(models, sys.stdout)
