#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What tools/bench/run makes of the figures: a table with ratios, build/bench/latest.json, a
chart, and the comparison with the baseline.

    report.py report|check|accept|baseline --figures FILE --out FOLDER --kernel VERSION
              --config FILE --compilers TEXT

A baseline belongs to one kernel, its configuration and the compilers: their hash is its key.
Without a baseline of that key there is nothing to compare: the figures are printed and stored
beside it, and that is no failure.
"""
import argparse
import hashlib
import json
import os
import sys

import chart
import guard
import tables

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline.json")
CHART = os.path.join(HERE, "../../Documentation/performance.svg")


def read_figures(path):
    """{name: (median, mean)} of the lines "NAME MEDIAN MEAN"."""
    figures = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) != 3:
                sys.exit(f"error: {path}: what is '{line.strip()}'?")
            figures[words[0]] = (float(words[1]), float(words[2]))
    return figures


def key_of(args):
    """The hash that a baseline is found by."""
    with open(args.config, encoding="utf-8") as file:
        config = "".join(line for line in file if line.startswith("CONFIG_"))
    text = "\n".join([args.kernel, config, args.compilers])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_baseline():
    try:
        with open(BASELINE, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def store(path, data):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.write("\n")


def compare(own, baseline):
    """Prints what changed; the number of figures that have grown too much."""
    worse = 0
    for name, value in own.items():
        old = baseline.get(name)
        if old is None:
            print(f"  new       {name:44} {value:10.3f}")
            continue
        digits = 3 if name.startswith("ratio.") else 1
        change = f"{name:44} {old:10.{digits}f} -> {value:.{digits}f}"
        if guard.has_grown(name, value, old):
            worse += 1
            print(f"  GREW      {change}")
        elif guard.has_grown(name, old, value):
            print(f"  shrank    {change}: renew the baseline")
    return worse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["report", "check", "accept", "baseline"])
    for name in ("figures", "out", "kernel", "config", "compilers"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()

    figures = read_figures(args.figures)
    own = guard.own(figures)
    own.update({f"ratio.{name}": value for name, value in guard.ratios(figures).items()})
    key = key_of(args)
    entry = {"kernel": args.kernel, "compilers": args.compilers, "figures": own}
    store(os.path.join(args.out, "latest.json"), {
        "key": key, "kernel": args.kernel, "compilers": args.compilers, "own": own,
        "figures": {name: {"median": m, "mean": a} for name, (m, a) in figures.items()},
    })
    baseline = load_baseline()

    if args.mode == "baseline":
        baseline[key] = entry
        store(BASELINE, baseline)
        print("tools/bench/baseline.json is renewed")
        return 0
    if args.mode != "check":
        tables.show(figures)
        svg = chart.draw(figures, args.kernel)
        with open(os.path.join(args.out, "performance.svg"), "w", encoding="utf-8") as file:
            file.write(svg)
        if args.mode == "accept":
            with open(CHART, "w", encoding="utf-8") as file:
                file.write(svg)
            print("Documentation/performance.svg is renewed")
        # What the baseline has is of another sequence of sets.
        return 0

    if key not in baseline:
        baseline[key] = entry
        beside = os.path.join(args.out, "baseline.json")
        store(beside, baseline)
        for name, value in own.items():
            print(f"  {name:54} {value:10.3f}")
        print(f"no baseline for this kernel and these compilers (key {key}): nothing to compare.")
        print(f"{beside} has one; tools/bench/run --accept puts it into tools/bench/baseline.json.")
        return 0
    worse = compare(own, baseline[key]["figures"])
    if worse:
        print(f"bench-check: {worse} figures have grown by more than they may")
        return 1
    print(f"bench-check: {len(own)} figures compared with the baseline, none has grown")
    return 0


if __name__ == "__main__":
    sys.exit(main())
