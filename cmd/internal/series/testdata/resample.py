"""Writes irregular rows, and what pandas makes of them at regular times.

    python3 -m venv venv && venv/bin/pip install pandas==3.1.1 && venv/bin/python resample.py

resample.csv has the rows; resample_MEAN.csv and so on the rows of each 2 seconds: the mean of those in it, the last of them, an interval without
a row having what the one before has, or the value at its beginning, interpolated between rows by time.
"""

import numpy as np
import pandas as pd

random = np.random.default_rng(0)
time = pd.Timestamp("2024-03-30 23:59:50") + pd.to_timedelta(np.cumsum(random.exponential(1500, 60)).round(), unit="ms")
rows = pd.DataFrame({"x": random.normal(size=60).round(3), "y": random.normal(1e4, 5, 60).round(3)}, index=pd.Index(time, name="time"))
rows.to_csv("resample.csv", date_format="%Y-%m-%d %H:%M:%S.%f")

every = rows.resample("2s")
grid = every.mean().index
both = rows.reindex(rows.index.union(grid)).interpolate("index", limit_direction="both").loc[grid]
for by, values in {"mean": every.mean().ffill(), "last": every.last().ffill(), "linear": both}.items():
    values.to_csv(f"resample_{by}.csv")
