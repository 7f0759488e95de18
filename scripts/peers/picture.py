"""Draws what scale.py has measured, and cells.py.

  picture.py FILE.svg <scale.json or cells.json
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rnnbin", "font.size": 9,
                            "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402

from measures import AXES, CENTRE, MEASURES  # noqa: E402

COLOURS = {1: "#1f6f8b", 2: "#99582a"}


def line(rows, axis, key):
    """Returns the points (x, key) of rows, sorted."""
    return zip(*sorted((r[axis], r[key]) for r in rows))


def draw(result, file):
    """Writes a picture with a panel for each of steps, units and batch, the other two at the centre."""
    centre = dict(zip(AXES, CENTRE))
    figure, panels = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
    for panel, axis in zip(panels, AXES):
        fixed = {k: v for k, v in centre.items() if k != axis}
        for threads, colour in COLOURS.items():
            rows = [r for r in result["rows"] if r["threads"] == threads and all(r[k] == v for k, v in fixed.items())]
            if not rows:
                continue
            name = f"{threads} thread{'s'[:threads - 1]}"
            panel.plot(*line(rows, axis, "gflops"), "o-", color=colour, markersize=4, label=f"rnnbin, {name}")
            if all("jax_step_us" in r for r in rows):
                for r in rows:
                    r["jax_gflops"] = r["gflops"] * r["step_us"] / r["jax_step_us"]
                panel.plot(*line(rows, axis, "jax_gflops"), "o--", color=colour, markersize=3, alpha=0.6, label=f"JAX scan, {name}")
        panel.set(xscale="log", xlabel=axis, ylim=(0, None), title=", ".join(f"{k} {v}" for k, v in fixed.items()))
        ticks = sorted({r[axis] for r in result["rows"] if all(r[k] == v for k, v in fixed.items())})
        panel.set_xticks(ticks, ticks)
        panel.minorticks_off()
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("GFLOP/s")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


PROGRAMS = {"rnnbin": ("#1f6f8b", "o"), "PyTorch": ("#99582a", "s"), "JAX": ("#6a8d3a", "^"),
            "Keras": ("#8a4f8f", "D"), "ONNX Runtime": ("#777777", "v")}


def draw_cells(result, file):
    """Writes a picture with a panel for each measure and number of threads; lines go from the lowest to the highest."""
    threads = sorted({r["threads"] for r in result["rows"]})
    measures = [m for m in MEASURES if any(r["measure"] == m for r in result["rows"])]
    figure, panels = plt.subplots(len(threads), len(measures), figsize=(10, 2.6 * len(threads)), sharex="col", sharey="col",
                                  squeeze=False, layout="constrained")
    for i, n in enumerate(threads):
        for panel, measure in zip(panels[i], measures):
            rows = [r for r in result["rows"] if (r["measure"], r["threads"]) == (measure, n)]
            draw_programs(panel, rows)
            title, unit, _ = MEASURES[measure]
            panel.set(ylabel=f"{n} thread{'s'[:n - 1]}", title="" if i else f"{title}, {unit}")
            if measure == "predict":
                panel.set_ylim(0, None)
            else:
                panel.set_yscale("log")
                panel.yaxis.set_major_formatter("{x:g}")
                panel.yaxis.set_minor_formatter("")
            panel.grid(axis="y", alpha=0.3)
    handles = {label: h for p in panels.flat for h, label in zip(*p.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), frameon=False)
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def draw_programs(panel, rows):
    """Draws the rows of one panel, the networks side by side."""
    networks = list(dict.fromkeys(r["network"] for r in rows))
    panel.set_xticks(range(len(networks)), [n.replace(", ", ",\n") for n in networks], rotation=60, ha="right", fontsize=7)
    for title, (colour, marker) in PROGRAMS.items():
        own = [r for r in rows if r["program"] == title]
        if own:
            x = [networks.index(r["network"]) for r in own]
            panel.vlines(x, [r["min"] for r in own], [r["max"] for r in own], color=colour, alpha=0.5)
            panel.plot(x, [r["median"] for r in own], marker, color=colour, markersize=4, label=title)


if __name__ == "__main__":
    measured = json.load(sys.stdin)
    (draw_cells if "isa" in measured else draw)(measured, sys.argv[1])
