"""Runs programs in alternating rounds and compares their times.

  compare.py [--rounds N] [--json] <plan

A line of the plan is a contestant: four columns, divided by tabs.

  kind       step: the command prints its times, microseconds a training step, either
             as lines `name<TAB>time[<TAB>loss]`, or as a Go benchmark does
             program: the command is timed, from its start to its end
  name       for a command that prints none
  reference  the name of the contestant that it is compared with, - for none
  command    as the shell takes it

Each round runs every command, and the reference anew right before each of those that
are compared with it, so what disturbs the machine disturbs both. The time of a run is
the median of what the command prints, the time in the table the median of all runs. A
ratio is that of two neighbouring runs, the table has its median.
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


class Contestant:
    def __init__(self, line):
        self.kind, self.name, self.reference, self.command = line.rstrip("\n").split("\t")

    def run(self):
        """Returns the times of one run, {name: [times]}."""
        begin = time.perf_counter()
        done = subprocess.run(self.command, shell=True, capture_output=True, text=True)
        wall = time.perf_counter() - begin
        if done.returncode:
            sys.exit(f"bench: {self.name} failed ({done.returncode}): {self.command}\n{(done.stdout + done.stderr)[-2000:]}")
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
    """Returns {(kind, name): result}, a time a run and a ratio a round."""
    results = {}
    references = {(c.kind, c.name): c for c in contestants}
    for n in range(rounds):
        print(f"bench: round {n + 1} of {rounds}", file=sys.stderr, flush=True)
        for c in contestants:
            reference = references.get((c.kind, c.reference))
            against = keep(results, reference, reference.run()) if reference else None
            keep(results, c, c.run(), against)
    return results


def keep(results, contestant, times, against=None):
    """Adds the times of a run to results and returns their median, the last one's."""
    for name, values in times.items():
        r = results.setdefault((contestant.kind, name), {
            "kind": contestant.kind, "name": name, "reference": contestant.reference, "times": [], "ratios": []})
        middle = statistics.median(values)
        r["times"].append(middle)
        if against:
            r["ratios"].append(against / middle)
    return middle


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    contestants = [Contestant(line) for line in sys.stdin]
    warn_if_busy()
    results = summarise(list(run_rounds(contestants, args.rounds).values()))
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


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
