# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# watchq monitor --mounts: what is said of mounts, what it costs, and that no server is waited for.

test_mounts_are_told_with_place_type_and_source()
{
	mkdir a 'b c'
	start o watchq monitor --mounts
	mount -t tmpfs 'some where' a
	mkdir a/in
	mount -t tmpfs none a/in
	mount --move a 'b c'
	umount 'b c/in'
	umount 'b c'
	stop
	is lines "$(sed -n 's/^mounts \([a-z_]*\) mount=[0-9]* on=[0-9]*/\1/p' o)" "new_mount at=$work/a type=tmpfs from=some\\ where
new_mount at=$work/a/in type=tmpfs from=none
move_from at=$work/a
move_to at=$work/b\\ c
unmount at=$work/b\\ c/in
unmount at=$work/b\\ c"
}

test_mounts_of_another_namespace_have_places()
{
	mkdir a
	unshare -m sh -c "mount --make-rprivate /; touch ready; until [ -e go ]; do usleep 20000; done; mount -t tmpfs x $work/a; sleep 1000" &
	other=$!
	started="$started $other"
	until [ -e ready ]; do usleep 20000; done
	start o watchq monitor --mounts-of "/proc/$other/ns/mnt"
	touch go
	comes o "new_mount mount=.* at=$work/a type=tmpfs from=x"
	stop
}

# What is mounted on a directory of a file system whose server does not answer is behind a path that
# nobody gets through.
test_a_server_that_does_not_answer_holds_up_nothing()
{
	modprobe fuse 2>/dev/null
	mkdir hung other
	start server fuse_dir hung
	server=$pid
	mount -t tmpfs none hung/sub
	kill -STOP "$server"
	timeout 2 stat hung/sub >/dev/null 2>&1 && fail "the server does answer"
	start o watchq monitor --mounts
	mount -t tmpfs none other
	umount other
	comes o "new_mount mount=.* at=$work/other"
	comes o "unmount mount=.* at=$work/other"
	stop
	is status "$status" 0
	kill -CONT "$server"
	umount hung/sub
	umount hung
}

# ran: how long watchq has run, in hundredths of a second.
ran() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }

# cost: how long it runs for 300 mounts and unmounts.
cost()
{
	start o watchq monitor --mounts
	usleep 300000
	begun=$(ran)
	i=0
	while [ $i -lt 300 ]; do
		mount -t tmpfs none new && umount new
		i=$((i + 1))
	done
	sleep 2
	ended=$(ran)
	is mounts "$(grep -c new_mount o)" 300
	cost=$((ended - begun))
	stop
}

test_a_new_mount_costs_the_same_among_many()
{
	mkdir new
	cost
	few=$cost
	i=0
	while [ $i -lt 600 ]; do
		mkdir -p m/$i
		mount -t tmpfs none m/$i
		i=$((i + 1))
	done
	cost
	# A busy host makes any of them dear; what grows with the number of mounts is dear each time.
	tries=0
	many=$cost
	while [ "$many" -gt $((few * 2 + 10)) ] && [ $tries -lt 3 ]; do
		cost
		[ "$cost" -ge "$many" ] || many=$cost
		tries=$((tries + 1))
	done
	i=0
	while [ $i -lt 600 ]; do
		umount m/$i
		i=$((i + 1))
	done
	echo "# 300 mounts cost $few hundredths of a second among few, $many among 600" >&4
	[ "$many" -le $((few * 2 + 10)) ] || fail "among 600 others it costs more"
}
