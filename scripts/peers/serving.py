"""Asks rnnbin serve and Python servers of the same model for answers, from many connections
at a time and in alternating rounds, and compares how many answers a second they give.

Run by scripts/bench serve.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from compare import heading, warn_if_busy

# Rows and features of a request, and how its model is trained.
SHAPES = {
    "20 x 1": (20, 1, "noisy-sine", ["--cell", "plain", "--units", "100", "--steps", "20"]),
    "180 x 2": (180, 2, "bursts", ["--cell", "gru", "--units", "32", "--steps", "180"]),
}


def note(text):
    print("bench: " + text, file=sys.stderr)


def prepare(rnnbin, shape, folder):
    """Trains a model, exports it in both formats and returns the body of a request."""
    rows, features, data, flags = SHAPES[shape]
    table = os.path.join(folder, "data.csv")
    with open(table, "w") as f:
        subprocess.run([rnnbin, "data", data], stdout=f, check=True)
    model = os.path.join(folder, "model")
    subprocess.run([rnnbin, "train", table, "--folds", "0", "--members", "1", "--epochs", "2", "--rolling", "none",
                    "--seed", "1", "--quiet", "--out", model] + flags, stdout=subprocess.DEVNULL, check=True)
    for form in ("savedmodel", "onnx"):
        subprocess.run([rnnbin, "export", model, "--out", os.path.join(folder, form), "--format", form],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    rng = random.Random(1)
    series = [[rng.gauss(0, 1) for _ in range(features)] for _ in range(rows)]
    body = os.path.join(folder, "body.json")
    with open(body, "w") as f:
        json.dump({"instances": [series]}, f)
    return body


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def servers(rnnbin, python, folder):
    """Returns each server's command for a port, and where it is asked."""
    here = os.path.dirname(os.path.abspath(__file__))
    own = lambda port: [rnnbin, "serve", "m=" + os.path.join(folder, "model"), "--listen", "127.0.0.1:%d" % port, "--grpc-listen", "none"]
    peer = lambda kind, form: lambda port: [python, os.path.join(here, "serving_peer.py"), kind, os.path.join(folder, form, "1"), str(port)]
    return {
        "rnnbin serve": (own, "/v1/models/m:predict"),
        "FastAPI, TensorFlow": (peer("tensorflow", "savedmodel"), "/predict"),
        "FastAPI, ONNX Runtime": (peer("onnx", "onnx"), "/predict"),
    }


@contextlib.contextmanager
def serving(command, path, body):
    """Starts a server and yields its address, and how long it took to answer first."""
    port = free_port()
    url = "http://127.0.0.1:%d%s" % (port, path)
    began = time.monotonic()
    server = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while True:
            try:
                answer = ask(url, body)
                break
            except OSError:
                if server.poll() is not None or time.monotonic() - began > 60:
                    raise SystemExit("bench: a server does not start: " + server.stderr.read().decode()[-500:])
                time.sleep(0.02)
        yield url, time.monotonic() - began, answer
    finally:
        server.terminate()
        server.wait()


def ask(url, body):
    with open(body, "rb") as f:
        request = urllib.request.Request(url, f.read(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["predictions"][0]


def load(hey, url, body, seconds, connections):
    """Returns answers a second, and the sorted times in ms of all."""
    out = subprocess.run([hey, "-z", "%ds" % seconds, "-c", str(connections), "-m", "POST", "-T", "application/json", "-D", body, "-o", "csv", url],
                         stdout=subprocess.PIPE, check=True, text=True).stdout
    answers = list(csv.DictReader(io.StringIO(out)))
    bad = [a for a in answers if a["status-code"] != "200"]
    if bad or not answers:
        raise SystemExit("bench: %s: %d of %d requests failed, the first with %s" % (url, len(bad), len(answers), bad and bad[0]["status-code"]))
    return len(answers) / seconds, sorted(1000 * float(a["response-time"]) for a in answers)


def quantile(times, q):
    return times[min(len(times) - 1, int(q * len(times)))]


def same(answers):
    """Checks that all servers answer alike."""
    first = next(iter(answers.values()))
    for name, answer in answers.items():
        if answer["labels"] != first["labels"]:
            raise SystemExit("bench: %s answers otherwise" % name)
        far = max(abs(p - q) for row, other in zip(answer["probabilities"], first["probabilities"]) for p, q in zip(row, other))
        if not far < 1e-5:
            raise SystemExit("bench: the probabilities of %s are off by %g" % (name, far))


def compare(args, shape, folder):
    body = prepare(args.rnnbin, shape, folder)
    found, first = {}, {}
    for round in range(args.rounds):
        for name, (command, path) in servers(args.rnnbin, args.python, folder).items():
            note("%s, round %d of %d: %s" % (shape, round + 1, args.rounds, name))
            with serving(command, path, body) as (url, start, answer):
                first[name] = answer
                load(args.hey, url, body, 2, args.connections)  # warms up
                rate, times = load(args.hey, url, body, args.seconds, args.connections)
                found.setdefault(name, []).append((rate, quantile(times, 0.5), quantile(times, 0.99), quantile(times, 0.999), start))
        same(first)
    return {name: [statistics.median(v) for v in zip(*rounds)] for name, rounds in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rnnbin", required=True)
    parser.add_argument("--python", required=True, help="with the packages of serving.txt")
    parser.add_argument("--hey", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warn_if_busy()
    results = {}
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            results[shape] = compare(args, shape, folder)
    if args.json:
        keys = ("requests_a_second", "p50_ms", "p99_ms", "p999_ms", "first_answer_s")
        print(json.dumps({shape: {name: dict(zip(keys, v)) for name, v in found.items()} for shape, found in results.items()}))
        return
    print(heading() + "; %d connections, medians of %d rounds of %d s\n" % (args.connections, args.rounds, args.seconds))
    print("| request | server | requests a second | of rnnbin's | p50, ms | p99 | p99.9 | first answer, s |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: |")
    for shape, found in results.items():
        best = found["rnnbin serve"][0]
        for name, (rate, p50, p99, p999, start) in found.items():
            print("| %s | %s | %.0f | %.2f | %.1f | %.1f | %.1f | %.1f |" % (shape, name, rate, rate / best, p50, p99, p999, start))


if __name__ == "__main__":
    main()
