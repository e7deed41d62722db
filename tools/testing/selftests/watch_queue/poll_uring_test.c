// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring's poll on a queue, once and multishot, and a ring that is still registered as
 * an io_uring buffer when its queue is gone. System calls only, no liburing.
 */
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "wq_test.h"
#include "kselftest_harness.h"

struct uring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static int setup_uring(struct uring *u)
{
	struct io_uring_params p = {};
	char *sq, *cq;

	u->fd = syscall(__NR_io_uring_setup, 8, &p);
	if (u->fd < 0)
		return -errno;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(int), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_CQ_RING);
	u->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || u->sqes == MAP_FAILED)
		return -errno;
	u->sq_tail = (void *)(sq + p.sq_off.tail);
	u->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	u->sq_array = (void *)(sq + p.sq_off.array);
	u->cq_head = (void *)(cq + p.cq_off.head);
	u->cq_tail = (void *)(cq + p.cq_off.tail);
	u->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	u->cqes = (void *)(cq + p.cq_off.cqes);
	return 0;
}

/* Queues one poll of fd; flags is 0 or IORING_POLL_ADD_MULTI. */
static int submit_poll(struct uring *u, int fd, unsigned int flags)
{
	unsigned int i = *u->sq_tail & *u->sq_mask;

	u->sqes[i] = (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD, .fd = fd, .poll32_events = POLLIN, .len = flags,
	};
	u->sq_array[i] = i;
	__atomic_store_n(u->sq_tail, *u->sq_tail + 1, __ATOMIC_RELEASE);
	return syscall(__NR_io_uring_enter, u->fd, 1, 0, 0, NULL, 0);
}

/* The next completion's result within ms, or -ETIME. */
static int next_result(struct uring *u, int ms)
{
	struct pollfd p = { .fd = u->fd, .events = POLLIN };
	int res;

	if (*u->cq_head == __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE)) {
		/* Task work completes polls; entering the kernel runs it. */
		syscall(__NR_io_uring_enter, u->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
		if (poll(&p, 1, ms) != 1)
			return -ETIME;
	}
	res = u->cqes[*u->cq_head & *u->cq_mask].res;
	__atomic_store_n(u->cq_head, *u->cq_head + 1, __ATOMIC_RELEASE);
	return res;
}

FIXTURE(uring) {
	struct wq q;
	struct uring u;
	int poke;
};

FIXTURE_SETUP(uring)
{
	int r;

	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	self->poke = wq_poke_open("f");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
	r = setup_uring(&self->u);
	if (r < 0)
		SKIP(return, "no io_uring: %s", strerror(-r));
}

FIXTURE_TEARDOWN(uring)
{
	close(self->u.fd);
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

TEST_F(uring, poll)
{
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, submit_poll(&self->u, self->q.fd, 0));
		EXPECT_EQ(-ETIME, next_result(&self->u, 20)) TH_LOG("nothing has happened yet");
		wq_poke(self->poke);
		EXPECT_EQ(POLLIN, next_result(&self->u, 5000) & (POLLIN | POLLERR));
		EXPECT_EQ(1, wq_drain(&self->q));
	}
	/* What is there already completes at once. */
	wq_poke(self->poke);
	ASSERT_EQ(1, submit_poll(&self->u, self->q.fd, 0));
	EXPECT_EQ(POLLIN, next_result(&self->u, 5000) & (POLLIN | POLLERR));
}

TEST_F(uring, multishot)
{
	ASSERT_EQ(1, submit_poll(&self->u, self->q.fd, IORING_POLL_ADD_MULTI));
	for (int i = 0; i < 3; i++) {
		wq_poke(self->poke);
		EXPECT_EQ(POLLIN, next_result(&self->u, 5000) & (POLLIN | POLLERR))
			TH_LOG("record %d", i);
		EXPECT_EQ(1, wq_drain(&self->q));
	}
}

/* A poll that is still waiting when the descriptor is closed must not hold what is freed. */
TEST_F(uring, close_while_polled)
{
	ASSERT_EQ(1, submit_poll(&self->u, self->q.fd, 0));
	wq_close(&self->q);
	self->q.fd = open("/dev/null", O_RDONLY);
	wq_poke(self->poke);
	/* The request holds the file, so the watch is alive and completes it. */
	EXPECT_EQ(POLLIN, next_result(&self->u, 5000) & (POLLIN | POLLERR));
}

/*
 * The ring's pages, pinned as a registered buffer, outlive mapping and queue, and the
 * kernel still writes to memory that is ours: nobody else's data appears in them.
 * TRAPS: B31
 */
TEST_F(uring, pinned_pages)
{
	struct iovec iov = { .iov_base = self->q.ring, .iov_len = self->q.bytes };
	char seen[64] = {};
	int out, i, in;

	ASSERT_EQ(0, syscall(__NR_io_uring_register, self->u.fd, IORING_REGISTER_BUFFERS, &iov, 1));
	memcpy((char *)self->q.ring + 4000, "pinned", 7);
	wq_close(&self->q);
	self->q.fd = open("/dev/null", O_RDONLY);
	out = open("out", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, out);
	/* Many other queues come and go, which would reuse pages freed too early. */
	for (in = 0; in < 64; in++) {
		struct wq q;

		ASSERT_OK(wq_open(&q, 1));
		memset((char *)q.ring + 4000, 0xff, 64);
		wq_close(&q);
	}
	i = *self->u.sq_tail & *self->u.sq_mask;
	self->u.sqes[i] = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITE_FIXED, .fd = out,
		.addr = (uintptr_t)iov.iov_base + 4000, .len = 7,
	};
	self->u.sq_array[i] = i;
	__atomic_store_n(self->u.sq_tail, *self->u.sq_tail + 1, __ATOMIC_RELEASE);
	ASSERT_EQ(1, syscall(__NR_io_uring_enter, self->u.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	EXPECT_EQ(7, next_result(&self->u, 5000));
	EXPECT_EQ(7, pread(out, seen, sizeof(seen), 0));
	EXPECT_STREQ("pinned", seen);
	close(out);
}

TEST_HARNESS_MAIN
