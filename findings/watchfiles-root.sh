#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A watch inside of node_modules that is silent for ever.
#
# Guess, before the run: the names that watchfiles leaves out by default (node_modules, .git, .venv, ...) are those
#	below the directory that is watched; whoever names a directory inside of one wants to see it.
# Version: watchfiles 1.3.0 (Python).
# Seen: DefaultFilter splits the whole absolute path: everything below /srv/node_modules/pkg is left out, whatever
#	the root was. A home or build directory with one of these names above the project does the same.
# Why it matters: no error and no event look alike; a filter belongs below the watched place.

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

wheel watchfiles 1.3.0
mkdir -p node_modules/pkg plain/pkg
expect "watchfiles 1.3.0" "$(python3 - <<'END'
import os, threading, time
from watchfiles import watch
for top in ("plain", "node_modules"):
    stop, seen = threading.Event(), []
    def write(top=top, stop=stop):
        time.sleep(1)
        open(top + "/pkg/new", "w").close()
        time.sleep(2)
        stop.set()
    threading.Thread(target=write).start()
    for changes in watch(top + "/pkg", stop_event=stop, debounce=100, rust_timeout=500):
        seen += [change.name for change, path in changes if os.path.basename(path) == "new"]
    print(top, seen, end=" ")
END
)" "plain ['added'] node_modules [] "
echo "watchfiles-root: as found: a root below node_modules hears nothing"
