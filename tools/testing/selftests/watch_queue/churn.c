// SPDX-License-Identifier: GPL-2.0
/*
 * For sources_test.sh: makes and ends keys, and makes a tmpfs read-only and writable, until it is
 * killed. No other process sees the tmpfs.
 */
#include <linux/keyctl.h>
#include <sys/mount.h>

#include "wq_test.h"

int main(void)
{
	if (wq_own_mounts() || wq_tmpfs("/tmp")) {
		perror("churn");
		return 1;
	}
	for (unsigned int turn = 0;; turn++) {
		int key = wq_add_key("keyring", "churn", KEY_SPEC_PROCESS_KEYRING);

		if (key < 0 || wq_keyctl(KEYCTL_REVOKE, key, 0, 0, 0) ||
		    mount(NULL, "/tmp", NULL, MS_REMOUNT | (turn % 2 ? 0 : MS_RDONLY), NULL)) {
			perror("churn");
			return 1;
		}
	}
}
