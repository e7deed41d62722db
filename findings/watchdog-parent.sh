#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# "Directory modified" when no entry of it was.
#
# Guess, before the run: watchdog's DirModifiedEvent for a directory means that an entry came, went or was renamed.
# Version: watchdog 7.1.0 (Python, inotify observer).
# Seen: closing an existing file after writing to it is followed by DirModifiedEvent of its parent, whose mtime and
#	entries are as before. inotify tells nothing of the kind: the library makes it up. Neither is it marked as
#	made up: is_synthetic is False.
# Why it matters: who reads a directory again at each such event does so at each write, and a comparison with the
#	kernel's own events finds one that no kernel sent.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# wheel PACKAGE VERSION: installs it into py/.
wheel() {
	python3 -m pip install -q --root-user-action ignore --target py "$1==$2" >pip.log 2>&1 || {
		echo "$1 $2 cannot be had any more: pin the version of today and look again" >&2
		exit 2
	}
}
export PYTHONPATH="$tmp/py" PYTHONDONTWRITEBYTECODE=1

# expect WHAT SEEN WANTED: fails if what was found once is not so any more.
expect() {
	[ "$2" = "$3" ] && return
	printf '%s changed\n  then: %s\n  now:  %s\n' "$1" "$3" "$2" >&2
	exit 1
}

wheel watchdog 7.1.0
mkdir r
: >r/f
expect "watchdog 7.1.0" "$(python3 - <<'END'
import os, time
from watchdog.events import FileSystemEventHandler
from watchdog.observers.inotify import InotifyObserver
seen = []
class Note(FileSystemEventHandler):
    def on_any_event(self, event):
        seen.append("%s:%s:%s" % (event.event_type, event.src_path, event.is_synthetic))
observer = InotifyObserver()
observer.schedule(Note(), "r", recursive=True)
observer.start()
time.sleep(1)
before = os.stat("r").st_mtime_ns
with open("r/f", "a") as file:
    file.write("x")
time.sleep(2)
observer.stop()
observer.join()
print(*seen, before == os.stat("r").st_mtime_ns)
END
)" "opened:r/f:False modified:r/f:False closed:r/f:False modified:r:False True"
echo "watchdog-parent: as found: a write to r/f is followed by 'modified r', r itself being unchanged"
