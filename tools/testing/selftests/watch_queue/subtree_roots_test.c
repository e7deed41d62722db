// SPDX-License-Identifier: GPL-2.0
/*
 * Several subtrees of one file system, watched by two queues, without paths: such events
 * take a way of their own in the module, on which one look at the directories above an
 * event answers for all roots.
 */
#define _GNU_SOURCE
#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(roots) {
	struct wq q;
};

FIXTURE_VARIANT(roots) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(roots, tmpfs) {
	.fs = "tmpfs",
};

FIXTURE_VARIANT_ADD(roots, ext4) {
	.fs = "ext4",
};

FIXTURE_VARIANT_ADD(roots, overlay) {
	.fs = "overlay",
};

FIXTURE_SETUP(roots)
{
	static const char *const dirs[] = { "top", "top/a", "top/a/b", "out", "out/d" };

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", variant->fs);
	ASSERT_EQ(0, chdir("fs"));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		ASSERT_EQ(0, mkdir(dirs[i], 0755));
	ASSERT_OK(wq_open(&self->q, 16));
}

FIXTURE_TEARDOWN(roots)
{
	wq_close(&self->q);
	if (chdir("/tmp"))
		return;
	wq_tmpdir_leave();
}

#define WATCH(path, mask, id, flags) \
	wq_watch(self->q.fd, path, mask, WATCH_SCOPE_SUBTREE, id, 0x100 + (id), flags)

/* The ids of the watches that tell of a change of @name, as bits; bit 0: of something else. */
static unsigned int who_tells(struct wq *q, const char *name)
{
	unsigned int ids = 0;
	struct wq_rec r;

	while (wq_next(q, &r) == 1) {
		bool is_that = r.type == WATCH_TYPE_FS_NOTIFY && r.subtype == NOTIFY_FS_MODIFY &&
			       !strcmp(r.name, name);

		ids |= is_that && !(ids >> r.id & 1) ? 1u << r.id : 1;
	}
	return ids;
}

TEST_F(roots, of_two_queues)
{
	const struct {
		const char *path, *name;
		unsigned int first, second;
	} wants[] = {
		{ "top/f", "f", 1 << 1, 0 },
		{ "top/a/b/f", "f", 1 << 1 | 1 << 2, 0 },
		{ "out/f", "f", 0, 1 << 4 },
		{ "out/d/f", "f", 1 << 3, 1 << 4 },
		{ "f", "f", 0, 0 },
		{ "far/off/f", "f", 0, 0 },
		{ "far/off/a long name that no dentry has room for within itself", NULL, 0, 0 },
		{ "out/d/a long name that no dentry has room for within itself", NULL, 1 << 3, 1 << 4 },
	};
	struct watch_queue_add ignoring = {
		.size = sizeof(ignoring),
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = WATCH_SCOPE_SUBTREE,
		.flags = WATCH_ADD_IGNORE_SURV,
		.mask = WATCH_FS_ATTRIB,
		.ignore_mask = WATCH_FS_MODIFY,
	};
	struct wq second;
	uint64_t inner;

	ASSERT_OK(wq_open(&second, 16));
	ASSERT_EQ(0, mkdir("far", 0755));
	ASSERT_EQ(0, mkdir("far/off", 0755));
	ASSERT_EQ(0, mkdir("far/off/d", 0755));
	ASSERT_NE(0, WATCH("top", WATCH_FS_MODIFY, 1, 0));
	inner = WATCH("top/a/b", WATCH_FS_MODIFY, 2, 0);
	ASSERT_NE(0, inner);
	ASSERT_NE(0, WATCH("out/d", WATCH_FS_MODIFY, 3, 0));
	ASSERT_NE(0, wq_watch(second.fd, "out", WATCH_FS_MODIFY, WATCH_SCOPE_SUBTREE, 4, 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		const char *name = wants[i].name ?: strrchr(wants[i].path, '/') + 1;

		ASSERT_EQ(0, wq_poke_path(wants[i].path)) TH_LOG("%s", wants[i].path);
		EXPECT_EQ(wants[i].first, who_tells(&self->q, name)) TH_LOG("%s", wants[i].path);
		EXPECT_EQ(wants[i].second, who_tells(&second, name)) TH_LOG("%s", wants[i].path);
	}
	/* From outside into one of them, and its root to another place. */
	ASSERT_EQ(0, rename("far/off/d", "top/a/new"));
	ASSERT_EQ(0, wq_poke_path("top/a/new/g"));
	EXPECT_EQ(1 << 1, who_tells(&self->q, "g"));
	ASSERT_EQ(0, rename("top", "far/top"));
	ASSERT_EQ(0, wq_poke_path("far/top/a/b/f"));
	EXPECT_EQ(1 << 1 | 1 << 2, who_tells(&self->q, "f"));
	/* When one is gone the others remain; what one ignores, its queue does. */
	ASSERT_EQ(0, wq_remove(self->q.fd, inner));
	wq_drain(&self->q);
	ASSERT_EQ(0, wq_poke_path("far/top/a/b/f"));
	EXPECT_EQ(1 << 1, who_tells(&self->q, "f"));
	ASSERT_NE(0, wq_watch(second.fd, ".", WATCH_FS_MODIFY, WATCH_SCOPE_SB, 5, 0, 0));
	ASSERT_EQ(0, wq_poke_path("out/d/f"));
	EXPECT_EQ(1 << 3, who_tells(&self->q, "f"));
	EXPECT_EQ(1 << 4 | 1 << 5, who_tells(&second, "f"));
	ASSERT_EQ(0, wq_poke_path("f"));
	EXPECT_EQ(0, who_tells(&self->q, "f"));
	EXPECT_EQ(1 << 5, who_tells(&second, "f"));
	ignoring.object = open("out/d", O_PATH);
	ASSERT_LE(0, ignoring.object);
	ASSERT_LE(0, wq_add(second.fd, &ignoring));
	ASSERT_EQ(0, wq_poke_path("out/d/f"));
	EXPECT_EQ(1 << 3, who_tells(&self->q, "f"));
	EXPECT_EQ(0, who_tells(&second, "f"));
	ASSERT_EQ(0, wq_poke_path("f"));
	EXPECT_EQ(1 << 5, who_tells(&second, "f"));
	close(ignoring.object);
	wq_close(&second);
}

TEST_HARNESS_MAIN
