# SPDX-License-Identifier: GPL-2.0
"""
What the figures mean: the numbers that are derived from them.

Figures are named WORK.PEER.LISTENERS.PART; numbers are guest instructions per operation. Those of whole
workloads are named workload.WORK.PEER.PART, of tools/bench/lines lines.WORK.PEER.PART.
"""

WORKS = ["pwrite", "open+close", "create+unlink", "rename"]
PEERS = ["noop", "inotify", "fanotify", "watch_queue"]
WORKLOADS = ["untar", "checkout", "install", "logs", "build"]
RECURSIVE = ["inotify-r", "fanotify-r", "watch_queue-r", "watermark-r"]
STEADY = ["pwrite", "open+close"]
STOPPED = ["mask", "filter", "full"]
INSIDE = ["subtree", "inside-16", "inside-256", "user-subtree", "path", "handle"]
OUTSIDE = ["outside", "outside-16", "outside-256"]


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
    sleeping = get(figures, "wakeup", peer, 1, "whole")
    unwatched, rest = get(figures, "wakeup", "unwatched", 1, "whole"), total(figures, "pwrite", awake, 1)
    return None if None in (sleeping, unwatched, rest) else sleeping - unwatched - rest


def share(value, other):
    return None if value is None or not other else value / other



def above_noop(figures, peer, work="pwrite"):
    a, floor = adds(figures, work, peer, 1), adds(figures, work, "noop", 1)
    return None if a is None or floor is None else a - floor


def stock(figures):
    """The figures of the distribution's kernel."""
    return {name[len("stock."):]: value for name, value in figures.items() if name.startswith("stock.")}


def workload(figures, work, peer):
    """What a listener costs a whole workload, itself included."""
    watched, unwatched = (figures.get(f"workload.{work}.{p}.whole") for p in (peer, "unwatched"))
    return None if watched is None or unwatched is None else watched[0] - unwatched[0]


def lines(figures, work, peer, part):
    """Shared cache lines that an operation stores to, or locked instructions, more than an unwatched one."""
    watched, unwatched = (figures.get(f"lines.{work}.{p}.{part}") for p in (peer, "unwatched"))
    return None if watched is None or unwatched is None else watched[0] - unwatched[0]


def neighbour(figures, name, part="whole"):
    found = figures.get(f"neighbours.{name}.{part}")
    return None if found is None else found[0]


def remounts(figures):
    """{queues: what a remount costs when a user has so many on the mount namespace}."""
    costs = {}
    for name, (cost, _) in figures.items():
        words = name.split(".")
        if words[:2] == ["neighbours", "remount"]:
            costs[int(words[2])] = cost
    return dict(sorted(costs.items()))


def neighbours(figures):
    """[(name, what, ratio, the same of inotify or None, most)]: what one user costs others."""
    def grows(few, many, part="whole"):
        return share(neighbour(figures, many, part), neighbour(figures, few, part))

    def beside(what, quiet, busy):
        few, many = (figures.get(f"beside.{what}.{part}", (None,))[0] for part in (quiet, busy))
        return share(many, few)

    costs = list(remounts(figures).values())
    return [
        ("beside.stat", "a stat() beside remounts that all queues of a user hear of, of beside such that none does",
         beside("stat", "remount-0.whole", "remount-all.whole"), None, 1.2),
        ("beside.add", "adding a watch beside a neighbour who toggles his on 50 000 files, of beside one who burns time",
         beside("add.watch_queue", "burn", "toggle"), beside("add.inotify", "burn", "toggle"), 1.2),
        ("beside.unlink", "unlinking a watched file there", beside("unlink.watch_queue", "burn", "toggle"),
         beside("unlink.inotify", "burn", "toggle"), 1.2),
        ("remount", "a remount with all queues of a user on the namespace, of one without",
         share(costs[-1], costs[0]) if costs else None, None, None),
        ("rename", "a rename at depth 4000 with 256 subtrees, of one without", grows("rename.0", "rename.256"),
         None, 4.5),
        ("crowd", "adding the 1000th queue on a directory, of the second",
         grows("watch_queue.1", "watch_queue.1000", "add"), grows("inotify.1", "inotify.1000", "add"), 1.2),
        ("fan", "a write that 128 subtrees hear of, of 128 instances of inotify",
         share(neighbour(figures, "fan.watch_queue"), neighbour(figures, "fan.inotify")), 1, 1),
        ("ids.add", "adding the 16 000th id to a list, of the second", grows("ids.1", "ids.16000", "add"), None, 1.2),
        ("ids.post", "an event of one of 16 000 ids, of one of one", grows("ids.1", "ids.16000", "post"), None, 1.2),
        ("ids.end", "the end of 16 000 ids, of as many events",
         share(neighbour(figures, "ids.16000", "end"), 16000 * (neighbour(figures, "ids.1", "post") or 0)), None, None),
    ]
