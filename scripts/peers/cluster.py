"""Measures a run by workers of one core each, and predicts what more of them would take.

  cluster.py [--rounds N] [--json] [--file FILE --label COLUMN] --rnnbin PROGRAM

Workers are processes of this machine, each on a core of its own as far as there are cores, the
chief on one that is left, if one is. Rounds alternate between a run by itself on one core and runs
by 1, 2 and 4 workers; numbers are medians. Bytes and turns are counted between, in a run more
that is not timed. What a job takes longer by a worker than by the run itself is its overhead.

The model: a run is its serial part and, stage by stage, its jobs on the workers, the longest
first; each takes its own time, the overhead, its turns times the latency and its rows through the
chief's line, which all share. With --replicas an update is divided by the number of slots, and
each but one adds the weights, twice, through the first slot's line.
"""

import argparse
import heapq
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import compare

MEASURED, PREDICTED = (1, 2, 4), (8, 32, 128, 1000)
LINES = {"10 Gbit/s, 0.1 ms": (1.25e9, 1e-4), "1 Gbit/s, 1 ms": (1.25e8, 1e-3), "100 Mbit/s, 20 ms": (1.25e7, 2e-2)}  # bytes a second, seconds
TIMES = {"this run": 1, "a search, 10 times the jobs": 10, "100 times": 100}
LARGE = ["--cell", "gru", "--units", "512", "--batch-size", "256", "--steps", "64", "--folds", "0", "--members", "1", "--rolling", "none"]
UPDATES = (4, 12)  # of the large network, in epochs of one each: what they differ by is timed
SECRET = "0123456789abcdef0123456789abcdef"
cores = sorted(os.sched_getaffinity(0))


def on_core(core, command):
    return ["taskset", "-c", str(core), *command]


class Worker:
    """A worker of one slot on a core."""

    def __init__(self, program, number):
        self.process = subprocess.Popen(on_core(cores[number % len(cores)], [program, "worker", "--listen", "127.0.0.1:0", "--slots", "1"]),
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, "RNNBIN_SECRET": SECRET})
        self.address = self.process.stderr.readline().split()[2].rstrip(",")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def end(self):
        self.process.terminate()
        self.process.wait()


class Wire:
    """Passes on connections to an address, and counts."""

    def __init__(self, to):
        host, port = to.rsplit(":", 1)
        self.to, self.bytes, self.turns, self.last = (host, int(port)), [0, 0], 0, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            one, other = self.server.accept()[0], socket.create_connection(self.to)
            for way, (a, b) in enumerate([(one, other), (other, one)]):
                b.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.copy, args=(a, b, way), daemon=True).start()

    def copy(self, a, b, way):
        try:
            while data := a.recv(1 << 18):
                self.turns += way != self.last
                self.last = way
                self.bytes[way] += len(data)
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def train(args, flags, workers=(), core=None):
    """Returns a run's seconds and the lines of its jobs."""
    with tempfile.TemporaryDirectory() as out:
        command = [args.rnnbin, "train", args.file, "--label", args.label, *args.series, "--seed", "1", "--json", "--out", out + "/model", "--tensorboard=false", *flags]
        if workers:
            command += ["--workers", ",".join(workers)]
        begin = time.perf_counter()
        done = subprocess.run(command if core is None else on_core(core, command), capture_output=True, text=True, env={**os.environ, "RNNBIN_SECRET": SECRET})
        wall = time.perf_counter() - begin
        if done.returncode:
            sys.exit(f"bench: failed: {' '.join(command)}\n{done.stderr[-2000:]}")
        lines = map(json.loads, done.stdout.splitlines())
        return wall, [line for line in lines if line["type"] == "job"]


def by_workers(args, n, flags=(), counted=False):
    """Returns seconds and jobs of a run by n workers, and what went through their wires."""
    workers = [Worker(args.rnnbin, i) for i in range(n)]
    wires = [Wire(w.address) for w in workers] if counted else []
    try:
        left = cores[n] if n < len(cores) else None
        wall, jobs = train(args, flags, [w.address for w in wires or workers], left)
        return wall, jobs, [sum(sum(w.bytes) for w in wires), sum(w.turns for w in wires) / 2]
    finally:
        for w in workers:
            w.end()


def stage(job):
    """Returns the stage that a job belongs to: two folds of the comparison, the judging, or the end."""
    if job["fold"] == 0:
        return "final"
    return "judging" if job["member"] else f"comparison {(job['fold'] - 1) // 2}"


def makespan(seconds, workers):
    free = [0.0] * workers
    for s in sorted(seconds, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + s)
    return max(free)


def predict(m, workers, line, times=1):
    """Returns the seconds of a run whose jobs are so many times those measured."""
    bandwidth, latency = line
    total = m["serial"]
    for seconds in m["stages"].values():
        each = [s + m["overhead"] + m["turns"] * latency + m["bytes"] / bandwidth for s in seconds * times]
        total += max(makespan(each, workers), len(each) * m["bytes"] / bandwidth)
    return total


def predict_update(m, replicas, line):
    bandwidth, latency = line
    wire = (replicas - 1) * 2 * m["weights"] / bandwidth + (2 * latency + m["call"] if replicas > 1 else 0)
    return m["update"] / replicas + wire


def large(args):
    """Measures an update of a large network by one slot and by two."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
        f.write("x,label\n" + "".join(f"{(i * i % 97) / 97:.3f},{i // 9 % 2}\n" for i in range(64 * 256)))
        f.flush()
        args = argparse.Namespace(**{**vars(args), "file": f.name, "label": "label", "series": []})
        flags = [*LARGE, "--stride", "64"]
        seconds = {}
        for n in (1, 2):
            rounds = []
            for _ in range(args.rounds):
                early, late = (by_workers(args, n, [*flags, "--replicas", str(n), "--epochs", str(e)])[0] for e in UPDATES)
                rounds.append((late - early) / (UPDATES[1] - UPDATES[0]))
            seconds[n] = statistics.median(rounds)
    units, inputs = 512, 1
    weights = 4 * (3 * (units + inputs) * units + 4 * units + 2 * units + 2)
    return {"update": seconds[1], "measured": seconds, "weights": weights,
            "call": max(0, seconds[2] - seconds[1] / 2)}


def measure(args):
    walls, alone, jobs = {n: [] for n in MEASURED}, [], None
    for k in range(args.rounds):
        print(f"bench: round {k + 1} of {args.rounds}", file=sys.stderr, flush=True)
        wall, jobs = train(args, ["--threads", "1"], core=cores[0])
        alone.append((wall, jobs))
        for n in MEASURED:
            walls[n].append(by_workers(args, n)[0])
    print("bench: counting bytes", file=sys.stderr, flush=True)
    counted = {n: by_workers(args, n, counted=True)[2] for n in MEASURED[:2]}
    n, (wall, jobs) = len(jobs), sorted(alone, key=lambda a: a[0])[len(alone) // 2]
    stages = {}
    for job in jobs:
        stages.setdefault(stage(job), []).append(job["seconds"])
    walls = {k: statistics.median(v) for k, v in walls.items()}
    # with many workers each job has its rows sent; two of them come close to that where each has half of the jobs
    model = {"serial": max(0, wall - sum(j["seconds"] for j in jobs)), "overhead": max(0, (walls[1] - wall) / n), "stages": stages,
             "bytes": max(c[0] for c in counted.values()) / n, "turns": counted[1][1] / n}
    return {**compare.machine(), "rounds": args.rounds, "cores": len(cores), "jobs": n, "alone": wall, "workers": walls, "counted": counted,
            "model": model, "large": large(args)}


def print_tables(r):
    m, big = r["model"], r["large"]
    print(f"{compare.heading()}, {r['cores']} cores, {r['rounds']} rounds; {r['jobs']} jobs")
    print(f"a job: {m['overhead'] * 1e3:.0f} ms of overhead ({m['overhead'] * r['jobs'] / r['alone']:.1%} of the run), "
          f"{m['bytes'] / 1e6:.1f} MB ({r['counted'][1][0] / r['jobs'] / 1e6:.1f} with one worker), {m['turns']:.0f} turns\n")
    print("| workers of one core | seconds | faster than one | predicted |\n| --: | --: | --: | --: |")
    print(f"| none, the run itself on one core | {r['alone']:.1f} | {r['workers'][1] / r['alone']:.2f} | |")
    for n, seconds in r["workers"].items():
        shared = " (sharing cores)" if n + 1 > r["cores"] else ""
        print(f"| {n}{shared} | {seconds:.1f} | {r['workers'][1] / seconds:.2f} | {predict(m, n, (1e10, 0)):.1f} |")
    print(f"\nSeconds predicted, and how many times faster than one worker beside the chief:\n\n| jobs, line | {' | '.join(map(str, PREDICTED))} |\n| --- |{' --: |' * len(PREDICTED)}")
    for jobs, times in TIMES.items():
        for name, line in LINES.items():
            one = predict(m, 1, (1e10, 0), times)
            cells = [(t := predict(m, n, line, times), one / t) for n in PREDICTED]
            print(f"| {jobs}; {name} | {' | '.join(f'{t:.1f} ({f:.1f})' for t, f in cells)} |")
    seconds = big["measured"]
    print(f"\nGRU 512, 64 steps, batch 256, {big['weights'] / 1e6:.1f} MB of weights: an update by one slot {seconds[1]:.2f} s, by two {seconds[2]:.2f} s, "
          f"{seconds[1] / seconds[2]:.2f} times as fast\n\n| slots together, line | 2 | 4 | 8 | 32 |\n| --- | --: | --: | --: | --: |")
    for name, line in LINES.items():
        times = [big["update"] / predict_update(big, n, line) for n in (2, 4, 8, 32)]
        print(f"| {name} | {' | '.join(f'{t:.1f}' for t in times)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--file")
    parser.add_argument("--label", default="label")
    parser.add_argument("--rnnbin", required=True)
    args = parser.parse_args()
    args.series = []
    compare.warn_if_busy()
    with tempfile.TemporaryDirectory() as folder:
        if not args.file:
            args.file, args.label, args.series = folder + "/activities.csv", "label", ["--series", "series"]
            subprocess.run([args.rnnbin, "data", "activities", "--out", args.file], check=True, stderr=subprocess.DEVNULL)
        result = measure(args)
    if args.json:
        print(json.dumps(result))
    else:
        print_tables(result)


if __name__ == "__main__":
    main()
