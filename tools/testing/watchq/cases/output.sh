# shellcheck shell=sh disable=SC2154,SC2034,SC1003
# SPDX-License-Identifier: GPL-2.0
#
# What watchq monitor prints: names that would be something else, paths that are too long, and what
# watchq itself does to the watched files.

newline='
'

test_names_cannot_forge_a_line()
{
	mkdir w
	start o watchq monitor -e create w
	touch "w/a${newline}lost 99 events of everything: the ring was full" "w/$(printf '\033[31m')" 'w/a b\'
	stop
	is lines "$(cat o)" 'w/ create a\nlost\ 99\ events\ of\ everything:\ the\ ring\ was\ full
w/ create \033[31m
w/ create a\ b\\'
	start o watchq monitor --raw -e delete w
	rm w/a*ring*full
	stop
	is "raw" "$(cat o)" "w/ delete a${newline}lost 99 events of everything: the ring was full"
}

test_warnings_cannot_drive_the_terminal()
{
	odd="$(printf 'w\033[31m')"
	mkdir "$odd"
	start o watchq monitor "$odd" "$odd"
	stop
	has o.err 'warning: w\\033\[31m/ was given twice'
	watchq monitor "$odd/none" 2>e
	has e '^watchq: w\\033\[31m/none: no such file'
}

# deep N: directories of 100 bytes below each other, from here; back again.
deep()
{
	long=$(printf '%0100d' 0)
	i=0
	while [ $i -lt "$1" ]; do
		mkdir "$long"
		cd "$long" || { fail "cd"; return; }
		i=$((i + 1))
	done
	echo x >leaf
	cd "$work" || fail "cd back"
}

test_a_path_that_is_not_told_is_no_path()
{
	mkdir -p w/...
	start t watchq monitor -r -e close_write w
	start r watchq monitor -r --raw -e close_write w
	start j watchq monitor -r --json -e close_write w
	(cd w && deep 6)
	echo x >w/.../leaf
	for i in t r j; do comes $i '\.\.\./ close_write leaf\|w/\.\.\./'; done
	usleep 300000
	is text "$(cat t)" 'w//.../ close_write leaf
w/.../ close_write leaf'
	is raw "$(cat r)" "$(cat t)"
	is JSON "$(sed 's/,"is_dir.*//' j)" '{"event":"close_write","below":"w/","name":"leaf","truncated":true
{"event":"close_write","path":"w/.../","name":"leaf"'
}

test_nul_separates_names()
{
	mkdir w
	start o watchq monitor -e create --format '%w%f%0' w
	touch "w/a${newline}b" 'w/c d' w/e
	stop
	is names "$(tr '\0\n' '@!' <o)" 'w/a!b@w/c d@w/e@'
}

test_losses_and_ends_are_told_beside_a_format()
{
	mkdir w
	start o watchq monitor -e delete_self --format '%w:%e' w
	rmdir w
	ends "$pid"
	is status "$status" 1
	is output "$(cat o)" 'w/:delete_self,isdir'
	has o.err '^ended w/: it was deleted'
}

test_own_output_does_not_feed_itself()
{
	mkdir w
	start w/log watchq monitor -r w
	touch w/x
	comes w/log 'create x'
	sleep 1
	hasnt w/log 'modify log'
	stop
	start w/log2 watchq monitor -r --own w
	touch w/y
	comes w/log2 'modify log2'
	stop
}
