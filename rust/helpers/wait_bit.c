// SPDX-License-Identifier: GPL-2.0
/* Bits that are locks or flags, for rust/sync/bit_lock.rs. */

#include <linux/bitops.h>
#include <linux/wait_bit.h>

void wqd_bit_lock(int bit, unsigned long *word)
{
	wait_on_bit_lock(word, bit, TASK_UNINTERRUPTIBLE);
}

void wqd_bit_unlock(int bit, unsigned long *word)
{
	clear_and_wake_up_bit(bit, word);
}

bool wqd_test_and_set_bit(int bit, unsigned long *word)
{
	return test_and_set_bit(bit, word);
}

bool wqd_test_and_clear_bit(int bit, unsigned long *word)
{
	return test_and_clear_bit(bit, word);
}
