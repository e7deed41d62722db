// SPDX-License-Identifier: GPL-2.0
/*
 * What a watch on a folder costs those who have many files in it: fsnotify goes through all of its
 * dentries, under locks, to tell them that somebody watches their folder. It must do so only for the
 * first who wants to hear of them.
 */
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "wq_test.h"

#define WALK	"fsnotify_set_children_dentry_flags"

FIXTURE(children) {
	struct wq first, second;
};

FIXTURE_SETUP(children)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_OK(wq_touch("d/file"));
	ASSERT_OK(wq_open(&self->first, 1));
	ASSERT_OK(wq_open(&self->second, 1));
	if (!wq_trace_begin(WALK, false))
		SKIP(return, "no function tracer: %m");
}

FIXTURE_TEARDOWN(children)
{
	wq_trace_end();
	wq_close(&self->first);
	wq_close(&self->second);
	wq_tmpdir_leave();
}

/* Calls since the last time. */
static int walks(void)
{
	int n = wq_trace_count(WALK " <-");

	wq_trace_forget();
	return n;
}

/* TRAPS: A16 */
TEST_F_TIMEOUT(children, are_walked_for_the_first_watch_only, 120)
{
	static const uint64_t masks[] = { WATCH_FS_ATTRIB, WATCH_FS_ALL_EVENTS, WATCH_FS_CREATE };
	uint64_t of_folder, handle;
	long rounds = wq_scaled(1000);

	/* The folder itself and its entries are nothing that its files have to know. */
	of_folder = wq_watch(self->first.fd, "d", WATCH_FS_CREATE, WATCH_SCOPE_OBJECT, 1, 1, 0);
	ASSERT_NE(0, of_folder);
	EXPECT_EQ(0, walks());
	ASSERT_EQ(0, wq_remove(self->first.fd, of_folder));
	EXPECT_EQ(0, walks());

	ASSERT_NE(0, wq_watch(self->first.fd, "d", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 1, 1, 0));
	EXPECT_EQ(1, walks());
	wq_drain(&self->first);
	for (long i = 0; i < rounds; i++) {
		/* Each makes the object's mask wider, and then narrower again. */
		handle = wq_watch(self->second.fd, "d", masks[i % 3], WATCH_SCOPE_CHILDREN, 2, 2, 0);
		ASSERT_NE(0, handle);
		ASSERT_EQ(0, wq_remove(self->second.fd, handle));
		wq_drain(&self->second);
	}
	EXPECT_EQ(0, walks());

	/* And the file still knows. */
	ASSERT_EQ(0, wq_poke_path("d/file"));
	EXPECT_STREQ("modify+#1 file", wq_story(&self->first));
}

TEST_HARNESS_MAIN
