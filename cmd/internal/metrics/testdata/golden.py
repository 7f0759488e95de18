"""Writes golden.json: the numbers that scikit-learn gives for made-up steps.

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python golden.py > golden.json

Segment metrics are not in scikit-learn. They are computed here as the evaluation
of MS-TCN does (Abu Farha and Gall 2019, after Lea et al. 2017), with the edit
distance's table written out.
"""

import json
import platform
import sys

import numpy as np
import sklearn
from sklearn import calibration
from sklearn import metrics as m

BINS = 15
TINY = float(np.finfo(np.float32).eps)  # where log_loss clips 32-bit probabilities


def runs(labels):
    starts = [i for i in range(len(labels)) if i == 0 or labels[i] != labels[i - 1]]
    ends = starts[1:] + [len(labels)]
    return [(int(labels[s]), s, e) for s, e in zip(starts, ends)]


def edit_score(p, y):
    d = np.zeros((len(p) + 1, len(y) + 1), int)
    d[:, 0] = range(len(p) + 1)
    d[0, :] = range(len(y) + 1)
    for i in range(1, len(p) + 1):
        for j in range(1, len(y) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (p[i - 1][0] != y[j - 1][0]))
    return 1 - d[-1, -1] / max(len(p), len(y))


def segment_counts(p, y, overlap):
    tp = fp = 0
    hits = np.zeros(len(y))
    for label, start, end in p:
        iou = [
            max(0, min(end, e) - max(start, s)) / (max(end, e) - min(start, s)) * (label == other)
            for other, s, e in y
        ]
        best = int(np.argmax(iou))
        if iou[best] >= overlap and not hits[best]:
            tp += 1
            hits[best] = 1
        else:
            fp += 1
    return np.array([tp, fp, len(y) - hits.sum()])


def segments(predicted, label, spans):
    pairs = [(runs(predicted[s:e]), runs(label[s:e])) for s, e in spans]
    out = {"edit": np.mean([edit_score(p, y) for p, y in pairs])}
    for percent in (10, 25, 50):
        tp, fp, fn = sum(segment_counts(p, y, percent / 100) for p, y in pairs)
        out[f"f1_{percent}"] = 2 * tp / (2 * tp + fp + fn)
    return out


def calibration_error(label, probability):
    true, mean = calibration.calibration_curve(label, probability, n_bins=BINS, pos_label=1)
    count, _ = np.histogram(probability, BINS, (0, 1))
    return np.average(np.abs(true - mean), weights=count[count > 0])


def defined(condition, value):
    return value() if condition else None


def f1(label, predicted):
    return defined(any(label) or any(predicted), lambda: m.f1_score(label, predicted))


def score(probability, label, spans, threshold):
    predicted = (probability >= threshold).astype(int)
    ones, zeros = label.sum(), (1 - label).sum()
    both = ones and zeros
    tn, fp, fn, tp = m.confusion_matrix(label, predicted, labels=[0, 1]).ravel()
    majority = int(ones > zeros)
    constant = np.full_like(label, majority)
    last = np.concatenate([label[s : e - 1] for s, e in spans])
    following = np.concatenate([label[s + 1 : e] for s, e in spans])
    return {
        "steps": len(label),
        "accuracy": m.accuracy_score(label, predicted),
        "balanced_accuracy": defined(both, lambda: m.balanced_accuracy_score(label, predicted)),
        "precision": defined(predicted.any(), lambda: m.precision_score(label, predicted)),
        "recall": defined(ones, lambda: m.recall_score(label, predicted)),
        "f1": f1(label, predicted),
        "roc_auc": defined(both, lambda: m.roc_auc_score(label, probability)),
        "pr_auc": defined(ones, lambda: m.average_precision_score(label, probability)),
        "log_loss": m.log_loss(label, np.clip(probability, TINY, 1 - TINY), labels=[0, 1]),
        "brier": np.mean((probability - label) ** 2) if not both else m.brier_score_loss(label, probability),
        "ece": calibration_error(label, probability),
        "confusion": {"true_negative": tn, "false_positive": fp, "false_negative": fn, "true_positive": tp},
        "segments": segments(predicted, label, spans),
        "baseline": {
            "majority": {"label": majority, "accuracy": m.accuracy_score(label, constant), "f1": f1(label, constant)},
            "last_label": {
                "steps": len(last),
                "accuracy": m.accuracy_score(following, last),
                "f1": f1(following, last),
            },
        },
    }


def best(probability, label):
    precision, recall, _ = m.precision_recall_curve(label, probability)
    with np.errstate(invalid="ignore"):
        return np.nanmax(2 * precision * recall / (precision + recall))


def case(name, probability, label, ends, threshold):
    """The steps labelled -1 are unlabelled; ends are the ends of the series."""
    keep = label >= 0
    starts = [0] + list(ends[:-1])
    before = np.concatenate([[0], np.cumsum(keep)])
    spans = [(before[s], before[e]) for s, e in zip(starts, ends)]
    p, y = probability[keep], label[keep]
    expected = score(p, y, spans, threshold)
    expected["series"] = [score(p[s:e], y[s:e], [(0, e - s)], threshold) | {"name": str(i)} for i, (s, e) in enumerate(spans)]
    return {
        "name": name,
        "probability": probability,
        "label": label,
        "ends": ends,
        "threshold": threshold,
        "best_f1": best(p, y) if y.any() else None,
        "expected": expected,
    }


def cases(random):
    n = 240
    slow = (np.sin(np.arange(n) / 9) > 0.2).astype(int)
    noisy = np.clip(0.5 * slow + 0.25 + 0.25 * random.normal(size=n), 0, 1)
    fine = np.round(noisy * 4096) / 4096  # exact in 32 bits
    coarse = np.round(noisy * 16) / 16  # many ties, and probabilities of 0 and 1
    gaps = np.where(random.random(n) < 0.3, -1, slow)
    yield case("noisy", fine, slow, [n], 0.5)
    yield case("ties", coarse, slow, [n], 0.5)
    yield case("series", fine, slow, [50, 130, n], 0.375)
    yield case("gaps", fine, gaps, [100, n], 0.5)
    yield case("rare", fine / 2, np.where(np.arange(n) % 97 == 5, 1, 0), [n], 0.25)
    yield case("perfect", slow * 0.75 + 0.125, slow, [n], 0.5)
    yield case("inverted", 0.875 - slow * 0.75, slow, [n], 0.5)
    yield case("no positives", fine, 0 * slow, [n], 0.5)
    yield case("no negatives", fine, 0 * slow + 1, [n], 0.5)
    yield case("none predicted", fine / 4, slow, [n], 0.5)
    yield case("nothing to find, nothing found", fine / 4, 0 * slow, [n], 0.5)


def plain(x):
    return x.tolist()


versions = {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__}
json.dump({"versions": versions, "cases": list(cases(np.random.default_rng(7)))}, sys.stdout, default=plain)
print()
