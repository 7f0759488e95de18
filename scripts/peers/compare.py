"""Runs programs in alternating rounds and compares their times.

  compare.py [--rounds N] [--json] <plan

A line of the plan is a contestant: four columns, divided by tabs.

  kind       step: the command prints its times, microseconds a training step, either
             as lines `name<TAB>time[<TAB>loss]`, or as a Go benchmark does
             program: the command is timed, from its start to its end
  name       for a command that prints none
  reference  the name of the contestant that it is compared with, - for none
  command    as the shell takes it

Each round runs every command once, so what disturbs the machine disturbs all of
them. A round's time is the median of what the command prints, the time in the table
the median of all rounds. A ratio is taken within each round, the table has its median.
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
BUSY = 0.5  # a load above it is worth a warning


class Contestant:
    def __init__(self, line):
        self.kind, self.name, self.reference, self.command = line.rstrip("\n").split("\t")

    def run(self):
        """Returns the times of one run, {name: [times]}."""
        begin = time.perf_counter()
        done = subprocess.run(self.command, shell=True, capture_output=True, text=True)
        wall = time.perf_counter() - begin
        if done.returncode:
            sys.exit(f"bench: {self.name} failed ({done.returncode}): {self.command}\n{(done.stderr or done.stdout)[-2000:]}")
        if self.kind == "program":
            return {self.name: [wall]}
        times = {}
        for line in done.stdout.splitlines():
            name, value = self.parse(line)
            if name:
                times.setdefault(name, []).append(value)
        if not times:
            sys.exit(f"bench: {self.name} printed no times: {self.command}\n{done.stdout[-2000:]}")
        return times

    def parse(self, line):
        if "\t" not in line:
            return None, 0
        if line.startswith("Benchmark"):
            fields = line.split()
            return self.name, float(fields[fields.index("ns/op") - 1]) / 1e3
        return line.split("\t")[0], float(line.split("\t")[1])


def run_rounds(contestants, rounds):
    """Returns {name: {kind, reference, times}} with a time a round."""
    results = {}
    for n in range(rounds):
        print(f"bench: round {n + 1} of {rounds}", file=sys.stderr)
        for c in contestants:
            for name, times in c.run().items():
                r = results.setdefault((c.kind, name), {"kind": c.kind, "name": name, "reference": c.reference, "times": []})
                r["times"].append(statistics.median(times))
    return results


def summarise(results):
    for r in results.values():
        r["median"], r["min"], r["max"] = statistics.median(r["times"]), min(r["times"]), max(r["times"])
        reference = results.get((r["kind"], r["reference"]))
        if reference:
            r["ratio"] = statistics.median(a / b for a, b in zip(reference["times"], r["times"]))
    return list(results.values())


def cpu():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(": ")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine():
    return {"date": datetime.date.today().isoformat(), "cpu": cpu(), "cores": os.cpu_count()}


def heading(m):
    return f"{m['date']}, {m['cpu']}, {m['cores']} cores"


def warn_if_busy():
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"bench: warning: the machine is busy (load {load:.1f}), times will be high and spread", file=sys.stderr)


def table(kind, results, rounds):
    digits = 1 if kind == "step" else 2
    rows = [(r["name"], f"{r['median']:.{digits}f}", f"{r['min']:.{digits}f}–{r['max']:.{digits}f}",
             f"{r['ratio']:.2f}" if "ratio" in r else "", r["reference"] if "ratio" in r else "") for r in results]
    several = len({r["reference"] for r in results if "ratio" in r}) > 1
    print(f"| {'a training step' if kind == 'step' else 'whole program'} | {UNITS[kind]} | {rounds} rounds | rnnbin / it |\n| --- | --: | --: | --: |")
    first = next((r[4] for r in rows if r[4]), "")
    for name, median, spread, ratio, reference in rows:
        by = f" ({reference})" if several and ratio and reference != first else ""
        print(f"| {name} | {median} | {spread} | {ratio}{by} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    contestants = [Contestant(line) for line in sys.stdin]
    warn_if_busy()
    results = summarise(run_rounds(contestants, args.rounds))
    if args.json:
        json.dump({**machine(), "rounds": args.rounds, "units": UNITS, "results": results}, sys.stdout, indent=1)
        print()
        return
    print(heading(machine()))
    for kind in UNITS:
        of_kind = [r for r in results if r["kind"] == kind]
        if of_kind:
            print()
            table(kind, of_kind, args.rounds)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
