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


def edit_distance(p, y):
    d = np.zeros((len(p) + 1, len(y) + 1), int)
    d[:, 0] = range(len(p) + 1)
    d[0, :] = range(len(y) + 1)
    for i in range(1, len(p) + 1):
        for j in range(1, len(y) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (p[i - 1][0] != y[j - 1][0]))
    return d[-1, -1]


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


def segments(predicted, label, series):
    """series has a list of stretches, start and end, for each series."""
    pairs = [[(runs(predicted[s:e]), runs(label[s:e])) for s, e in stretches] for stretches in series]
    scores = [1 - sum(edit_distance(p, y) for p, y in s) / sum(max(len(p), len(y)) for p, y in s) for s in pairs]
    out = {"edit": np.mean(scores)}
    for percent in (10, 25, 50):
        tp, fp, fn = sum(segment_counts(p, y, percent / 100) for s in pairs for p, y in s)
        out[f"f1_{percent}"] = 2 * tp / (2 * tp + fp + fn)
    return out


def calibration_error(true, probability):
    share, mean = calibration.calibration_curve(true, probability, n_bins=BINS, pos_label=1)
    count, _ = np.histogram(probability, BINS, (0, 1))
    return np.average(np.abs(share - mean), weights=count[count > 0])


def null(x):
    """What scikit-learn calls nan is null."""
    return None if np.isnan(x) else x


def mean(values):
    values = [v for v in values if v is not None]
    return np.mean(values) if values else None


def classes(probability, label, predicted, names):
    every = range(len(names))
    precision, recall, f1, support = m.precision_recall_fscore_support(label, predicted, labels=every, zero_division=np.nan)
    out = []
    for k, name in enumerate(names):
        true = (label == k).astype(int)
        out.append(
            {
                "name": name,
                "support": int(support[k]),
                "predicted": (predicted == k).sum(),
                "precision": null(precision[k]),
                "recall": null(recall[k]),
                "f1": null(f1[k]),
                "roc_auc": m.roc_auc_score(true, probability[:, k]) if 0 < true.sum() < len(true) else None,
                "pr_auc": m.average_precision_score(true, probability[:, k]) if true.any() else None,
            }
        )
    return out


def curves(probability, label, of_classes):
    """The areas as scikit-learn gives them, which it does where all classes occur."""
    roc = mean([c["roc_auc"] for c in of_classes])
    pr = mean([c["pr_auc"] for c in of_classes])
    every = len(set(label)) == len(of_classes)
    if len(of_classes) == 2:
        pr = of_classes[1]["pr_auc"]
        if every:
            assert np.isclose(roc, m.roc_auc_score(label, probability[:, 1]), 1e-12)
    elif every:
        assert np.isclose(roc, m.roc_auc_score(label, probability, multi_class="ovr", average="macro"), 1e-12)
        assert np.isclose(pr, m.average_precision_score(label, probability, average="macro"), 1e-12)
    return {"roc_auc": roc, "pr_auc": pr}


def baseline(name, label, answers, count):
    return {
        "name": name,
        "accuracy": m.accuracy_score(label, answers),
        "f1": null(m.f1_score(label, answers, zero_division=np.nan)) if count == 2 else None,
        "macro_f1": m.f1_score(label, answers, average="macro", zero_division=0),
    }


def averages(label, predicted):
    return {
        f"{average}_{name}": metric(label, predicted, average=average, zero_division=0)
        for average in ("macro", "weighted")
        for name, metric in (("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score))
    }


def decide(probability, threshold):
    if probability.shape[1] == 2:
        return (probability[:, 1] >= threshold).astype(int)
    return probability.argmax(axis=1)


def score(probability, label, series, threshold, names):
    count = len(names)
    every = range(count)
    predicted = decide(probability, threshold)
    of_classes = classes(probability, label, predicted, names)
    second = of_classes[1] if count == 2 else {}
    if count == 2:
        brier = m.brier_score_loss(label, probability[:, 1], labels=every, pos_label=1)
        ece = calibration_error(label, probability[:, 1])
    else:
        brier = m.brier_score_loss(label, probability, labels=every)
        ece = calibration_error((predicted == label).astype(int), probability.max(axis=1))
    return {
        "rows": len(label),
        "accuracy": m.accuracy_score(label, predicted),
        "balanced_accuracy": m.balanced_accuracy_score(label, predicted) if len(set(label)) > 1 else None,
        "precision": second.get("precision"),
        "recall": second.get("recall"),
        "f1": second.get("f1"),
        **averages(label, predicted),
        **curves(probability, label, of_classes),
        "log_loss": m.log_loss(label, np.clip(probability, TINY, 1 - TINY), labels=every),
        "brier": brier,
        "ece": ece,
        "classes": of_classes,
        "confusion": m.confusion_matrix(label, predicted, labels=every),
        "segments": segments(predicted, label, series),
    }


def best(probability, label):
    precision, recall, _ = m.precision_recall_curve(label, probability)
    with np.errstate(invalid="ignore"):
        return np.nanmax(2 * precision * recall / (precision + recall))


def stretches(keep):
    """Start and end of the runs of steps that count, among those that do."""
    lengths = [e - s for counts, s, e in runs(keep.astype(int)) if counts]
    ends = np.cumsum(lengths)
    return list(zip(ends - lengths, ends))


def case(name, probability, label, ends, threshold, names=("no", "yes")):
    """The steps labelled -1 are unlabelled; ends are the ends of the series."""
    if probability.ndim == 1:
        probability = np.stack([1 - probability, probability], axis=1)
    keep = label >= 0
    starts = [0] + list(ends[:-1])
    inside = [stretches(keep[s:e]) for s, e in zip(starts, ends)]
    first = [keep[:s].sum() for s in starts]
    p, y = probability[keep], label[keep]
    series = [[(a + s, a + e) for s, e in part] for a, part in zip(first, inside)]
    expected = score(p, y, series, threshold, names)
    expected["threshold"] = threshold if len(names) == 2 else None
    expected["baselines"] = [baseline("majority", y, np.full_like(y, np.bincount(y).argmax()), len(names))]
    expected["series"] = []
    for i, part in enumerate(inside):
        s, e = series[i][0][0], series[i][-1][1]
        expected["series"].append(score(p[s:e], y[s:e], [part], threshold, names) | {"name": str(i)})
    return {
        "name": name,
        "probability": probability[:, 1] if len(names) == 2 else probability.ravel(),
        "label": label,
        "classes": names,
        "ends": ends,
        "threshold": threshold,
        "best_f1": best(p[:, 1], y) if len(names) == 2 and y.any() else None,
        "expected": expected,
    }


def softmax(logits):
    """Probabilities that 32 bits hold exactly and that add up to 1."""
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = np.floor(p * 4096) / 4096
    p[:, 0] += 1 - p.sum(axis=1)
    return p


def activities(random, n):
    """Four classes, the last of which comes in the last third only."""
    label = np.repeat(random.integers(0, 3, n // 12), 12)
    label[-n // 3 :: 2] = np.where(label[-n // 3 :: 2] == 1, 3, label[-n // 3 :: 2])
    return label, softmax(1.5 * np.eye(4)[label] + random.normal(size=(n, 4)))


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

    names = ("rest", "walk", "run", "climb")
    label, probability = activities(random, n)
    coarse = softmax(np.round(np.log(probability + 0.01)))  # ties, of the largest ones too
    gaps = np.where(random.random(n) < 0.04, -1, label)
    gaps[:7] = gaps[100:120] = -1
    yield case("four classes", probability, label, [n], 0.5, names)
    yield case("four classes, ties", coarse, label, [n], 0.5, names)
    yield case("four classes, gaps, one not in each series", probability, gaps, [70, 150, n], 0.5, names)
    never = np.where(gaps == 3, 2, gaps)
    yield case("four classes, one answered and never true", probability, never, [100, n], 0.5, names)
    yield case("four classes, one never", probability * [1, 1, 1, 0] + probability[:, [3]] * [1, 0, 0, 0], never, [100, n], 0.5, names)
    yield case("four classes, one alone", probability, 0 * label + 2, [100, n], 0.5, names)


def plain(x):
    return x.tolist()


versions = {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__}
json.dump({"versions": versions, "cases": list(cases(np.random.default_rng(7)))}, sys.stdout, default=plain, separators=(",", ":"))
print()
