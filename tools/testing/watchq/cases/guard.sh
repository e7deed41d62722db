# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# watchq guard: its rule file, its log, and what it does when the rules change.

newline='
'

# opens FILE: whether it can be opened.
opens() { cat "$1" >/dev/null 2>&1; }

# The example of the help.
test_the_example_of_the_help_protects_the_file_at_the_top()
{
	mkdir -p srv/sub srv/public
	for f in srv/top.key srv/sub/deep.key srv/public/x.key srv/notes; do echo x >$f; done
	printf 'allow open %s/srv/public/**\ndeny open,exec %s/srv/**/*.key EACCES\n' "$work" "$work" >rules
	start o watchq guard --rules rules srv
	opens srv/top.key && fail "top.key was opened"
	opens srv/sub/deep.key && fail "deep.key was opened"
	opens srv/public/x.key || fail "public/x.key was denied"
	opens srv/notes || fail "notes was denied"
	stop
	is status "$status" 0
	is denied "$(grep -c '^denied open' o)" 2
	has o.err "^       1 by line 1: allow open $work/srv/public/\*\*$"
	has o.err "^       2 by line 2: deny open,exec"
	has o.err '^       [1-9][0-9]* by no rule$'
}

test_rules_that_could_never_match_are_refused()
{
	mkdir w
	for pattern in '*.key' w/x '/a//b' '/a/b/' '/a/../b' '/a/x**' '/a/[b'; do
		printf '# fine\nallow open /a\ndeny open %s\n' "$pattern" >rules
		watchq guard --rules rules w >o 2>e
		is "status for $pattern" $? 1
		has e '^watchq: rules:3: '
	done
	echo 'deny open /elsewhere/**' >rules
	start o watchq guard --rules rules w
	stop
	has o.err 'rules:1: nothing that is guarded has such a path'
}

test_check_says_which_rule_decides()
{
	printf 'allow open /srv/public/**\n\ndeny open,exec /srv/**/*.key EACCES\n' >rules
	watchq guard --check rules /srv/top.key /srv/public/x.key /srv/notes >o 2>e
	is status $? 0
	is decisions "$(grep ^open o)" 'open /srv/top.key: denied (EACCES) by line 3: deny open,exec /srv/**/*.key EACCES
open /srv/public/x.key: allowed by line 1: allow open /srv/public/**
open /srv/notes: allowed, no rule matches'
	echo 'deny open x' >rules
	watchq guard --check rules /x >o 2>e
	is "status of a wrong one" $? 1
	has e 'rules:1: .*can never match'
}

test_the_log_cannot_be_forged()
{
	mkdir w
	echo "deny open $work/w/** EACCES" >rules
	start o watchq guard --rules rules w
	start j watchq guard --json --rules rules w
	(exec 2>/dev/null; echo x >"w/a${newline}denied open /etc/shadow by cat (pid 1)")
	cp /bin/busybox "./c${newline}d by init (pid 1)"
	opens w/x
	kill -TERM "$pid"
	ends "$pid"
	is "lines of the log" "$(grep -vc '^denied open [^ ]*\(\\ [^ ]*\)* by [^ ]*\(\\ [^ ]*\)* (pid [0-9]*)$' o)" 0
	hasnt o '^denied open /etc/shadow'
	is "lines of JSON" "$(grep -vc '^{"event":"denied","time":"2.*Z","what":"open","path":.*,"rule":1}$' j)" 0
}

test_sighup_reads_the_rules_again_and_keeps_them_if_they_are_broken()
{
	mkdir w
	echo x >w/a
	echo y >w/b
	echo "deny open $work/w/a" >rules
	start o watchq guard --rules rules w
	opens w/a && fail "a was opened"
	opens w/b || fail "b was denied"
	echo "deny opn $work/w/b" >rules
	kill -HUP "$pid"
	comes o.err 'rules of before stay'
	has o.err "rules:1: 'opn' is none of"
	opens w/a && fail "a was opened by broken rules"
	# Another question than before, too.
	echo "deny open,read $work/w/b" >rules
	kill -HUP "$pid"
	comes o.err 'read again'
	opens w/a || fail "a was denied by the new rules"
	opens w/b && fail "b was opened by the new rules"
	stop
	is status "$status" 0
}

test_new_rules_may_ask_about_something_else()
{
	mkdir w
	cp /bin/busybox w/echo
	echo "deny open $work/w/none" >rules
	start o watchq guard --rules rules w
	w/echo || fail "it was not executed"
	echo "deny exec $work/w/echo EACCES" >rules
	kill -HUP "$pid"
	comes o.err 'read again'
	w/echo && fail "it was executed"
	stop
	has o "^denied exec $work/w/echo by "
}

# The reader of the log must not be able to end the guard by going away.
test_guarding_goes_on_without_a_reader()
{
	mkdir w
	echo x >w/a
	echo "deny open $work/w/a" >rules
	mkfifo pipe
	: >e
	head -n 1 <pipe >o &
	watchq guard --rules rules w >pipe 2>e &
	pid=$!
	started="$started $pid"
	comes e Guarding
	for i in 1 2 3 4; do
		opens w/a && fail "a was opened"
		usleep 100000
	done
	comes e 'guarding goes on'
	opens w/a && fail "a was opened without a reader"
	stop
	is status "$status" 0
}
