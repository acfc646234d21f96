"""Writes measure_reference.json: what TSB-AD's own evaluation code says of small random cases.

    pip install numpy scipy statsmodels scikit-learn
    pip download --no-deps TSB-AD==1.5 && unzip -d tsb_ad TSB_AD-1.5-py3-none-any.whl
    python measure_reference.py tsb_ad > measure_reference.json

Only TSB_AD/evaluation and TSB_AD/utils/slidingWindows.py are loaded: the detectors need PyTorch, the measures do not.
"""
import importlib.util
import json
import sys
import types
import warnings

import numpy as np

warnings.filterwarnings("ignore")
root = sys.argv[1]
for name in ["TSB_AD", "TSB_AD.evaluation"]:
    package = types.ModuleType(name)
    package.__path__ = [f"{root}/{name.replace('.', '/')}"]
    sys.modules[name] = package
from TSB_AD.evaluation.metrics import get_metrics  # noqa: E402

# The one function needed of this file; its first lines import a plotting library.
source = open(f"{root}/TSB_AD/utils/slidingWindows.py").read().replace(
    "from statsmodels.graphics.tsaplots import plot_acf", "")
sliding = types.ModuleType("sliding")
exec(source, sliding.__dict__)

rng = np.random.default_rng(20)


def case(name, length, events, window, digits, strength):
    label = np.zeros(length, int)
    for start, end in events:
        label[start:end] = 1
    near = np.convolve(label, np.ones(9) / 9, "same")
    score = np.round(rng.normal(size=length) + strength * near, digits)
    score[score == 0] = 0.0
    cut = float(np.round(np.quantile(score, 0.9), digits))
    decided = (score > cut).astype(int)
    scored = get_metrics(score, label, window)
    judged = get_metrics(score, label, window, pred=decided)
    # Two slips of that code at the ends of a series, where we follow the definition: the point adjustment spares
    # the first sample, and an event that ends with the series loses its last sample.
    slips = [name for name, slip in [("PA-F1", label[0]), ("Event-based-F1", label[-1])] if slip]
    by_decision = ["Standard-F1", "PA-F1", "Event-based-F1", "R-based-F1", "Affiliation-F"]
    return {"name": name, "window": window, "label": "".join(map(str, label)), "score": score.tolist(), "cut": cut,
            "expect": {k: float(v) for k, v in scored.items() if k not in slips},
            "expect_at_cut": {k: float(judged[k]) for k in by_decision if k not in slips}}


cases = [
    case("shorter than the number of thresholds", 60, [(20, 28)], 7, 3, 2.0),
    case("window longer than the series", 60, [(5, 9), (40, 41)], 90, 3, 2.0),
    case("window 0", 300, [(100, 120), (250, 251)], 0, 3, 2.0),
    case("window 1", 300, [(100, 120), (250, 251)], 1, 3, 2.0),
    case("first and last sample", 400, [(0, 1), (200, 210), (399, 400)], 21, 3, 3.0),
    case("event from the start", 400, [(0, 30)], 16, 3, 0.5),
    case("more anomalous than normal", 300, [(0, 120), (125, 290)], 12, 2, 1.0),
    case("few distinct scores", 500, [(50, 60), (300, 340)], 30, 0, 2.0),
    case("buffers side by side", 500, [(100, 110), (121, 130), (140, 150), (162, 170)], 11, 3, 2.0),
    case("many short events", 900, [(k, k + 1 + k % 5) for k in range(7, 890, 23)], 40, 3, 2.5),
    case("longer than the number of thresholds", 2000, [(300, 360), (1000, 1004), (1500, 1700)], 60, 4, 1.5),
    case("reversed score", 400, [(100, 130), (300, 310)], 20, 3, -3.0),
]


def series(name, values):
    return {"name": name, "x": values.tolist(), "expect": int(sliding.find_length_rank(values))}


def steps(period, count, length):
    """Whole numbers, so that the test can make the series itself."""
    i = np.arange(length)
    return ((i % period) * (i % period) % 17 + (i * 7919 % count)).astype(float)


made = [{"period": p, "count": c, "length": n, "expect": int(sliding.find_length_rank(steps(p, c, n)))}
        for p, c, n in [(24, 5, 30000), (90, 11, 25000), (301, 3, 8000), (303, 3, 8000), (304, 3, 8000), (350, 3, 8000),
                        (5, 2, 900), (6, 2, 900), (7, 2, 900), (13, 40, 500), (48, 400, 3000), (200, 2, 401)]]
periods = [
    series("two values", np.array([1.0, 2.0])),
    series("seven values", np.array([1.0, 2, 3, 1, 2, 3, 1])),
    series("spikes every 6", np.array(([1.0] + [0.0] * 5) * 20)),
    series("spikes every 5", np.array(([1.0] + [0.0] * 4) * 20)),
    series("constant without an exact mean", np.full(70, 0.1)),
    series("short noise", np.round(rng.normal(size=40), 3)),
    series("noise", np.round(rng.normal(size=350), 3)),
    series("two periods", np.round(np.sin(np.arange(500) / 5) + 0.7 * np.sin(np.arange(500) / 17), 4)),
]
json.dump({"metrics": cases, "period": periods, "period_of_steps": made}, sys.stdout, separators=(",", ":"))
print()
