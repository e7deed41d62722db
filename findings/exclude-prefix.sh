#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is excluded is a prefix, not a path.
#
# Guess, before the run: excluding "/a/foo" excludes /a/foo and what is below it, but not its neighbour /a/foobar.
# Versions: pyinotify 0.9.6 (ExcludeFilter), watchfiles 1.3.0 (ignore_paths), both Python.
# Seen: both exclude /a/foobar as well. pyinotify takes regular expressions that must match at the beginning only;
#	watchfiles compares the beginning of the text.
# Why it matters: an excluded build directory "out" also hides "outline.c" and "output/": a loss of events
#	that nobody notices.

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

wheel pyinotify 0.9.6
wheel watchfiles 1.3.0
expect "pyinotify 0.9.6, watchfiles 1.3.0" "$(python3 - 2>&1 <<'END'
import pyinotify
from watchfiles import Change, DefaultFilter
old = pyinotify.ExcludeFilter(["/a/foo"])
new = DefaultFilter(ignore_paths=["/a/foo"])
for path in ("/a/foo", "/a/foo/x", "/a/foobar", "/a/bar"):
    print(path, bool(old(path)), not new(Change.modified, path), end=" ")
END
)" "/a/foo True True /a/foo/x True True /a/foobar True True /a/bar False False "
echo "exclude-prefix: as found: /a/foobar is excluded with /a/foo by both"
