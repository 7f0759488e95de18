"""Measures how a training step scales, each shape in a process of its own.

  scale.py [--full] [--rounds N] [--json] [--picture FILE] --benchmarks BINARY [--jax PYTHON]

BINARY holds graph's benchmarks, PYTHON has JAX. Around a centre one of steps, units
and batch varies; with --full there is every combination. Share is of what a product
of two 1024 x 1024 matrices reaches in libtensorflow on the same threads right before.
Every number is the median of the rounds.
"""

import argparse
import collections
import itertools
import json
import os
import statistics
import subprocess
import sys

import compare
from measures import AXES, CENTRE, metrics, number

STEPS, UNITS, BATCHES, THREADS = (20, 100, 500, 2000), (32, 100, 256, 512), (10, 64, 256), (1, 2)
CORNERS = [(20, 100, 10), (20, 512, 64), (20, 512, 256)]
BIG = 2e11  # floating-point operations of a call; above, it makes fewer steps
here = os.path.dirname(os.path.abspath(__file__))


def shapes(full):
    """Returns the shapes (steps, units, batch), sorted."""
    if full:
        return list(itertools.product(STEPS, UNITS, BATCHES))
    s, u, b = CENTRE
    around = [(v, u, b) for v in STEPS] + [(s, v, b) for v in UNITS] + [(s, u, v) for v in BATCHES]
    return sorted({*around, *CORNERS})


def output(command, **env):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode:
        sys.exit(f"bench: failed: {' '.join(command)}\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def benchmark(binary, name, threads, seconds, *flags):
    return metrics(output([binary, "-test.run", "^$", "-test.bench", f"^{name}$", "-test.benchtime", f"{seconds}s",
                           f"-shape.threads={threads}", *flags]))


def of_rnnbin(binary, shape, threads):
    steps, units, batch = shape
    call = 1 if 6 * steps * batch * units * units * 10 > BIG else 10
    m = benchmark(binary, "BenchmarkShape", threads, 0.5, f"-shape.steps={steps}", f"-shape.units={units}",
                  f"-shape.batch={batch}", f"-shape.call={call}")
    return {"step_us": m["ns/step"] / 1e3, "gflops": m["GFLOP/s"], "build_ms": m["ms-build"],
            "first_ms": m["ms-first"], "peak_mb": m["MB-peak"]}


def of_jax(python, shape, threads):
    """Returns JAX's time for a step and to compile it; one thread by giving it one core."""
    limit = ["taskset", "-c", "0"] if threads == 1 else []
    lines = output([*limit, python, os.path.join(here, "jax_peer.py"), "--shape", *map(str, shape), "--seconds", "0.5"])
    return {f"jax_{k}": float(v) for k, v in (line.split("\t") for line in lines.splitlines())}


def of_shape(args, shape, threads):
    """Returns one round's numbers of a shape, all measured right after each other."""
    m = {"peak_gflops": benchmark(args.benchmarks, "BenchmarkMatMul", threads, 0.3)["GFLOP/s"]}
    m.update(of_rnnbin(args.benchmarks, shape, threads))
    m["share"] = m["gflops"] / m["peak_gflops"]
    if args.jax:
        m.update(of_jax(args.jax, shape, threads))
        m["ratio"] = m["step_us"] / m["jax_step_us"]
    return m


def measure(args):
    threads = [n for n in THREADS if n <= os.cpu_count()]
    rounds = collections.defaultdict(list)
    for n in range(args.rounds):
        print(f"bench: round {n + 1} of {args.rounds}", file=sys.stderr, flush=True)
        for at in itertools.product(shapes(args.full), threads):
            rounds[at].append(of_shape(args, *at))
    rows = []
    for (shape, n), values in rounds.items():
        medians = {k: statistics.median(v[k] for v in values) for k in values[0]}
        rows.append({**dict(zip(AXES, shape)), "threads": n, **medians})
    peaks = {n: statistics.median(r["peak_gflops"] for r in rows if r["threads"] == n) for n in threads}
    return {**compare.machine(), "rounds": args.rounds, "peak_gflops": peaks, "rows": rows}


def print_table(result):
    peaks = ", ".join(f"{v:.0f} GFLOP/s on {n} thread{'s'[:n - 1]}" for n, v in result["peak_gflops"].items())
    print(f"{compare.heading()}, {result['rounds']} rounds; a 1024 x 1024 product reaches {peaks}\n")
    jax = any("jax_step_us" in r for r in result["rows"])
    columns = ["steps", "units", "batch", "threads", "ms a step", "GFLOP/s", "share", "build, ms", "first call, ms", "peak, MB"]
    columns += ["JAX, ms a step", "compile, ms", "rnnbin / JAX"] if jax else []
    print(f"| {' | '.join(columns)} |\n|{' --: |' * len(columns)}")
    for r in result["rows"]:
        cells = [r["steps"], r["units"], r["batch"], r["threads"], number(r["step_us"] / 1e3), f"{r['gflops']:.0f}",
                 f"{r['share']:.0%}", f"{r['build_ms']:.0f}", f"{r['first_ms']:.0f}", f"{r['peak_mb']:.0f}"]
        if jax:
            cells += [number(r["jax_step_us"] / 1e3), f"{r['jax_build_ms']:.0f}", f"{r['ratio']:.2f}"]
        print(f"| {' | '.join(map(str, cells))} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--picture")
    parser.add_argument("--benchmarks", required=True)
    parser.add_argument("--jax")
    args = parser.parse_args()
    compare.warn_if_busy()
    result = measure(args)
    if args.picture:
        import picture
        picture.draw(result, args.picture)
    if args.json:
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        print_table(result)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
