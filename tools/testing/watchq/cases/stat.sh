# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# watchq stat: counts by path and kind.

test_counts_are_exact_and_sorted()
{
	mkdir -p w/d
	start o watchq stat -r -e create,delete,close_write w
	i=0
	while [ $i -lt 50 ]; do
		i=$((i + 1))
		echo $i >>w/d/busy
		[ $i -gt 3 ] || { echo >w/some; rm w/some; }
	done
	stop
	is status "$status" 0
	is table "$(cat o)" '    total close_write create delete path
       51          50      1      0 w/d/busy
        9           3      3      3 w/some'
}

test_the_time_ends_it()
{
	mkdir -p w/d
	start o watchq stat -t 2 --json --directories -n 1 -r -e create w
	touch w/d/a w/d/b w/c
	ends "$pid"
	is status "$status" 0
	is counts "$(sed 's/^{"seconds":2[.0-9]*,/{/' o)" \
		'{"lost":0,"paths":[{"path":"w/d/","total":2,"events":{"create":2}}]}'
}

test_losses_are_said()
{
	mkdir w
	start o watchq stat --pages 1 -e create w
	kill -STOP "$pid"
	i=0
	while [ $i -lt 200 ]; do : >w/$i; i=$((i + 1)); done
	kill -TERM "$pid"
	kill -CONT "$pid"
	ends "$pid"
	lost=$(sed -n 's/^watchq: warning: \([0-9]*\) events were lost.*/\1/p' o.err)
	is "counted and lost" "$(($(wc -l <o) - 1 + lost))" 200
}
