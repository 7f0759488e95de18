"""Runs programs in alternating rounds and compares their times.

  compare.py [--rounds N] [--json] <plan

A line of the plan is a contestant: four columns, divided by tabs.

  kind       step: the command prints its times, microseconds a training step, either
             as lines `name<TAB>time[<TAB>loss]`, or as a Go benchmark does
             program: the command is timed, from its start to its end
  name       for a command that prints none
  reference  the name of the contestant that it is compared with, - for one of rnnbin's
             own, which is compared with none
  command    as the shell takes it

Each round runs every command, and the reference anew right before each of those that
are compared with it, so what disturbs the machine disturbs both. The time of a run is
the median of what the command prints, the time in the table the median of all runs. A
ratio is that of two neighbouring runs, the table has its median.

A contestant that fails, in whichever round, is left out: of the table, of the rounds to
come, and of the ratios. Exit codes: 0 done, 1 none of rnnbin's own ran.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

UNITS = {"step": "µs a step", "program": "seconds"}
VECTORS = [("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")]
BUSY = 0.5  # a load above it is worth a warning


class Failed(Exception):
    """Tells why a contestant has no times."""


class Contestant:
    def __init__(self, line):
        self.kind, self.name, self.reference, self.command = line.rstrip("\n").split("\t")
        self.results = {}  # {name: result}, a time a run and a ratio a round
        self.failure = None

    @property
    def ours(self):
        return self.reference == "-"

    def run(self):
        """Returns the times of one run, {name: [times]}."""
        begin = time.perf_counter()
        done = subprocess.run(self.command, shell=True, capture_output=True, text=True, errors="replace")
        wall = time.perf_counter() - begin
        if done.returncode:
            raise Failed(f"exit code {done.returncode}: {end(done.stderr) or end(done.stdout)}")
        if self.kind == "program":
            return {self.name: [wall]}
        times = {}
        for line in done.stdout.splitlines():
            try:
                name, value = self.parse(line)
            except ValueError:
                raise Failed(f"it printed no time: {line}") from None
            if name:
                times.setdefault(name, []).append(value)
        if not times:
            raise Failed(f"it printed no times: {end(done.stdout)}")
        return times

    def measure(self, against=None):
        """Runs it and returns the median, the last one's. Or None, if it fails now or has before."""
        if self.failure:
            return None
        try:
            times = self.run()
        except Failed as e:
            self.failure = str(e)
            print(f"bench: left out: {self.name}: {self.failure}", file=sys.stderr, flush=True)
            return None
        for name, values in times.items():
            r = self.results.setdefault(name, {
                "kind": self.kind, "name": name, "reference": self.reference, "times": [], "ratios": []})
            middle = statistics.median(values)
            r["times"].append(middle)
            if against:
                r["ratios"].append(against / middle)
        return middle

    def parse(self, line):
        if "\t" not in line:
            return None, 0
        if line.startswith("Benchmark"):
            fields = line.split()
            return self.name, float(fields[fields.index("ns/op") - 1]) / 1e3
        return line.split("\t")[0], float(line.split("\t")[1])


def end(text):
    """Returns the end of a text in one line."""
    return " ".join(text.split())[-300:]


def run_rounds(contestants, rounds):
    """Returns the results of all that have run without a failure."""
    named = {(c.kind, c.name): c for c in contestants}
    for n in range(rounds):
        print(f"bench: round {n + 1} of {rounds}", file=sys.stderr, flush=True)
        for c in contestants:
            reference = named.get((c.kind, c.reference))
            c.measure(reference.measure() if reference and not c.failure else None)
    results = []
    for c in contestants:
        reference = named.get((c.kind, c.reference))
        for r in c.results.values() if not c.failure else ():
            results.append({**r, "ratios": []} if reference and reference.failure else r)
    return results


def summarise(results):
    for r in results:
        r["median"], r["min"], r["max"] = statistics.median(r["times"]), min(r["times"]), max(r["times"])
        if r["ratios"]:
            r["ratio"] = statistics.median(r["ratios"])
    return results


def cpu():
    """Returns the processor's name and the widest vectors it has."""
    try:
        with open("/proc/cpuinfo") as f:
            info = dict(map(str.strip, line.split(":", 1)) for line in f if ":" in line)
    except OSError:
        info = {}
    name = info.get("model name", platform.processor() or platform.machine()).strip()
    flags = info.get("flags", "").split()
    vectors = next((title for flag, title in VECTORS if flag in flags), "")
    return f"{name} with {vectors}" if vectors else name


def machine():
    return {"date": datetime.date.today().isoformat(), "cpu": cpu(), "cores": os.cpu_count()}


def heading():
    m = machine()
    return f"{m['date']}, {m['cpu']}, {m['cores']} cores"


def warn_if_busy():
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"bench: warning: the machine is busy (load {load:.1f}), times will be high and spread", file=sys.stderr)


def table(kind, results):
    digits = 1 if kind == "step" else 2
    rows = [(r["name"], f"{r['median']:.{digits}f}", f"{r['min']:.{digits}f}–{r['max']:.{digits}f}",
             f"{r['ratio']:.2f}" if "ratio" in r else "", r["reference"] if "ratio" in r else "") for r in results]
    several = len({r["reference"] for r in results if "ratio" in r}) > 1
    print(f"| {'a training step' if kind == 'step' else 'whole program'} | {UNITS[kind]} | lowest–highest | rnnbin / it |\n| --- | --: | --: | --: |")
    first = next((r[4] for r in rows if r[4]), "")
    for name, median, spread, ratio, reference in rows:
        by = f" ({reference})" if several and ratio and reference != first else ""
        print(f"| {name} | {median} | {spread} | {ratio}{by} |")


def report(results, args):
    if args.json:
        json.dump({**machine(), "rounds": args.rounds, "units": UNITS, "results": results}, sys.stdout, indent=1)
        print()
        return
    print(f"{heading()}, {args.rounds} rounds")
    for kind in UNITS:
        of_kind = [r for r in results if r["kind"] == kind]
        if of_kind:
            print()
            table(kind, of_kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    contestants = [Contestant(line) for line in sys.stdin]
    warn_if_busy()
    results = summarise(run_rounds(contestants, args.rounds))
    report(results, args)
    if all(c.failure for c in contestants if c.ours):
        sys.exit("bench: nothing of rnnbin itself ran")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
