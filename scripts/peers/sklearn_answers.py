"""scikit-learn's logistic regression and boosted trees on the rows that rnnbin has.

  sklearn_answers.py --label COLUMN --classes NAMES --features COLUMNS [--series COLUMN] --lookahead all|N
                     [--alone] [--within] --train FILE... (--test FILE... | --test-fraction F)

--series has the names of the series of a file, which is one series without it.

Each model gets the row with those at the lags, -32 to 32 in steps of 4 and no further
ahead than the lookahead; with --alone also the row by itself; with --within also rows
and lags with each feature scaled within its series, instead and beside it, by the whole
series or, with a finite lookahead, by its rows up to this one. All training rows fit it.
A test row gets the most probable class, and of two the second if its probability is at
least 0.5. Of more than two, the average precision is the mean of each against the rest.

Prints a line of JSON for scikit-learn's version, and one for each model.
"""

import argparse
import csv
import gzip
import json
import time

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LAGS = range(-32, 33, 4)
CLIP = 8  # deviations from a series' mean, as in rnnbin

MODELS = {
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosted trees": lambda: HistGradientBoostingClassifier(random_state=0),
}


def read(path, args):
    """Returns series: rows [N,F] and labels [N], -1 where there is none."""
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", newline="") as f:
        header, *rows = csv.reader(f)
    extra = len(rows[0]) - len(header)  # 1 where rows begin with their names
    label, *columns = (header.index(name) + extra for name in (args.label, *args.features))
    series = {}
    for row in rows:
        series.setdefault(row[header.index(args.series) + extra] if args.series else "", []).append(row)
    code = {name: c for c, name in enumerate(args.classes)} | {"": -1}
    return [(np.array([[row[c] for c in columns] for row in rows], dtype=float), np.array([code[class_name(row[label])] for row in rows]))
            for rows in series.values()]


def class_name(text):
    """Returns what rnnbin calls the class: 1.0 is 1."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def lagged(x, lags):
    """Returns rows and those at the lags, [N,F*L]; the first and the last row are repeated."""
    n = np.arange(len(x))
    return np.hstack([x[np.clip(n + lag, 0, len(x) - 1)] for lag in lags])


def scaled_within(x, whole):
    """Returns each feature in deviations from its mean in the series."""
    x0 = x - x[0]  # the same deviations, and sums that do not cancel
    if whole:
        mean, variance = x0.mean(axis=0), x0.var(axis=0)
    else:
        n = np.arange(1, len(x) + 1)[:, None]
        mean = x0.cumsum(axis=0) / n
        variance = np.maximum((x0**2).cumsum(axis=0) / n - mean**2, 0)
    deviation = np.sqrt(variance)
    z = np.divide(x0 - mean, deviation, out=np.zeros_like(x), where=deviation > 0)
    return np.clip(z, -CLIP, CLIP)


def inputs(args):
    """Returns what a model may see of a series, by title."""
    ahead = LAGS[-1] if args.lookahead == "all" else int(args.lookahead)
    lags = [lag for lag in LAGS if lag <= ahead]
    whole = args.lookahead == "all"
    seen = {"with lags": lambda x: lagged(x, lags)}
    if args.alone:
        seen = {"row alone": lambda x: x, **seen}
    if args.within:
        seen["with lags, scaled within the series"] = lambda x: lagged(scaled_within(x, whole), lags)
        seen["with lags, scaled within the series too"] = lambda x: lagged(np.hstack([x, scaled_within(x, whole)]), lags)
    return seen


def labelled(parts, see):
    """Returns what is seen of the rows that have a label, and the labels.

    A part is a series and the slice of its rows that counts.
    """
    rows, labels = [], []
    for x, y, part in parts:
        known = y[part] >= 0
        rows.append(see(x)[part][known])
        labels.append(y[part][known])
    return np.concatenate(rows), np.concatenate(labels)


def divide(args):
    """Returns the parts that train and those that test.

    Of a test series rnnbin judges no row for whose label it would wait beyond the end.
    """
    late = 0 if args.lookahead == "all" else int(args.lookahead)
    train = [s for f in args.train for s in read(f, args)]
    if args.test:
        held = [(*s, 0) for f in args.test for s in read(f, args)]
    else:
        cuts = [len(x) - int(len(x) * args.test_fraction + 0.5) for x, _ in train]
        held = [(x, y, cut) for (x, y), cut in zip(train, cuts)]
        train = [(x[:cut], y[:cut]) for x, y, cut in held]
    return [(x, y, slice(None)) for x, y in train], [(x, y, slice(cut, len(x) - late)) for x, y, cut in held]


def score(labels, probability):
    two = probability.shape[1] == 2
    answers = probability[:, 1] >= 0.5 if two else probability.argmax(axis=1)
    curves = [1] if two else [c for c in range(probability.shape[1]) if (labels == c).any()]
    return {
        "rows": len(labels),
        "accuracy": metrics.accuracy_score(labels, answers),
        "f1": metrics.f1_score(labels, answers) if two else None,
        "macro_f1": metrics.f1_score(labels, answers, average="macro"),
        "pr_auc": np.mean([metrics.average_precision_score(labels == c, probability[:, c]) for c in curves]),
    }


def probabilities(fitted, rows, classes):
    """Returns that of each class, [N,C]: 0 of one that no training row has."""
    all = np.zeros((len(rows), classes))
    all[:, fitted.classes_] = fitted.predict_proba(rows)
    return all


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", required=True)
    parser.add_argument("--classes", required=True, type=lambda s: s.split(","))
    parser.add_argument("--features", required=True, type=lambda s: s.split(","))
    parser.add_argument("--series")
    parser.add_argument("--lookahead", default="all")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--within", action="store_true")
    parser.add_argument("--train", nargs="+", required=True)
    held = parser.add_mutually_exclusive_group(required=True)
    held.add_argument("--test", nargs="+")
    held.add_argument("--test-fraction", type=float)
    args = parser.parse_args()
    train, test = divide(args)
    print(json.dumps({"version": f"scikit-learn {sklearn.__version__}"}))
    for seen, see in inputs(args).items():
        for model, make in MODELS.items():
            begin = time.perf_counter()
            fitted = make().fit(*labelled(train, see))
            rows, labels = labelled(test, see)
            probability = probabilities(fitted, rows, len(args.classes))
            seconds = time.perf_counter() - begin
            print(json.dumps({"model": f"{model}, {seen}", **score(labels, probability), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
