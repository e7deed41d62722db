#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Turns the plugin's counts into a profile by function, and shows functions of the module
instruction by instruction. Used by tools/bench/profile.
"""
import argparse
import bisect
import re
import subprocess
import sys

OPERATIONS = 64


def kernel_symbols(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            address, kind, name = line.split()[:3]
            if kind in "tTwW":
                yield int(address, 16), name, None


def module_sections(path):
    """{section: address} of the lines "SECTION ADDRESS" that the guest printed."""
    sections = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) == 2 and words[0].startswith("."):
                sections[words[0]] = int(words[1], 16)
    return sections


def module_symbols(objdump, module, sections):
    text = subprocess.run([objdump, "-t", module], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        found = re.match(r"([0-9a-f]{16}) .{7} (\.\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        if found and found[2] in sections and not found[3].startswith("."):
            offset = int(found[1], 16)
            yield sections[found[2]] + offset, found[3], (found[2], offset)


def readable(name):
    """The last parts of a Rust name."""
    text = subprocess.run(["c++filt", name], capture_output=True, text=True, check=False).stdout.strip()
    return text or name


def annotate(objdump, module, sections, counts, wanted, symbols):
    for address, name, place in symbols:
        if place is None or wanted not in readable(name):
            continue
        text = subprocess.run([objdump, "-dr", "--no-show-raw-insn", f"--disassemble-symbols={name}", module],
                              check=True, capture_output=True, text=True).stdout
        base = sections[place[0]]
        print(f"\n{readable(name)} at {address:x}")
        for line in text.splitlines():
            found = re.match(r"\s*([0-9a-f]+):\s+(.*)", line)
            if found and not found[2].startswith("R_X86"):
                n = counts.get(base + int(found[1], 16), 0)
                print(f"{n / OPERATIONS:8.2f}  {line}" if n else f"{'':8}  {line}")
            elif "R_X86" in line:
                print(f"{'':8}  {line}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("counts", "sections", "map", "module", "objdump"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--annotate", action="append", default=[])
    args = parser.parse_args()

    with open(args.counts, encoding="utf-8") as file:
        counts = {int(a, 16): int(n) for a, n in (line.split() for line in file)}
    sections = module_sections(args.sections)
    symbols = sorted(list(kernel_symbols(args.map)) +
                     list(module_symbols(args.objdump, args.module, sections)), key=lambda s: s[0])
    starts = [s[0] for s in symbols]
    functions = {}
    for address, n in counts.items():
        i = bisect.bisect_right(starts, address) - 1
        total, calls = functions.get(i, (0, 0))
        functions[i] = (total + n, calls + (n if starts[i] == address else 0))

    ours = 0
    print(f"{'instructions':>12} {'calls':>7}  function, per operation")
    for i, (n, calls) in sorted(functions.items(), key=lambda f: -f[1][0]):
        _, name, place = symbols[i]
        if place is not None:
            ours += n
        if n >= OPERATIONS / 2:
            print(f"{n / OPERATIONS:12.1f} {calls / OPERATIONS:7.2f}  "
                  f"{'[watch_queue_dev] ' if place else ''}{readable(name)}")
    print(f"{sum(counts.values()) / OPERATIONS:12.1f}          all of the kernel")
    print(f"{ours / OPERATIONS:12.1f}          functions of the module")
    for wanted in args.annotate:
        annotate(args.objdump, args.module, sections, counts, wanted, symbols)


if __name__ == "__main__":
    sys.exit(main())
