#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tests of the sources on what an unpatched kernel would give: without the hooks that
# patches add (use_patches=0), and with probes in their place (probes=1). The module is
# loaded anew for each, and again as it was at the end. At last, that loading it harms nobody.
#
# WQ_MODULE: the module's file. Without it everything is skipped.

here=$(cd "$(dirname "$0")" && pwd)
name=watch_queue_dev
# Program, or program:test,test,...: those that see a difference.
unpatched="key_test:present_or_not block_test:present,scsi,dust usb_test:present,there_already,refused
	   mount_test mount_ns_test mount_attr_test sb_test"
probed="key_test key_instantiate_test sb_test"
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

[ -r "${WQ_MODULE:-}" ] || skip_all "WQ_MODULE does not name the module's file"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
rmmod $name 2>/dev/null || skip_all "the module is not loaded, or in use by somebody else"

echo "TAP version 13"
echo "1..3"
for arguments in "use_patches=0" "use_patches=0 probes=1"; do
	status=0
	# shellcheck disable=SC2086 # several arguments
	insmod "$WQ_MODULE" $arguments || status=1
	case $arguments in
	*probes=1*) tests=$probed ;;
	*) tests=$unpatched ;;
	esac
	for test in $tests; do
		only=
		case $test in
		*:*) only="-t $(echo "${test#*:}" | sed 's/,/ -t /g')" ;;
		esac
		test=${test%%:*}
		[ -x "$here/$test" ] || { echo "# $test is missing"; status=1; continue; }
		# shellcheck disable=SC2086 # several arguments
		"$here/$test" $only >"/tmp/wq-sources.$$" 2>&1 || status=1
		sed "s/^/# /" "/tmp/wq-sources.$$"
		# With probes, nothing may be skipped for want of a hook.
		case $arguments in
		*probes=1*) ! grep -q "# SKIP.*hook" "/tmp/wq-sources.$$" || status=1 ;;
		esac
	done
	rmmod $name || status=1
	result $status "with $arguments"
done

# The functions are found by probing them, before anything is there that could be told.
"$here/churn" &
churn=$!
status=0
for _ in 1 2 3 4 5 6 7 8; do
	insmod "$WQ_MODULE" use_patches=0 probes=1 && rmmod $name || status=1
done
kill $churn || status=1
result $status "loads with probes=1 while keys and file systems change"
rm -f "/tmp/wq-sources.$$"
insmod "$WQ_MODULE" || failed=$((failed + 1))
[ $failed -eq 0 ]
