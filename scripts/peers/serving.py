"""Asks rnnbin serve and Python servers of the same model for answers, from many connections
at a time and in alternating rounds, and compares how many answers a second they give. With
--endure it asks rnnbin serve alone, for so many answers, while versions are exchanged, and ends it
amid requests: none may be lost, and its memory must not grow. With --streams it sends rnnbin serve
rows of many streams, each when it is due.

Run by scripts/bench serve and streams.
"""

import argparse
import concurrent.futures
import contextlib
import itertools
import json
import os
import random
import shutil
import socket
import statistics
import struct
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


STREAM = "20 x 1"  # the shape whose model labels streams
RATES = 10, 20, 40, 60, 80, 100  # rows a second of each stream
SHARE = 100  # streams of a connection, where a protocol has several

peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "serving_peer.py")


def note(text):
    print("bench: " + text, file=sys.stderr)


def train(rnnbin, shape, folder):
    data, flags = SHAPES[shape][2:]
    table = os.path.join(folder, "data.csv")
    with open(table, "w") as f:
        subprocess.run([rnnbin, "data", data], stdout=f, check=True)
    model = os.path.join(folder, "model")
    subprocess.run([rnnbin, "train", table, "--folds", "0", "--members", "1", "--epochs", "2", "--rolling", "none",
                    "--seed", "1", "--quiet", "--out", model] + flags, stdout=subprocess.DEVNULL, check=True)
    return model


def prepare(rnnbin, python, shape, folder):
    """Trains a model, exports it in both formats, and writes a request for HTTP and for gRPC."""
    rows, features = SHAPES[shape][:2]
    model = train(rnnbin, shape, folder)
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


PREDICT, GRPC_PREDICT = "/v1/models/m:predict", "/tensorflow.serving.PredictionService/Predict"


def own(rnnbin, folder, protocol):
    """Returns the command of rnnbin serve that listens for a protocol at a port."""
    listen, other = ("--grpc-listen", "--listen=127.0.0.1:0") if protocol in ("grpc", "stream") else ("--listen", "--grpc-listen=none")
    return lambda port: [rnnbin, "serve", "m=" + os.path.join(folder, "model"), other, listen, "127.0.0.1:%d" % port]


def servers(rnnbin, python, folder):
    """Returns each server's command for a port, and how it is asked."""
    python_peer = lambda kind, form: lambda port: [python, peer, kind, os.path.join(folder, form, "1"), str(port)]
    return {
        "rnnbin serve": (own(rnnbin, folder, "http"), "http", PREDICT),
        "FastAPI, TensorFlow": (python_peer("tensorflow", "savedmodel"), "http", "/predict"),
        "FastAPI, ONNX Runtime": (python_peer("onnx", "onnx"), "http", "/predict"),
        "rnnbin serve, gRPC": (own(rnnbin, folder, "grpc"), "grpc", GRPC_PREDICT),
        "TensorFlow, gRPC": (python_peer("grpc", "savedmodel"), "grpc", GRPC_PREDICT),
    }


@contextlib.contextmanager
def serving(target, command):
    """Starts a server and yields how long it took to answer first, and that answer."""
    began = time.monotonic()
    server = subprocess.Popen(command(target.port), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    target.server = server.pid
    try:
        while True:
            try:
                answer = target.ask()
                break
            except (OSError, subprocess.CalledProcessError):
                if server.poll() is not None or time.monotonic() - began > 60:
                    raise SystemExit("bench: a server does not start: " + server.stderr.read().decode()[-500:])
                time.sleep(0.02)
        yield time.monotonic() - began, answer
    finally:
        server.terminate()
        server.wait()


class Target:
    """What a server is asked, at a port of this machine: the body in a file, over HTTP or gRPC, or in streams."""

    def __init__(self, load, protocol, path, body, begin=None):
        self.load, self.protocol, self.path, self.body, self.begin = load, protocol, path, body, begin
        self.port, self.server, self.client = free_port(), None, 0

    def ask(self):
        """Returns the answer over HTTP, which are compared; what is answered otherwise is compared in tests."""
        if self.protocol != "http":
            return self.run("-requests", "1", "-rate", "10", "-seconds", "0.1", "-connections", "1") and None
        with open(self.body, "rb") as f:
            request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, self.path), f.read(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["predictions"][0]

    def run(self, *flags):
        begin = ["-begin", self.begin] if self.begin else []
        command = [self.load, *begin, *flags, self.protocol, "127.0.0.1:%d" % self.port, self.path, self.body]
        before = os.times()
        out = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout)
        after = os.times()
        self.client = after.children_user + after.children_system - before.children_user - before.children_system
        return sorted(out["ms"]), out["lost"], out["seconds"]

    def measure(self, *flags):
        """Returns answers a second, the sorted times in ms of all, and the processor time of the server for each, in us."""
        before = self.processor()
        times, lost, seconds = self.run(*flags)
        if lost or not times:
            raise SystemExit("bench: requests failed: %s" % lost)
        return len(times) / seconds, times, 1e6 * (self.processor() - before) / len(times)

    def processor(self):
        with open("/proc/%d/stat" % self.server) as f:
            user, system = f.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


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
        for name, (command, protocol, path) in servers(args.rnnbin, args.python, folder).items():
            note("%s, round %d of %d: %s" % (shape, round + 1, args.rounds, name))
            target = Target(args.load, protocol, path, os.path.join(folder, {"http": "body.json", "grpc": "request.bin"}[protocol]))
            with serving(target, command) as (start, answer):
                if answer:
                    first[name] = answer
                connections = "-connections", str(args.connections)
                target.measure("-seconds", "2", *connections)  # warms up
                rate, times, processor = target.measure("-seconds", str(args.seconds), *connections)
                found.setdefault(name, []).append((rate, processor, quantile(times, 0.5), quantile(times, 0.99), quantile(times, 0.999), start))
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
    target = Target(args.load, "http", PREDICT, os.path.join(folder, "body.json"))
    target.port, connections = port, ("-connections", str(args.connections))
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
        asked = pool.submit(target.run, "-requests", str(args.endure), *connections)
        for _ in range(RELOADS):
            if not asked.done():
                reload()
        times, lost, _ = asked.result()
        done.set()
        watcher.join()
        asked = pool.submit(target.run, "-seconds", "3", *connections)
        time.sleep(1)
        server.terminate()
        cut = {e: n for e, n in asked.result()[1].items() if "connection refused" not in e}  # which is no request that it had
    code = server.wait()
    reader.join()
    tenth = max(1, len(memory) // 10)
    print("%s; %d answers in %d versions, %d lost, p50 %.1f ms, p99 %.1f ms" % (heading(), len(times), next(versions) - 1, sum(lost.values()), quantile(times, 0.5), quantile(times, 0.99)))
    print("memory, MB: %.0f at the median of the second tenth of the time, %.0f of the last, %.0f at most"
          % (statistics.median(memory[tenth:2 * tenth] or memory), statistics.median(memory[-tenth:]), max(memory)))
    print("SIGTERM amid requests: exit code %d, errors of requests that it had: %s" % (code, cut or "none"))
    if lost or cut or code:
        raise SystemExit(1)


def stream_messages(folder, features):
    """Writes a row of a stream as JSON and as LabelRequest, and the LabelRequest that names the model."""
    files = {"row.json": json.dumps([0.5] * features).encode() + b"\n", "row.bin": b"\x1a" + bytes([8 * features]) + struct.pack("<%dd" % features, *[0.5] * features),
             "begin.bin": b"\x0a\x01m"}
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
    return [os.path.join(folder, name) for name in files]


def streams(args, folder):
    """Prints how rows of many streams fare that are sent at several rates, by protocol."""
    train(args.rnnbin, STREAM, folder)
    row, message, begin = stream_messages(folder, SHAPES[STREAM][1])
    path, label = "/v1/models/m:stream", "/rnnbin.v1.StreamService/Label"
    print(heading() + "; %d streams of %s, %d s for each line\n" % (args.streams, STREAM, args.seconds))
    print("| protocol | rows a second of each | of all | p50, ms | p99 | p99.9 | server's processor, us a row | the client's |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for name, share, protocol, at, body, first in [
            ("JSON lines", 1, "lines", path, row, None), ("WebSocket", 1, "websocket", path, row, None),
            ("gRPC", 1, "stream", label, message, begin), ("gRPC, %d streams a connection" % SHARE, SHARE, "stream", label, message, begin)]:
        target = Target(args.load, protocol, at, body, first)
        with serving(target, own(args.rnnbin, folder, protocol)):
            for each in RATES:
                rate, times, processor = target.measure("-connections", str(args.streams // share), "-share", str(share), "-rate", str(each), "-seconds", str(args.seconds))
                quantiles = (quantile(times, q) for q in (0.5, 0.99, 0.999))
                print("| %s | %d | %.0f | %.1f | %.1f | %.1f | %.1f | %.1f |" % (name, each, rate, *quantiles, processor, 1e6 * target.client / len(times)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rnnbin", required=True)
    parser.add_argument("--load", required=True, help="the program in load")
    parser.add_argument("--python", help="with the packages of serving.txt; not for --streams")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--endure", type=int, metavar="N", help="answers of rnnbin serve alone")
    parser.add_argument("--streams", type=int, metavar="N", help="streams of rnnbin serve alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warn_if_busy()
    alone = endure if args.endure else streams if args.streams else None
    if alone:
        with tempfile.TemporaryDirectory() as folder:
            return alone(args, folder)
    results = {}
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            results[shape] = compare(args, shape, folder)
    if args.json:
        keys = ("requests_a_second", "processor_us", "p50_ms", "p99_ms", "p999_ms", "first_answer_s")
        print(json.dumps({shape: {name: dict(zip(keys, v)) for name, v in found.items()} for shape, found in results.items()}))
        return
    print(heading() + "; %d connections, medians of %d rounds of %d s\n" % (args.connections, args.rounds, args.seconds))
    print("| request | server | requests a second | of rnnbin's | its processor, us a request | p50, ms | p99 | p99.9 | first answer, s |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: | --: |")
    for shape, found in results.items():
        for name, (rate, processor, p50, p99, p999, start) in found.items():
            best = found["rnnbin serve, gRPC" if "gRPC" in name else "rnnbin serve"][0]
            print("| %s | %s | %.0f | %.2f | %.0f | %.1f | %.1f | %.1f | %.1f |" % (shape, name, rate, rate / best, processor, p50, p99, p999, start))


if __name__ == "__main__":
    main()
