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


def own(figures):
    """{name: instructions}: the figures of ours that the baseline keeps."""
    result = {}
    for work in WORKS:
        ours, floor = adds(figures, work, "watch_queue", 1), adds(figures, work, "noop", 1)
        if ours is not None and floor is not None:
            result[f"{work}.own"] = round(ours - floor, 1)
            result[f"{work}.consume"] = round(consume(figures, work, "watch_queue", 1), 1)
    for n in (8, 64):
        many, one = adds(figures, "pwrite", "watch_queue", n), adds(figures, "pwrite", "watch_queue", 1)
        if many is not None and one is not None:
            result[f"pwrite.{n}.per-listener"] = round((many - one) / (n - 1), 1)
    return result


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
        further = (adds(figures, "pwrite", peer, last) - adds(figures, "pwrite", peer, 1)) / (last - 1)
        print(f"  {peer:13}" + "".join(f"{number(v):>9}" for v in t) + f"{number(further):>18}"
              f"{ratio(t[-1], total(figures, 'pwrite', 'inotify', last)):>12}")


def show(figures):
    show_events(figures)
    show_listeners(figures)
    print()
