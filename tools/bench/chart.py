# SPDX-License-Identifier: GPL-2.0
"""The chart: instructions per operation, by peer, what the producer pays and what reading costs."""
from figures import WORKS, adds, consume

LABELS = {
    "pwrite": "write to a file in a watched directory",
    "open+close": "open and close (two events)",
    "create+unlink": "create and delete (two events)",
    "rename": "rename in the directory (both names)",
}
COLOURS = {"inotify": ("#8c96a8", "#c3c9d4"), "fanotify": ("#b08968", "#dcc6b2"),
           "watch_queue": ("#1f78b4", "#8ec3e6")}
WIDTH, LEFT, RIGHT, BAR, GAP, TITLE = 860, 110, 90, 17, 4, 24


def draw(figures, kernel):
    works = [w for w in WORKS if adds(figures, w, "watch_queue", 1) is not None]
    group = TITLE + len(COLOURS) * (BAR + GAP) + 14
    height = 66 + group * len(works) + 40
    most = max([adds(figures, w, p, 1) + consume(figures, w, p, 1)
                for w in works for p in COLOURS if adds(figures, w, p, 1) is not None] or [1])
    scale = (WIDTH - LEFT - RIGHT) / most
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="16" y="28" font-size="17" font-weight="600" fill="#1b1f24">What an event costs: guest '
        'instructions per operation</text>',
        '<text x="16" y="48" fill="#57606a">dark: added to the operation; light: reading it (64 at a time); '
        'line: the kernel\'s own part, with a handler that does nothing</text>',
    ]
    y = 66
    for work in works:
        out.append(f'<text x="16" y="{y + 14}" font-weight="600" fill="#1b1f24">{LABELS[work]}</text>')
        y += TITLE
        top = y
        for peer, (dark, light) in COLOURS.items():
            a, c = adds(figures, work, peer, 1), consume(figures, work, peer, 1)
            if a is None:
                continue
            middle = y + BAR - 4
            out.append(f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end" fill="#1b1f24">{peer}</text>')
            out.append(f'<rect x="{LEFT}" y="{y}" width="{a * scale:.1f}" height="{BAR}" fill="{dark}"/>')
            out.append(f'<rect x="{LEFT + a * scale:.1f}" y="{y}" width="{c * scale:.1f}" height="{BAR}" '
                       f'fill="{light}"/>')
            out.append(f'<text x="{LEFT + (a + c) * scale + 6:.1f}" y="{middle}" fill="#1b1f24">{a + c:.0f}</text>')
            y += BAR + GAP
        floor = adds(figures, work, "noop", 1)
        if floor is not None:
            x = LEFT + floor * scale
            out.append(f'<line x1="{x:.1f}" y1="{top - 3}" x2="{x:.1f}" y2="{y}" stroke="#cf222e" '
                       'stroke-width="1.5" stroke-dasharray="3 2"/>')
        y += 14
    out.append(f'<text x="16" y="{height - 14}" fill="#57606a">Linux {kernel}, counted by QEMU with one '
               'instruction per nanosecond: make bench</text>')
    out.append('</svg>')
    return "\n".join(out) + "\n"
