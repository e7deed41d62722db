#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# [[:digit:]] is not always a digit.
#
# Guess, before the run: a library for globs or lines of a .gitignore knows `[[:digit:]]` as git does, or calls it an
#	error; it never takes it silently for something else.
# Versions: glob 0.3.4, fast-glob 1.1.2 (crates), pathspec 1.1.1 (Python, its "gitignore" patterns).
# Seen: all three read `[[:digit:]` as the set of '[', ':', 'd', 'i', 'g', 't' and then want a ']': the pattern
#	`[[:digit:]].log` does not match "7.log" but matches ":].log". git and the shell's `case` do the contrary, as do
#	globset 0.4.22 and ignore 0.4.35; globset 0.4.19 did as the three.
# Why it matters: a rule for names that a watch includes or leaves out is moved from one tool to the other
#	and, without a message, never matches again.

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
glob = "=0.3.4"
fast-glob = "=1.1.2"
END
cat >src/main.rs <<'END'
const PATTERN: &str = "[[:digit:]].log";
fn main() {
    for name in ["7.log", ":].log"] {
        let glob = glob::Pattern::new(PATTERN).unwrap().matches(name);
        print!("{name} glob:{glob} fast-glob:{} ", fast_glob::glob_match(PATTERN, name));
    }
}
END
cargo build -q 2>cargo.log || { cat cargo.log >&2; echo "glob 0.3.4, fast-glob 1.1.2 cannot be built any more" >&2; exit 2; }
expect "glob 0.3.4, fast-glob 1.1.2" "$(target/debug/probe)" \
	"7.log glob:false fast-glob:false :].log glob:true fast-glob:true "

wheel pathspec 1.1.1
expect "pathspec 1.1.1" "$(python3 -W ignore - <<'END'
from pathspec import PathSpec
spec = PathSpec.from_lines("gitignore", ["[[:digit:]].log"])
print(spec.match_file("7.log"), spec.match_file(":].log"))
END
)" "False True"

git init -q repo
echo '[[:digit:]].log' >repo/.gitignore
expect "git" "$(git -C repo check-ignore 7.log ':].log' || true)" "7.log"
echo "class-posix: as found: glob, fast-glob and pathspec take [[:digit:]] for a set of letters and a ]"
