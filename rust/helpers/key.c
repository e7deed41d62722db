// SPDX-License-Identifier: GPL-2.0
/* Keys, for rust/device/key.rs; without CONFIG_KEYS there are none. */

#include <linux/err.h>
#include <linux/key.h>

struct key *wqd_lookup_key_for_view(key_serial_t id)
{
#ifdef CONFIG_KEYS
	/* KEY_LOOKUP_PARTIAL: also one that is not instantiated yet */
	key_ref_t ref = lookup_user_key(id, KEY_LOOKUP_PARTIAL, KEY_NEED_VIEW);

	return IS_ERR(ref) ? ERR_CAST(ref) : key_ref_to_ptr(ref);
#else
	return ERR_PTR(-EOPNOTSUPP);
#endif
}

key_serial_t wqd_key_serial(const struct key *key)
{
	return key_serial(key);
}

void wqd_key_put(struct key *key)
{
	key_put(key);
}

/* For rust/hooks/fprobe/key.rs, from here on. */

#ifdef CONFIG_KEYS
struct key *wqd_key_ref_to_ptr(unsigned long ref)
{
	return key_ref_to_ptr((key_ref_t)ref);
}

bool wqd_key_is_revoked(const struct key *key)
{
	return test_bit(KEY_FLAG_REVOKED, &key->flags);
}

bool wqd_key_is_invalidated(const struct key *key)
{
	return test_bit(KEY_FLAG_INVALIDATED, &key->flags);
}

struct key *wqd_key_lookup(key_serial_t id)
{
	struct key *key = key_lookup(id);

	return IS_ERR(key) ? NULL : key;
}
#endif
