# SPDX-License-Identifier: GPL-2.0
"""The tables that are printed."""
from figures import (OUTSIDE, PEERS, RECURSIVE, WORKLOADS, WORKS, adds, consume, get, lines, neighbour,
                     neighbours, outside, per_listener, remounts, stock, total, workload)
from guard import targets


def number(value):
    return "-" if value is None else f"{value:.0f}"


def ratio(value, other):
    return "-" if value is None or not other else f"{value / other:.2f}"


def show_events(figures):
    if get(figures, WORKS[0], "unwatched", 1, "produce") is None:
        return
    print("\nPer operation, one listener on the directory, batches of 64 (guest instructions)\n")
    print(f"  {'':15}{'peer':13}{'adds':>8}{'above noop':>12}{'consume':>9}{'total':>8}"
          f"{'records':>9}{'of inotify':>12}{'of fanotify':>13}")
    for work in WORKS:
        unwatched = get(figures, work, "unwatched", 1, "produce")
        if unwatched is None:
            continue
        print(f"  {work:15}{'unwatched':13}{number(unwatched):>8}")
        for peer in PEERS:
            a = adds(figures, work, peer, 1)
            if a is None:
                continue
            floor = adds(figures, work, "noop", 1)
            t = total(figures, work, peer, 1)
            print(f"  {'':15}{peer:13}{number(a):>8}{number(a - floor):>12}"
                  f"{number(consume(figures, work, peer, 1)):>9}{number(t):>8}"
                  f"{get(figures, work, peer, 1, 'arrived'):>9.2f}"
                  f"{ratio(t, total(figures, work, 'inotify', 1)):>12}"
                  f"{ratio(t, total(figures, work, 'fanotify', 1)):>13}")


def show_listeners(figures):
    numbers = [n for n in (1, 8, 64) if total(figures, "pwrite", "watch_queue", n) is not None]
    if len(numbers) < 2:
        return
    print("\npwrite with several listeners on the directory, all of them read (guest instructions)\n")
    print(f"  {'peer':13}" + "".join(f"{n:>9}" for n in numbers) + f"{'per further one':>18}{'of inotify':>12}")
    last = numbers[-1]
    for peer in PEERS:
        t = [total(figures, "pwrite", peer, n) for n in numbers]
        if None in t:
            continue
        print(f"  {peer:13}" + "".join(f"{number(v):>9}" for v in t) +
              f"{number(per_listener(figures, peer, last)):>18}"
              f"{ratio(t[-1], total(figures, 'pwrite', 'inotify', last)):>12}")


OTHERS = [
    ("reading an event when so many wait", "consume", ["watch_queue", "rust", "inotify", "fanotify"],
     [(1, "read", "1"), (16, "read", "16"), (64, "read", "64"), (1024, "read", "1024")]),
    ("an update of a key (pipe: mainline's watch_queue)", "key-update", ["unwatched", "pipe", "watch_queue"],
     [(1, "produce", "whole"), (1, "consume", "consume"), (1, "arrived", "records")]),
    ("untar of 64 files into a watched directory, per file", "untar",
     ["unwatched", "noop", "inotify", "fanotify", "watch_queue"],
     [(1, "produce", "whole"), (1, "consume", "consume"), (1, "arrived", "records")]),
    ("a write that wakes a sleeping reader, with all that the reader does", "wakeup",
     ["inotify", "fanotify", "watch_queue", "watermark"],
     [(1, "whole", "whole"), (1, "wakeups", "wake-ups")]),
    ("50 000 watches, per watch (1: first on the object, 2: further)", "watches",
     ["watch_queue", "inotify", "fanotify"],
     [(1, "add", "add"), (2, "add", "add 2"), (1, "bytes", "bytes"), (2, "bytes", "bytes 2"),
      (1, "close", "close"), (2, "close", "close 2"), (2, "milliseconds", "back, ms")]),
    ("adding a directory of 50 000 entries", "huge", ["watch_queue", "inotify", "fanotify", "subtree"],
     [(1, "add", "add")]),
    ("setting up a subtree of 20 000 directories (small: of 10)", "subtree", ["watch_queue", "inotify"],
     [(1, "add", "add"), (1, "add-small", "small")]),
]


def show_others(figures):
    for title, work, peers, columns in OTHERS:
        rows = [(p, [get(figures, work, p, n, part) for n, part, _ in columns]) for p in peers]
        rows = [(p, values) for p, values in rows if any(v is not None for v in values)]
        if not rows:
            continue
        print(f"\n{title[0].upper()}{title[1:]}\n")
        print(f"  {'':13}" + "".join(f"{label:>12}" for _, _, label in columns))
        for peer, values in rows:
            print(f"  {peer:13}" + "".join(
                f"{'-' if v is None else format(v, '.2f' if v < 10 else '.0f'):>12}" for v in values))
    unwatched = get(figures, "pwrite", "unwatched", 1, "produce")
    beside = [(p, get(figures, "pwrite", f"beside-{p}", 1, "produce")) for p in PEERS]
    if unwatched and any(v for _, v in beside):
        print("\nAn unwatched pwrite beside a watch elsewhere on the file system: " +
              ", ".join(f"{p} +{v - unwatched:.0f}" for p, v in beside if v))
    floor = adds(figures, "pwrite", "outside-noop", 1)
    if floor is not None:
        print(f"\nA pwrite at depth 8, outside of what a subtree's watch watches: kernel +{floor:.0f}, " +
              ", ".join(f"{p} +{outside(figures, p):.0f}" for p in OUTSIDE))


INSIDE = [
    ("subtree", "in a subtree"), ("inside-16", "… in one of 16"), ("inside-256", "… in one of 256"),
    ("nested-8", "… in 8, one in the other"), ("user-subtree", "… of a user without privileges"),
    ("path", "… with the path in the record"), ("handle", "… with a file handle"),
    ("inotify-r", "inotify, path made from a tree"), ("fanotify-r", "fanotify, path asked for once"),
]


def show_inside(figures):
    if adds(figures, "pwrite", "subtree", 1) is None:
        return
    print("\nA pwrite at depth 8 of what is watched (guest instructions)\n")
    print(f"  {'':36}{'adds':>8}{'consume':>9}{'total':>8}{'records':>9}")
    for peer, label in INSIDE:
        if adds(figures, "pwrite", peer, 1) is not None:
            print(f"  {label:36}{number(adds(figures, 'pwrite', peer, 1)):>8}"
                  f"{number(consume(figures, 'pwrite', peer, 1)):>9}{number(total(figures, 'pwrite', peer, 1)):>8}"
                  f"{get(figures, 'pwrite', peer, 1, 'arrived'):>9.2f}")
    renames = [(p, adds(figures, "rename", p, 1)) for p in ("subtree", "inside-256", "outside", "outside-256")]
    print("\nA rename there adds: " + ", ".join(f"{p} {a:.0f}" for p, a in renames if a is not None))


def show_workloads(figures):
    if workload(figures, "untar", "watch_queue-r") is None:
        return
    print("\nWhole workloads on a tree with a reader that sleeps and wants paths (million instructions)\n")
    print(f"  {'':10}{'unwatched':>10}" + "".join(f"{'+ ' + p:>16}" for p in RECURSIVE) + f"{'of inotify':>12}"
          "   records; wake-ups")
    for work in WORKLOADS:
        def part(peer, name, work=work):
            return figures.get(f"workload.{work}.{peer}.{name}", (None,))[0]

        costs = [workload(figures, work, p) for p in RECURSIVE]
        counts = "; ".join(", ".join("-" if part(p, name) is None else f"{part(p, name):.0f}" for p in RECURSIVE)
                           for name in ("paths", "wakeups"))
        print(f"  {work:10}{part('unwatched', 'whole') / 1e6:>10.1f}" +
              "".join(f"{'-' if c is None else format(c / 1e6, '.1f'):>16}" for c in costs) +
              f"{ratio(costs[2], costs[0]):>12}   {counts}")


def show_lines(figures):
    rows = [(work, peer) for work in WORKS for peer in PEERS + ["outside-noop", "outside", "outside-16", "subtree",
                                                                "inside-16", "path"]
            if lines(figures, work, peer, "shared") is not None]
    if not rows:
        return
    print("\nStores to cache lines that another CPU's operation would store to, and locked instructions, more than"
          "\nof an unwatched operation\n")
    print(f"  {'':16}{'':16}{'lines':>8}{'locked':>8}")
    for work, peer in rows:
        print(f"  {work:16}{peer:16}{lines(figures, work, peer, 'shared'):>8.0f}"
              f"{lines(figures, work, peer, 'locked'):>8.0f}")


def show_stock(figures):
    other = stock(figures)
    if not other:
        return
    print("\nThe distribution's own kernel beside the pinned one: an operation with reading, more than unwatched\n")
    print(f"  {'':15}{'peer':13}{'stock':>8}{'pinned':>8}{'of pinned':>11}{'of inotify':>12}{'of fanotify':>13}")
    for work in WORKS:
        for peer in PEERS:
            t = total(other, work, peer, 1)
            if t is None:
                continue
            print(f"  {work if peer == PEERS[0] else '':15}{peer:13}{number(t):>8}"
                  f"{number(total(figures, work, peer, 1)):>8}{ratio(t, total(figures, work, peer, 1)):>11}"
                  f"{ratio(t, total(other, work, 'inotify', 1)):>12}{ratio(t, total(other, work, 'fanotify', 1)):>13}")


def show_many(figures):
    def part(n, name):
        return figures.get(f"many.{n}.{name}", (None,))[0]

    base = part(0, "outside")
    if base is None:
        return
    print("\n10 000 subtrees of one queue: " + "; ".join(
        f"{what} {few:.0f} with one, {many:.0f} ({many / few:.2f})" for what, few, many in (
            ("adding (the second)", part(2, "add"), part(10000, "add")),
            ("a write outside adds", part(1, "outside") - base, part(10000, "outside") - base),
            ("a write inside of one adds", part(1, "inside") - base, part(10000, "inside") - base))))


def show_neighbours(figures):
    rows = [row for row in neighbours(figures) if row[2] is not None]
    if not rows:
        return
    print("\nWhat one user costs others, as ratios\n")
    print(f"  {'':104}{'ours':>10}{'inotify':>10}")
    for _, what, value, other, _ in rows:
        print(f"  {what:104}{value:>10.2f}{'-' if other is None else format(other, '.2f'):>10}")
    print("\nA remount by queues on the namespace: " +
          ", ".join(f"{n} {cost:.0f}" for n, cost in remounts(figures).items()) +
          "; a rename at depth 4000 by subtrees: " +
          ", ".join(f"{n} {neighbour(figures, f'rename.{n}') or 0:.0f}" for n in (0, 1, 256)))


def show_targets(figures):
    rows = [row for row in targets(figures) if row[1] is not None]
    if not rows:
        return
    print("\nTargets\n")
    for what, figure, most in rows:
        form = ".0f" if most >= 10 else ".3f"
        print(f"  {what:104}{format(figure, form):>10}  <= {format(most, form):8}"
              f"{'met' if figure <= most else 'not met'}")


def show(figures):
    show_events(figures)
    show_listeners(figures)
    show_others(figures)
    show_inside(figures)
    show_workloads(figures)
    show_lines(figures)
    show_neighbours(figures)
    show_many(figures)
    show_stock(figures)
    show_targets(figures)
    print()
