"""Makes the files of graph/testdata/original and cells anew, or compares new ones with them.

The files are never overwritten unless --out names their folder: another CPU rounds
otherwise, and the tests stand on the kept numbers.
"""

import argparse
import os
import sys
import tempfile

import cells
import compare
import record
from original import VARIANTS

PARTS = ("trajectory", "resync", "band", "printed", "checkpoint", "cells")
TESTDATA = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../graph/testdata"))
KEPT = [os.path.join(TESTDATA, folder) for folder in ("original", "cells")]


def regenerate(folder, parts, seeds):
    """Writes the files of the parts into folder; a line on stderr tells what is under way.

    seeds is the band's range of seeds.
    """
    if "cells" in parts:
        for name in cells.NETWORKS:
            print("original: cells, %s, %d updates" % (name, cells.UPDATES), file=sys.stderr)
            cells.record(name, folder)
    if "checkpoint" in parts:
        print("original: checkpoint", file=sys.stderr)
        record.record_checkpoint(folder)
    if set(parts) - {"band", "checkpoint", "cells"}:
        for variant in VARIANTS:
            print("original: %s, seed %d, 10 epochs" % (variant, record.SEED), file=sys.stderr)
            record.record_run(variant, folder, parts)
    if "band" in parts:
        for variant in record.BAND_VARIANTS:
            print("original: %s, seeds %d-%d, 1 epoch each" % (variant, seeds[0], seeds[-1]), file=sys.stderr)
            record.record_band(variant, folder, seeds)


def main():
    parser = argparse.ArgumentParser(prog="regenerate", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", metavar="DIR", default="runs/original", help="write there (default %(default)s)")
    parser.add_argument("--only", metavar="PART", choices=PARTS, help="one of " + ", ".join(PARTS))
    parser.add_argument("--seeds", metavar="N", type=int, default=200, help="of the band (default %(default)s)")
    parser.add_argument("--first", metavar="SEED", type=int, default=0,
                        help="the first of these seeds (default %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="keep nothing, compare with the kept files; exit 1 if they differ by more than rounding")
    parser.add_argument("--compare", metavar="DIR", help="run nothing, compare DIR with the kept files")
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error("--seeds must be at least 1")
    if args.first < 0:
        parser.error("--first must not be negative")
    seeds = range(args.first, args.first + args.seeds)
    parts = (args.only,) if args.only else PARTS

    if args.compare:
        return compare.folders(args.compare, KEPT)
    if args.check:
        with tempfile.TemporaryDirectory() as folder:
            regenerate(folder, parts, seeds)
            return compare.folders(folder, KEPT)
    try:
        os.makedirs(args.out, exist_ok=True)
    except OSError as err:
        parser.error("--out: %s" % err)
    regenerate(args.out, parts, seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
