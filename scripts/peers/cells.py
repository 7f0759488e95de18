"""Compares rnnbin's cells with other programs', each run in a process of its own.

  cells.py [--rounds N] [--json] [--picture FILE] [--isa avx2] --benchmarks BINARY [--peer NAME=PYTHON ...]

BINARY holds graph's benchmarks; a peer is the virtual environment NAME, whose program
is NAME_cells.py. A round runs everything once, on one thread and on two, and rnnbin
anew right before each peer, so that what disturbs the machine disturbs both. What is
shown are medians of the rounds; a ratio is that of two neighbouring runs. A peer that
fails for a network is left out there from then on.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import compare
from measures import MEASURES, metrics, number

THREADS = (1, 2)
BATCHES = (32, 128, 512)  # that are tried in predicting
SECONDS = 0.5
TITLES = {"torch": "PyTorch", "jax": "JAX", "keras": "Keras", "onnx": "ONNX Runtime"}
here = os.path.dirname(os.path.abspath(__file__))


def network(cell, layers=1, directions=1, units=64, steps=180):
    return {"cell": cell, "layers": layers, "directions": directions, "features": 2, "units": units, "steps": steps}


TRAINING = {
    "plain (tanh)": network("tanh"), "GRU": network("gru"), "LSTM": network("lstm"),
    "GRU, two directions": network("gru", directions=2), "LSTM, two directions": network("lstm", directions=2),
    "LSTM, two layers": network("lstm", layers=2),
}
PREDICTING = {
    "plain (ReLU), 100 units, 20 steps": network("relu", units=100, steps=20),
    "plain (tanh), 100 units, 20 steps": network("tanh", units=100, steps=20),
    "GRU, 16 units, 64 steps": network("gru", units=16, steps=64),
    "LSTM, 64 units, 180 steps": network("lstm"),
    "the same, two directions": network("lstm", directions=2),
}

# What keeps programs from wider vectors than AVX2's; ONNX Runtime has no such setting.
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise compare.Failed(f"exit code {done.returncode}: {compare.end(done.stderr) or compare.end(done.stdout)}")
    return done.stdout


class Rnnbin:
    title = "rnnbin"

    def __init__(self, binary, isa, folder):
        self.binary, self.isa = binary, isa
        self.file = os.path.join(folder, "weights.npz")

    def benchmark(self, name, n, threads, batch, *flags):
        """Returns the metrics of a benchmark, {unit: value}."""
        return metrics(run([
            self.binary, "-test.run", "^$", "-test.bench", f"^Benchmark{name}$", "-test.benchtime", f"{SECONDS}s",
            f"-shape.cell={n['cell']}", f"-shape.layers={n['layers']}", f"-shape.bidirectional={n['directions'] == 2}",
            f"-shape.features={n['features']}", f"-shape.units={n['units']}", f"-shape.steps={n['steps']}",
            f"-shape.batch={batch}", f"-shape.threads={threads}", f"-shape.set={self.isa}", *flags]))

    def train(self, n, threads):
        return {"layers": self.benchmark("Layers", n, threads, 32)["ns/op"] / 1e3,
                "train": self.benchmark("Shape", n, threads, 32, "-shape.call=5")["ns/step"] / 1e3}

    def predict(self, n, threads):
        return {"predict": max(self.benchmark("Probability", n, threads, b)["rows/s"] for b in BATCHES) / 1e6}

    def write(self, n, threads, batch):
        """Writes weights and what they predict, for onnx_cells.py."""
        self.benchmark("Probability", n, threads, batch, f"-shape.file={self.file}", "-test.benchtime=1x")


class Peer:
    def __init__(self, name, python, rnnbin):
        self.name, self.python, self.rnnbin = name, python, rnnbin
        self.title = TITLES[name]

    def run(self, n, threads, batch, *arguments):
        # JAX has no setting for its threads
        limit = ["taskset", "-c", "0"] if self.name == "jax" and threads == 1 else []
        shape = [v for k in n for v in (f"--{k}", str(n[k]))]
        lines = run([*limit, self.python, os.path.join(here, f"{self.name}_cells.py"), *shape, "--batch", str(batch),
                     "--threads", str(threads), "--seconds", str(SECONDS), *arguments]).splitlines()
        return {key: float(value) for key, value in (line.split("\t") for line in lines)}

    def train(self, n, threads):
        return self.run(n, threads, 32)

    def predict(self, n, threads):
        rates = []
        for batch in BATCHES:
            self.rnnbin.write(n, threads, batch)
            us = self.run(n, threads, batch, "--file", self.rnnbin.file)["predict"]
            rates.append(n["steps"] * batch / us)
        return {"predict": max(rates)}


class Results:
    """Values of all rounds: of a measure, a network and a number of threads, by program."""

    def __init__(self):
        self.values, self.ratios, self.failed = {}, {}, set()

    def add(self, network, threads, kind, rnnbin, peer):
        """Runs rnnbin and then a peer, kind is train or predict."""
        if (peer.title, network, threads) in self.failed:
            return
        shape = {"train": TRAINING, "predict": PREDICTING}[kind][network]
        ours = getattr(rnnbin, kind)(shape, threads)
        for measure, value in ours.items():
            self.values.setdefault((measure, network, threads), {}).setdefault(rnnbin.title, []).append(value)
        try:
            theirs = getattr(peer, kind)(shape, threads)
        except compare.Failed as e:
            self.failed.add((peer.title, network, threads))
            print(f"bench: left out: {peer.title}, {network}: {e}", file=sys.stderr, flush=True)
            return
        for measure, value in theirs.items():
            at = measure, network, threads
            self.values[at].setdefault(peer.title, []).append(value)
            self.ratios.setdefault(at, {}).setdefault(peer.title, []).append(ours[measure] / value)

    def rows(self):
        """Returns a row for each measure, network, number of threads and program."""
        rows = []
        for (measure, network, threads), programs in self.values.items():
            unit = MEASURES[measure][2]
            for title, values in programs.items():
                ratios = self.ratios.get((measure, network, threads), {}).get(title)
                if title != Rnnbin.title and (title, network, threads) in self.failed:
                    continue
                rows.append({"measure": measure, "network": network, "threads": threads, "program": title,
                             "median": statistics.median(values) * unit, "min": min(values) * unit, "max": max(values) * unit,
                             **({"ratio": statistics.median(ratios)} if ratios else {})})
        return rows


def measure(args, folder):
    rnnbin = Rnnbin(args.benchmarks, args.isa, folder)
    peers = [Peer(*p.split("=", 1), rnnbin) for p in args.peer]
    results = Results()
    for n in range(args.rounds):
        print(f"bench: round {n + 1} of {args.rounds}", file=sys.stderr, flush=True)
        for kind, networks in ("train", TRAINING), ("predict", PREDICTING):
            for network in networks:
                for threads in THREADS[:os.cpu_count()]:
                    for peer in peers:
                        if (peer.name == "onnx") == (kind == "predict"):
                            results.add(network, threads, kind, rnnbin, peer)
    return {**compare.machine(), "rounds": args.rounds, "isa": args.isa, "rows": results.rows()}


def cell(r):
    value = " ".join((number(r["median"]), f"({number(r['min'])}–{number(r['max'])})"))
    return f"{value} | **{r['ratio']:.2f}**" if "ratio" in r else value


def print_table(measure, rows):
    title, unit, _ = MEASURES[measure]
    programs = list(dict.fromkeys(r["program"] for r in rows))
    heads = [f"{p} | rnnbin / it" if p != Rnnbin.title else p for p in programs]
    print(f"\n| {title}, {unit} | threads | {' | '.join(heads)} |\n| --- |{' --: |' * (2 * len(programs))}")
    for network, threads in dict.fromkeys((r["network"], r["threads"]) for r in rows):
        here = {r["program"]: r for r in rows if (r["network"], r["threads"]) == (network, threads)}
        cells = [cell(here[p]) if p in here else "|" for p in programs]
        print(f"| {network} | {threads} | {' | '.join(cells)} |")


def report(result):
    only = ", instructions up to AVX2 but for ONNX Runtime, which cannot be told so" if result["isa"] == "avx2" else ""
    print(f"{compare.heading()}, {result['rounds']} round{'s'[:result['rounds'] - 1]}{only}")
    for measure in MEASURES:
        rows = [r for r in result["rows"] if r["measure"] == measure]
        if rows:
            print_table(measure, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--picture")
    parser.add_argument("--isa", choices=["auto", "avx2"], default="auto")
    parser.add_argument("--benchmarks", required=True)
    parser.add_argument("--peer", action="append", default=[])
    args = parser.parse_args()
    if args.isa == "avx2":
        os.environ.update(AVX2)
    compare.warn_if_busy()
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = measure(args, folder)
        except compare.Failed as e:
            sys.exit(f"bench: rnnbin itself failed: {e}")
    if args.picture:
        import picture
        picture.draw_cells(result, args.picture)
    if args.json:
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        report(result)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
