#!/usr/bin/env python3
"""Reference values of tests/it/direction.rs, by NumPy and SciPy: python3 direction_reference.py > direction_reference.json

Nothing here follows the code under test: eigenvectors by numpy.linalg.eigh, Bessel functions by scipy.special.ive,
the maximum-likelihood concentration by root finding, p-values and quantiles by scipy.stats.chi2.
"""
import json

import numpy as np
from scipy.optimize import brentq
from scipy.special import ive
from scipy.stats import chi2

rng = np.random.default_rng(20260101)


def leading(matrix):
    values, vectors = np.linalg.eigh(matrix)
    u = vectors[:, -1]
    return u if u[np.argmax(np.abs(u))] > 0 else -u


def lags(window, dim):
    rows = np.lib.stride_tricks.sliding_window_view(window, dim)
    return leading(rows.T @ rows / len(rows))


def ratio(kappa, d):
    return ive(d / 2, kappa) / ive(d / 2 - 1, kappa)


out = {"lags": [], "channels": [], "concentration": [], "deviation": []}
for length in (16, 32, 64, 128):
    t = np.arange(length)
    window = np.round(1.5 + np.sin(t / 40) + 0.3 * rng.standard_normal(length), 6).astype(np.float32)
    dim = min(16, length // 4)
    out["lags"].append({"window": window.tolist(), "direction": lags(window.astype(float), dim).tolist()})
for rows, columns in ((40, 3), (64, 16), (16, 24)):
    common = rng.standard_normal((rows, 1)) @ rng.uniform(0.5, 1.5, (1, columns))
    data = np.round(common + 0.2 * rng.standard_normal((rows, columns)) + 0.5, 6).astype(np.float32)
    x = data.astype(float)
    c = x - x.mean(0)
    out["channels"].append({
        "channels": data.T.tolist(),
        "uncentred": leading(x.T @ x).tolist(),
        "centred": leading(c.T @ c).tolist(),
    })
for d in (2, 3, 16, 64):
    for r in (0.1, 0.5, 0.9, 0.99):
        kappa = brentq(lambda k: ratio(k, d) - r, 1e-6, 1e5, xtol=1e-12, rtol=1e-14)
        out["concentration"].append({"dim": d, "resultant": r, "kappa": kappa, "ratio_at_7": float(ratio(7.0, d))})
for shape, scale in ((0.6, 0.02), (1.0, 0.005), (4.0, 0.001)):
    z = np.round(rng.gamma(shape, scale, 400), 9)
    m1, m2 = z.mean(), (z ** 2).mean()
    degrees = 2 * m1 ** 2 / (m2 - m1 ** 2)
    sigma = (m2 - m1 ** 2) / (2 * m1)
    at = [float(m1 * f) for f in (0.1, 1, 3, 8, 15)]
    out["deviation"].append({
        "z": z.tolist(), "degrees": degrees, "scale": sigma, "at": at,
        "p_values": [float(chi2.sf(a / sigma, degrees)) for a in at],
        "threshold_0_005": float(sigma * chi2.isf(0.005, degrees)),
    })
print(json.dumps(out))
