# shellcheck shell=sh disable=SC2154,SC2034,SC1003
# SPDX-License-Identifier: GPL-2.0
#
# Exit statuses of watchq monitor, and what signals do. A shell starts what runs in the background with
# SIGINT ignored, so what is to end of it runs in the foreground.

# interrupted ARGUMENT...: watchq monitor gets SIGINT after three seconds; its status is in "$status".
interrupted()
{
	timeout -s INT 3 watchq monitor "$@" >o 2>e
	status=$?
	has e '^Watches established'
}

# A shell's `watchq monitor -1 ... && process` must not process when the user has pressed ^C.
test_an_interrupt_is_not_the_event()
{
	mkdir w
	interrupted -1 w
	is "after SIGINT" "$status" 130
	has e '^posted 0'
	start o watchq monitor -1 w && stop TERM
	is "after SIGTERM" "$status" 143
	has o.err '^posted 0'
}

test_the_event_is()
{
	mkdir w
	start o watchq monitor -1 -e create w
	touch w/x
	ends "$pid"
	is status "$status" 0
	is line "$(cat o)" 'w/ create x'
}

# What had happened before the signal counts.
test_an_event_before_the_interrupt_is()
{
	mkdir w
	start o watchq monitor -1 -e create w
	kill -STOP "$pid"
	touch w/x w/y
	kill -TERM "$pid"
	kill -CONT "$pid"
	ends "$pid"
	is status "$status" 0
	is lines "$(cat o)" 'w/ create x'
}

test_without_once_an_interrupt_is_the_end()
{
	mkdir w
	interrupted w
	is "after SIGINT" "$status" 0
	start o watchq monitor w && stop TERM
	is "after SIGTERM" "$status" 0
	start o watchq monitor w && stop HUP
	is "after SIGHUP" "$status" 129
}

test_what_is_ignored_stays_ignored()
{
	mkdir w
	start o sh -c 'trap "" INT TERM; exec watchq monitor -e create w'
	kill -INT "$pid"
	kill -TERM "$pid"
	usleep 500000
	touch w/x
	comes o 'w/ create x'
	stop HUP
	is status "$status" 129
}

test_a_timeout_is_2()
{
	mkdir w
	watchq monitor -q -t 0.2 w
	is status $? 2
}

# The loop that a user writes can be left.
test_a_loop_can_be_interrupted()
{
	mkdir w
	cat >loop <<-'END'
		while watchq monitor -1 -q w; do echo again; done
		echo left
	END
	{
		until watchq=$(pidof watchq); do usleep 50000; done
		usleep 500000
		kill -INT "$watchq"
	} &
	timeout -s KILL 20 sh loop >o 2>&1
	is output "$(cat o)" left
}

# As tail -f does: the end of the reader is noticed without waiting for another event.
test_the_end_of_the_reader_is_the_end()
{
	mkdir w
	mkfifo pipe
	: >e
	head -n 1 <pipe >o &
	watchq monitor -e create w >pipe 2>e &
	pid=$!
	started="$started $pid"
	comes e established
	touch w/x
	ends "$pid"
	is status "$status" 0
	head -n 0 <pipe &
	watchq monitor -1 w >pipe 2>e &
	pid=$!
	started="$started $pid"
	ends "$pid"
	is "status with -1" "$status" 141
}
