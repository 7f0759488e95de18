"""Measures how good rnnbin's answers are with its defaults, beside scikit-learn's.

  answers.py --rnnbin PROGRAM [--sklearn PYTHON] [--data DIR] [--skab DIR] [--seeds N] [--json] [SET ...]
  answers.py --rnnbin PROGRAM --truth [--seeds N] [--json]

PYTHON has scikit-learn, whose models sklearn_answers.py fits to the same rows. A set
whose files are not there is left out. rnnbin gets a label, where need be features,
the column that names series and lookahead, and no other setting; for each seed it judges itself by folds, and labels the
test rows, which chose nothing. With --truth the sets are built-in ones of N seeds each, and
the test rows those of another seed, which are as many: how often rnnbin's own estimate, the
mean over its folds, is within their standard deviation of the score there. Exit codes: 0 done, 1 rnnbin itself failed for
a set, or there is none.
"""

import argparse
import collections
import csv
import dataclasses
import glob
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import compare

METRICS = {"macro_f1": "macro F1", "f1": "F1", "accuracy": "accuracy", "pr_auc": "average precision"}
SKAB_FOLDERS = ("valve1", "valve2", "other")
SKAB_LEFT_OUT = ("datetime", "changepoint")
FIFTH = ["--test-fraction", "0.2"]
POSITION = "position"  # rnnbin's rival that sees no feature, only the row's number
here = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """Tells which files a set needs that are not there."""


@dataclasses.dataclass
class Set:
    title: str
    label: str
    train: tuple
    test: tuple = ()  # none: the last fifth of train
    features: str = ""  # "": rnnbin's choice
    series: str = ""  # the column that names the series of a file; "": a file is one
    lookaheads: tuple = ("all",)
    within: bool = False  # whether to offer scikit-learn features scaled within a series: of several


# ---- the sets: each function returns one or several

def data_file(args, name):
    if not args.data:
        raise Missing(f"{name}: name its folder with --data, or RNNBIN_DATA")
    path = os.path.join(args.data, name)
    if not os.path.exists(path):
        raise Missing(f"no {path}")
    return path


def occupancy(args, _):
    return [Set("Occupancy", "Occupancy", (data_file(args, "occupancy_training.txt.gz"),), (data_file(args, "occupancy_test1.txt.gz"),))]


def ecg(args, _):
    return [Set("ECG", "qrs", (data_file(args, "ecg100_first5min.csv.gz"),), features="mlii_mv,v5_mv", lookaheads=("all", "0", "20"))]


def bursts(args, folder):
    path = os.path.join(folder, "bursts.csv")
    run([args.rnnbin, "data", "bursts", "-o", path])
    return [Set("bursts", "label", (path,))]


def skab(args, folder):
    """Returns a set for each third of the experiments as test rows."""
    if not args.skab:
        raise Missing("its folder is not given, --skab DIR")
    files = [f for sub in SKAB_FOLDERS for f in sorted(glob.glob(os.path.join(glob.escape(args.skab), sub, "*.csv")), key=by_number)]
    if len(files) < 3:
        raise Missing(f"{args.skab} has no CSV files in {', '.join(SKAB_FOLDERS)}")
    files = [with_commas(f, os.path.join(folder, "-".join(f.split(os.sep)[-2:]))) for f in files]
    with open(files[0], newline="") as f:
        features = ",".join(column for column in next(csv.reader(f)) if column != "anomaly")
    return [Set(f"SKAB, third {k + 1}", "anomaly", tuple(f for i, f in enumerate(files) if i % 3 != k), tuple(files[k::3]), features,
                lookaheads=("all", "0"), within=True) for k in range(3)]


def activities(args, folder):
    """Tests on as many new rows, of another seed."""
    train, test = (os.path.join(folder, f"activities-{seed}.csv") for seed in (1, OTHERS + 1))
    for path, seed in ((train, 1), (test, OTHERS + 1)):
        run([args.rnnbin, "data", "activities", "--seed", str(seed), "--out", path])
    return [Set("activities", "label", (train,), (test,), series="series", within=True)]


def gesture(args, _):
    return [Set("gesture", "phase", *train_and_test(args, "gesture"), series="video", within=True)]


def batadal(args, _):
    return [Set("BATADAL", "ATT_FLAG", *train_and_test(args, "batadal"))]


def train_and_test(args, name):
    return ((data_file(args, f"{name}_{part}.csv.gz"),) for part in ("train", "test"))


def by_number(path):
    """Returns what sorts 2.csv before 10.csv."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return (0, int(stem), "") if stem.isdigit() else (1, 0, stem)


def with_commas(path, to):
    """Writes a file of SKAB's as rnnbin reads it, without the columns that are no features."""
    with open(path, newline="") as f, open(to, "w", newline="") as out:
        rows = csv.reader(f, delimiter=";")
        header = next(rows)
        if "anomaly" not in header:
            raise Missing(f"{path} has no column \"anomaly\" between semicolons")
        kept = [i for i, name in enumerate(header) if name not in SKAB_LEFT_OUT]
        csv.writer(out).writerows([row[i] for i in kept] for row in (header, *rows))
    return to


SETS = {f.__name__: f for f in (occupancy, ecg, bursts, activities, gesture, batadal, skab)}


# ---- the runs

def run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise compare.Failed(f"exit code {done.returncode}: {compare.end(done.stderr) or compare.end(done.stdout)}")
    return done.stdout


def repeated(flag, values):
    return [part for value in values for part in (flag, value)]


def chosen(flag, value):
    return [flag, value] if value else []


def of_rnnbin(args, s, lookahead, seed, folder):
    """Returns a run's result, and the features and the classes that its model has."""
    model = os.path.join(folder, f"{s.title}-{lookahead}-{seed}")
    test = repeated("--test-data", s.test) if s.test else FIFTH
    columns = [*chosen("--features", s.features), *chosen("--series", s.series)]
    begin = time.perf_counter()
    lines = run([args.rnnbin, "train", *repeated("--data", s.train), *test, "--label", s.label, *columns, "--lookahead", lookahead,
                 "--seed", str(seed), "--out", model, "--json"]).splitlines()
    seconds = time.perf_counter() - begin
    with open(os.path.join(model, "model.json")) as f:
        m = json.load(f)
    return {**json.loads(lines[-1]), "seconds": seconds}, m["columns"]["features"], m["classes"]


def of_sklearn(args, s, lookahead, features, classes):
    """Returns the version and the results of scikit-learn's models."""
    flags = ["--alone"] if lookahead == s.lookaheads[0] else []  # the row alone needs no lookahead
    flags += ["--within"] if s.within else []
    test = ["--test", *s.test] if s.test else FIFTH
    version, *models = map(json.loads, run([
        args.sklearn, os.path.join(here, "sklearn_answers.py"), "--label", s.label, "--classes", ",".join(classes),
        "--features", ",".join(features), *chosen("--series", s.series), "--lookahead", lookahead, *flags, "--train", *s.train, *test]).splitlines())
    return version["version"], models


# ---- the results

def row_of_rnnbin(runs):
    """Returns a row for the runs of all seeds."""
    networks = collections.Counter(r["network"] for r in runs)
    several = len(networks) > 1
    names = [f"{name} ({n} of {len(runs)})" if several else name for name, n in networks.most_common()]
    row = {"program": f"rnnbin: {'; '.join(names)}", "seconds": [r["seconds"] for r in runs]}
    row["test"] = {m: [r["test"][m] for r in runs] for m in METRICS}
    if all("judged" in r for r in runs):
        row["folds"] = {m: {k: mean(r["judged"]["folds"][k][m] for r in runs) for k in ("mean", "std")} for m in METRICS}
    return row


def row_of_position(runs):
    """Returns a row for what the row's number in its series alone answers, or none."""
    rivals = [b for r in runs for b in r["test"]["baselines"] if b["name"] == POSITION]
    return [{"program": "the row's number alone", "test": {m: [b[m] for b in rivals] for m in METRICS if m in rivals[0]}}] if rivals else []


def rows_of_sklearn(models):
    return [{"program": f"scikit-learn: {m['model']}", "seconds": [m["seconds"]], "test": {k: [m[k]] for k in METRICS}} for m in models]


def mean(values):
    """Returns the mean of those that are numbers; rnnbin writes null where a metric is not defined."""
    numbers = [v for v in values if v is not None]
    return statistics.mean(numbers) if numbers else None


class Results:
    def __init__(self):
        self.rows, self.versions, self.failed = [], [], False

    def add(self, args, s, lookahead, folder):
        """Runs rnnbin with each seed, and scikit-learn on the same rows."""
        runs = []
        try:
            for seed in range(1, args.seeds + 1):
                note(f"{s.title}, lookahead {lookahead}, seed {seed} of {args.seeds}")
                result, *columns = of_rnnbin(args, s, lookahead, seed, folder)
                runs.append(result)
        except compare.Failed as e:
            self.failed = True
            note(f"rnnbin itself failed: {s.title}, lookahead {lookahead}: {e}")
            return
        rows = [row_of_rnnbin(runs), *row_of_position(runs)]
        if args.sklearn:
            rows += self.beside(args, s, lookahead, *columns, runs[0])
        self.rows += [{"set": s.title, "lookahead": lookahead, "rows": runs[0]["rows"], "test_rows": runs[0]["test"]["rows"], **r} for r in rows]

    def beside(self, args, s, lookahead, features, classes, ours):
        """Returns the rows of scikit-learn's models, which must have the same test rows."""
        note(f"{s.title}, lookahead {lookahead}, scikit-learn")
        try:
            version, models = of_sklearn(args, s, lookahead, features, classes)
            for m in models:
                if m["rows"] != ours["test"]["rows"]:
                    raise compare.Failed(f"{m['rows']} test rows, rnnbin has {ours['test']['rows']}")
        except compare.Failed as e:
            note(f"left out: scikit-learn, {s.title}, lookahead {lookahead}: {e}")
            return []
        self.versions = [version]
        return rows_of_sklearn(models)


# ---- estimates against truth

BUILTIN = {"bursts": [], "activities": ["--series", "series"]}
OTHERS = 1000  # seeds of test rows begin here


def truth(args, folder):
    """Returns for each set rnnbin's estimates and the scores on new rows."""
    rows = []
    for name, flags in BUILTIN.items():
        for seed in range(1, args.seeds + 1):
            note(f"{name}, seed {seed} of {args.seeds}")
            train, test = (os.path.join(folder, f"{name}-{n}.csv") for n in (seed, OTHERS + seed))
            for path, n in ((train, seed), (test, OTHERS + seed)):
                run([args.rnnbin, "data", name, "--seed", str(n), "--out", path])
            model = os.path.join(folder, f"{name}-{seed}")
            result = json.loads(run([args.rnnbin, "train", train, "--test-data", test, *flags, "--seed", str(seed), "--out", model, "--json"]).splitlines()[-1])
            folds = result["judged"]["folds"]
            rows.append({"set": name, "seed": seed, "network": result["network"],
                         **{m: {"mean": folds["mean"][m], "std": folds["std"][m], "test": result["test"][m]} for m in METRICS}})
    return {**compare.machine(), "seeds": args.seeds, "versions": run([args.rnnbin, "version"]).splitlines(), "rows": rows}


def within(row, metric, deviations=1, digits=9):
    """Says whether the score on new rows is within the spread, None where it is not defined."""
    r = row[metric]
    return None if None in r.values() else round(abs(r["test"] - r["mean"]), digits) <= round(deviations * r["std"], digits)


def report_truth(result):
    print(f"{compare.heading()}; {', '.join(result['versions'])}\n")
    print("| set | seed | network | macro F1, folds | on new rows | within |\n| --- | --: | --- | --: | --: | --- |")
    for r in result["rows"]:
        m = r["macro_f1"]
        print(f"| {r['set']} | {r['seed']} | {r['network']} | {number(m['mean'])} ± {number(m['std'])} | {number(m['test'])} | {'yes' if within(r, 'macro_f1') else 'no'} |")
    print()
    for metric, title in METRICS.items():
        known = [r for r in result["rows"] if within(r, metric) is not None]
        one, rounded, two = (sum(within(r, metric, *how) for r in known) for how in ((1,), (1, 3), (2,)))
        if known:
            print(f"{title}: {one} of {len(known)} within one standard deviation of the folds ({rounded} to three decimals, as tables show it), {two} within two")


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measure(args, folder):
    results = Results()
    for name in args.sets:
        try:
            sets = SETS[name](args, folder)
        except Missing as e:
            note(f"skipped: {name}: {e}")
            continue
        for s in sets:
            for lookahead in s.lookaheads:
                results.add(args, s, lookahead, folder)
    versions = [*run([args.rnnbin, "version"]).splitlines(), *results.versions]
    return {**compare.machine(), "seeds": args.seeds, "versions": versions, "rows": results.rows}, results.failed


# ---- the table

def number(v):
    return "–" if v is None else f"{v:.3f}"


def spread(values, show):
    """Shows the mean, and the lowest and highest where there are several."""
    values = [v for v in values if v is not None]
    if not values:
        return "–"
    text = show(statistics.mean(values))
    return text if len(values) == 1 else f"{text} ({show(min(values))}–{show(max(values))})"


def cells(row):
    for m in METRICS:
        f = row.get("folds", {}).get(m)
        yield "" if not f else f"{number(f['mean'])} ± {number(f['std'])}" if f["mean"] is not None else number(None)
        yield spread(row["test"][m], number) if m in row["test"] else ""
    yield spread(row["seconds"], lambda v: f"{v:.1f}") if "seconds" in row else ""


def report(result):
    seeds = f"{result['seeds']} seed{'s'[:result['seeds'] - 1]}"
    print(f"{compare.heading()}; {', '.join(result['versions'])}; rnnbin with {seeds}\n")
    heads = [f"{title}, {rows}" for title in METRICS.values() for rows in ("folds", "test")]
    print(f"| set | lookahead | | {' | '.join(heads)} | seconds |\n| --- | --- | --- |{' --: |' * (len(heads) + 1)}")
    for r in result["rows"]:
        print(f"| {r['set']} | {r['lookahead']} | {r['program']} | {' | '.join(cells(r))} |")
    report_best(result["rows"])


def report_best(rows):
    """Prints which program has the highest mean on the test rows, and rnnbin's beside it."""
    measures = ("macro_f1", "pr_auc")
    heads = [f"best {METRICS[m]} | rnnbin's" for m in measures]
    print(f"\n| set | lookahead | {' | '.join(heads)} |\n| --- | --- |{' --- | --: |' * len(measures)}")
    for (title, lookahead), group in itertools.groupby(rows, key=lambda r: (r["set"], r["lookahead"])):
        group, cells = list(group), []
        for m in measures:
            means = {r["program"]: mean(r["test"].get(m, ())) for r in group}
            best = max((p for p in means if means[p] is not None), key=means.get, default=None)
            cells += [f"{number(means[best])}, {best}" if best else "–", number(means[group[0]["program"]])]
        print(f"| {title} | {lookahead} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rnnbin", required=True)
    parser.add_argument("--sklearn")
    parser.add_argument("--data")
    parser.add_argument("--skab")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("sets", nargs="*", metavar="SET")
    args = parser.parse_args()
    args.sets = args.sets or list(SETS)
    for name in args.sets:
        if name not in SETS:
            parser.error(f"no set \"{name}\", there are {', '.join(SETS)}")
    compare.warn_if_busy()
    with tempfile.TemporaryDirectory() as folder:
        result, failed = (truth(args, folder), False) if args.truth else measure(args, folder)
    if not result["rows"]:
        sys.exit("bench: no set was measured")
    if args.json:
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        (report_truth if args.truth else report)(result)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
