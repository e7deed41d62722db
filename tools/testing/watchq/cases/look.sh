# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# watchq info and watchq list, and messages about limits.

parameters=/sys/module/watch_queue_dev/parameters

# One release: modinfo, which reads the same, and --version have one number.
test_module_and_tool_have_one_version()
{
	is "the module's version" "watchq $(cat ${parameters%/*}/version)" "$(watchq --version)"
}

# As in a container that was not given the device.
test_a_missing_device_of_a_loaded_module()
{
	mv /dev/watch_queue /dev/elsewhere
	watchq monitor /tmp 2>e
	status=$?
	mv /dev/elsewhere /dev/watch_queue
	is status $status 1
	has e 'is missing, though the kernel module is loaded'
	has e 'podman run --device /dev/watch_queue'
	watchq info >o
	has o '^sources: .*fs'
}

test_info_has_limits_and_their_sources()
{
	watchq info >o
	has o '^sources: .*fs'
	has o "max_pages: $(cat $parameters/max_pages) pages, .*($parameters/max_pages)"
	has o 'RLIMIT_MEMLOCK: .*ulimit -l'
	has o '^scopes of files: object children subtree mount sb$'
	watchq info --json >j
	has j '^{"abi_version":[0-9]*,"features":{"lsm":'
	has j "{\"name\":\"max_user_queues\",\"value\":$(cat $parameters/max_user_queues),\"unit\":\"queues\""
}

test_list_shows_every_queue()
{
	mkdir w
	start o watchq monitor -r -e create,delete w
	touch w/a w/b
	comes o 'create b'
	watchq list >l
	has l "^ *$pid watchq  *[0-9]*  *65536 * 1 * 2 * 2 * 0 * 0\$"
	watchq list -w >l
	has l '^        watch 1 on fs, scope subtree: create,delete; delivered 2, filtered 0, lost 0$'
	watchq list --json >j
	has j "^{\"pid\":$pid,\"comm\":\"watchq\",\"fd\":[0-9]*,\"ring_slots\":8192,\"watches\":1,\"posted\":2,"
	has j '"watch":\[{"handle":1,"source":"fs","scope":"subtree","events":\["create","delete"\],'
	stop
	is "queues at the end" "$(watchq list | wc -l)" 1
}

test_list_says_what_it_may_not_see()
{
	mkdir w
	start o watchq monitor w
	su user -s /bin/sh -c 'watchq list' >l 2>e || fail "status $?"
	is lines "$(wc -l <l)" 1
	has e 'processes do not show their files to you'
	stop
}

# The kernel says EMFILE for both.
test_the_right_limit_is_named()
{
	mkdir w
	before=$(cat $parameters/max_user_queues)
	echo 1 >$parameters/max_user_queues
	start o watchq monitor w
	watchq monitor w 2>e && fail 'there was a second queue'
	stop
	echo "$before" >$parameters/max_user_queues
	has e '^watchq: you have as many watch queues open as one user may (max_user_queues = 1)'
	has e "echo NUMBER >$parameters/max_user_queues"
	# Whatever it is that cannot be opened any more: every message names the limit.
	: >words
	for files in 6 7 8 9 10 11 12 13 14 15 16; do
		# shellcheck disable=SC3045 # busybox has it
		(ulimit -n $files; timeout 5 watchq monitor -t 0.1 w) 2>e >o
		[ $? -eq 2 ] || sed -n '1{/RLIMIT_NOFILE/!p}' e >>words
		grep -c RLIMIT_NOFILE e >>count
	done
	is "other words" "$(cat words)" ''
	has count 1
}

test_errors_are_words()
{
	mkdir w
	watchq monitor --pages 1000000000000 w 2>e
	has e "cannot have 1000000000000 pages"
	has e "max_pages = $(cat $parameters/max_pages)"
	watchq monitor --scope mount -e create / 2>e
	has e '/: a mount does not know one of the events'
	watchq monitor --key 12345 2>e
	has e 'key:12345: there is no such key'
	watchq guard -r none w 2>e
	has e 'none: cannot be read: No such file or directory$'
}

# journald reads priorities from lines, of programs whose stderr it is.
test_lines_have_priorities_under_systemd()
{
	mkdir w
	: >e
	stream=$(stat -c %d:%i e)
	JOURNAL_STREAM=$stream watchq monitor none 2>e
	is failing "$(cat e)" '<3>watchq: none: no such file or directory'
	JOURNAL_STREAM=$stream watchq monitor -t 0.1 w w 2>e
	is running "$(cat e)" '<4>watchq: warning: w/ was given twice
<6>Watches established.'
	JOURNAL_STREAM=1:1 watchq monitor none 2>e
	is otherwise "$(cat e)" 'watchq: none: no such file or directory'
}
