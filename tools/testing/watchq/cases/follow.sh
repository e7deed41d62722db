# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# watchq monitor --follow: paths whose file is replaced, whose link is turned, and that come later.

# What editors do: write another file and rename it over the old one.
test_a_file_through_atomic_saves()
{
	mkdir w
	echo 0 >w/conf
	start o watchq monitor --follow -e close_write w/conf
	for i in 1 2 3; do
		echo $i >w/conf.new
		mv w/conf.new w/conf
		n=0
		until [ "$(grep -c replaced o)" = $i ] || [ $n -gt 400 ]; do usleep 20000; n=$((n + 1)); done
		echo more >>w/conf
		comes o "^w/conf close_write"
		n=0
		until [ "$(grep -c close_write o)" = $i ] || [ $n -gt 400 ]; do usleep 20000; n=$((n + 1)); done
	done
	stop
	is status "$status" 0
	is lines "$(cat o)" 'w/conf replaced
w/conf close_write
w/conf replaced
w/conf close_write
w/conf replaced
w/conf close_write'
}

test_a_path_that_comes_later()
{
	mkdir w
	start o watchq monitor -F -e create,close_write w/later/dir/file
	mkdir -p w/later/dir
	echo >w/later/dir/file
	comes o appeared
	echo >>w/later/dir/file
	comes o close_write
	rm -r w/later
	comes o gone
	# The same numbers of inodes come again, and other kinds of files.
	mkdir -p w/later/dir/file
	comes o 'w/later/dir/file/ appeared,isdir'
	touch w/later/dir/file/x
	comes o 'w/later/dir/file/ create x'
	stop
}

test_once_ends_when_it_appears()
{
	start o watchq monitor -F -1 -t 20 w/sock
	mkdir w other
	touch other/sock w/else
	mv other/sock w
	ends "$pid"
	is status "$status" 0
	is line "$(cat o)" 'w/sock appeared'
}

# As a ConfigMap of Kubernetes is updated: a link in the middle of the way is turned.
test_a_link_that_is_turned()
{
	mkdir -p w/..1 w/..2
	echo 1 >w/..1/conf
	echo 2 >w/..2/conf
	ln -s ..1 w/..data
	ln -s ..data/conf w/conf
	start o watchq monitor --follow --json -e modify w/conf
	ln -s ..2 w/..tmp
	mv -T w/..tmp w/..data
	comes o '"event":"replaced","path":"w/conf"'
	echo x >>w/..1/conf
	echo y >>w/..2/conf
	comes o '"event":"modify"'
	rm -r w/..1 w/..2
	comes o '"event":"gone"'
	stop
	is "events of the new file" "$(grep -c modify o)" 1
}

# Directories above can be replaced as well.
test_a_directory_above_is_replaced()
{
	mkdir -p a/b c/b
	echo 1 >a/b/f
	echo 2 >c/b/f
	start o watchq monitor --follow -e modify "$PWD/a/b/f"
	mv a old
	comes o gone
	mv c a
	comes o appeared
	echo >>a/b/f
	comes o modify
	echo >>old/b/f
	usleep 300000
	stop
	is lines "$(sed "s,^$PWD/,," o)" 'a/b/f gone
a/b/f appeared
a/b/f modify'
}

test_an_unmount_is_no_end()
{
	mkdir m
	echo >m/f
	mount -t tmpfs none m
	echo >m/f
	start o watchq monitor --follow -e modify m/f
	umount m
	comes o 'm/f replaced'
	echo >>m/f
	comes o 'm/f modify'
	stop
}

test_two_names_of_one_file()
{
	echo >a
	ln a b
	start o watchq monitor --follow -e modify a b
	has o.err 'warning: b is the same as a'
	echo new >c
	mv c b
	comes o 'b appeared'
	echo >>b
	echo >>a
	comes o 'b modify'
	comes o 'a modify'
	stop
}
