// SPDX-License-Identifier: GPL-2.0
/*
 * Masks that are changed while events happen: an event meets what was set before or what is set
 * after, never a mixture, and no record of it comes twice.
 */
#include <pthread.h>

#include "wq_test.h"
#include "kselftest_harness.h"

/* Two settings of a watch, and a thread that sets one after the other. */
struct setter {
	int fd;
	struct watch_queue_add to[2];
	bool stop;
	long sets;
	int error;
};

static void *set_masks(void *arg)
{
	struct setter *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) && s->error >= 0) {
		struct watch_queue_add add = s->to[s->sets & 1];

		add.flags |= WATCH_ADD_UPDATE;
		add.handle = 0;
		s->error = wq_add(s->fd, &add);
		__atomic_add_fetch(&s->sets, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static bool stop(struct setter *s, pthread_t thread)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	return pthread_join(thread, NULL) == 0 && s->error >= 0 && s->sets > 1;
}

FIXTURE(race) {
	struct wq q;
};

FIXTURE_SETUP(race)
{
	WQ_NEED_DEVICE();
	WQ_NEED_THREADS();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("old", 0755));
	ASSERT_EQ(0, mkdir("new", 0755));
	ASSERT_OK(wq_open(&self->q, 16));
}

FIXTURE_TEARDOWN(race)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* By neither setting a modification is told: one does not want it, the other one ignores it. */
TEST_F_TIMEOUT(race, both_masks_change_at_once, 120)
{
	struct watch_queue_add add = {
		.size = sizeof(add),
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = WATCH_SCOPE_OBJECT,
		.flags = WATCH_ADD_IGNORE_SURV,
		.mask = WATCH_FS_ATTRIB,
	};
	struct setter s = { .fd = self->q.fd };
	long rounds = wq_scaled(200000);
	int poke = wq_poke_open("f");
	pthread_t thread;
	struct wq_rec r;

	ASSERT_LE(0, poke);
	add.object = open("f", O_PATH);
	ASSERT_LE(0, add.object);
	ASSERT_LE(0, wq_add(self->q.fd, &add));
	s.to[0] = add;
	s.to[1] = add;
	s.to[1].mask = WATCH_FS_MODIFY;
	s.to[1].ignore_mask = WATCH_FS_MODIFY;
	ASSERT_EQ(0, pthread_create(&thread, NULL, set_masks, &s));
	for (long i = 0; i < rounds; i++)
		wq_poke(poke);
	ASSERT_TRUE(stop(&s, thread));
	TH_LOG("%ld events, %ld settings", rounds, s.sets);
	EXPECT_EQ(0, wq_next(&self->q, &r));
	close(poke);
	close(add.object);
}

/*
 * Three watches of a queue see the new name of a rename, one of them the old one, too, unless it is just
 * set not to. Whatever it is set to when it is looked at, it gets each name once at most.
 */
TEST_F_TIMEOUT(race, a_rename_is_told_once, 120)
{
	struct watch_queue_add add = {
		.size = sizeof(add),
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = WATCH_SCOPE_SUBTREE,
	};
	static const char *const roots[] = { "new", "fs", "new/in" };
	struct setter s = { .fd = self->q.fd };
	long rounds = wq_scaled(20000), both = 0, single = 0, doubled = 0;
	pthread_t thread;
	struct wq_rec r;

	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", "tmpfs");
	ASSERT_EQ(0, chdir("fs"));
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_EQ(0, mkdir("fs/new", 0755));
	ASSERT_EQ(0, mkdir("fs/new/in", 0755));
	ASSERT_OK(wq_touch("fs/f"));
	for (unsigned int i = 0; i < 3; i++) {
		char path[32];

		snprintf(path, sizeof(path), i == 1 ? "%s" : "fs/%s", roots[i]);
		add.object = open(path, O_PATH);
		ASSERT_LE(0, add.object);
		add.handle = 0;
		add.id = 1 + i;
		add.cookie = 1 + i;
		add.mask = i == 1 ? WATCH_FS_MOVED_FROM | WATCH_FS_MOVED_TO : WATCH_FS_MOVED_TO;
		ASSERT_LE(0, wq_add(self->q.fd, &add));
		if (i == 1) {
			s.to[0] = add;
			s.to[1] = add;
		}
	}
	s.to[1].mask = WATCH_FS_MOVED_TO;
	ASSERT_EQ(0, pthread_create(&thread, NULL, set_masks, &s));
	for (long i = 0; i < rounds; i++) {
		int from = 0, to = 0;

		ASSERT_EQ(0, rename("fs/f", "fs/new/in/f"));
		while (wq_next(&self->q, &r) == 1) {
			from += r.id == 2 && r.subtype == NOTIFY_FS_MOVED_FROM;
			to += r.id == 2 && r.subtype == NOTIFY_FS_MOVED_TO;
		}
		both += from == 1 && to == 1;
		single += from == 0 && to == 1;
		doubled += from > 1 || to > 1;
		ASSERT_EQ(0, rename("fs/new/in/f", "fs/f"));
		ASSERT_LE(0, wq_drain(&self->q));
	}
	ASSERT_TRUE(stop(&s, thread));
	TH_LOG("%ld renames: %ld with both names, %ld with the new one, %ld with one twice; %ld settings",
	       rounds, both, single, doubled, s.sets);
	EXPECT_EQ(0, doubled);
	EXPECT_EQ(rounds, both + single);
	ASSERT_EQ(0, chdir(".."));
}

TEST_HARNESS_MAIN
