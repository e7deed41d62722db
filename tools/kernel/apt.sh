# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Packages of other suites of the Debian archive that this machine already uses, with a private
# apt state in the cache: nothing is installed, and the machine's apt configuration stays as it is.
# Packages are verified with Debian's own key. What fails leaves a sentence for the user in $wq_apt_why.
# Sourced behind lib.sh; sets no shell options.
# shellcheck disable=SC2034 # wq_apt_why is for the caller

# wq_debian_uri: the archive's address, as the machine's own sources have it.
wq_debian_uri()
{
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
		awk '$2 == "Debian" && $1 ~ /\/debian\/?$/ { print $1; exit }'
}

# wq_apt_open SUITE: makes SUITE what wq_apt reads, in $WQ_CACHE/apt/SUITE. Package lists that are
# younger than a day are taken as they are.
wq_apt_open()
{
	local fd suite=$1 uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg dir=$WQ_CACHE/apt/$1

	command -v apt-get >/dev/null || { wq_apt_why="this machine has no apt-get"; return 1; }
	uri=$(wq_debian_uri)
	[ -n "$uri" ] || { wq_apt_why="no Debian mirror is configured on this machine"; return 1; }
	[ -r $keyring ] || { wq_apt_why="$keyring is missing: apt-get install debian-archive-keyring"; return 1; }
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" || { wq_apt_why="cannot create $dir"; return 1; }
	wq_apt_options=(-o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=-
		-o Dir::Etc::preferencesparts=/dev/null -o Dir::Etc::preferences=/dev/null
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir" -o Dir::State="$dir"
		-o Dir::State::status="$dir/status" -o APT::Sandbox::User=root
		-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Get::List-Cleanup=false)
	# Two runs must not read the lists at once; the lock is not kept, as theirs of other things are.
	exec {fd}>"$dir/lock"
	flock "$fd"
	: >"$dir/status"
	echo "deb [signed-by=$keyring] $uri $suite main" >"$dir/sources.new"
	if cmp -s "$dir/sources.new" "$dir/sources.list" && [ -n "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
		exec {fd}>&-
		return 0
	fi
	mv "$dir/sources.new" "$dir/sources.list"
	wq_say "reading the package list of $suite"
	{ wq_run "$WQ_CACHE/log/apt-$suite.log" apt-get "${wq_apt_options[@]}" -o APT::Update::Error-Mode=any update &&
		touch "$dir/updated"; } || {
		exec {fd}>&-
		wq_apt_why="the package list of $suite could not be read from this machine's mirror; see $WQ_CACHE/log/apt-$suite.log"
		return 1
	}
	exec {fd}>&-
}

# wq_apt_version PACKAGE: the version that the opened suite has, if any.
wq_apt_version()
{
	apt-cache "${wq_apt_options[@]}" show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1
}

# wq_apt_depends PACKAGE: what it depends on directly, one name a line.
wq_apt_depends()
{
	apt-cache "${wq_apt_options[@]}" depends --no-recommends --no-suggests "$1" 2>/dev/null | sed -n 's/^  Depends: //p'
}

# wq_apt_fetch DIR PACKAGE[=VERSION]...: puts the packages into DIR, without what they depend on. What
# is there already stays, and a package that was cut off goes on where it stopped if the mirror can.
# The caller holds a lock for DIR.
wq_apt_fetch()
{
	local dir=$1 log package

	log=$WQ_CACHE/log/fetch-$(basename "$dir").log
	shift
	mkdir -p "$dir/partial" || { wq_apt_why="cannot create $dir"; return 1; }
	for package; do
		! compgen -G "$dir/${package%%=*}_*.deb" >/dev/null || continue
		{ wq_run "$log" env -C "$dir/partial" apt-get "${wq_apt_options[@]}" download "$package" &&
			mv "$dir/partial/${package%%=*}"_*.deb "$dir/"; } || {
			wq_apt_why="the package $package could not be fetched; see $log"
			return 1
		}
	done
}

# wq_apt_fetch_all DIR PACKAGE...: likewise with all that they depend on.
wq_apt_fetch_all()
{
	local dir=$1 log

	log=$WQ_CACHE/log/fetch-$(basename "$dir").log
	shift
	mkdir -p "$dir/partial" || { wq_apt_why="cannot create $dir"; return 1; }
	wq_run "$log" apt-get "${wq_apt_options[@]}" -o Dir::Cache::Archives="$dir" -o Debug::NoLocking=1 \
		--no-install-recommends -y -d install "$@" && return 0
	wq_apt_why="a package could not be fetched; see $log"
	return 1
}

# wq_unpack DEB FOLDER [TAR OPTION...]: unpacks DEB into FOLDER. Says nothing; a full disk fails it.
wq_unpack()
{
	local deb=$1 to=$2

	shift 2
	mkdir -p "$to" && (set -o pipefail; dpkg-deb --fsys-tarfile "$deb" | tar -x --no-same-owner -C "$to" "$@")
}
