# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# watchq run: the last state is always the one that was run for, and what the command does itself does not
# make it run again.

# settles FILE: waits until no run was said in it for two seconds; the number of runs is in $runs.
settles()
{
	runs=-1
	patience=0
	until [ "$(grep -c '^running' "$1")" = "$runs" ]; do
		runs=$(grep -c '^running' "$1")
		patience=$((patience + 1))
		[ $patience -lt 20 ] || { fail "it does not come to rest: $runs runs"; return; }
		sleep 2
	done
}

# at_work NAME: how many processes of that name there are that have not ended.
at_work() { cat /proc/[0-9]*/stat 2>/dev/null | grep -c "^[0-9]* ($1) [^ZX]"; }

makefile()
{
	mkdir w
	# shellcheck disable=SC2016 # make expands it
	printf '%s\n\t%s\n' 'out: a.o b.o' 'cat a.o b.o >out' '%.o: %.c' 'usleep 100000; cp $< $@' >w/Makefile
	echo 0 >w/a.c
	echo b >w/b.c
}

# make writes objects into the watched tree, by processes that are gone at once.
test_make_ends_idle_with_the_last_state_built()
{
	makefile
	start o watchq run -r w -- make -C w
	i=0
	while [ $i -lt 20 ]; do
		i=$((i + 1))
		echo "state $i" >w/a.c
		usleep 70000
	done
	settles o.err
	is built "$(cat w/out)" "state 20
b"
	[ -z "$(pidof make)" ] || fail 'make is at work'
	echo "# 20 saves, $runs runs" >&4
	stop
	is status "$status" 0
}

# Saves by programs that have ended when they are asked about, some of them during a run.
test_no_save_of_a_short_program_is_missed()
{
	makefile
	start o watchq run -r w -- make -C w
	i=0
	while [ $i -lt 20 ]; do
		i=$((i + 1))
		echo "state $i" >new
		cp new w/a.c
		usleep 70000
	done
	settles o.err
	is built "$(cat w/out)" "state 20
b"
	stop
}

test_what_the_command_does_does_not_count()
{
	mkdir w
	start o watchq run w -- sh -c 'echo x >w/a; (usleep 300000; echo late >w/b; usleep 300000) & wait'
	settles o.err
	is runs "$runs" 1
	stop
	start o watchq run --own w -- sh -c 'echo x >w/a; usleep 300000'
	usleep 3000000
	[ "$(grep -c '^running' o.err)" -ge 3 ] || fail "$(cat o.err)"
	stop
}

# The process that did it is not told, but what no other process changed may be the command's own.
test_an_ordinary_user_has_pauses_at_worst()
{
	mkdir w
	chmod 777 w
	start o su user -s /bin/sh -c "exec watchq run w -- sh -c 'echo x >w/a'"
	comes o.err 'warning: w/a changed in every run'
	n=$(grep -c '^running' o.err)
	[ "$n" -le 5 ] || fail "$n runs before it"
	# A save is not slowed down by that.
	echo x >w/b
	comes o.err 'running sh: w/b changed'
	stop
}

test_changes_of_a_moment_are_one_run()
{
	mkdir w
	start o watchq run --postpone --debounce 300 w -- sh -c 'cat w/* >sum'
	for i in 1 2 3 4 5; do echo $i >w/$i; usleep 50000; done
	comes o.err 'running sh: w/1 changed'
	settles o.err
	is runs "$runs" 1
	is sum "$(cat sum)" '1
2
3
4
5'
	stop
}

test_postpone_waits_for_the_first_change()
{
	mkdir w
	start o watchq run --postpone w -- touch ran
	usleep 500000
	[ ! -e ran ] || fail 'it ran before'
	touch w/x
	comes o.err 'running touch: w/x changed'
	settles o.err
	[ -e ran ] || fail 'it did not run'
	stop
	start o watchq run w -- false
	comes o.err 'running false: the first run'
	comes o.err 'ended with status 1'
	stop
}

test_restart_ends_the_command_first()
{
	mkdir w
	start o watchq run --restart w -- sh -c 'echo begin >>log; sleep 1000; echo never >>log'
	comes log begin
	touch w/x
	comes o.err 'running sh: w/x changed'
	comes o.err 'ended by signal 15'
	is "commands at work" "$(at_work sleep)" 1
	stop
	is status "$status" 0
	is "commands at the end" "$(at_work sleep)" 0
	hasnt log never
}

test_gitignore_is_honoured()
{
	mkdir -p w/.git w/sub
	echo '*.log' >w/.gitignore
	echo '!keep.log' >w/sub/.gitignore
	start o watchq run -r --postpone --exclude '*.swp' w -- true
	touch w/x.log w/.git/index w/sub/y.log w/z.swp
	usleep 500000
	hasnt o.err '^running'
	touch w/sub/keep.log
	comes o.err 'running true: w/sub/keep.log changed'
	stop
	start o watchq run -r --postpone --no-ignore w -- true
	echo >>w/.git/index
	comes o.err 'running true: w/.git/index changed'
	stop
}

test_a_loss_is_a_run()
{
	mkdir w
	start o watchq run --postpone --pages 1 --exclude '*' w -- true
	kill -STOP "$pid"
	i=0
	while [ $i -lt 200 ]; do : >w/$i; i=$((i + 1)); done
	kill -CONT "$pid"
	comes o.err '^watchq: warning: lost [0-9]* events of w/: the ring was full; running the command'
	comes o.err '^running true: events were lost'
	stop
}

test_a_file_through_atomic_saves()
{
	mkdir w
	echo 0 >w/conf
	start o watchq run w/conf -- cp w/conf seen
	for i in 1 2 3; do
		echo $i >w/new
		mv w/new w/conf
		comes seen $i
	done
	stop
	watchq run w/conf -- /none 2>e && fail 'there is no such command'
	has e '^watchq: /none: cannot be run: No such file or directory'
}
