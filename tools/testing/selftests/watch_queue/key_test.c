// SPDX-License-Identifier: GPL-2.0
/*
 * The KEY source: every change of keys and keyrings that keyctl(2) can make, the end of a
 * watch with its key, and what ADD_WATCH refuses. Works by the tracepoints of a patched
 * kernel and by probes (probes=1); without both, what must be refused is tested.
 * How a key gets its payload is in key_instantiate_test.c, the rights to watch in
 * key_rights_test.c.
 */
#include <linux/keyctl.h>
#include <pthread.h>

#include "wq_test.h"
#include "kselftest_harness.h"

static int watch(int fd, int key, uint64_t mask, unsigned int id, unsigned int flags,
		 uint64_t *handle)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_KEY_NOTIFY, .flags = flags,
		.object = key, .id = id, .mask = mask, .cookie = id * 1000,
	};
	int r = wq_add(fd, &add);

	if (handle)
		*handle = add.handle;
	return r;
}

/* Waits until a record is there, then tells everything. For what comes later, by itself. */
static const char *later(struct wq *q)
{
	return wq_poll(q->fd, wq_patience(5000)) & POLLIN ? wq_story(q) : "nothing";
}

FIXTURE(key) {
	struct wq q;
	struct watch_queue_info info;
	int ring;		/* a keyring of our own that holds all others */
	bool probes;		/* by probes, not by tracepoints */
};

FIXTURE_SETUP(key)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	self->probes = WATCH_HOOKS(self->info.hooks, WATCH_TYPE_KEY_NOTIFY) & WATCH_HOOK_FPROBE;
	ASSERT_LT(0, wq_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	self->ring = wq_add_key("keyring", "wq", KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, self->ring);
}

FIXTURE_TEARDOWN(key)
{
	wq_close(&self->q);
	wq_keyctl(KEYCTL_REVOKE, self->ring, 0, 0, 0);
}

#define NEED_HOOK() do { \
	if (!(self->info.sources >> WATCH_TYPE_KEY_NOTIFY & 1)) \
		SKIP(return, "this kernel has no hook for keys"); \
} while (0)

/* What GET_INFO says is what ADD_WATCH does. */
TEST_F(key, present_or_not)
{
	bool present = self->info.sources >> WATCH_TYPE_KEY_NOTIFY & 1;
	unsigned int hooks = WATCH_HOOKS(self->info.hooks, WATCH_TYPE_KEY_NOTIFY);

	EXPECT_EQ(present ? WATCH_KEY_ALL_EVENTS : 0, self->info.events[WATCH_TYPE_KEY_NOTIFY]);
	EXPECT_EQ(present ? 0 : -EOPNOTSUPP,
		  watch(self->q.fd, self->ring, WATCH_KEY_LINKED, 1, 0, NULL));
	EXPECT_EQ(!present ? 0 : self->probes ? WATCH_HOOK_FPROBE :
					       WATCH_HOOK_TRACEPOINT | WATCH_HOOK_PATCH, hooks);
	EXPECT_TRUE(!self->probes || self->info.features & WATCH_FEATURE_PROBES);
}

TEST_F(key, changes_of_a_key)
{
	int fd = self->q.fd, key = wq_add_key("user", "k", self->ring);
	struct wq_rec r;

	NEED_HOOK();
	ASSERT_LT(0, key);
	ASSERT_EQ(0, watch(fd, key, WATCH_KEY_ALL_EVENTS, 1, 0, NULL));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(WATCH_TYPE_KEY_NOTIFY, r.type);
	EXPECT_EQ(NOTIFY_KEY_UPDATED, r.subtype);
	EXPECT_EQ(2, r.slots);
	EXPECT_EQ(1, r.id);
	EXPECT_EQ(key, r.key.key_id);
	EXPECT_EQ(0, r.key.aux);
	EXPECT_STREQ("", wq_story(&self->q));

	/* The same description again: an update, too, which reads as such only. */
	ASSERT_EQ(key, wq_add_key("user", "k", self->ring));
	EXPECT_STREQ("key_updated#1", wq_story(&self->q));

	ASSERT_EQ(0, wq_keyctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0));
	EXPECT_STREQ("key_setattr#1", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_CHOWN, key, -1, 1000, 0));
	EXPECT_STREQ("key_setattr#1", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0));
	EXPECT_STREQ("key_setattr#1", wq_story(&self->q));

	/* What only looks at it is no change, and what failed is none. */
	wq_keyctl(KEYCTL_DESCRIBE, key, 0, 0, 0);
	wq_keyctl(KEYCTL_READ, key, 0, 0, 0);
	EXPECT_EQ(-1, wq_keyctl(KEYCTL_CLEAR, key, 0, 0, 0));
	EXPECT_EQ(-1, wq_keyctl(KEYCTL_UPDATE, key, 0, 0, 0));
	EXPECT_STREQ("", wq_story(&self->q));

	ASSERT_EQ(0, wq_keyctl(KEYCTL_REVOKE, key, 0, 0, 0));
	EXPECT_STREQ("key_revoked#1", wq_story(&self->q));
	wq_keyctl(KEYCTL_REVOKE, key, 0, 0, 0);
	EXPECT_STREQ("", wq_story(&self->q));
}

TEST_F(key, invalidated)
{
	int key = wq_add_key("user", "k", self->ring);

	NEED_HOOK();
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0));
	ASSERT_EQ(0, watch(self->q.fd, key, WATCH_KEY_ALL_EVENTS, 1, 0, NULL));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_INVALIDATE, key, 0, 0, 0));
	/* The garbage collector takes it at once. */
	EXPECT_STREQ("key_invalidated#1", later(&self->q));
	EXPECT_STREQ("removal:object_gone#1", later(&self->q));
}

TEST_F(key, changes_of_a_keyring)
{
	int fd = self->q.fd, a, b, key, other;
	struct wq_rec r;

	NEED_HOOK();
	a = wq_add_key("keyring", "a", self->ring);
	b = wq_add_key("keyring", "b", self->ring);
	other = wq_add_key("user", "other", self->ring);
	ASSERT_EQ(0, watch(fd, a, WATCH_KEY_ALL_EVENTS, 1, 0, NULL));
	ASSERT_EQ(0, watch(fd, b, WATCH_KEY_ALL_EVENTS, 2, 0, NULL));
	key = wq_add_key("user", "k", a);
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(NOTIFY_KEY_LINKED, r.subtype);
	EXPECT_EQ(a, r.key.key_id);
	EXPECT_EQ(key, r.key.aux);
	EXPECT_EQ(1, r.id);

	ASSERT_EQ(0, wq_keyctl(KEYCTL_LINK, other, b, 0, 0));
	EXPECT_STREQ("key_linked#2", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_MOVE, key, a, b, 0));
	EXPECT_STREQ(self->probes ? "key_linked#2, key_unlinked#1" :
				    "key_unlinked#1, key_linked#2", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UNLINK, key, b, 0, 0));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(NOTIFY_KEY_UNLINKED, r.subtype);
	EXPECT_EQ(b, r.key.key_id);
	EXPECT_EQ(key, r.key.aux);
	EXPECT_EQ(2, r.id);
	EXPECT_EQ(-1, wq_keyctl(KEYCTL_UNLINK, other, a, 0, 0));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_CLEAR, b, 0, 0, 0));
	EXPECT_STREQ("key_cleared#2", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_RESTRICT_KEYRING, b, 0, 0, 0));
	EXPECT_STREQ("key_setattr#2", wq_story(&self->q));
	EXPECT_EQ(-1, wq_keyctl(KEYCTL_LINK, other, b, 0, 0));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_REVOKE, a, 0, 0, 0));
	EXPECT_STREQ("key_revoked#1", wq_story(&self->q));
}

/* A key dies with its last link; its watches end with it, in every queue, once. */
TEST_F(key, death)
{
	int key = wq_add_key("user", "k", self->ring);
	uint64_t handle;
	struct wq other;

	NEED_HOOK();
	ASSERT_OK(wq_open(&other, 1));
	ASSERT_EQ(0, watch(self->q.fd, key, WATCH_KEY_UPDATED, 1, 0, &handle));
	ASSERT_EQ(0, watch(other.fd, key, WATCH_KEY_REVOKED, 2, 0, NULL));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UNLINK, key, self->ring, 0, 0));
	EXPECT_STREQ("removal:object_gone#1", later(&self->q));
	EXPECT_STREQ("removal:object_gone#2", later(&other));
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, handle));
	EXPECT_EQ(-ENOKEY, watch(self->q.fd, key, WATCH_KEY_UPDATED, 1, 0, NULL));
	wq_close(&other);
}

/* New keys at the addresses of dead ones are others. */
TEST_F_TIMEOUT(key, addresses_are_used_again, 120)
{
	long n = wq_scaled(300);
	struct wq_rec r;
	char name[32];
	int key, got;

	NEED_HOOK();
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "k%ld", i);
		key = wq_add_key("user", name, self->ring);
		ASSERT_LT(0, key);
		ASSERT_EQ(0, watch(self->q.fd, key, WATCH_KEY_ALL_EVENTS, 1, 0, NULL));
		ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
		ASSERT_EQ(0, wq_keyctl(KEYCTL_UNLINK, key, self->ring, 0, 0));
		ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
		ASSERT_EQ(NOTIFY_KEY_UPDATED, r.subtype);
		ASSERT_EQ(key, r.key.key_id);
		got = wq_next_wait(&self->q, &r, wq_patience(5000));
		ASSERT_EQ(1, got) TH_LOG("round %ld: %s", i, wq_why());
		ASSERT_EQ(WATCH_TYPE_META, r.type);
		ASSERT_EQ(WATCH_REMOVAL_OBJECT_GONE, r.removal.reason);
		/* Unwatched, where the last one may have been. */
		key = wq_add_key("user", "unwatched", self->ring);
		ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
		ASSERT_EQ(0, wq_keyctl(KEYCTL_UNLINK, key, self->ring, 0, 0));
	}
	EXPECT_STREQ("", wq_story(&self->q));
}

TEST_F(key, masks)
{
	int fd = self->q.fd, key = wq_add_key("user", "k", self->ring);
	uint64_t first, second;

	NEED_HOOK();
	ASSERT_EQ(0, watch(fd, key, WATCH_KEY_REVOKED, 1, 0, &first));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(-EEXIST, watch(fd, key, WATCH_KEY_UPDATED, 1, 0, NULL));
	EXPECT_EQ(-EINVAL, watch(fd, key, WATCH_KEY_UPDATED, 2, WATCH_ADD_MASK_ADD, NULL));
	EXPECT_EQ(0, watch(fd, key, WATCH_KEY_UPDATED, 1, WATCH_ADD_MASK_ADD, &second));
	EXPECT_EQ(first, second);
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
	EXPECT_STREQ("key_updated#1", wq_story(&self->q));
	EXPECT_EQ(0, watch(fd, key, WATCH_KEY_SETATTR, 1, WATCH_ADD_UPDATE, &second));
	EXPECT_EQ(first, second);
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0));
	EXPECT_STREQ("key_setattr#1", wq_story(&self->q));
	ASSERT_EQ(0, wq_remove(fd, first));
	EXPECT_STREQ("removal:removed#1", wq_story(&self->q));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, watch(fd, key, WATCH_KEY_UPDATED, 3, WATCH_ADD_ONESHOT, &second));
	EXPECT_NE(first, second);
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
	EXPECT_STREQ("key_updated#3, removal:oneshot#3", wq_story(&self->q));
}

/* An event that comes before the source is attached anew is nobody's; none after is lost. */
TEST_F_TIMEOUT(key, attached_again, 120)
{
	int key = wq_add_key("user", "k", self->ring);
	uint64_t handle;

	NEED_HOOK();
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, watch(self->q.fd, key, WATCH_KEY_UPDATED, 1, 0, &handle));
		ASSERT_EQ(0, wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0));
		ASSERT_EQ(0, wq_remove(self->q.fd, handle));
		EXPECT_STREQ("key_updated#1, removal:removed#1", wq_story(&self->q));
		/* Longer than a source stays attached that nobody uses. */
		usleep(round == 1 ? 0 : 1500000);
	}
}

TEST_F(key, refused)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_KEY_NOTIFY, .object = self->ring,
		.mask = WATCH_KEY_LINKED,
	}, bad;
	static const uint32_t flags[] = {
		WATCH_ADD_ONLYDIR, WATCH_ADD_EXCL_UNLINK, WATCH_ADD_FILE_HANDLE,
		WATCH_ADD_EVICTABLE, WATCH_ADD_IGNORE_SURV, WATCH_ADD_UPDATE | WATCH_ADD_MASK_ADD,
	};

	NEED_HOOK();
#define REFUSED(error, field, value) do { \
	bad = add; \
	bad.field = value; \
	EXPECT_EQ(-(error), wq_add(self->q.fd, &bad)) TH_LOG(#field " = %#llx", \
							     (unsigned long long)bad.field); \
} while (0)
	REFUSED(EINVAL, mask, 0);
	REFUSED(EINVAL, mask, 0x100);
	REFUSED(EINVAL, mask, 1ull << 32 | 1);
	REFUSED(EINVAL, ignore_mask, 1);
	REFUSED(EINVAL, scope, WATCH_SCOPE_CHILDREN);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		REFUSED(EINVAL, flags, flags[i]);
	REFUSED(EINVAL, object, 0);
	REFUSED(EINVAL, object, -100);
	REFUSED(ENOKEY, object, 0x7ffffff1);
	/* It is looked for, not made. */
	REFUSED(ENOKEY, object, KEY_SPEC_PROCESS_KEYRING);
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	EXPECT_EQ(0, self->info.watches);
}

/* Special ids are the caller's own keyrings. */
TEST_F(key, special_ids)
{
	static const int specs[] = {
		KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING,
		KEY_SPEC_THREAD_KEYRING, KEY_SPEC_PROCESS_KEYRING,
	};
	struct wq_rec r;
	int id, key;

	NEED_HOOK();
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		id = wq_keyctl(KEYCTL_GET_KEYRING_ID, specs[i], 1, 0, 0);
		ASSERT_LT(0, id);
		ASSERT_EQ(0, watch(self->q.fd, specs[i], WATCH_KEY_LINKED, i + 1, 0, NULL));
		key = wq_add_key("user", "special", specs[i]);
		ASSERT_LT(0, key);
		ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
		EXPECT_EQ(id, r.key.key_id);
		EXPECT_EQ(key, r.key.aux);
		EXPECT_EQ(i + 1, r.id);
		EXPECT_EQ(-EEXIST, watch(self->q.fd, id, WATCH_KEY_LINKED, 9, 0, NULL));
		ASSERT_EQ(0, wq_keyctl(KEYCTL_UNLINK, key, specs[i], 0, 0));
	}
	EXPECT_STREQ("", wq_story(&self->q));
}

struct churn {
	int fd, ring, number;
	long rounds, added, failed;
};

static void *churn(void *arg)
{
	struct churn *c = arg;
	char name[32];

	for (long i = 0; i < c->rounds; i++) {
		uint64_t handle;
		int key, r;

		snprintf(name, sizeof(name), "churn%d.%ld", c->number, i);
		key = wq_add_key("user", name, c->ring);
		r = watch(c->fd, key, WATCH_KEY_UPDATED, 1, 0, &handle);
		if (r == 0)
			c->added++;
		else
			c->failed++;
		wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"abc", 3, 0);
		/* Ends by both at once, or by one of them. */
		if (i % 3)
			wq_keyctl(KEYCTL_UNLINK, key, c->ring, 0, 0);
		if (i % 3 != 1)
			wq_remove(c->fd, handle);
		if (i % 3 == 0)
			wq_keyctl(KEYCTL_UNLINK, key, c->ring, 0, 0);
	}
	return NULL;
}

/* Keys come and go under their watches: one update and one removal for each. */
TEST_F_TIMEOUT(key, churn, 120)
{
	struct churn c[4];
	pthread_t threads[4];
	long added = 0, updates = 0, removals = 0;
	struct wq_rec r;
	struct wq q;

	NEED_HOOK();
	ASSERT_OK(wq_open(&q, 16));
	for (int i = 0; i < 4; i++) {
		c[i] = (struct churn){ q.fd, self->ring, i, wq_scaled(200) };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, &c[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, c[i].failed);
		added += c[i].added;
	}
	while (removals < added && wq_next_wait(&q, &r, wq_patience(10000)) == 1) {
		if (r.type == WATCH_TYPE_META) {
			ASSERT_EQ(WATCH_META_REMOVAL_NOTIFICATION, r.subtype);
			removals++;
		} else {
			ASSERT_EQ(NOTIFY_KEY_UPDATED, r.subtype);
			updates++;
		}
	}
	EXPECT_EQ(added, updates);
	EXPECT_EQ(added, removals);
	EXPECT_STREQ("", wq_story(&q));
	EXPECT_OK(wq_check_sums(q.fd));
	wq_close(&q);
}

TEST_HARNESS_MAIN
