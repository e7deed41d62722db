// SPDX-License-Identifier: GPL-2.0
/*
 * mmap() of the ring: what may be mapped and how, what a mapping can become afterwards,
 * and what it keeps alive.
 */
#include <setjmp.h>
#include <signal.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(mmap) {
	struct wq q;
	size_t page;
};

FIXTURE_SETUP(mmap)
{
	WQ_NEED_DEVICE();
	self->page = wq_page();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 4));
}

FIXTURE_TEARDOWN(mmap)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define NO_MAP(len, prot, flags, offset) do { \
	void *p_ = mmap(NULL, len, prot, flags, self->q.fd, offset); \
	int e_ = errno; \
	EXPECT_EQ(MAP_FAILED, p_); \
	EXPECT_EQ(EINVAL, e_) TH_LOG(#len ", " #prot ", " #flags ", " #offset); \
} while (0)

/*
 * Shared, readable, not executable, from the start, not longer than the ring: everything
 * else is refused.
 * TRAPS: B26, B28
 */
TEST_F(mmap, matrix)
{
	const size_t page = self->page, all = 4 * page;
	const int rw = PROT_READ | PROT_WRITE;
	char *p;

	NO_MAP(all, rw, MAP_PRIVATE, 0);
	NO_MAP(all, PROT_READ, MAP_PRIVATE, 0);
	NO_MAP(all, PROT_NONE, MAP_SHARED, 0);
	NO_MAP(all, PROT_WRITE, MAP_SHARED, 0);
	NO_MAP(all, rw | PROT_EXEC, MAP_SHARED, 0);
	NO_MAP(all, PROT_READ | PROT_EXEC, MAP_SHARED, 0);
	NO_MAP(all, rw | PROT_EXEC, MAP_PRIVATE, 0);
	NO_MAP(page, rw, MAP_SHARED, page);
	NO_MAP(page, PROT_READ, MAP_SHARED, 3 * page);
	NO_MAP(page, rw, MAP_SHARED, 4 * page);
	NO_MAP(page, rw, MAP_SHARED, (off_t)1 << 40);
	NO_MAP(all + page, rw, MAP_SHARED, 0);
	NO_MAP(2 * all, PROT_READ, MAP_SHARED, 0);
	NO_MAP(0, rw, MAP_SHARED, 0);
	for (size_t pages = 1; pages <= 4; pages++) {
		p = mmap(NULL, pages * page, rw, MAP_SHARED, self->q.fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		munmap(p, pages * page);
		p = mmap(NULL, pages * page, PROT_READ, MAP_SHARED, self->q.fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		munmap(p, pages * page);
	}
	/* Half a page is a page. */
	p = mmap(NULL, page / 2, rw, MAP_SHARED, self->q.fd, 0);
	EXPECT_NE(MAP_FAILED, p);
}

/* A mapping cannot become executable; one without write access must not gain it by force. */
TEST_F(mmap, mprotect)
{
	char *p = mmap(NULL, self->page, PROT_READ, MAP_SHARED, self->q.fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, mprotect(p, self->page, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(self->q.ring, self->page, PROT_READ | PROT_WRITE | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	/* The descriptor is open for writing, so this is no gain. */
	EXPECT_EQ(0, mprotect(p, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, mprotect(self->q.ring, self->page, PROT_NONE));
	EXPECT_EQ(0, mprotect(self->q.ring, self->page, PROT_READ | PROT_WRITE));
}

/* Through a read-only descriptor the ring can be looked at and not written. */
TEST_F(mmap, read_only_descriptor)
{
	char path[64];
	void *p;
	int fd;

	/* The same queue cannot be reopened: /proc gives a new one, without a ring. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->q.fd);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		SKIP(return, "no /proc");
	p = mmap(NULL, self->page, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

/* Before SET_SIZE there is nothing to map. */
TEST_F(mmap, before_size)
{
	struct wq q;
	void *p;

	ASSERT_OK(wq_open_only(&q));
	p = mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_SHARED, q.fd, 0);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EINVAL, errno);
	ASSERT_OK(wq_map(&q, 1));
	wq_close(&q);
}

/*
 * Two mappings of one descriptor are one ring, page by page in the same order.
 * TRAPS: B24, B25
 */
TEST_F(mmap, shared)
{
	unsigned char *a = (unsigned char *)self->q.ring, *b;
	const size_t page = self->page;

	b = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, self->q.fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)b);
	for (int i = 0; i < 4; i++)
		a[i * page + page - 1] = 'a' + i;
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ('a' + i, b[i * page + page - 1]) TH_LOG("page %d", i);
	}
	/* Parts may be unmapped; the rest stays. */
	EXPECT_EQ(0, munmap(b + page, page));
	EXPECT_EQ('d', b[3 * page + page - 1]);
	EXPECT_EQ('b', a[page + page - 1]);
	EXPECT_EQ(0, munmap(b, 4 * page));
	EXPECT_OK(wq_check_header(&self->q));
}

/*
 * mremap(): may move and shrink, may not grow, may not be used to map twice.
 * TRAPS: B27, B28
 */
TEST_F(mmap, mremap)
{
	char *p = mmap(NULL, self->page, PROT_READ, MAP_SHARED, self->q.fd, 0), *to;

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(MAP_FAILED, mremap(p, self->page, 2 * self->page, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	to = mremap(self->q.ring, 4 * self->page, 5 * self->page, MREMAP_MAYMOVE);
	EXPECT_EQ(MAP_FAILED, to);
	to = mremap(p, 0, self->page, MREMAP_MAYMOVE);
	EXPECT_EQ(MAP_FAILED, to);
	/* Moving keeps what is mapped. */
	to = mmap(NULL, 4 * self->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	to = mremap(self->q.ring, 4 * self->page, 4 * self->page,
		    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_NE(MAP_FAILED, to);
	self->q.ring = (void *)to;
	EXPECT_OK(wq_check_header(&self->q));
	EXPECT_EQ(to, mremap(to, 4 * self->page, self->page, 0));
	self->q.bytes = self->page;
	EXPECT_OK(wq_check_header(&self->q));
}

static sigjmp_buf fault_return;

static void on_fault(int sig)
{
	siglongjmp(fault_return, sig);
}

/* The signal that reading p raises, or 0. */
static int touch(const volatile char *p)
{
	struct sigaction act = { .sa_handler = on_fault };
	int sig;

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	sig = sigsetjmp(fault_return, 1);
	if (!sig)
		(void)*p;
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return sig;
}

static int child_touches(void *arg)
{
	return touch(arg);
}

/*
 * A child has the descriptor but not the mapping, so it cannot move tail by accident; it
 * may map for itself.
 * TRAPS: B27
 */
TEST_F(mmap, not_copied_by_fork)
{
	EXPECT_EQ(0, touch((char *)self->q.ring));
	EXPECT_EQ(SIGSEGV, wq_child(child_touches, self->q.ring));
	EXPECT_OK(wq_check_header(&self->q));
}

/* Pages that were given away do not come back as something else: the kernel has no fault
 * handler for them.
 * TRAPS: B25, B28
 */
TEST_F(mmap, dontneed)
{
	char *p = mmap(NULL, 4 * self->page, PROT_READ | PROT_WRITE, MAP_SHARED, self->q.fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, madvise(p, self->page, MADV_DONTNEED));
	EXPECT_EQ(SIGBUS, touch(p));
	EXPECT_EQ(0, touch(p + self->page));
	/* The other mapping does not notice. */
	EXPECT_OK(wq_check_header(&self->q));
	EXPECT_EQ(-1, madvise(p, self->page, MADV_DOFORK));
	munmap(p, 4 * self->page);
}

/*
 * Closing the descriptor of a mapped queue ends nothing: events still arrive.
 * TRAPS: B31
 */
TEST_F(mmap, keeps_the_queue)
{
	struct wq_rec r;

	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 0, 77, 0));
	close(self->q.fd);
	ASSERT_OK(wq_touch("a"));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_CREATE, r.subtype);
	EXPECT_EQ(77, r.fs.cookie);
	ASSERT_OK(wq_touch("b"));
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_STREQ("b", r.name);
	self->q.fd = open("/dev/null", O_RDONLY);
}

/*
 * Mapping and unmapping in a loop while forking and giving pages away.
 * TRAPS: B24
 */
TEST_F_TIMEOUT(mmap, again_and_again, 120)
{
	const size_t all = 4 * self->page;

	for (long i = wq_scaled(300); i > 0; i--) {
		char *a = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, self->q.fd, 0);
		char *b = mmap(NULL, all, PROT_READ, MAP_SHARED, self->q.fd, 0);
		pid_t pid;

		ASSERT_NE(MAP_FAILED, a);
		ASSERT_NE(MAP_FAILED, b);
		madvise(a, all, MADV_DONTNEED);
		pid = fork();
		if (pid == 0) {
			munmap(b, all);
			_exit(0);
		}
		ASSERT_EQ(0, munmap(b, all));
		ASSERT_EQ(0, munmap(a, all));
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	}
	EXPECT_OK(wq_check_header(&self->q));
}

TEST_HARNESS_MAIN
