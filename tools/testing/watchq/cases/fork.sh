# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# libwq after fork(): a child gets errors, not a crash, and does nothing to its parent's queue.

test_children_get_errors_and_the_parent_goes_on()
{
	mkdir w
	forked w >o
	is status $? 0
	# EBADF is what fcntl() says of a descriptor that was closed.
	is output "$(cat o)" 'walk: ECHILD
poll: ECHILD
consume: ECHILD
resync: ECHILD
info: 0
close: another result
the parent: 3 creates'
}
