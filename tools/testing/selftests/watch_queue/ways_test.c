// SPDX-License-Identifier: GPL-2.0
/*
 * The two ways of an event say the same. Nearly every event goes the short way, which does all in one
 * function (src/source/fs/short.rs); a watch that ignores something is sent the long way, which is written
 * for all cases. So of two queues that watch one object, one of them with an ignore mask for an event that
 * does not come, each gets the same records, bit for bit, whatever happens.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define ALL_BITS (WATCH_FS_ALL_EVENTS & ~WATCH_FS_OPEN_EXEC)
#define MOUNT_BITS (WATCH_FS_ACCESS | WATCH_FS_MODIFY | WATCH_FS_CLOSE | WATCH_FS_OPEN)

static int look(void)
{
	struct stat st;

	return close(open("fs/dir/f", O_RDONLY | O_CLOEXEC)) || stat("fs/dir/f", &st);
}

static int read_some(void)
{
	int fd = open("fs/dir/f", O_RDONLY | O_CLOEXEC);
	char c;

	return read(fd, &c, 1) != 1 || close(fd);
}

static int write_some(void)
{
	return wq_poke_path("fs/dir/f");
}

static int cut(void)
{
	return truncate("fs/dir/f", 1);
}

static int change_mode(void)
{
	return chmod("fs/dir/f", 0600) || chmod("fs/dir", 0700);
}

static int set_attribute(void)
{
	return setxattr("fs/dir/f", "trusted.way", "x", 1, 0);
}

static int list(void)
{
	DIR *dir = opendir("fs/dir");

	while (dir && readdir(dir))
		;
	return closedir(dir);
}

static int make_all(void)
{
	return wq_touch("fs/dir/new") != wq_ok || mkdir("fs/dir/sub", 0755) || symlink("f", "fs/dir/sym") ||
	       mkfifo("fs/dir/fifo", 0600);
}

static int link_twice(void)
{
	return link("fs/dir/f", "fs/dir/twice") || link("fs/out/f", "fs/dir/thrice") || unlink("fs/dir/twice");
}

static int move_within(void)
{
	return rename("fs/dir/new", "fs/dir/newer") || rename("fs/dir/sub", "fs/dir/sup");
}

static int move_in_and_out(void)
{
	return rename("fs/out/g", "fs/dir/g") || rename("fs/dir/newer", "fs/out/newer") ||
	       rename("fs/out/d", "fs/dir/d");
}

static int replace(void)
{
	return rename("fs/dir/g", "fs/dir/thrice");
}

static int unlink_open(void)
{
	int fd = open("fs/dir/thrice", O_WRONLY | O_CLOEXEC);

	return unlink("fs/dir/thrice") || write(fd, "x", 1) != 1 || close(fd);
}

static int end_all(void)
{
	return rmdir("fs/dir/sup") || unlink("fs/dir/sym") || unlink("fs/dir/f") || rmdir("fs/dir/d");
}

static const struct {
	const char *what;
	int (*run)(void);
} operations[] = {
	{ "open, stat and close", look },
	{ "read", read_some },
	{ "write", write_some },
	{ "truncate", cut },
	{ "chmod of a file and of the folder", change_mode },
	{ "setxattr", set_attribute },
	{ "list a folder", list },
	{ "make a file, a folder, a symlink and a FIFO", make_all },
	{ "link", link_twice },
	{ "rename within a folder", move_within },
	{ "rename between folders", move_in_and_out },
	{ "replace a file", replace },
	{ "unlink an open file and write to it", unlink_open },
	{ "remove what is watched", end_all },
};

FIXTURE(ways) {
	struct wq brief, full;		/* the queue whose events go the short way, and the other one */
};

FIXTURE_VARIANT(ways) {
	const char *path;
	unsigned int scope;
	uint64_t mask;
};

FIXTURE_VARIANT_ADD(ways, file) { "fs/dir/f", WATCH_SCOPE_OBJECT, ALL_BITS };
FIXTURE_VARIANT_ADD(ways, folder) { "fs/dir", WATCH_SCOPE_OBJECT, ALL_BITS };
FIXTURE_VARIANT_ADD(ways, children) { "fs/dir", WATCH_SCOPE_CHILDREN, ALL_BITS };
FIXTURE_VARIANT_ADD(ways, subtree) { "fs/dir", WATCH_SCOPE_SUBTREE, ALL_BITS };
FIXTURE_VARIANT_ADD(ways, subtree_of_all) { "fs", WATCH_SCOPE_SUBTREE, ALL_BITS };
FIXTURE_VARIANT_ADD(ways, mount) { "fs/dir", WATCH_SCOPE_MOUNT, MOUNT_BITS };
FIXTURE_VARIANT_ADD(ways, superblock) { "fs/dir", WATCH_SCOPE_SB, ALL_BITS };

FIXTURE_SETUP(ways)
{
	struct watch_queue_add add = {
		.size = sizeof(add),
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = variant->scope,
		.flags = WATCH_ADD_IGNORE_SURV,	/* or the first MODIFY would make it go the short way */
		.id = 7,
		.mask = variant->mask,
		.cookie = 0x123456789abcdef0,
	};

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_EQ(0, mount("ways_test", "fs", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir("fs/dir", 0755));
	ASSERT_EQ(0, mkdir("fs/out", 0755));
	ASSERT_EQ(0, mkdir("fs/out/d", 0755));
	ASSERT_OK(wq_touch("fs/dir/f"));
	ASSERT_OK(wq_touch("fs/out/f"));
	ASSERT_OK(wq_touch("fs/out/g"));
	ASSERT_EQ(0, wq_poke_path("fs/dir/f"));
	ASSERT_OK(wq_open(&self->brief, 16));
	ASSERT_OK(wq_open(&self->full, 16));
	add.object = open(variant->path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, add.object);
	ASSERT_EQ(0, wq_add(self->brief.fd, &add));
	add.handle = 0;
	add.ignore_mask = WATCH_FS_OPEN_EXEC;
	ASSERT_EQ(0, wq_add(self->full.fd, &add));
	close(add.object);
}

FIXTURE_TEARDOWN(ways)
{
	wq_close(&self->brief);
	wq_close(&self->full);
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

/* Each rename has a cookie of its own, which both queues are told. */
TEST_F(ways, say_the_same)
{
	unsigned int told = 0;

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		const char *what = operations[i].what;
		struct wq_rec brief, full;
		int more;

		ASSERT_EQ(0, operations[i].run()) TH_LOG("%s: %m", what);
		while ((more = wq_next(&self->brief, &brief)) == 1) {
			ASSERT_EQ(1, wq_next(&self->full, &full))
				TH_LOG("%s: no record of event %u the long way", what, brief.subtype);
			ASSERT_EQ(brief.slots, full.slots) TH_LOG("%s", what);
			ASSERT_EQ(0, memcmp(brief.raw, full.raw, brief.slots * WQ_SLOT))
				TH_LOG("%s: the records of event %u differ", what, brief.subtype);
			told++;
		}
		ASSERT_EQ(0, more) TH_LOG("%s", wq_why());
		ASSERT_EQ(0, wq_next(&self->full, &full))
			TH_LOG("%s: one more record of event %u the long way", what, full.subtype);
	}
	EXPECT_LT(10, told);
}

TEST_HARNESS_MAIN
