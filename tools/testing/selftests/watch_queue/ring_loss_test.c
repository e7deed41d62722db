// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing is lost silently: what LOSS records say, the OVERRUN flag, the counters, and
 * REMOVAL records that wait for room.
 */
#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(loss) {
	struct wq q;
	int poke;
	uint64_t handle;
	struct watch_queue_info i;
};

#define COOKIE 0x1122334455667788ull

FIXTURE_SETUP(loss)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	self->poke = wq_poke_open("f");
	self->handle = wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 7, COOKIE, 0);
	ASSERT_NE(0, self->handle);
}

FIXTURE_TEARDOWN(loss)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define FITS 84			/* records of 6 slots in an empty ring of one page: 504 + 8 <= 512 */

static void poke_n(int fd, long n)
{
	while (n-- > 0)
		wq_poke(fd);
}

/* Sums up a drained ring. */
struct sum {
	long records, losses, overruns, removals;
	uint64_t lost, cookie;
	bool many;
};

static const char *sum_up(struct wq *q, struct sum *s)
{
	struct wq_rec r;
	int got;

	memset(s, 0, sizeof(*s));
	while ((got = wq_next(q, &r)) == 1) {
		if (r.type != WATCH_TYPE_META) {
			s->records++;
			s->overruns += !!(r.info & WATCH_INFO_OVERRUN);
		} else if (r.subtype == WATCH_META_LOSS_NOTIFICATION) {
			s->losses++;
			s->lost += r.loss.count;
			s->cookie = r.loss.cookie;
			s->many = r.info & WATCH_LOSS_MANY;
		} else {
			s->removals++;
		}
	}
	return got < 0 ? wq_why() : wq_ok;
}

/* Fill, lose some, take all, go on: the count is exact, the flag is where it belongs. */
TEST_F(loss, counted)
{
	struct sum s, more;

	poke_n(self->poke, FITS + 17);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(FITS + 17, self->i.posted);
	EXPECT_EQ(FITS, self->i.delivered);
	EXPECT_EQ(17, self->i.lost);
	ASSERT_OK(sum_up(&self->q, &s));
	EXPECT_EQ(FITS, s.records);
	EXPECT_EQ(0, s.overruns);
	wq_poke(self->poke);
	wq_poke(self->poke);
	ASSERT_OK(sum_up(&self->q, &more));
	EXPECT_EQ(2, more.records);
	EXPECT_EQ(1, more.overruns) TH_LOG("OVERRUN is for the first record after the loss only");
	EXPECT_EQ(17, s.lost + more.lost);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(FITS + 2, self->i.delivered);
	EXPECT_EQ(17, self->i.lost);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/*
 * Nothing happens any more after the loss: the counter says it, and the record comes as
 * soon as the consumer asks by poll().
 * TRAPS: B9
 */
TEST_F(loss, without_another_event)
{
	struct sum s, t;

	poke_n(self->poke, FITS + 3);
	ASSERT_OK(sum_up(&self->q, &s));
	EXPECT_EQ(FITS, s.records);
	wq_poll(self->q.fd, 0);
	ASSERT_OK(sum_up(&self->q, &t));
	EXPECT_EQ(3, s.lost + t.lost);
	EXPECT_EQ(0, t.records);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(3, self->i.lost);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
}

/* poll() with an empty ring but a LOSS owed says POLLIN, not "nothing". */
TEST_F(loss, poll_reports_it)
{
	struct sum s;

	poke_n(self->poke, FITS);
	ASSERT_OK(sum_up(&self->q, &s));
	/* With an impossible tail the events are lost, and the ring is empty when it is repaired. */
	const uint32_t tail = self->q.tail;

	wq_publish(&self->q, tail + 1000);
	poke_n(self->poke, 4);
	wq_publish(&self->q, tail);
	EXPECT_EQ(0, wq_head(&self->q) - tail);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
	ASSERT_OK(sum_up(&self->q, &s));
	EXPECT_EQ(4, s.lost);
	EXPECT_EQ(1, s.losses);
}

/* Losing after the ring has wrapped: the wrap hides nothing.
 * TRAPS: B9
 */
TEST_F(loss, after_a_wrap)
{
	struct sum s;
	uint64_t lost = 0;
	long seen = 0;

	for (int round = 0; round < 20; round++) {
		poke_n(self->poke, 90 + round);
		ASSERT_OK(sum_up(&self->q, &s));
		lost += s.lost;
		seen += s.records;
	}
	wq_poll(self->q.fd, 0);
	ASSERT_OK(sum_up(&self->q, &s));
	lost += s.lost;
	seen += s.records;
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(lost, self->i.lost);
	EXPECT_EQ(seen, self->i.delivered);
	EXPECT_EQ(20 * 90 + 190, self->i.posted);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/* One watch alone has lost: LOSS names it. */
TEST_F(loss, of_one_watch)
{
	struct sum s;

	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 8, 1, 0));
	poke_n(self->poke, FITS + 5);
	wq_poll(self->q.fd, 0);
	ASSERT_OK(sum_up(&self->q, &s));
	/* Losses that follow each other are told of in one record. */
	EXPECT_EQ(1, s.losses);
	EXPECT_EQ(5, s.lost);
	EXPECT_EQ(COOKIE, s.cookie);
	EXPECT_FALSE(s.many);
	ASSERT_EQ(0, wq_info(self->q.fd, self->handle, &self->i));
	EXPECT_EQ(FITS + 5, self->i.posted);
	EXPECT_EQ(FITS, self->i.delivered);
	EXPECT_EQ(5, self->i.lost);
}

/* Two have: it names none and says so; the counters tell how many each. */
TEST_F(loss, of_many_watches)
{
	uint64_t other = wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 8, 1, 0);
	struct sum s, t;

	ASSERT_NE(0, other);
	poke_n(self->poke, FITS + 1);
	ASSERT_OK(wq_touch("x"));
	ASSERT_OK(wq_touch("y"));
	wq_poll(self->q.fd, 0);
	ASSERT_OK(sum_up(&self->q, &s));
	wq_poll(self->q.fd, 0);
	ASSERT_OK(sum_up(&self->q, &t));
	EXPECT_EQ(3, s.lost + t.lost);
	/* One LOSS of both, or one of each: what names a watch must be about it alone. */
	if (s.losses + t.losses == 1) {
		EXPECT_TRUE(s.many || t.many);
	}
	ASSERT_EQ(0, wq_info(self->q.fd, self->handle, &self->i));
	EXPECT_EQ(1, self->i.lost);
	ASSERT_EQ(0, wq_info(self->q.fd, other, &self->i));
	EXPECT_EQ(2, self->i.lost);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(3, self->i.lost);
}

/*
 * The watch is removed while the ring is full: its REMOVAL is the last of it, and is seen
 * once there is room, exactly once.
 * TRAPS: B10
 */
TEST_F(loss, removal_on_a_full_ring)
{
	struct wq_rec r, last = {};
	int removals = 0, got;

	poke_n(self->poke, FITS + 9);
	EXPECT_EQ(0, wq_remove(self->q.fd, self->handle));
	poke_n(self->poke, 5);
	for (int pass = 0; pass < 3; pass++) {
		while ((got = wq_next(&self->q, &r)) == 1) {
			EXPECT_EQ(0, removals) TH_LOG("a record after the REMOVAL");
			removals += r.type == WATCH_TYPE_META &&
				    r.subtype == WATCH_META_REMOVAL_NOTIFICATION;
			last = r;
		}
		ASSERT_EQ(0, got) TH_LOG("%s", wq_why());
		wq_poll(self->q.fd, 0);
	}
	ASSERT_EQ(1, removals);
	EXPECT_EQ(self->handle, last.removal.handle);
	EXPECT_EQ(COOKIE, last.removal.cookie);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(9, self->i.lost);
	EXPECT_EQ(FITS + 9, self->i.posted);
}

/* A consumer that never enters the kernel sees what is owed before the next record. */
TEST_F(loss, without_asking)
{
	uint64_t lost;
	struct wq_rec r;
	struct sum s;

	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 8, 1, 0));
	poke_n(self->poke, FITS + 2);
	EXPECT_EQ(0, wq_remove(self->q.fd, self->handle));
	ASSERT_OK(sum_up(&self->q, &s));
	EXPECT_EQ(FITS, s.records);
	lost = s.lost;
	/* LOSS first (unless it is here already), then the REMOVAL, then what happens now. */
	ASSERT_OK(wq_touch("x"));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(WATCH_TYPE_META, r.type);
	if (r.subtype == WATCH_META_LOSS_NOTIFICATION) {
		lost += r.loss.count;
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
		EXPECT_EQ(WATCH_TYPE_META, r.type);
	}
	EXPECT_EQ(2, lost);
	EXPECT_EQ(WATCH_META_REMOVAL_NOTIFICATION, r.subtype);
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_STREQ("x", r.name);
	EXPECT_EQ(WATCH_INFO_OVERRUN, r.info & WATCH_INFO_OVERRUN);
}

/*
 * Very many watches end while the ring is full: all REMOVALs arrive, once each, in the
 * order of their deaths, however small the portions in which room is made.
 * TRAPS: B10
 */
TEST_F_TIMEOUT(loss, many_removals, 120)
{
	enum { N = 300 };
	uint64_t next = 0, handles[N];
	long removals = 0;
	struct wq_rec r;
	char name[16];

	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		ASSERT_OK(wq_touch(name));
		handles[i] = wq_watch(self->q.fd, name, WATCH_FS_MODIFY, 0, i & 255, i, 0);
		ASSERT_NE(0, handles[i]);
	}
	poke_n(self->poke, FITS + 1);
	for (int i = 0; i < N; i++) {
		ASSERT_EQ(0, wq_remove(self->q.fd, handles[i]));
	}
	for (int turns = 0; removals < N && turns < 10000; turns++) {
		int got = wq_next(&self->q, &r);

		ASSERT_LE(0, got) TH_LOG("%s", wq_why());
		if (got == 0 || turns % 3 == 0)
			wq_poll(self->q.fd, 0);
		if (!got || r.type != WATCH_TYPE_META ||
		    r.subtype != WATCH_META_REMOVAL_NOTIFICATION)
			continue;
		ASSERT_EQ(next, r.removal.cookie) TH_LOG("not in the order of death");
		ASSERT_EQ(handles[next], r.removal.handle);
		next++;
		removals++;
	}
	EXPECT_EQ(N, removals);
	wq_poll(self->q.fd, 0);
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(1, self->i.watches);
}

/* Closing with records owed, and with the ring full. */
TEST_F(loss, closed_while_owed)
{
	for (int i = 0; i < 20; i++) {
		struct wq q;
		uint64_t h;

		ASSERT_OK(wq_open(&q, 1));
		h = wq_watch(q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0);
		ASSERT_NE(0, h);
		poke_n(self->poke, FITS + 2);
		if (i & 1) {
			ASSERT_EQ(0, wq_remove(q.fd, h));
		}
		if (i & 2) {
			ASSERT_EQ(0, wq_shutdown(q.fd));
		}
		wq_close(&q);
	}
	wq_poke(self->poke);
}

TEST_HARNESS_MAIN
