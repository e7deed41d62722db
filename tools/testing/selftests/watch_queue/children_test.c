// SPDX-License-Identifier: GPL-2.0
/*
 * What a watch on a folder costs tasks that use many files in it: fsnotify goes through all of its
 * dentries, under locks, to tell them that their folder is watched. It must do so only for the
 * first watch that wants to hear of them.
 */
#include <sys/inotify.h>
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

/* One more function to trace. */
static bool trace_too(const char *function)
{
	ssize_t len = strlen(function);
	int fd = open("trace/set_ftrace_filter", O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, function, len) == len;

	return (fd < 0 || close(fd) == 0) && good;
}

/*
 * Mutexes that the task held when it walked the children, as its calls tell; -1 if it did not walk them
 * just once. The first words behind the colon are the function that was called.
 */
static int mutexes_at_walk(void)
{
	int held = 0, at_walk = -1, walks = 0;
	char line[512];
	FILE *f;

	/* Reading takes mutexes, too, and would have no end. */
	if (!wq_put("trace/tracing_on", "0"))
		return -1;
	f = fopen("trace/trace", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		/* With lockdep the function has another name. */
		if (strstr(line, ": mutex_lock <-") || strstr(line, ": mutex_lock_nested <-")) {
			held++;
		} else if (strstr(line, ": mutex_unlock <-")) {
			/* One was taken before the tracer was on: that of the tracer. */
			held -= held > 0;
		} else if (strstr(line, ": " WALK " <-")) {
			at_walk = held;
			walks++;
		}
	}
	fclose(f);
	wq_trace_forget();
	wq_put("trace/tracing_on", "1");
	return walks == 1 ? at_walk : -1;
}

/*
 * How long the walk takes depends on how full the folder is. All queues share the lock of their
 * fsnotify group, which unlink(2) of a watched file takes, too: only the queue's own mutex is held.
 */
TEST_F_TIMEOUT(children, are_walked_without_the_lock_of_all, 60)
{
	static const uint64_t some = WATCH_FS_CREATE, more = WATCH_FS_CREATE | WATCH_FS_MODIFY;
	char pid[16];
	uint64_t handle;
	int fd;

	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_TRUE(wq_put("trace/set_ftrace_pid", pid));
	/* There is one of these two, without or with lockdep. */
	trace_too("mutex_lock");
	trace_too("mutex_lock_nested");
	ASSERT_TRUE(trace_too("mutex_unlock"));
	wq_trace_forget();

	/* By the first watch, … */
	handle = wq_watch(self->first.fd, "d", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 1, 1, 0);
	ASSERT_NE(0, handle);
	EXPECT_EQ(1, mutexes_at_walk());
	ASSERT_EQ(0, wq_remove(self->first.fd, handle));
	ASSERT_EQ(-1, mutexes_at_walk());

	/* … by one whose object is known to us, … */
	handle = wq_watch(self->second.fd, "d", WATCH_FS_CREATE, WATCH_SCOPE_OBJECT, 2, 2, 0);
	ASSERT_NE(0, handle);
	ASSERT_EQ(-1, mutexes_at_walk());
	ASSERT_NE(0, wq_watch(self->first.fd, "d", some, WATCH_SCOPE_CHILDREN, 1, 1, 0));
	/* … by one that comes to want what happens to children, … */
	ASSERT_EQ(-1, mutexes_at_walk());
	ASSERT_NE(0, wq_watch(self->first.fd, "d", more, WATCH_SCOPE_CHILDREN, 1, 1,
			      WATCH_ADD_UPDATE));
	EXPECT_EQ(1, mutexes_at_walk());
	ASSERT_EQ(0, wq_remove_all(self->first.fd, 0));
	ASSERT_EQ(0, wq_remove_all(self->second.fd, 0));
	ASSERT_EQ(-1, mutexes_at_walk());

	/* … and by one that is not about children at all, beside another queue's that is. */
	fd = inotify_init1(IN_NONBLOCK);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, inotify_add_watch(fd, "d", IN_CREATE));
	ASSERT_EQ(-1, mutexes_at_walk());
	ASSERT_NE(0, wq_watch(self->first.fd, "d", WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 1, 1, 0));
	EXPECT_EQ(1, mutexes_at_walk());
	close(fd);
}

TEST_HARNESS_MAIN
