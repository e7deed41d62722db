# SPDX-License-Identifier: GPL-2.0
"""What is to stay low, and what was aimed at: the figures that the baseline keeps, ratios to peers, targets."""
from figures import (INSIDE, OUTSIDE, STEADY, STOPPED, WORKLOADS, WORKS, above_noop, adds, consume, get, lines,
                     neighbours, outside, per_listener, share, stock, total, wakeup, workload)


def own(figures):
    """
    {name: number}: the figures of ours that the baseline keeps. Nothing that sleeps, and no
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
    for peer in STOPPED + INSIDE:
        a = adds(figures, "pwrite", peer, 1)
        if a is not None and floor is not None:
            keep(f"pwrite.{peer}.own", a - floor)
    for peer in OUTSIDE:
        keep(f"pwrite.{peer}.own", outside(figures, peer))
    for n in (1, 16, 64, 1024):
        keep(f"consume.{n}", get(figures, "consume", "watch_queue", n, "read"))
        for part in ("read", "decode"):
            keep(f"consume.rust.{n}.{part}", get(figures, "consume", "rust", n, part))
    for peer in ("path", "handle"):
        keep(f"pwrite.{peer}.consume", consume(figures, "pwrite", peer, 1))
    keep("key-update.consume", consume(figures, "key-update", "watch_queue", 1))
    for peer in ["watch_queue", "path"] + INSIDE[:2] + OUTSIDE[:2]:
        for part in ("shared", "locked"):
            keep(f"lines.pwrite.{peer}.{part}", lines(figures, "pwrite", peer, part))
    return result


def of_inotify(figures, work):
    """What a recursive reader costs a workload, beside what one with inotify does."""
    return share(workload(figures, work, "watch_queue-r"), workload(figures, work, "inotify-r"))


def ratios(figures):
    """
    {name: ratio}: what the baseline keeps besides, of things that sleep, allocate or depend on the scheduler.
    Another binary finds these in another state, so they may grow by a twentieth.
    """
    found = {f"workload.{work}": of_inotify(figures, work) for work in WORKLOADS}
    found["wakeup"] = share(wakeup(figures, "watermark", "watch_queue"), wakeup(figures, "inotify", "inotify"))
    for work in WORKS:
        found[work] = share(total(figures, work, "watch_queue", 1), total(figures, work, "inotify", 1))
    found.update({f"neighbours.{name}": value for name, _, value, _, _ in neighbours(figures)})
    return {name: round(value, 4) for name, value in found.items() if value is not None}


def has_grown(name, value, old):
    """Whether a figure of the baseline has grown by more than it may."""
    # What these guard against is a factor of ten; which CPU has its turn when, and in what order an
    # allocator's lists are, made 1.7 of it between two builds of one source.
    if name.startswith("ratio.neighbours."):
        return value > 3 * old
    # How much of an untar inotify misses, and how often a reader wakes up, depends on the scheduler, too:
    # two machines' builds of one source differed by 1.154.
    if name.startswith("ratio.workload."):
        return value > 1.3 * old
    if name.startswith("ratio."):
        return value > 1.05 * old + 0.002
    if name.startswith("lines."):
        return value - old >= 0.5
    return value - old > 5 and value - old > 0.01 * old


def targets(figures):
    """What was aimed at: (what, figure, most)."""
    def once(work, n, part):
        return get(figures, work, "watch_queue", n, part)

    ours, subtree = (adds(figures, "pwrite", p, 1) for p in ("watch_queue", "subtree"))
    return [
        ("pwrite, of inotify", share(total(figures, "pwrite", "watch_queue", 1),
                                     total(figures, "pwrite", "inotify", 1)), 0.30),
        ("pwrite, of fanotify", share(total(figures, "pwrite", "watch_queue", 1),
                                      total(figures, "pwrite", "fanotify", 1)), 0.17),
        ("pwrite on the distribution's kernel", total(stock(figures), "pwrite", "watch_queue", 1), 1300),
        ("our part above the no-op handler", above_noop(figures, "watch_queue"), 240),
        ("64 listeners, of inotify", share(total(figures, "pwrite", "watch_queue", 64),
                                           total(figures, "pwrite", "inotify", 64)), 0.18),
        ("each further listener", per_listener(figures, "watch_queue", 64), 160),
        ("reading a record in C", once("consume", 64, "read"), 20),
        ("reading a record in Rust", get(figures, "consume", "rust", 64, "read"), 40),
        ("reading and decoding an event in Rust", get(figures, "consume", "rust", 64, "decode"), 40),
        ("stopped by the mask", above_noop(figures, "mask"), 60),
        ("stopped by the filter", above_noop(figures, "filter"), 110),
        ("stopped by a full ring", above_noop(figures, "full"), 150),
        ("wake-up with a watermark of 64, of inotify's",
         share(wakeup(figures, "watermark", "watch_queue"), wakeup(figures, "inotify", "inotify")), 0.031),
        ("adding a watch", once("watches", 1, "add"), 6300),
        ("closing, per watch", once("watches", 1, "close"), 1400),
        ("slab bytes of the first watch", once("watches", 1, "bytes"), 281),
        ("slab bytes of a further watch", once("watches", 2, "bytes"), 137),
        ("event in a subtree at depth 8, of an inode watch", share(subtree, ours), 1.3),
        ("rename, of inotify", share(total(figures, "rename", "watch_queue", 1),
                                     total(figures, "rename", "inotify", 1)), 0.7),
        ("shared lines that an event stores to", lines(figures, "pwrite", "watch_queue", "shared"), 5),
        ("locked instructions of an event", lines(figures, "pwrite", "watch_queue", "locked"), 2),
        ("a bystander outside of a subtree", adds(figures, "pwrite", "outside", 1), 500),
        ("… shared lines that it stores to", lines(figures, "pwrite", "outside", "shared"), 0),
        ("outside of 16 subtrees, of outside of one", share(outside(figures, "outside-16"),
                                                            outside(figures, "outside")), 1.1),
        ("outside of 256 subtrees, of outside of one", share(outside(figures, "outside-256"),
                                                             outside(figures, "outside")), 1.1),
        ("inside 256 subtrees, of inside one", share(adds(figures, "pwrite", "inside-256", 1), subtree), 1.5),
    ] + [(f"{work} with a recursive reader, of inotify", of_inotify(figures, work), 0.5) for work in WORKLOADS] + [
        (what, value, most) for _, what, value, _, most in neighbours(figures) if most is not None]
