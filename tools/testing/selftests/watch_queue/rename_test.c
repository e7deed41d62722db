// SPDX-License-Identifier: GPL-2.0
/*
 * Renames: inside a watched folder, between two, in and out of one, over something that
 * is there, and exchanged. The two halves are adjacent and share a cookie, both or none.
 */
#include <linux/fs.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(rename) {
	struct wq q;
};

FIXTURE_SETUP(rename)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("b", 0755));
	ASSERT_EQ(0, mkdir("away", 0755));
	ASSERT_OK(wq_touch("a/f"));
	ASSERT_OK(wq_open(&self->q, 4));
}

FIXTURE_TEARDOWN(rename)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define WATCH(path, mask, id) \
	ASSERT_NE(0, wq_watch(self->q.fd, path, mask, wq_scope_of(path), id, id, 0))
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))

/* The next two records must be the two halves of one rename; gives its cookie. */
#define PAIR(from_id, from_name, to_id, to_name) ({ \
	struct wq_rec f_ = { .type = 0 }, t_ = { .type = 0 }; \
	ASSERT_EQ(1, wq_next(&self->q, &f_)) TH_LOG("%s", wq_why()); \
	ASSERT_EQ(1, wq_next(&self->q, &t_)) TH_LOG("%s", wq_why()); \
	EXPECT_EQ(NOTIFY_FS_MOVED_FROM, f_.subtype); \
	EXPECT_EQ(NOTIFY_FS_MOVED_TO, t_.subtype); \
	EXPECT_EQ(from_id, f_.id); \
	EXPECT_EQ(to_id, t_.id); \
	EXPECT_STREQ(from_name, f_.name); \
	EXPECT_STREQ(to_name, t_.name); \
	EXPECT_EQ(WATCH_FS_MOVE, f_.fs.mask & WATCH_FS_ALL_EVENTS); \
	EXPECT_EQ(f_.fs.mask, t_.fs.mask); \
	EXPECT_NE(0, f_.fs.rename_cookie); \
	EXPECT_EQ(f_.fs.rename_cookie, t_.fs.rename_cookie); \
	EXPECT_EQ(f_.fs.inode, t_.fs.inode); \
	EXPECT_EQ(f_.fs.dev, t_.fs.dev); \
	f_.fs.rename_cookie; \
})

TEST_F(rename, inside)
{
	uint32_t first, second;
	struct stat st;
	struct wq_rec r;

	WATCH("a", WATCH_FS_MOVE, 1);
	EXPECT_EQ(0, rename("a/f", "a/g"));
	first = PAIR(1, "f", 1, "g");
	EXPECT_EQ(0, rename("a/g", "a/a much longer name than before"));
	second = PAIR(1, "g", 1, "a much longer name than before");
	EXPECT_NE(first, second);
	ASSERT_EQ(0, stat("a/a much longer name than before", &st));
	EXPECT_EQ(0, rename("a/a much longer name than before", "a/f"));
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_EQ(st.st_ino, r.fs.inode);
	EXPECT_EQ((uint32_t)st.st_dev, r.fs.dev);
	EXPECT_EQ(getpid(), r.fs.pid);
	EXPECT_EQ(WATCH_INFO_IN_SUBTREE, r.info & WATCH_INFO_IN_SUBTREE);
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_EQ(st.st_ino, r.fs.inode);
	STORY("");
}

TEST_F(rename, between_two)
{
	WATCH("a", WATCH_FS_MOVE, 1);
	WATCH("b", WATCH_FS_MOVE, 2);
	EXPECT_EQ(0, rename("a/f", "b/g"));
	PAIR(1, "f", 2, "g");
	EXPECT_EQ(0, rename("b/g", "a/f"));
	PAIR(2, "g", 1, "f");
	STORY("");
}

/* Of a rename that crosses the border of what is watched, one half is told. */
TEST_F(rename, in_and_out)
{
	WATCH("a", WATCH_FS_ALL_EVENTS, 0);
	EXPECT_EQ(0, rename("a/f", "away/f"));
	STORY("moved_from+ f");
	EXPECT_EQ(0, rename("away/f", "away/g"));
	STORY("");
	EXPECT_EQ(0, rename("away/g", "a/h"));
	STORY("moved_to+ h");
}

/* Only the half that is wanted. */
TEST_F(rename, one_half)
{
	WATCH("a", WATCH_FS_MOVED_FROM, 1);
	WATCH("b", WATCH_FS_MOVED_TO, 2);
	EXPECT_EQ(0, rename("a/f", "a/g"));
	STORY("moved_from+#1 f");
	EXPECT_EQ(0, rename("a/g", "b/g"));
	PAIR(1, "g", 2, "g");
	EXPECT_EQ(0, rename("b/g", "b/h"));
	STORY("moved_to+#2 h");
	EXPECT_EQ(0, rename("b/h", "a/h"));
	STORY("");
}

/* What happens in a directory also belongs to the directory itself. */
TEST_F(rename, of_the_directory_alone)
{
	uint32_t first, second;

	ASSERT_NE(0, wq_watch(self->q.fd, "a", WATCH_FS_MOVED_FROM, WATCH_SCOPE_OBJECT, 1, 0, 0));
	ASSERT_NE(0, wq_watch(self->q.fd, "b", WATCH_FS_MOVED_TO, WATCH_SCOPE_OBJECT, 2, 0, 0));
	EXPECT_EQ(0, rename("a/f", "a/g"));
	STORY("moved_from+#1 f");
	EXPECT_EQ(0, rename("a/g", "b/g"));
	PAIR(1, "g", 2, "g");
	EXPECT_EQ(0, rename("b/g", "away/g"));
	STORY("");
	EXPECT_EQ(0, rename("away/g", "b/h"));
	STORY("moved_to+#2 h");
	wq_close(&self->q);
	ASSERT_OK(wq_open(&self->q, 4));
	ASSERT_OK(wq_touch("a/f"));
	ASSERT_NE(0, wq_watch(self->q.fd, "a", WATCH_FS_MOVE, WATCH_SCOPE_OBJECT, 1, 0, 0));
	ASSERT_NE(0, wq_watch(self->q.fd, "b", WATCH_FS_MOVE, WATCH_SCOPE_OBJECT, 2, 0, 0));
	if (syscall(__NR_renameat2, AT_FDCWD, "a/f", AT_FDCWD, "b/h", RENAME_EXCHANGE)) {
		ASSERT_EQ(EINVAL, errno);
		SKIP(return, "no RENAME_EXCHANGE here");
	}
	first = PAIR(1, "f", 2, "h");
	second = PAIR(2, "h", 1, "f");
	EXPECT_NE(first, second);
	STORY("");
}

/* The moved object itself, watched too, hears of it after the pair. */
TEST_F(rename, move_self)
{
	WATCH("a", WATCH_FS_MOVE, 1);
	WATCH("a/f", WATCH_FS_MOVE_SELF, 2);
	EXPECT_EQ(0, rename("a/f", "a/g"));
	STORY("moved_from+#1 f, moved_to+#1 g, move_self#2");
}

/* Replacing an entry is a rename and the end of what was there, not a DELETE. */
TEST_F(rename, over)
{
	ASSERT_OK(wq_touch("a/old"));
	WATCH("a", WATCH_FS_MUTATIONS, 0);
	EXPECT_EQ(0, rename("a/f", "a/old"));
	STORY("moved_from+ f, moved_to+ old");
	/* Onto a hard link of itself nothing happens. */
	EXPECT_EQ(0, link("a/old", "a/twin"));
	wq_drain(&self->q);
	EXPECT_EQ(0, rename("a/old", "a/twin"));
	STORY("");
}

TEST_F(rename, folders)
{
	WATCH("a", WATCH_FS_MOVE | WATCH_FS_CREATE, 0);
	EXPECT_EQ(0, rename("b", "a/b"));
	STORY("moved_to/+ b");
	EXPECT_EQ(0, rename("a/b", "a/c"));
	STORY("moved_from/+ b, moved_to/+ c");
	/* What is below it is still not watched. */
	ASSERT_OK(wq_touch("a/c/deep"));
	STORY("");
}

/* An exchange is two renames at once: two pairs, with two cookies. */
TEST_F(rename, exchange)
{
	uint32_t first, second;

	ASSERT_OK(wq_touch("b/g"));
	WATCH("a", WATCH_FS_MOVE, 1);
	WATCH("b", WATCH_FS_MOVE, 2);
	if (syscall(__NR_renameat2, AT_FDCWD, "a/f", AT_FDCWD, "b/g", RENAME_EXCHANGE)) {
		ASSERT_EQ(EINVAL, errno);
		SKIP(return, "no RENAME_EXCHANGE here");
	}
	first = PAIR(1, "f", 2, "g");
	second = PAIR(2, "g", 1, "f");
	EXPECT_NE(first, second);
	STORY("");
}

/* Names of 1 to 255 bytes on both sides: the pair always fits. */
TEST_F_TIMEOUT(rename, long_names, 120)
{
	char from[300] = "a/f", to[300] = "a/";

	WATCH("a", WATCH_FS_MOVE, 1);
	for (int len = 2; len <= 255; len++) {
		memset(to + 2, 'a' + len % 26, len);
		to[2 + len] = 0;
		ASSERT_EQ(0, rename(from, to));
		PAIR(1, from + 2, 1, to + 2);
		strcpy(from, to);
	}
	STORY("");
}

/* From one directory to itself, and to another one that the same queue watches. */
FIXTURE(pair) {
	struct wq q;
	char to[16];
};

FIXTURE_VARIANT(pair) {
	const char *to;
};

FIXTURE_VARIANT_ADD(pair, one) {
	.to = "a",
};

FIXTURE_VARIANT_ADD(pair, two) {
	.to = "away",
};

FIXTURE_SETUP(pair)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("b", 0755));
	ASSERT_EQ(0, mkdir("away", 0755));
	ASSERT_OK(wq_touch("a/f"));
	ASSERT_OK(wq_open(&self->q, 4));
	snprintf(self->to, sizeof(self->to), "%s/g", variant->to);
}

FIXTURE_TEARDOWN(pair)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/*
 * On a ring that is nearly full a pair is written whole or counted whole: a MOVED_FROM
 * without its MOVED_TO never appears, at any fill level.
 */
TEST_F_TIMEOUT(pair, both_or_none, 120)
{
	struct watch_queue_info before, info;
	struct wq_rec r;
	struct wq q;
	int poke = wq_poke_open("b/p"), refused = 0;

	ASSERT_OK(wq_open(&q, 1));
	ASSERT_NE(0, wq_watch(q.fd, "a", WATCH_FS_MOVE, 0, 1, 0, 0));
	if (strcmp(variant->to, "a"))
		ASSERT_NE(0, wq_watch(q.fd, variant->to, WATCH_FS_MOVE, 0, 3, 0, 0));
	ASSERT_NE(0, wq_watch(q.fd, "b/p", WATCH_FS_MODIFY, 0, 2, 0, 0));
	for (uint32_t fill = 60; fill <= 84; fill++) {
		int from = 0, to = 0, got;

		for (uint32_t i = 0; i < fill; i++)
			wq_poke(poke);
		ASSERT_EQ(0, wq_info(q.fd, 0, &before));
		ASSERT_EQ(0, rename(fill & 1 ? self->to : "a/f", fill & 1 ? "a/f" : self->to));
		ASSERT_EQ(0, wq_info(q.fd, 0, &info));
		EXPECT_EQ(before.posted + 2, info.posted) TH_LOG("fill %u", fill);
		ASSERT_TRUE(info.lost - before.lost == 0 || info.lost - before.lost == 2)
			TH_LOG("fill %u", fill);
		while ((got = wq_next(&q, &r)) == 1) {
			if (r.type == WATCH_TYPE_META || r.id == 2)
				continue;
			from += r.subtype == NOTIFY_FS_MOVED_FROM;
			to += r.subtype == NOTIFY_FS_MOVED_TO;
		}
		ASSERT_EQ(0, got) TH_LOG("%s", wq_why());
		ASSERT_EQ(from, to) TH_LOG("fill %u", fill);
		ASSERT_EQ(info.lost == before.lost, from);
		refused += !from;
	}
	EXPECT_LT(0, refused) TH_LOG("the ring was never full");
	EXPECT_GT(25, refused) TH_LOG("the ring was always full");
	EXPECT_OK(wq_check_sums(q.fd));
	wq_close(&q);
	close(poke);
}

static int stop_posting;

static void *post_others(void *arg)
{
	while (!__atomic_load_n(&stop_posting, __ATOMIC_RELAXED))
		wq_poke(*(int *)arg);
	return NULL;
}

/* Adjacent also when another CPU posts to the same queue all the time. */
TEST_F_TIMEOUT(pair, adjacent, 120)
{
	int poke = wq_poke_open("b/p");
	pthread_t thread;
	long pairs = 0;

	WQ_NEED_THREADS();
	WATCH("a", WATCH_FS_MOVE, 1);
	if (strcmp(variant->to, "a"))
		WATCH(variant->to, WATCH_FS_MOVE, 3);
	WATCH("b/p", WATCH_FS_MODIFY, 2);
	stop_posting = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, post_others, &poke));
	for (long i = wq_scaled(2000); i > 0; i--) {
		struct wq_rec r;
		uint32_t cookie = 0;
		int got;

		ASSERT_EQ(0, rename(i & 1 ? self->to : "a/f", i & 1 ? "a/f" : self->to) &&
			  rename(i & 1 ? "a/f" : self->to, i & 1 ? self->to : "a/f"));
		while ((got = wq_next(&self->q, &r)) == 1) {
			if (cookie) {
				ASSERT_EQ(NOTIFY_FS_MOVED_TO, r.subtype) TH_LOG("not adjacent");
				ASSERT_EQ(cookie, r.fs.rename_cookie);
				cookie = 0;
				pairs++;
			} else if (r.type == WATCH_TYPE_FS_NOTIFY && r.id != 2) {
				ASSERT_EQ(NOTIFY_FS_MOVED_FROM, r.subtype);
				cookie = r.fs.rename_cookie;
			}
		}
		ASSERT_EQ(0, got) TH_LOG("%s", wq_why());
		ASSERT_EQ(0, cookie) TH_LOG("half a pair was visible");
	}
	__atomic_store_n(&stop_posting, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, pairs);
	EXPECT_LE(0, wq_drain(&self->q));
	EXPECT_OK(wq_check_sums(self->q.fd));
	close(poke);
}

TEST_HARNESS_MAIN
