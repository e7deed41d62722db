// SPDX-License-Identifier: GPL-2.0
/*
 * A keyring with a few keys: the threads add, update, move and revoke them by name, so that
 * watched keys change and die at any time.
 */
#include <linux/keyctl.h>

#include "stress.h"

#define KEYS	6u

static int ring, shelf;			/* keyrings; keys move between them */

/* The session keyring is that of all threads and of the wild process; it ends with them. */
void keys_setup(void)
{
	if (wq_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0)
		fail("a session keyring: %m");
	ring = wq_add_key("keyring", "stress", KEY_SPEC_SESSION_KEYRING);
	shelf = wq_add_key("keyring", "shelf", KEY_SPEC_SESSION_KEYRING);
	if (ring < 0 || shelf < 0)
		fail("keyrings: %m");
}

void keys_random_name(struct rng *r, char *buf, size_t len)
{
	uint32_t n = rnd(r, KEYS + 1);

	if (n == KEYS)
		snprintf(buf, len, "stress");
	else
		snprintf(buf, len, "key%u", n);
}

int keys_find(const char *name)
{
	long key;

	if (!strcmp(name, "stress"))
		return ring;
	key = wq_keyctl(KEYCTL_SEARCH, ring, (unsigned long)"user", (unsigned long)name, 0);
	return key < 0 ? 0 : key;
}

/* Every one of these may fail, because others do the same to the same keys. */
void keys_act(struct rng *r)
{
	char name[16];
	int key;

	doing("key operation");
	count(C_KEY_OPS, 1);
	snprintf(name, sizeof(name), "key%u", rnd(r, KEYS));
	key = keys_find(name);
	switch (key ? rnd(r, 6) : 0) {
	case 0:
		wq_add_key("user", name, ring);
		break;
	case 1:
		wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"again", 5, 0);
		break;
	case 2:
		wq_keyctl(KEYCTL_LINK, key, shelf, 0, 0);
		break;
	case 3:
		wq_keyctl(KEYCTL_UNLINK, key, ring, 0, 0);
		break;
	case 4:
		wq_keyctl(chance(r, 50) ? KEYCTL_REVOKE : KEYCTL_INVALIDATE, key, 0, 0, 0);
		break;
	default:
		wq_keyctl(KEYCTL_CLEAR, chance(r, 70) ? shelf : ring, 0, 0, 0);
	}
}
