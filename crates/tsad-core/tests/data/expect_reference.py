#!/usr/bin/env python3
"""Reference values of src/expect/reference_tests.rs, by the prototype of the row half (NumPy only):

    python3 expect_reference.py PROTOTYPE/expect_proto.py > expect_reference.json
    python3 expect_reference.py PROTOTYPE/expect_proto.py CSV... > other.json      # of files, to compare more: EXPECT_REFERENCE=other.json

The prototype was written before the code under test, and is what its constants were measured with.
"""
import importlib.util
import json
import math
import sys

import numpy as np

spec = importlib.util.spec_from_file_location('expect_proto', sys.argv[1])
proto = importlib.util.module_from_spec(spec)
spec.loader.exec_module(proto)
EPOCH = 946684800          # 2000-01-01, from which the core counts microseconds
START = 1709510400         # 2024-03-04, a Monday
KINDS = {'cycle': 'period', 'moy': 'month_of_year', 'woy': 'week_of_year'}
DAY, HOUR, MINUTE = 86400, 3600, 60


def digits(values, n=9):
    return [None if v is None or not math.isfinite(v) else float('%.*g' % (n, v)) for v in values]


def case(name, t, x, train, calendar=True, alpha=1e-4):
    t, x = np.asarray(t, float), np.asarray(x, float)
    x = np.array([np.nan if not np.isfinite(v) else float('%.6g' % v) for v in x])
    model = proto.fit(t[:train], x[:train], calendar=calendar)
    out = {'name': name, 'calendar': calendar, 'train': train, 'alpha': alpha, 'values': digits(x)}
    out['times'] = [int(round((v - EPOCH) * 1e6)) for v in t] if calendar else [int(round(v / MINUTE)) for v in t]
    steps = np.diff(out['times'])
    if len(set(steps.tolist())) == 1:
        out['times'] = [out['times'][0], int(steps[0])]
    parts = []
    for p in model.parts:
        kind, *width = p.split('/')
        parts.append('/'.join([KINDS.get(kind, kind)] + width))
    answer = proto.judge(model, t[train:], x[train:], alpha)
    some = np.unique(np.linspace(0, len(t) - 1, 25).astype(int))
    out.update(parts=parts, spread=model.scale, spread_by_phase=None if model.spread_phases is None else KINDS.get(model.spread_phases.kind, model.spread_phases.kind),
               set_aside=model.set_aside, heldout_error=model.heldout_error, coarse=bool(model.coarse and not model.counts), slope_doubt=model.slope_doubt,
               size=None if math.isinf(model.size) else model.size, tails=[[v.u, v.zeta, v.shape, v.scale] for v in model.tails],
               ratio=None if not model.ratio_scale else [model.ratio_scale] + [w for v in model.ratio_tails for w in (v.u, v.zeta, v.shape, v.scale)],
               recurring=model.now_and_then is not None, sums=[[k, v[0], v[1]] for k, v in model.sums.items()], repeats=[model.repeat, model.longest_repeat],
               longest_break=model.longest_break if calendar else None, some=some.tolist(), expected=[digits(v) for v in model.expect(t[some])],
               p=digits(answer['p'], 6), excess=digits(answer['excess'], 6), kind=[k or 'none' for k in answer['kind']], sign=answer['sign'].tolist(),
               silences=[[int(round((a - EPOCH) * 1e6)), m] for a, b, m in answer['silences']] if calendar else None)
    return json.loads(json.dumps(out, default=float))


def made():
    rng = np.random.default_rng(20260101)
    normal = rng.standard_normal

    def times(n, step):
        return START + np.arange(n) * step

    week = np.array([10, 11, 12, 11, 10, 4, 3.0])
    t = times(100, DAY)
    x = np.round(1000 * week[np.arange(100) % 7] + 300 * normal(100))
    x[90] /= 3
    yield case('days with a week', t, x, 84)
    yield case('two weeks of days', t[:28], x[:28], 14)
    n = np.arange(200)
    x = (5000 + 40 * n) * week[n % 7] / 10 * np.exp(0.03 * normal(200))
    x[180] *= 0.3
    yield case('growth with a week', times(200, DAY), x, 160)
    n = np.arange(24 * 28)
    day = 50 + 20 * np.sin(n / 24 * 2 * np.pi) + 3 * normal(len(n))
    x = day.copy()
    x[600:606] -= 25
    yield case('hours with a day', times(len(n), HOUR), x, 24 * 21)
    x = day.copy()
    x[300] = 5000
    x[610] = 150
    yield case('a glitch in the training', times(len(n), HOUR), x, 24 * 21)
    x = np.round(day / 10)
    x[620] = 12
    yield case('coarse hours', times(len(n), HOUR), x, 24 * 21)
    n = np.arange(288 * 10)
    x = 20 + 2 * normal(len(n))
    x[(n % 288 >= 24) & (n % 288 < 27) & (rng.random(len(n) // 288)[n // 288] < 0.6)] += 60
    x[2600:2604] += 15
    yield case('a job now and then', times(len(n), 5 * MINUTE), x, 288 * 8)
    x = rng.poisson(3.0, 24 * 35).astype(float)
    x[760:784] = 0
    x[800] = 17
    yield case('counts', times(24 * 35, HOUR), x, 24 * 28)
    rate = 0.3 + 2.5 * (np.arange(24 * 35) % 24 > 8)
    x = rng.poisson(rate * rng.gamma(2, 0.5, len(rate))).astype(float)
    yield case('counts with a day', times(24 * 35, HOUR), x, 24 * 28)
    x = 7 + normal(700)
    x[600:605] = x[600]
    x[650:670] += 1.5
    yield case('noise, frozen and moved', times(700, MINUTE), x, 500)
    n = np.arange(900)
    x = np.exp(1 + 0.8 * np.sin(n / 37 * 2 * np.pi) + 0.1 * normal(900))
    x[800] *= 3
    yield case('a period of integers', n * MINUTE, x, 700, False)
    t = times(24 * 42, HOUR)
    open_ = ((t // DAY + 3) % 7 < 5) & (t % DAY // HOUR >= 8) & (t % DAY // HOUR < 18)
    x = 200 + 10 * normal(len(t))
    gone = (t >= START + 36 * DAY + 9 * HOUR) & (t < START + 36 * DAY + 15 * HOUR)
    keep = open_ & ~gone
    yield case('business hours', t[keep], x[keep], int(np.sum(keep & (t < START + 28 * DAY))))
    x = 100 + 10 * normal(300)
    d = (START + np.arange(300) * DAY).astype('datetime64[s]').astype('datetime64[D]')
    last = (d + 1).astype('datetime64[M]') != d.astype('datetime64[M]')
    x[last] += 80
    x[280] += 80
    yield case('the end of the month', times(300, DAY), x, 250)
    n = np.arange(400)
    x = np.where(n < 250, 20, 30) + normal(400)
    x[::17] = np.nan
    yield case('a level that moved, with missing values', times(400, HOUR), x, 360)


def files(paths):
    for path in paths:
        rows = [line.rstrip('\n').split(',') for line in open(path, encoding='utf-8')][1:]
        try:
            x, t, calendar = np.array([float(r[0]) for r in rows]), np.arange(len(rows)) * MINUTE, False
        except ValueError:
            t = np.array([np.datetime64(r[0].replace(' ', 'T'), 's').astype('int64') for r in rows])
            x, calendar = np.array([float(r[1]) for r in rows]), True
        first = np.concatenate([[True], np.diff(t) > 0])
        t, x = t[first][:12000], x[first][:12000]
        yield case(path.rsplit('/', 1)[-1], t, x, len(t) // 2, calendar)


print(json.dumps(list(files(sys.argv[2:]) if len(sys.argv) > 2 else made()), separators=(',', ':')))
