# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A clean Debian 13, to try packages in: made from the archive that this machine's own sources name, kept packed in
# the cache, unpacked anew for each use. Nothing of the machine is in it but its devices and the address of its
# resolver. Needs root. Sourced behind lib.sh and apt.sh; sets no shell options.

# root_make DIR: unpacks a clean root in DIR; makes it first, in a minute, if the cache has none. 0 or 1, with
# a sentence in $wq_apt_why.
root_make()
{
	local uri base=$WQ_CACHE/root/clean-trixie.tar keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	uri=$(wq_debian_uri)
	[ -n "$uri" ] || { wq_apt_why="no Debian mirror is configured on this machine"; return 1; }
	command -v mmdebstrap >/dev/null || { wq_apt_why="mmdebstrap is missing: apt-get install mmdebstrap"; return 1; }
	# Until the caller exits: apt takes its cache for itself, too.
	wq_lock clean-root
	if [ ! -s "$base" ]; then
		mkdir -p "${base%/*}"
		wq_run "$WQ_CACHE/log/clean-trixie.log" mmdebstrap --variant=apt --include=ca-certificates \
			--aptopt='Acquire::Retries "3"' trixie "$base.new" "deb [signed-by=$keyring] $uri trixie main" ||
			{ wq_apt_why="a root could not be made; see $WQ_CACHE/log/clean-trixie.log"; return 1; }
		mv "$base.new" "$base"
	fi
	rm -rf --one-file-system "$1"
	mkdir -p "$1" "$WQ_CACHE/root/archives/partial" && tar -x -C "$1" --exclude='./dev/*' -f "$base" ||
		{ wq_apt_why="$base could not be unpacked into $1"; return 1; }
	printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$uri" trixie "$keyring" "$uri" trixie-backports >"$1/etc/apt/sources.list"
	# Packages stay in the cache for the next root.
	rm -f "$1/etc/apt/apt.conf.d/docker-clean"
	printf 'APT::Keep-Downloaded-Packages "true";\nAPT::Sandbox::User "root";\n' >"$1/etc/apt/apt.conf.d/50keep"
	# No service is started in there.
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
	cp /etc/resolv.conf "$1/etc/resolv.conf"
}

# root_run DIR COMMAND...: runs COMMAND in that root. What it leaves running ends with it.
root_run()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --kill-child -- sh -c '
		root=$1 archives=$2
		shift 2
		mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" && mount -t sysfs sys "$root/sys" &&
			mount --bind "$archives" "$root/var/cache/apt/archives" || exit 125
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
			DEBIAN_FRONTEND=noninteractive "$@"' sh "$1" "$WQ_CACHE/root/archives" "${@:2}"
}
