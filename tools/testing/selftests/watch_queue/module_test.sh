#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading, by plain sh (busybox will do). WQ_MODULE names the module's file;
# without it everything is skipped, as when somebody else is using the module. The module
# is loaded again at the end if it was loaded at the beginning.
#
# WQ_TESTS: folder with the test programs (default: 64/ beside this script, or its own).

here=$(cd "$(dirname "$0")" && pwd)
tests=${WQ_TESTS:-$here/64}
[ -x "$tests/event_test" ] || tests=$here
name=watch_queue_dev
number=0
failed=0

result()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=$((failed + 1))
	fi
}

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 4
}

loaded() { grep -q "^$name " /proc/modules; }
load() { insmod "$WQ_MODULE"; }

# unload: also says why it was refused
unload() { rmmod $name 2>&1; }

[ -n "${WQ_MODULE:-}" ] || skip_all "WQ_MODULE does not name the module's file"
[ -r "$WQ_MODULE" ] || skip_all "cannot read $WQ_MODULE"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -r /proc/modules ] || skip_all "the kernel has no loadable modules"
was_loaded=0
if loaded; then
	was_loaded=1
	unload >/dev/null || skip_all "the module is in use by somebody else"
fi

echo "TAP version 13"
echo "1..8"

# 20 times, and the node comes and goes with it.
status=0
i=0
while [ $i -lt 20 ]; do
	load || { echo "# round $i: insmod failed"; status=1; break; }
	[ -c /dev/watch_queue ] || { echo "# round $i: no node"; status=1; }
	unload || { echo "# round $i: rmmod failed"; status=1; break; }
	[ ! -e /dev/watch_queue ] || { echo "# round $i: the node is still there"; status=1; }
	i=$((i + 1))
done
result $status "loaded and unloaded 20 times"

# Right after events: what they have left for the reapers must be gone before the code is.
status=0
i=0
while [ $i -lt 3 ]; do
	load || { status=1; break; }
	"$tests/event_test" -t file -t folders >/dev/null 2>&1 ||
		{ echo "# round $i: the events were wrong"; status=1; }
	unload || { echo "# round $i: rmmod failed right after events"; status=1; break; }
	i=$((i + 1))
done
result $status "unloaded right after events"

# hold HOW: begins to hold a queue; its process is $holder
hold()
{
	rm -f "/tmp/wq-ready.$$"
	"$tests/hold_queue" "$1" "/tmp/wq-ready.$$" &
	holder=$!
	n=0
	while [ ! -e "/tmp/wq-ready.$$" ] && kill -0 $holder 2>/dev/null && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.1
	done
	[ -e "/tmp/wq-ready.$$" ]
}

# A queue that is open keeps the module; so does one that is only mapped.
load || { echo "# insmod failed"; status=1; }
for how in open mapped; do
	status=1
	if hold $how && ! why=$(unload); then
		case $why in
		*"in use"*|*"emporarily unavailable"*|*EWOULDBLOCK*|*busy*) status=0 ;;
		*) echo "# refused, but for another reason: $why" ;;
		esac
	fi
	loaded || status=1
	kill $holder
	wait $holder 2>/dev/null
	rm -f "/tmp/wq-ready.$$"
	result $status "not unloaded while a queue is $how"
done

# The holder is gone, so it can be unloaded, at once or very soon.
status=1
n=0
while [ $n -lt 50 ]; do
	if unload >/dev/null; then
		status=0
		break
	fi
	n=$((n + 1))
	sleep 0.1
done
result $status "unloaded after the last queue is gone"

# Killed in the middle of its work, the module unloaded in a loop until it goes.
status=0
i=0
while [ $i -lt 2 ]; do
	load || { status=1; break; }
	WQ_SCALE=1000 "$tests/many_test" -t closed_while_posting >/dev/null 2>&1 &
	worker=$!
	sleep 1
	# The harness runs each test in a process group of its own.
	for pid in $(pidof many_test); do
		kill -9 "$pid" 2>/dev/null
	done
	wait $worker 2>/dev/null
	n=0
	until unload >/dev/null; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "# round $i: not unloaded after 10 s"; status=1; break; }
		sleep 0.1
	done
	i=$((i + 1))
done
result $status "unloaded after its users were killed"

# Killed, listener and tasks alike, while tasks wait for its answers; the last of them may be
# on their way out of the module. TRAPS: A8, A12
status=0
skip=
i=0
while [ $i -lt 3 ] && [ -z "$skip" ]; do
	load || { status=1; break; }
	if ! hold asked; then
		wait $holder
		if [ $? -eq 4 ]; then
			skip=" # SKIP this kernel does not let modules ask for permission"
		else
			echo "# round $i: nobody waits"
			status=1
		fi
	fi
	for pid in $(pidof hold_queue); do
		kill -9 "$pid" 2>/dev/null
	done
	wait $holder 2>/dev/null
	n=0
	until unload >/dev/null; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "# round $i: not unloaded after 10 s"; status=1; break; }
		sleep 0.1
	done
	i=$((i + 1))
done
result $status "unloaded while tasks were waiting for an answer$skip"

# Without what only a patched kernel has, nobody can ask for permission.
status=1
if insmod "$WQ_MODULE" use_patches=0; then
	"$tests/permission_end_test" -t without_the_patch_there_are_no_questions |
		grep -q "^ok 1 [^#]*$" && status=0
	unload >/dev/null || { echo "# rmmod failed"; status=1; }
fi
result $status "no requests for permission with use_patches=0"

loaded && [ $was_loaded -eq 0 ] && unload
loaded || [ $was_loaded -eq 0 ] || load
[ $failed -eq 0 ]
