// SPDX-License-Identifier: GPL-2.0
/*
 * ADD_WATCH: what it refuses and with which error, the extensible struct, and what
 * UPDATE and MASK_ADD do to a watch that exists. Rights are in watch_rights_test.c.
 */
#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(add) {
	struct wq q;
	struct watch_queue_add add;	/* one that would be taken: "." for CREATE */
	struct watch_queue_info info;
};

FIXTURE_SETUP(add)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	self->add = (struct watch_queue_add){
		.size = sizeof(self->add), .type = WATCH_TYPE_FS_NOTIFY,
		.object = open(".", O_PATH | O_CLOEXEC), .mask = WATCH_FS_CREATE,
	};
	ASSERT_OK(wq_touch("file"));
}

FIXTURE_TEARDOWN(add)
{
	close(self->add.object);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* Tries the fixture's struct with one field changed; nothing may be left behind. */
#define REFUSED(error, field, value) do { \
	struct watch_queue_add a_ = self->add; \
	struct watch_queue_info i_; \
	a_.field = (value); \
	EXPECT_EQ(-(error), wq_add(self->q.fd, &a_)) TH_LOG(#field " = " #value); \
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &i_)); \
	EXPECT_EQ(0, i_.watches) TH_LOG("a refused watch is there"); \
} while (0)

/* The fixture's struct itself is fine; otherwise all the refusals would prove nothing. */
TEST_F(add, good)
{
	EXPECT_EQ(0, wq_add(self->q.fd, &self->add));
	EXPECT_NE(0, self->add.handle);
	ASSERT_OK(wq_touch("new"));
	EXPECT_EQ(1, wq_drain(&self->q));
}

TEST_F(add, masks)
{
	REFUSED(EINVAL, mask, 0);
	REFUSED(EINVAL, mask, WATCH_FS_ISDIR);
	REFUSED(EINVAL, mask, WATCH_FS_CREATE | WATCH_FS_ISDIR);
	REFUSED(EINVAL, mask, ~0ull);
	for (int bit = NOTIFY_FS_OPEN_EXEC + 1; bit < 64; bit++) {
		/* Known, but not on this kernel; or not known. */
		int error = WATCH_FS_ALL_PERM >> bit & 1 ? EOPNOTSUPP : EINVAL;

		if (self->info.fs_mask >> bit & 1)
			continue;
		REFUSED(error, mask, WATCH_FS_CREATE | 1ull << bit);
		REFUSED(error, ignore_mask, 1ull << bit);
	}
	EXPECT_EQ(WATCH_FS_ALL_EVENTS, self->info.fs_mask & WATCH_FS_ALL_EVENTS);
	self->add.mask = WATCH_FS_ALL_EVENTS;
	EXPECT_EQ(0, wq_add(self->q.fd, &self->add));
}

TEST_F(add, flags)
{
	for (int bit = 9; bit < 32; bit++)
		REFUSED(EINVAL, flags, 1u << bit);
	REFUSED(EINVAL, flags, WATCH_ADD_UPDATE | WATCH_ADD_MASK_ADD);
	REFUSED(EINVAL, flags, ~0u);
}

/* The handle is given, not chosen. */
TEST_F(add, handle)
{
	REFUSED(EINVAL, handle, 1);
	REFUSED(EINVAL, handle, ~0ull);
}

/* Ids above 255 do not fit into info; all others do. */
TEST_F(add, ids)
{
	REFUSED(EINVAL, id, 256);
	REFUSED(EINVAL, id, 0x80000000);
	REFUSED(EINVAL, id, 0xffffffff);
	self->add.id = 255;
	EXPECT_EQ(0, wq_add(self->q.fd, &self->add));
	EXPECT_EQ(0, wq_remove(self->q.fd, self->add.handle));
	EXPECT_STREQ("removal:removed#255", wq_story(&self->q));
}

/* Sources: unknown ones do not exist, known ones may be absent on this kernel. */
TEST_F(add, types)
{
	static const uint32_t unknown[] = { 7, 8, 255, 0x7fffff, 0x1000000, 0x1000006, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		REFUSED(EINVAL, type, unknown[i]);
	REFUSED(EINVAL, type, WATCH_TYPE_META);
	for (uint32_t type = WATCH_TYPE_MOUNT_NOTIFY; type < WATCH_TYPE_FS_NOTIFY; type++) {
		if (!(self->info.sources >> type & 1))
			REFUSED(EOPNOTSUPP, type, type);
	}
	EXPECT_TRUE(self->info.sources >> WATCH_TYPE_FS_NOTIFY & 1);
}

/* There are five scopes. */
TEST_F(add, scopes)
{
	REFUSED(EINVAL, scope, WATCH_SCOPE_SB + 1);
	REFUSED(EINVAL, scope, 32);
	REFUSED(EINVAL, scope, 0xffffffff);
	EXPECT_EQ((2 << WATCH_SCOPE_SB) - 1, self->info.fs_scopes);
}

TEST_F(add, objects)
{
	int file = open("file", O_PATH), closed = dup(file), fds[2];

	close(closed);
	REFUSED(EBADF, object, closed);
	REFUSED(EBADF, object, -1);
	REFUSED(EBADF, object, -100);
	REFUSED(EBADF, object, 1 << 20);
	self->add.flags = WATCH_ADD_ONLYDIR;
	REFUSED(ENOTDIR, object, file);
	self->add.flags = 0;
	self->add.scope = WATCH_SCOPE_CHILDREN;
	REFUSED(ENOTDIR, object, file);
	self->add.scope = WATCH_SCOPE_OBJECT;
	/* Any descriptor of a file names it. */
	self->add.object = open("file", O_RDWR);
	EXPECT_EQ(0, wq_add(self->q.fd, &self->add));
	close(self->add.object);
	/* Also one that is no file of any folder: a pipe has an inode like others. */
	ASSERT_EQ(0, pipe(fds));
	self->add.object = fds[0];
	self->add.handle = 0;
	self->add.mask = WATCH_FS_MODIFY;
	if (wq_add(self->q.fd, &self->add) == 0) {
		EXPECT_EQ(1, write(fds[1], "x", 1));
		wq_story(&self->q);
	}
	close(file);
	close(fds[0]);
	close(fds[1]);
	self->add.object = -1;
}

/*
 * The struct can grow: a longer one is taken when what this kernel does not know is zero,
 * a shorter one than the first is not.
 * TRAPS: B39
 */
TEST_F(add, struct_size)
{
	struct {
		struct watch_queue_add add;
		char more[4096];
	} big = { .add = self->add };
	const uint32_t all = sizeof(big);

	REFUSED(EINVAL, size, 0);
	REFUSED(EINVAL, size, 4);
	REFUSED(EINVAL, size, WATCH_QUEUE_ADD_SIZE_VER0 - 1);
	REFUSED(E2BIG, size, 0xffffffff);
	big.add.size = sizeof(big.add) + 8;
	big.more[7] = 1;
	EXPECT_EQ(-E2BIG, wq_add(self->q.fd, &big.add));
	big.more[7] = 0;
	big.more[8] = 1;	/* behind what size covers */
	EXPECT_EQ(0, wq_add(self->q.fd, &big.add));
	EXPECT_NE(0, big.add.handle);
	EXPECT_EQ(0, wq_remove(self->q.fd, big.add.handle));
	big.more[8] = 0;
	big.add.handle = 0;
	/* Up to a page at least; one byte more may be refused, never misread. */
	big.add.size = 4096;
	EXPECT_EQ(0, wq_add(self->q.fd, &big.add));
	EXPECT_EQ(0, wq_remove(self->q.fd, big.add.handle));
	big.add.handle = 0;
	big.more[4096 - 1 - sizeof(big.add)] = 1;
	big.add.size = 4096;
	EXPECT_EQ(-E2BIG, wq_add(self->q.fd, &big.add));
	EXPECT_LT(4096, all);
}

TEST_F(add, bad_pointers)
{
	const size_t page = wq_page();
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct watch_queue_add *at_end = (void *)(p + page - sizeof(self->add));

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	EXPECT_EQ(-EFAULT, wq_add(self->q.fd, NULL));
	EXPECT_EQ(-EFAULT, wq_add(self->q.fd, (void *)8));
	memcpy(at_end, &self->add, sizeof(self->add));
	EXPECT_EQ(0, wq_add(self->q.fd, at_end));
	EXPECT_EQ(0, wq_remove(self->q.fd, at_end->handle));
	at_end->handle = 0;
	at_end->size += 8;
	EXPECT_EQ(-EFAULT, wq_add(self->q.fd, at_end));
	/* The handle cannot be stored: whatever is said, no watch without a handle remains. */
	at_end->size = sizeof(self->add);
	ASSERT_EQ(0, mprotect(p, page, PROT_READ));
	EXPECT_EQ(-EFAULT, wq_add(self->q.fd, at_end));
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	EXPECT_EQ(0, self->info.watches);
}

/* The same object twice from one queue, by whatever descriptor. */
TEST_F(add, twice)
{
	uint64_t first;

	ASSERT_EQ(0, wq_add(self->q.fd, &self->add));
	first = self->add.handle;
	self->add.handle = 0;
	EXPECT_EQ(-EEXIST, wq_add(self->q.fd, &self->add));
	EXPECT_EQ(0, wq_watch(self->q.fd, ".", WATCH_FS_DELETE, 0, 3, 4, 0));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(0, symlink(".", "link"));
	wq_drain(&self->q);
	EXPECT_EQ(0, wq_watch(self->q.fd, "link/.", WATCH_FS_DELETE, 0, 0, 0, 0));
	EXPECT_EQ(EEXIST, errno);
	ASSERT_OK(wq_touch("a"));
	EXPECT_STREQ("create+ a", wq_story(&self->q));
	/* After its end the object is free again, and the handle is another one. */
	EXPECT_EQ(0, wq_remove(self->q.fd, first));
	self->add.handle = 0;
	EXPECT_EQ(0, wq_add(self->q.fd, &self->add));
	EXPECT_NE(first, self->add.handle);
}

/* UPDATE replaces both masks, keeps the handle, and insists on cookie and id. */
TEST_F(add, update)
{
	uint64_t first, again;

	first = wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 9, 99, 0);
	ASSERT_NE(0, first);
	EXPECT_EQ(0, wq_watch(self->q.fd, ".", WATCH_FS_DELETE, 0, 8, 99, WATCH_ADD_UPDATE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, wq_watch(self->q.fd, ".", WATCH_FS_DELETE, 0, 9, 98, WATCH_ADD_UPDATE));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_STREQ("create+#9 a", wq_story(&self->q));

	again = wq_watch(self->q.fd, ".", WATCH_FS_DELETE, 0, 9, 99, WATCH_ADD_UPDATE);
	EXPECT_EQ(first, again);
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_STREQ("delete+#9 a", wq_story(&self->q));
	ASSERT_EQ(0, wq_info(self->q.fd, first, &self->info));
	EXPECT_EQ(WATCH_FS_DELETE, self->info.mask);
}

TEST_F(add, mask_add)
{
	uint64_t first, again;

	first = wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 9, 99, 0);
	ASSERT_NE(0, first);
	EXPECT_EQ(0, wq_watch(self->q.fd, ".", WATCH_FS_DELETE, 0, 1, 99, WATCH_ADD_MASK_ADD));
	EXPECT_EQ(EINVAL, errno);
	again = wq_watch(self->q.fd, ".", WATCH_FS_DELETE, 0, 9, 99, WATCH_ADD_MASK_ADD);
	EXPECT_EQ(first, again);
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_STREQ("create+#9 a, delete+#9 a", wq_story(&self->q));
	ASSERT_EQ(0, wq_info(self->q.fd, first, &self->info));
	EXPECT_EQ(WATCH_FS_CREATE | WATCH_FS_DELETE, self->info.mask);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	EXPECT_EQ(1, self->info.watches);
}

/* Both add when there is nothing yet, as inotify does. */
TEST_F(add, update_of_nothing)
{
	EXPECT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 0, 0, WATCH_ADD_UPDATE));
	EXPECT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_MODIFY, 0, 0, 0, WATCH_ADD_MASK_ADD));
	ASSERT_OK(wq_touch("a"));
	EXPECT_STREQ("create+ a", wq_story(&self->q));
}

/* What one watch of a queue ignores is not reported by that queue's watch of the folder. */
TEST_F(add, ignore_mask)
{
	struct watch_queue_add file = {
		.size = sizeof(file), .type = WATCH_TYPE_FS_NOTIFY, .mask = WATCH_FS_ATTRIB,
		.ignore_mask = WATCH_FS_MODIFY, .flags = WATCH_ADD_IGNORE_SURV, .id = 2,
	};
	int fd = open("file", O_WRONLY), r;

	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 1, 0, 0));
	wq_poke(fd);
	EXPECT_STREQ("modify+#1 file", wq_story(&self->q));
	file.object = fd;
	r = wq_add(self->q.fd, &file);
	if (r == -EOPNOTSUPP)
		SKIP(return, "ignore masks are not supported");
	ASSERT_EQ(0, r);
	wq_poke(fd);
	wq_poke(fd);
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(0, fchmod(fd, 0600));
	EXPECT_STREQ("attrib#2", wq_story(&self->q));
	EXPECT_EQ(0, wq_remove(self->q.fd, file.handle));
	wq_poke(fd);
	EXPECT_STREQ("removal:removed#2, modify+#1 file", wq_story(&self->q));
	close(fd);
}

TEST_HARNESS_MAIN
