"""What scale.py and cells.py measure, for both and for picture.py, and the numbers' form."""

# scale.py's shapes: around the centre one axis varies.
AXES = ("steps", "units", "batch")
CENTRE = (100, 100, 64)

# Those of cells.py, {key: (title, unit, how many units are a value's)}. Values are µs, or
# rows a µs.
MEASURES = {
    "layers": ("forward and backward of the layers", "ms", 1e-3),
    "train": ("a training step", "ms", 1e-3),
    "predict": ("predicting", "million rows a second", 1),
}


def metrics(text):
    """Returns the metrics of a Go benchmark's line, {unit: value}."""
    line = next(line for line in text.splitlines() if line.startswith("Benchmark"))
    pairs = (part.split() for part in line.split("\t")[2:])
    return {unit: float(value) for value, unit in pairs}


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
