# SPDX-License-Identifier: GPL-2.0
"""
What the figures mean: the derived numbers, the tables, and which of them are ours to keep low.

Figures are named WORK.PEER.LISTENERS.PART; numbers are guest instructions per operation.
"""

WORKS = ["pwrite", "open+close", "create+unlink", "rename"]
PEERS = ["noop", "inotify", "fanotify", "watch_queue"]


def get(figures, work, peer, n, part):
    found = figures.get(f"{work}.{peer}.{n}.{part}")
    return None if found is None else found[0]


def adds(figures, work, peer, n):
    """What a watched operation costs more than an unwatched one."""
    watched = get(figures, work, peer, n, "produce")
    unwatched = get(figures, work, "unwatched", 1, "produce")
    return None if watched is None or unwatched is None else watched - unwatched


def consume(figures, work, peer, n):
    """Reading, without what reading nothing costs: the unwatched run reads nothing, too."""
    return get(figures, work, peer, n, "consume")


def total(figures, work, peer, n):
    a, c = adds(figures, work, peer, n), consume(figures, work, peer, n)
    return None if a is None or c is None else a + c


STOPPED = ["mask", "filter", "full"]
STEADY = ["pwrite", "open+close"]
OUTSIDE = ["outside", "outside-16"]


def own(figures):
    """
    {name: instructions}: the figures of ours that the baseline keeps. Nothing that sleeps, and no
    difference between operations that allocate and free: those depend on the allocator's state.
    """
    result = {}

    def keep(name, value):
        if value is not None:
            result[name] = round(value, 1)

    for work in WORKS:
        ours, floor = adds(figures, work, "watch_queue", 1), adds(figures, work, "noop", 1)
        if ours is not None and floor is not None:
            if work in STEADY:
                keep(f"{work}.own", ours - floor)
            keep(f"{work}.consume", consume(figures, work, "watch_queue", 1))
    for n in (8, 64):
        keep(f"pwrite.{n}.per-listener", per_listener(figures, "watch_queue", n))
    floor = adds(figures, "pwrite", "noop", 1)
    for peer in STOPPED + ["subtree"]:
        a = adds(figures, "pwrite", peer, 1)
        if a is not None and floor is not None:
            keep(f"pwrite.{peer}.own", a - floor)
    for peer in OUTSIDE:
        keep(f"pwrite.{peer}.own", outside(figures, peer))
    for n in (1, 16, 64, 1024):
        keep(f"consume.{n}", get(figures, "consume", "watch_queue", n, "read"))
        for part in ("read", "decode"):
            keep(f"consume.rust.{n}.{part}", get(figures, "consume", "rust", n, part))
    keep("key-update.consume", consume(figures, "key-update", "watch_queue", 1))
    return result


def per_listener(figures, peer, n):
    """What each listener after the first adds."""
    many, one = adds(figures, "pwrite", peer, n), adds(figures, "pwrite", peer, 1)
    return None if many is None or one is None else (many - one) / (n - 1)


def outside(figures, peer):
    """What an event outside of watched subtrees costs more than if a handler did nothing."""
    whole, floor = (get(figures, "pwrite", p, 1, "produce") for p in (peer, "outside-noop"))
    return None if whole is None or floor is None else whole - floor


def wakeup(figures, peer, awake):
    """What sleeping costs per event, beside what the same costs a listener that is awake."""
    whole = get(figures, "wakeup", peer, 1, "whole")
    unwatched, rest = get(figures, "pwrite", "unwatched", 1, "produce"), total(figures, "pwrite", awake, 1)
    return None if None in (whole, unwatched, rest) else whole - unwatched - rest


def share(value, other):
    return None if value is None or not other else value / other


def targets(figures):
    """What was aimed at: (what, figure, most)."""
    def above_noop(peer):
        a, floor = adds(figures, "pwrite", peer, 1), adds(figures, "pwrite", "noop", 1)
        return None if a is None or floor is None else a - floor

    def once(work, n, part):
        return get(figures, work, "watch_queue", n, part)

    ours, subtree = (adds(figures, "pwrite", p, 1) for p in ("watch_queue", "subtree"))
    return [
        ("pwrite, of inotify", share(total(figures, "pwrite", "watch_queue", 1),
                                     total(figures, "pwrite", "inotify", 1)), 0.62),
        ("pwrite, of fanotify", share(total(figures, "pwrite", "watch_queue", 1),
                                      total(figures, "pwrite", "fanotify", 1)), 0.37),
        ("our part above the no-op handler", above_noop("watch_queue"), 240),
        ("64 listeners, of inotify", share(total(figures, "pwrite", "watch_queue", 64),
                                           total(figures, "pwrite", "inotify", 64)), 0.18),
        ("each further listener", per_listener(figures, "watch_queue", 64), 160),
        ("reading a record in C", once("consume", 64, "read"), 20),
        ("reading a record in Rust", get(figures, "consume", "rust", 64, "read"), 40),
        ("reading and decoding an event in Rust", get(figures, "consume", "rust", 64, "decode"), 40),
        ("stopped by the mask", above_noop("mask"), 60),
        ("stopped by the filter", above_noop("filter"), 110),
        ("stopped by a full ring", above_noop("full"), 150),
        ("wake-up with a watermark of 64, of inotify's",
         share(wakeup(figures, "watermark", "watch_queue"), wakeup(figures, "inotify", "inotify")), 1 / 30),
        ("adding a watch", once("watches", 1, "add"), 6000),
        ("closing, per watch", once("watches", 1, "close"), 1000),
        ("slab bytes of the first watch", once("watches", 1, "bytes"), 320),
        ("slab bytes of a further watch", once("watches", 2, "bytes"), 144),
        ("event in a subtree at depth 8, of an inode watch", share(subtree, ours), 1.3),
    ]


def number(value):
    return "-" if value is None else f"{value:.0f}"


def ratio(value, other):
    return "-" if value is None or not other else f"{value / other:.2f}"


def show_events(figures):
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


def show_targets(figures):
    print("\nTargets\n")
    for what, figure, most in targets(figures):
        if figure is not None:
            form = ".0f" if most >= 10 else ".3f"
            print(f"  {what:50}{format(figure, form):>10}  <= {format(most, form):8}"
                  f"{'met' if figure <= most else 'not met'}")


def show(figures):
    show_events(figures)
    show_listeners(figures)
    show_others(figures)
    show_targets(figures)
    print()
