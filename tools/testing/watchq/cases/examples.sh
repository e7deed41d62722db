# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# Runs every example of the help, which are those of the manual page, and every command line of watchq in
# README: each must get to work, or print something, and say nothing of an error.

# What they are about, in a folder of its own and where they have absolute paths.
stage()
{
	mkdir -p bin src /srv /var/spool/incoming /run /usr/lib /var /etc
	: >upload.tmp
	: >/etc/app.conf
	: >/etc/resolv.conf
	printf 'all:\n\ttrue\n' >src/Makefile
	cp src/Makefile .
	printf 'allow open       /srv/public/**\ndeny  open,exec  /srv/**/*.key   EACCES\n' >guard.rules
	for program in python3 systemctl process; do
		printf '#!/bin/sh\nexit 0\n' >bin/$program
		chmod 755 bin/$program
	done
	export PATH="$PWD/bin:$PATH"
}

# works LINE: whether it does.
works()
{
	timeout -s INT 2 sh -c "exec $1" >o 2>e
	status=$?
	case $status in
	# Done, or interrupted: 130 and 124 with -1.
	0|124|130) ;;
	*) fail "$1: status $status: $(cat e)" ;;
	esac
	! grep -q -e '^watchq: ' -e '^error' e || fail "$1: $(cat e)"
	[ -s o ] || grep -q -e 'Watches established' -e Guarding e || fail "$1: says nothing: $(cat e)"
}

# each FILE: every line of it; how many is in $count.
each()
{
	count=0
	while read -r line <&3; do
		count=$((count + 1))
		# A shell waits for what follows, and a job control sign is of no use here.
		line=${line%%&*}
		works "$line"
	done 3<"$1"
}

test_the_examples_of_the_help_work()
{
	stage
	# So that there is a queue to be listed.
	start other watchq monitor src
	for command in monitor run stat guard info list; do
		watchq $command --help | sed -n 's/^  \(watchq .*\)/\1/p' >lines
		each lines
		[ $count -ge 2 ] || fail "$command has $count examples"
	done
}

test_the_command_lines_of_readme_work()
{
	stage
	grep -v '^watchq [a-z]*$' /add/readme-lines >lines
	each lines
	[ $count -ge 2 ] || fail "README has $count"
}
