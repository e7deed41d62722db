# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# Which names watchq monitor tells (--include, --exclude, --ignore-file), what ends an event, and where
# it writes (-o).

test_names_are_chosen_as_by_gitignore()
{
	mkdir -p w/src w/target/debug w/.git
	printf '# what is built\ntarget/\n' >ignore
	start o watchq monitor -r -e create --exclude '*.swp' --ignore-file ignore --exclude .git/ w
	touch w/a w/a.swp w/src/b w/src/.b.swp w/target/debug/c w/.git/index w/targets
	stop
	is lines "$(cat o)" 'w/ create a
w/src/ create b
w/ create targets'
	start o watchq monitor -r -e create --include '/*.c' --include src/ --exclude '*.o' w
	touch w/x.c w/x.h w/src/y w/src/y.o w/target/z.c
	stop
	is included "$(cat o)" 'w/ create x.c
w/src/ create y'
}

# A file that is given is judged by its name, a directory that is given has none.
test_what_is_given_is_chosen_too()
{
	mkdir w
	touch w/a.c w/a.h
	start o watchq monitor -e attrib --include '*.c' w w/a.c w/a.h
	chmod 700 w w/a.c w/a.h
	stop
	is lines "$(sort -u o)" 'w/ attrib a.c
w/a.c attrib'
}

# Waits for one name, with a time-out.
test_once_and_timeout_wait_for_the_name()
{
	mkdir w
	start o watchq monitor -1 -t 20 -e create --include app.sock w
	touch w/other
	usleep 500000
	[ -d "/proc/$pid" ] || fail 'it ended with another name'
	touch w/app.sock
	ends "$pid"
	is status "$status" 0
	is line "$(cat o)" 'w/ create app.sock'
	start o watchq monitor -t 2 -e create --exclude '*' w
	for i in 1 2 3 4 5 6; do touch w/$i; usleep 500000; done &
	ends "$pid"
	is "status of the time-out" "$status" 2
	is nothing "$(cat o)" ''
}

test_losses_are_told_whatever_is_excluded()
{
	mkdir w
	start o watchq monitor --pages 1 --exclude '*' -e create w
	kill -STOP "$pid"
	i=0
	while [ $i -lt 200 ]; do : >w/$i; i=$((i + 1)); done
	kill -CONT "$pid"
	comes o '^lost [0-9]* events of w/'
	stop
}

test_what_ends_an_event()
{
	mkdir w
	start o watchq monitor -0 -e create w
	touch w/a "w/b c"
	stop
	is NUL "$(tr '\0' '@' <o)" 'w/ create a@w/ create b c@'
	start o watchq monitor --no-newline -e delete --format '%f;' w
	rm w/a w/b*
	stop
	is nothing "$(cat o)" 'a;b\ c;'
}

test_the_output_is_opened_again_after_sighup()
{
	mkdir w
	echo before >log
	start o watchq monitor -e create -o log w
	touch w/a
	comes log 'create a'
	mv log log.1
	touch w/b
	comes log.1 'create b'
	kill -HUP "$pid"
	usleep 300000
	touch w/c
	comes log 'create c'
	is old "$(cat log.1)" 'before
w/ create a
w/ create b'
	# What cannot be opened leaves the file of before.
	mv log log.2
	mkdir log
	kill -HUP "$pid"
	comes o.err 'log: cannot be written: Is a directory'
	touch w/d
	comes log.2 'create d'
	stop
	is status "$status" 0
	is stdout "$(cat o)" ''
}

# The last reader ends without an event.
test_the_end_of_the_reader_needs_no_event()
{
	mkdir w
	mkfifo pipe
	# shellcheck disable=SC2217 # it holds the pipe open
	sleep 1 <pipe &
	: >e
	watchq monitor w >pipe 2>e &
	pid=$!
	started="$started $pid"
	ends "$pid"
	is status "$status" 0
}

test_values_are_no_paths()
{
	mkdir w
	watchq monitor --block w 2>e && fail 'w is no device'
	has e 'w: is no block device'
	watchq monitor --block 2>e && fail 'it has no device'
	has e 'a value is required'
	watchq monitor --block /dev/none --block /dev/null w 2>e && fail 'they are none'
	has e '/dev/none: no such file'
	watchq monitor --mounts /proc/1/ns/mnt 2>e && fail 'it is no path to watch'
	has e '->.*--mounts-of'
}

# What happens where the user may not look is not told.
test_an_ordinary_user_has_subtrees()
{
	mkdir -p w/open w/hidden
	chmod 700 w/hidden
	start o su user -s /bin/sh -c 'exec watchq monitor -r -e create w'
	touch w/open/a w/hidden/b w/c
	stop
	is lines "$(cat o)" 'w/open/ create a
w/ create c'
}

test_files_stand_beside_folders()
{
	mkdir w w/sub
	echo 1 > f
	start o watchq monitor -r -e create,modify w f
	touch w/sub/x
	echo 2 >> f
	stop
	is lines "$(cat o)" "w/sub/ create x
f modify"
}

test_all_of_a_file_system_is_by_its_mount_point()
{
	mkdir m
	mount -t tmpfs none m
	mkdir m/in
	for scope in sb mount; do
		watchq monitor --scope $scope -e modify m/in 2>e && fail "--scope $scope m/in was taken"
		has e 'm/in: nothing is mounted there'
	done
	start o watchq monitor --scope sb -e create m
	touch m/in/x
	stop
	is lines "$(cat o)" "m/in/ create x"
	umount m
}
