#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A class in brackets that matches the slash.
#
# Guess, before the run: in globset with literal_separator(true) neither `?` nor `*` nor a class like `[!b]` or `[+-0]`
#	matches '/', as in git and in the shell. (pathspec was looked at because globset was seen to.)
# Versions: globset 0.4.19 (crate), pathspec 1.1.1 (Python).
# Seen: wrong. `?` and `*` keep to it, classes do not: both say that `a[!b]c` matches "a/c". git says no. (globset 0.4.22
#	says no, too.)
# Why it matters: patterns choose which files a watcher tells of; one and the same line selects files of
#	another depth, depending on the library below.

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

mkdir src
cat >Cargo.toml <<'END'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"
[dependencies]
globset = "=0.4.19"
END
cat >src/main.rs <<'END'
fn main() {
    for pattern in ["a?c", "a*c", "a[!b]c", "a[+-0]c"] {
        let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build().unwrap();
        print!("{pattern}:{} ", glob.compile_matcher().is_match("a/c"));
    }
}
END
cargo build -q 2>cargo.log || { cat cargo.log >&2; echo "globset 0.4.19 cannot be built any more" >&2; exit 2; }
expect "globset 0.4.19" "$(target/debug/probe)" "a?c:false a*c:false a[!b]c:true a[+-0]c:true "

wheel pathspec 1.1.1
expect "pathspec 1.1.1" "$(python3 - <<'END'
from pathspec import PathSpec
for pattern in ("a?c", "a*c", "a[!b]c"):
    print(pattern, PathSpec.from_lines("gitignore", [pattern]).match_file("a/c"), end=" ")
END
)" "a?c False a*c False a[!b]c True "

git init -q repo
echo 'a[!b]c' >repo/.gitignore
expect "git" "$(git -C repo check-ignore a/c axc || true)" "axc"
echo "class-slash: as found: globset 0.4.19 and pathspec 1.1.1 match a/c with a[!b]c, git does not"
