"""Tells where a training step's time goes, from what perf has recorded.

  perf script -F ip,sym,dso | operations.py NANOSECONDS BINARY

NANOSECONDS is a step's time and BINARY the recorded program's file name. Each sample
is counted for the operation that its call chain passes through. Samples of the start,
before training, are left out. The C library keeps no frame pointers, so most of the
time in malloc, free and memcpy has no known caller.
"""

import collections
import os
import re
import sys

FRAME = re.compile(r"\s*[0-9a-f]+ (.*) \(([^()]*)\)$")
KERNEL = re.compile(r"tensorflow::(\w+?)(?:Op)?(?:<(.*)>)?::Compute(?:Async)?$")
FUNCTOR = re.compile(r"functor::(\w+)")
START = re.compile(r"NewSession|assemble|TF_NewGraph|GetOrCreateExecutors|ImportGraphDef|SetSeries|runtime\.(doInit|schedinit)|_dl_")
CLONE = re.compile(r"(\.(constprop|isra|part|cold|\d+))+$")  # what the C compiler adds to a function's name
EXECUTOR = re.compile(r"ThreadPoolDevice::Compute|DirectSession::Run|FunctionLibraryRuntime|NodeDef|OpKernelContext|ProcessFunctionLibrary")


def samples(lines):
    """Yields each sample's frames, the innermost first, as (symbol, file name)."""
    frames = []
    for line in lines:
        match = FRAME.match(line)
        if match:
            frames.append((CLONE.sub("", match[1]), os.path.basename(match[2])))
        elif not line.strip() and frames:
            yield frames
            frames = []
    if frames:
        yield frames


def kernel_name(symbol):
    """Returns the operation whose Compute a symbol is, or None."""
    match = KERNEL.match(symbol)
    if not match or match[1].endswith("Device"):
        return None
    functor = FUNCTOR.search(match[2] or "")
    return f"{match[1]} {functor[1]}" if functor else match[1]


def is_ours(frame, binary):
    """Tells a C function of the program from its Go functions, which have a dot."""
    symbol, file = frame
    return file == binary and re.fullmatch(r"\w+", symbol) and not symbol.startswith(("_cgo", "crosscall"))


def classify(frames, binary):
    """Returns (where, function): function for our own operations only. Or None."""
    if any(START.search(symbol) for symbol, _ in frames):
        return None
    ours = [frame[0] for frame in frames if is_ours(frame, binary)]
    if ours:
        inner = frames[0][0] if is_ours(frames[0], binary) else f"{ours[0]} in {frames[0][1]}"
        return f"ours: {ours[-1].removeprefix('compute_')}", inner
    name = next(filter(None, (kernel_name(symbol) for symbol, _ in frames)), None)
    if name:
        return f"TensorFlow: {name}", ""
    leaf = frames[0][1]
    if any(EXECUTOR.search(symbol) for symbol, _ in frames):
        return "TensorFlow's executor", ""
    if leaf.startswith(("libc", "ld-")):
        return "malloc, free, memcpy and the like, caller unknown", ""
    if leaf.startswith("libtensorflow"):
        return "TensorFlow, function unknown", ""
    if leaf.endswith(".map"):
        return "code that oneDNN generated, caller unknown", ""
    return ("Go" if leaf == binary else "the system"), ""


def print_table(counts, inside, step):
    total = sum(counts.values())
    print(f"| {total} samples, a step of {step:.0f} µs | share | µs |\n| --- | --: | --: |")

    def row(name, count):
        print(f"| {name} | {count / total:.1%} | {count / total * step:.1f} |")

    small = 0
    for where, count in counts.most_common():
        if count < total / 200:
            small += count
            continue
        row(where, count)
        for function, n in inside[where].most_common(10):
            if function and n >= total / 200:
                row(f"&nbsp;&nbsp;{function}", n)
    row("all that is below 0.5 % each", small)


def main():
    step, binary = float(sys.argv[1]) / 1e3, sys.argv[2]
    counts, inside = collections.Counter(), collections.defaultdict(collections.Counter)
    for frames in samples(sys.stdin):
        place = classify(frames, binary)
        if place:
            counts[place[0]] += 1
            inside[place[0]][place[1]] += 1
    if not counts:
        sys.exit("bench: perf has no samples of the training")
    print_table(counts, inside, step)


if __name__ == "__main__":
    main()
