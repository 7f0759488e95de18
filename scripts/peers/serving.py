"""Asks rnnbin serve and Python servers of the same model for answers, from many connections
at a time and in alternating rounds, and compares how many answers a second they give. With
--endure it asks rnnbin serve alone, for so many answers, while versions are exchanged, and ends it
amid requests: none may be lost, and its memory must not grow.

Run by scripts/bench serve.
"""

import argparse
import concurrent.futures
import contextlib
import csv
import io
import itertools
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from compare import heading, warn_if_busy

# Rows and features of a request, and how its model is trained.
SHAPES = {
    "20 x 1": (20, 1, "noisy-sine", ["--cell", "plain", "--units", "100", "--steps", "20"]),
    "180 x 2": (180, 2, "bursts", ["--cell", "gru", "--units", "32", "--steps", "180"]),
}


peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "serving_peer.py")


def note(text):
    print("bench: " + text, file=sys.stderr)


def prepare(rnnbin, python, shape, folder):
    """Trains a model, exports it in both formats, and writes a request for HTTP and for gRPC."""
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
    subprocess.run([python, peer, "request", body, folder], check=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def servers(rnnbin, python, folder):
    """Returns each server's command for a port, and where it is asked, "" over gRPC."""
    own = lambda *flags: lambda port: [rnnbin, "serve", "m=" + os.path.join(folder, "model"), *(f.replace("PORT", str(port)) for f in flags)]
    python_peer = lambda kind, form: lambda port: [python, peer, kind, os.path.join(folder, form, "1"), str(port)]
    return {
        "rnnbin serve": (own("--listen", "127.0.0.1:PORT", "--grpc-listen", "none"), "/v1/models/m:predict"),
        "FastAPI, TensorFlow": (python_peer("tensorflow", "savedmodel"), "/predict"),
        "FastAPI, ONNX Runtime": (python_peer("onnx", "onnx"), "/predict"),
        "rnnbin serve, gRPC": (own("--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:PORT"), ""),
        "TensorFlow, gRPC": (python_peer("grpc", "savedmodel"), ""),
    }


@contextlib.contextmanager
def serving(args, command, path, folder):
    """Starts a server and yields what asks it, how long it took to answer first, and that answer."""
    port = free_port()
    target = Grpc(args, folder, port) if not path else Http(args, folder, "http://127.0.0.1:%d%s" % (port, path))
    began = time.monotonic()
    server = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while True:
            try:
                answer = target.ask()
                break
            except (OSError, KeyError):
                if server.poll() is not None or time.monotonic() - began > 60:
                    raise SystemExit("bench: a server does not start: " + server.stderr.read().decode()[-500:])
                time.sleep(0.02)
        yield target, time.monotonic() - began, answer
    finally:
        server.terminate()
        server.wait()


class Http:
    def __init__(self, args, folder, url):
        self.args, self.body, self.url = args, os.path.join(folder, "body.json"), url

    def ask(self):
        with open(self.body, "rb") as f:
            request = urllib.request.Request(self.url, f.read(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["predictions"][0]

    def load(self, *amount):
        """Returns the sorted times in ms of all answers, and how many requests had none."""
        out = subprocess.run([self.args.hey, *amount, "-c", str(self.args.connections), "-m", "POST", "-T", "application/json",
                              "-D", self.body, "-o", "csv", self.url], stdout=subprocess.PIPE, check=True, text=True).stdout
        answers = list(csv.DictReader(io.StringIO(out)))
        return sorted(1000 * float(a["response-time"]) for a in answers if a["status-code"] == "200"), sum(a["status-code"] != "200" for a in answers)


class Grpc:
    def __init__(self, args, folder, port):
        self.args, self.port = args, port
        self.call = [args.ghz, "--insecure", "--protoset", os.path.join(folder, "serving.protoset"), "--call",
                     "tensorflow.serving.PredictionService.Predict", "--binary-file", os.path.join(folder, "request.bin"), "-O", "json"]

    def ask(self):
        """Returns no answer: what is answered over gRPC is compared in tests."""
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        self.run("-n", "1", "-c", "1")["details"][0]

    def load(self, *amount):
        c = str(self.args.connections)
        answers = self.run(*amount, "-c", c, "--connections", c, "--duration-stop", "wait")["details"]
        return sorted(a["latency"] / 1e6 for a in answers if a["status"] == "OK"), sum(a["status"] != "OK" for a in answers)

    def run(self, *amount):
        out = subprocess.run([*self.call, *amount, "127.0.0.1:%d" % self.port], stdout=subprocess.PIPE, check=True, text=True).stdout
        return json.loads(out)


def load(target, seconds):
    """Returns answers a second, and the sorted times in ms of all."""
    times, lost = target.load("-z", "%ds" % seconds)
    if lost or not times:
        raise SystemExit("bench: %d of %d requests failed" % (lost, lost + len(times)))
    return len(times) / seconds, times


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
    prepare(args.rnnbin, args.python, shape, folder)
    found, first = {}, {}
    for round in range(args.rounds):
        for name, (command, path) in servers(args.rnnbin, args.python, folder).items():
            note("%s, round %d of %d: %s" % (shape, round + 1, args.rounds, name))
            with serving(args, command, path, folder) as (target, start, answer):
                if answer:
                    first[name] = answer
                load(target, 2)  # warms up
                rate, times = load(target, args.seconds)
                found.setdefault(name, []).append((rate, quantile(times, 0.5), quantile(times, 0.99), quantile(times, 0.999), start))
        same(first)
    return {name: [statistics.median(v) for v in zip(*rounds)] for name, rounds in found.items()}


RELOADS = 20


def endure(args, folder):
    """Exchanges versions while answers are asked for, and ends the server amid requests."""
    prepare(args.rnnbin, args.python, "20 x 1", folder)
    base, model = os.path.join(folder, "base"), os.path.join(folder, "model")
    shutil.copytree(model, os.path.join(base, "1"))
    port = free_port()
    server = subprocess.Popen([args.rnnbin, "serve", "m=" + base, "--listen", "127.0.0.1:%d" % port, "--grpc-listen", "none", "--poll", "50ms"],
                              stderr=subprocess.PIPE, text=True)
    told = []
    reader = threading.Thread(target=lambda: told.extend(server.stderr))
    reader.start()
    target = Http(args, folder, "http://127.0.0.1:%d/v1/models/m:predict" % port)
    while not any("ready" in line for line in told):
        time.sleep(0.05)
    done = threading.Event()
    memory, versions = [], itertools.count(2)

    def watch():
        while not done.wait(0.2):
            with open("/proc/%d/statm" % server.pid) as f:
                memory.append(int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)

    def reload():
        version = next(versions)
        shutil.copytree(model, os.path.join(folder, "part"))
        os.rename(os.path.join(folder, "part"), os.path.join(base, str(version)))
        while not any("m version %d has gone" % (version - 1) in line for line in told):
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(target.load, "-n", str(args.endure))
        for _ in range(RELOADS):
            if not asked.done():
                reload()
        times, lost = asked.result()
    done.set()
    watcher.join()
    out = subprocess.Popen([args.hey, "-z", "3s", "-c", str(args.connections), "-m", "POST", "-D", target.body, target.url], stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    server.terminate()
    summary = out.communicate()[0]
    code = server.wait()
    reader.join()
    errors = [line.strip() for line in summary.partition("Error distribution:")[2].splitlines() if line.strip()]
    cut = [e for e in errors if "connection refused" not in e]  # which is no request that it had
    tenth = max(1, len(memory) // 10)
    print("%s; %d answers in %d versions, %d lost, p50 %.1f ms, p99 %.1f ms" % (heading(), len(times), next(versions) - 1, lost, quantile(times, 0.5), quantile(times, 0.99)))
    print("memory, MB: %.0f at the median of the second tenth of the time, %.0f of the last, %.0f at most"
          % (statistics.median(memory[tenth:2 * tenth] or memory), statistics.median(memory[-tenth:]), max(memory)))
    print("SIGTERM amid requests: exit code %d, errors of requests that it had: %s" % (code, cut or "none"))
    if lost or cut or code:
        raise SystemExit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rnnbin", required=True)
    parser.add_argument("--python", required=True, help="with the packages of serving.txt")
    parser.add_argument("--hey", required=True)
    parser.add_argument("--ghz", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--endure", type=int, metavar="N", help="answers of rnnbin serve alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warn_if_busy()
    if args.endure:
        with tempfile.TemporaryDirectory() as folder:
            return endure(args, folder)
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
