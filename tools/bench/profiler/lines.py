#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Turns what the plugin lines.c wrote into figures: shared lines that an operation stores to and locked
instructions that it takes. Used by tools/bench/lines.
"""
import argparse
import bisect
import re
import statistics
import sys

import report

# The allocator keeps its objects for each CPU, in memory that is not the CPU's own: a line that nobody else
# stores to is no shared one.
ALLOCATOR = re.compile(r"^(_*kv?m?(alloc|free)|_*kmem_cache|_*alloc_from_new_slab|_+slab|_+pcs_|refill_objects|barn_|_*memcg_slab)")


class Section:
    """What was counted of one work under one peer."""

    def __init__(self, operations):
        self.operations = operations
        self.took = []
        self.lines = {}
        self.stores = {}
        self.locked = {}


def read_sections(path):
    sections = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, *words = line.split()
            if kind == "operations":
                sections.append(Section(int(words[0])))
            elif kind == "took":
                sections[-1].took.append(int(words[0]))
            elif kind == "line":
                sections[-1].lines[int(words[0], 16)] = int(words[1]) + int(words[2])
            elif kind == "store":
                at = sections[-1].stores.setdefault(int(words[0], 16), {})
                at[int(words[1], 16)] = int(words[2])
            elif kind == "locked":
                sections[-1].locked[int(words[0], 16)] = int(words[1])
    return sections


class Names:
    """The functions that addresses are in."""

    def __init__(self, args):
        sections = report.module_sections(args.guest)
        self.symbols = sorted(list(report.kernel_symbols(args.map)) +
                              list(report.module_symbols(args.objdump, args.module, sections)),
                              key=lambda s: s[0])
        self.starts = [s[0] for s in self.symbols]
        self.known = {}

    def of(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        if i not in self.known:
            _, name, place = self.symbols[i]
            self.known[i] = f"[watch_queue_dev] {report.readable(name)}" if place else name
        return self.known[i]

    def sums(self, counts):
        """{function: count}, the largest first."""
        sums = {}
        for address, n in counts.items():
            name = self.of(address)
            sums[name] = sums.get(name, 0) + n
        return dict(sorted(sums.items(), key=lambda s: -s[1]))


def main():
    parser = argparse.ArgumentParser()
    for name in ("counts", "guest", "map", "module", "objdump", "report"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()

    with open(args.guest, encoding="utf-8") as file:
        titles = [line.strip() for line in file if line.startswith("lines.")]
    sections = read_sections(args.counts)
    if len(titles) != len(sections):
        sys.exit(f"error: {len(sections)} sections were counted, the guest has named {len(titles)}")
    names = Names(args)
    with open(args.report, "w", encoding="utf-8") as text:
        for title, section in zip(titles, sections):
            n = section.operations
            shared = 0
            text.write(f"\n{title}: {n} operations; per operation\n")
            for line in sorted(section.lines):
                who = names.sums(section.stores.get(line, {}))
                own = all(ALLOCATOR.match(name) for name in who)
                shared += 0 if own else 1
                text.write(f"  {'allocator' if own else 'shared':10}{line:x}  " +
                           ", ".join(f"{name} {count / n:.1f}" for name, count in who.items()) + "\n")
            for name, count in names.sums(section.locked).items():
                if 2 * count >= n:
                    text.write(f"  locked    {count / n:6.2f}  {name}\n")
            # Now and then an operation meets a new tick of the clock and has a time to store, or an interrupt.
            locked = statistics.median(section.took)
            print(f"{title}.shared {shared:.2f} {shared:.2f}")
            print(f"{title}.locked {locked:.2f} {locked:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
