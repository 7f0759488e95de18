"""Writes small recordings with wfdb and pyedflib, and what these read in them.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

NAME.csv has the values of NAME.hea or NAME.edf as the library reads them, NAME.json the annotations.
wfdb does not write formats 61, 160, 310 and 311: those files are random bytes, which it reads. Numbers in 311 are not
negative, as it reads those wrongly (wfdb 4.3.1).
"""

import datetime
import json
import pathlib

import numpy as np
import pyedflib
import wfdb

random = np.random.default_rng(0)


def values(name, columns, units, rows):
    with open(name + ".csv", "w") as file:
        file.write(",".join(columns) + "\n" + ",".join(units) + "\n")
        for row in rows:
            file.write(",".join("" if np.isnan(x) else repr(float(x)) for x in row) + "\n")


def record(name, smooth=True):
    """The values of a record; a row is a sample of the fastest signal, and slower ones repeat theirs."""
    r = wfdb.rdrecord(name, smooth_frames=False)
    most = max(r.samps_per_frame)
    columns = [np.repeat(x, most // n) for x, n in zip(r.e_p_signal, r.samps_per_frame)]
    time = np.arange(len(columns[0])) / (r.fs * most)
    values(name, ["time"] + r.sig_name, ["s"] + r.units, zip(time, *columns))


def written(name, fmt, bits, gap=False):
    """A record of two signals that wfdb writes."""
    d = random.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1), (13, 2))
    if gap:
        d[5, 1] = -(2 ** (bits - 1))
    wfdb.wrsamp(name, fs=250, units=["mV", "mmHg"], sig_name=["ECG lead II", "ART"], d_signal=d, fmt=[fmt] * 2, adc_gain=[200.0, 12.08], baseline=[-3, 7])
    record(name)


def crafted(name, fmt, size):
    """A record of two signals, 12 samples each, of random bytes."""
    data = np.frombuffer(random.bytes(size), "<u4")
    if fmt == "311":
        data = data & ~np.uint32(1 << 9 | 1 << 19 | 1 << 29)
    pathlib.Path(name + ".dat").write_bytes(data.tobytes())
    pathlib.Path(name + ".hea").write_text(f"{name} 2 360.5 12\n{name}.dat {fmt} 200 11 1024 0 0 0 MLII\n{name}.dat {fmt} 0 11 3\n")
    r = wfdb.rdrecord(name, physical=False)
    sums = [int(x) for x in r.d_signal.astype(np.int64).sum(0) % 65536]
    pathlib.Path(name + ".hea").write_text(f"# {name}\n{name} 2 360.5 12\n{name}.dat {fmt} 200 11 1024 0 {sums[0]} 0 MLII\n{name}.dat {fmt} 0 11 3 0 {sums[1]} 0 V5\n")
    record(name)


for fmt, bits in ("16", 16), ("24", 24), ("32", 32), ("80", 8), ("212", 12):
    written("wfdb" + fmt, fmt, bits, gap=fmt in ("16", "212"))
for fmt, size in ("61", 48), ("160", 48), ("310", 32), ("311", 32):
    crafted("wfdb" + fmt, fmt, size)

# Two files, frames of one and of two samples, bytes in front of the second file.
d = [random.integers(-1000, 1000, 8), random.integers(-1000, 1000, 16)]
pathlib.Path("frames_a.dat").write_bytes(d[0].astype("<i2").tobytes())
pathlib.Path("frames_b.mat").write_bytes(b"24 bytes of something ..." [:24] + d[1].astype("<i2").tobytes())
pathlib.Path("frames.hea").write_text("frames 2 100/100(0) 8 12:00:00 1/1/2000\n"
    f"frames_a.dat 16 10(-5)/uV 16 0 {d[0][0]} {d[0].sum() % 65536} 0 slow\nframes_b.mat 16x2+24 1000/mV 16 0 {d[1][0]} {d[1].sum() % 65536} 0 fast\n")
record("frames")



def segments(name, *all):
    """A record of segments, which wfdb reads as one."""
    pathlib.Path(name + ".hea").write_text(f"{name}/{len(all)} {3 if name == 'various' else 2} 250 {sum(n for _, n in all)}\n" + "".join(f"{s} {n}\n" for s, n in all))
    r = wfdb.rdrecord(name)
    values(name, ["time"] + r.sig_name, ["s"] + [u or "mV" for u in r.units], zip(np.arange(r.sig_len) / r.fs, *r.p_signal.T))


# Records of segments: of the same signals and, with a pause between, of some of those that the first segment names.
segments("segments", ("wfdb16", 13), ("wfdb24", 13), ("wfdb212", 13))
wfdb.wrsamp("various_a", fs=250, units=["mmHg"], sig_name=["ART"], d_signal=np.arange(-6, 7)[:, None] ** 3, fmt=["16"], adc_gain=[10.0], baseline=[0])
record("various_a")
pathlib.Path("various_layout.hea").write_text("various_layout 3 250 0\n" + "".join(f"~ 0 200/{unit} 0 0 0 0 0 {signal}\n" for signal, unit in (("ART", "mmHg"), ("V5", "mV"), ("ECG lead II", "mV"))))
segments("various", ("various_layout", 0), ("wfdb16", 13), ("various_a", 13), ("~", 4), ("wfdb24", 13))

# Annotations: beats, a rhythm, a long interval, an auxiliary text; and rhythms alone.
wfdb.wrann("wfdb16", "atr", np.array([1, 3, 6, 5000, 200000]), ["+", "N", "V", "N", "~"], aux_note=["(AFIB", "", "", "x", ""])
wfdb.wrann("wfdb24", "atr", np.array([0, 4, 9]), ["+", "+", "+"], aux_note=["(N", "(AFIB", "(N"], fs=250)
for name in "wfdb16", "wfdb24":
    a = wfdb.rdann(name, "atr")
    seconds = [int(s) / 250 for s in a.sample]
    pathlib.Path(name + ".json").write_text(json.dumps(list(zip(seconds, a.symbol, [t.rstrip("\0") for t in a.aux_note]))))


def edf(name, kind, bits):
    """Two seconds of two signals of 5 and 10 samples a second, and annotations."""
    w = pyedflib.EdfWriter(name, 2, file_type=kind)
    w.setStartdatetime(datetime.datetime(2000, 1, 1))
    for i, (label, unit, rate) in enumerate((("EEG Fpz-Cz", "uV", 5), ("EMG", "mV", 10))):
        w.setSignalHeader(i, {"label": label, "dimension": unit, "sample_frequency": rate, "physical_min": -100.5, "physical_max": 99.25,
                              "digital_min": -(2 ** (bits - 1)), "digital_max": 2 ** (bits - 1) - 1, "transducer": "", "prefilter": ""})
    slow, fast = random.uniform(-100, 99, 10), random.uniform(-100, 99, 20)
    w.writeSamples([slow, fast])
    w.writeAnnotation(0.5, 1.25, "Sleep stage W")
    w.writeAnnotation(1.75, -1, "é spindle")
    w.close()
    r = pyedflib.EdfReader(name)
    stem = name.replace(".", "_")
    values(stem, ["time"] + r.getSignalLabels(), ["s", "uV", "mV"], zip(np.arange(20) / 10, np.repeat(r.readSignal(0), 2), r.readSignal(1)))
    onset, duration, text = r.readAnnotations()
    pathlib.Path(stem + ".json").write_text(json.dumps(list(zip(onset.tolist(), duration.tolist(), text.tolist())), ensure_ascii=False))
    r.close()


edf("plus.edf", pyedflib.FILETYPE_EDFPLUS, 16)
edf("plus.bdf", pyedflib.FILETYPE_BDFPLUS, 24)
