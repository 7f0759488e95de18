"""Draws the scaling that scale.py has measured.

  picture.py FILE.svg <scale.json
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rnnbin", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402

from scale import AXES, CENTRE  # noqa: E402

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


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
