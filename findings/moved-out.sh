#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A directory that has left the tree is still told of, by its old path.
#
# Guess, before the run: when a directory is moved out of a tree that is watched recursively, the tool drops the
#	watches below it: writes in it are no longer told.
# Versions: inotify-tools 3.22.6.0-4 (Debian 12), pyinotify 0.9.6, watchfiles 1.3.0 (Python).
# Seen: after `mv r/d o/d; echo z >o/d/e/f` inotifywait -mr prints "r/d/e/ f" and pyinotify /.../r/d/e/f: a file that
#	does not exist. watchfiles says nothing. (pyinotify does warn that the path of r/d is not to be trusted, but
#	not of the one below.) watchdog 7.1.0 was seen doing as inotifywait does.
# Why it matters: an inotify watch goes with the inode, so leaving takes work in user space. Who compares a
#	subtree scope of the kernel's with these tools must know whose line is the ghost.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# deb PACKAGE VERSION: unpacks it into root/.
deb() {
	apt-get download -q "$1=$2" >apt.log 2>&1 || {
		echo "$1 $2 cannot be had any more: pin the version of today and look again" >&2
		exit 2
	}
	dpkg-deb -x "$1"_*.deb root
	rm -f "$1"_*.deb
}
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

deb inotify-tools 3.22.6.0-4
deb libinotifytools0 3.22.6.0-4
wheel pyinotify 0.9.6
wheel watchfiles 1.3.0
libs=$(echo root/usr/lib/*-linux-*)

cat >old.py <<'END'
import os, pyinotify
class Print(pyinotify.ProcessEvent):
    def process_IN_MODIFY(self, event): print(os.path.relpath(event.pathname), flush=True)
manager = pyinotify.WatchManager()
manager.add_watch("r", pyinotify.IN_MODIFY | pyinotify.IN_MOVED_FROM | pyinotify.IN_MOVE_SELF, rec=True, auto_add=True)
pyinotify.Notifier(manager, Print()).loop()
END
cat >new.py <<'END'
import os
from watchfiles import Change, watch
for changes in watch("r", debounce=100, rust_timeout=500):
    for change, path in changes:
        if change == Change.modified:
            print(os.path.relpath(path), flush=True)
END

# watcher COMMAND...: what it prints while r/d leaves r and is written to, and r/x is.
watcher() {
	rm -rf r o
	mkdir -p r/d/e o
	: >r/d/e/f
	: >r/x
	"$@" >seen 2>/dev/null &
	pid=$!
	sleep 3
	mv r/d o/d
	sleep 1
	echo z >>o/d/e/f
	sleep 1
	echo z >>r/x
	sleep 2
	kill "$pid"
	wait "$pid" 2>/dev/null || true
	tr '\n' ' ' <seen
}
expect "inotifywait 3.22.6" \
	"$(watcher env LD_LIBRARY_PATH="$libs" root/usr/bin/inotifywait -qmr -e modify --format %w%f r)" "r/d/e/f r/x "
expect "pyinotify 0.9.6" "$(watcher python3 old.py)" "r/d/e/f r/x "
expect "watchfiles 1.3.0" "$(watcher python3 new.py)" "r/x "
echo "moved-out: as found: inotifywait and pyinotify tell of r/d/e/f, which has left r; watchfiles does not"
