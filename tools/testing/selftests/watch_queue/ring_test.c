// SPDX-License-Identifier: GPL-2.0
/*
 * The ring's arithmetic, seen from the consumer: records of every length at every place,
 * how full it gets, and where SKIPs and the header come in between. A model of the rules
 * (abi.rst) runs beside the kernel and must agree with it slot by slot.
 */
#include "wq_test.h"
#include "kselftest_harness.h"

#define SHORTEST 6u		/* slots of a record without a name */
#define LONGEST 38u		/* … with a name of 255 bytes */
#define NR_LENGTHS (LONGEST - SHORTEST + 1)
#define LOSS_SLOTS 3u

FIXTURE(ring) {
	struct wq q;
	int fds[NR_LENGTHS];	/* poking fds[n - SHORTEST] posts one record of n slots */
};

/*
 * A watched folder with a file for every record length, the name as long as it may be;
 * the shortest record is that of a file with a watch of its own.
 */
FIXTURE_SETUP(ring)
{
	char path[300];

	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("d", 0755));
	self->fds[0] = wq_poke_open("own");
	for (uint32_t n = SHORTEST + 1; n <= LONGEST; n++) {
		uint32_t len = (n - SHORTEST) * WQ_SLOT - 1;

		memcpy(path, "d/", 2);
		memset(path + 2, 'a' + n % 26, len);
		path[2 + len] = 0;
		self->fds[n - SHORTEST] = wq_poke_open(path);
		ASSERT_LE(0, self->fds[n - SHORTEST]);
	}
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_NE(0, wq_watch(self->q.fd, "own", WATCH_FS_MODIFY, 0, 1, 0, 0));
	ASSERT_NE(0, wq_watch(self->q.fd, "d", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 2, 0, 0));
}

FIXTURE_TEARDOWN(ring)
{
	for (uint32_t i = 0; i < NR_LENGTHS; i++)
		close(self->fds[i]);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define POST(slots_) wq_poke(self->fds[(slots_) - SHORTEST])

/* What the rules say about a ring. */
struct model {
	uint32_t head, tail, size;
};

static uint32_t cost(const struct model *m, uint32_t len)
{
	uint32_t index = m->head & (m->size - 1), rest = m->size - index;

	if (index == 0)
		return WQ_HEADER_SLOTS + len;
	return len > rest ? rest + WQ_HEADER_SLOTS + len : len;
}

/* Posts len slots, leaving reserve free; whether it was accepted. */
static bool model_post(struct model *m, uint32_t len, uint32_t reserve)
{
	if (m->head - m->tail + cost(m, len) + reserve > m->size)
		return false;
	m->head += cost(m, len);
	return true;
}

/*
 * For every length: posted and taken one by one, round and round. An empty ring never
 * refuses anything, and each record costs what the model says.
 * TRAPS: B1, B2, B3
 */
TEST_F_TIMEOUT(ring, one_by_one, 240)
{
	struct model m = { WQ_HEADER_SLOTS, WQ_HEADER_SLOTS, self->q.slots };
	struct watch_queue_info info;
	long posted = 0;
	struct wq_rec r;

	for (uint32_t len = SHORTEST; len <= LONGEST; len++) {
		/* At least twice round, and often enough for all remainders of short records. */
		for (long i = wq_scaled(1500) + 2 * self->q.slots / len; i > 0; i--) {
			POST(len);
			posted++;
			ASSERT_TRUE(model_post(&m, len, WQ_RESERVE));
			ASSERT_EQ(m.head, wq_head(&self->q)) TH_LOG("length %u", len);
			ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
			ASSERT_EQ(len, r.slots);
			ASSERT_EQ(m.head, self->q.tail);
			m.tail = m.head;
		}
	}
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(posted, info.delivered);
	EXPECT_EQ(0, info.lost);
}

/*
 * For every length: filled until it refuses, emptied, filled again, from ever other
 * places. It refuses exactly when the model does.
 * TRAPS: B2, B3
 */
TEST_F_TIMEOUT(ring, filled, 240)
{
	struct model m = { WQ_HEADER_SLOTS, WQ_HEADER_SLOTS, self->q.slots };
	struct watch_queue_info info;
	uint64_t lost = 0;

	for (uint32_t len = SHORTEST; len <= LONGEST; len++) {
		for (long round = wq_scaled(20) + 3; round > 0; round--) {
			long filled = 0, taken;

			while (model_post(&m, len, WQ_RESERVE)) {
				POST(len);
				filled++;
				ASSERT_EQ(m.head, wq_head(&self->q))
					TH_LOG("length %u, tail %u: refused too early", len, m.tail);
			}
			POST(len);
			lost++;
			/* This flushes the LOSS record, for which there is always room. */
			ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
			ASSERT_EQ(lost, info.lost) TH_LOG("length %u: refused too late", len);
			ASSERT_TRUE(model_post(&m, LOSS_SLOTS, 0));
			ASSERT_EQ(m.head, wq_head(&self->q)) TH_LOG("length %u", len);
			taken = wq_drain(&self->q);
			ASSERT_EQ(filled + 1, taken) TH_LOG("%s", wq_why());
			m.tail = m.head;
		}
	}
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/* Posts so that the last record ends at the end of the ring, and takes all of it. */
static const char *stop_at_end(struct wq *q, int *fds)
{
	for (;;) {
		uint32_t index = wq_head(q) & (q->slots - 1);
		uint32_t rest = q->slots - index;

		if (index == 0)
			return wq_ok;
		wq_poke(fds[rest >= SHORTEST && rest <= LONGEST ? rest - SHORTEST : 0]);
		if (wq_drain(q) != 1)
			return wq_why();
	}
}

/*
 * A record ends exactly at the end and the consumer stops there, at index 0: the ring is
 * empty, and takes as much as any other empty ring.
 * TRAPS: B2, B3
 */
TEST_F_TIMEOUT(ring, tail_at_zero, 120)
{
	for (uint32_t len = SHORTEST; len <= LONGEST; len++) {
		struct model m = { .size = self->q.slots };
		long filled = 0;

		ASSERT_OK(stop_at_end(&self->q, self->fds));
		ASSERT_EQ(0, self->q.tail & (self->q.slots - 1));
		EXPECT_EQ(0, wq_poll(self->q.fd, 0));
		m.head = self->q.tail;
		m.tail = self->q.tail;
		while (model_post(&m, len, WQ_RESERVE)) {
			POST(len);
			filled++;
			ASSERT_EQ(m.head, wq_head(&self->q)) TH_LOG("length %u", len);
		}
		ASSERT_EQ(filled, wq_drain(&self->q)) TH_LOG("%s", wq_why());
	}
}

/*
 * The border between "fits" and "does not", with the head at every place, the end of the
 * ring above all: with exactly the room that a record costs, its SKIP and the header
 * counted, it is accepted; with one slot less it is refused.
 * TRAPS: B2, B3
 */
TEST_F_TIMEOUT(ring, border, 120)
{
	int accepted = 0, refused = 0;
	unsigned int seed = 4711;

	for (long i = wq_scaled(8000) + 500; i > 0; i--) {
		struct model m = { .size = self->q.slots };
		uint32_t len = SHORTEST + rand_r(&seed) % NR_LENGTHS, room;
		uint32_t missing = rand_r(&seed) / 64 % 2;

		/* Seldom enough that the head also gets to the end by itself. */
		if (i % 80 < 2) {
			ASSERT_OK(stop_at_end(&self->q, self->fds));
		}
		m.head = wq_head(&self->q);
		room = cost(&m, len) + WQ_RESERVE - missing;
		m.tail = m.head - m.size + room;
		/* The consumer goes back to where it leaves that room; not into the header. */
		if ((m.tail & (m.size - 1)) - 1 >= 2) {
			bool fits = model_post(&m, len, WQ_RESERVE);

			wq_publish(&self->q, m.tail);
			POST(len);
			ASSERT_EQ(m.head, wq_head(&self->q)) TH_LOG("length %u, room %u", len, room);
			ASSERT_EQ(fits, !missing);
			accepted += fits;
			refused += !fits;
		} else {
			POST(SHORTEST);
		}
		wq_publish(&self->q, m.head);
		/* What is owed for a refusal. */
		wq_poll(self->q.fd, 0);
		ASSERT_LE(0, wq_drain(&self->q)) TH_LOG("%s", wq_why());
	}
	EXPECT_LT(100, accepted);
	EXPECT_LT(100, refused);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/*
 * The counters run freely and wrap at 2^32: the indices must not. Four billion slots are
 * too many to walk, so this only checks that they are not masked when they are stored.
 */
TEST_F(ring, counters_run_freely)
{
	for (uint32_t i = 0; i < 5 * self->q.slots / LONGEST; i++) {
		POST(LONGEST);
		ASSERT_EQ(1, wq_drain(&self->q));
	}
	EXPECT_LT(3 * self->q.slots, wq_head(&self->q));
}

/* What was posted, in order, and has not been seen yet. */
struct expected {
	uint32_t lens[4096];
	uint32_t from, to;
};

/* Takes up to max records and holds them against what was posted; LOSS accounts for gaps. */
static const char *take(struct wq *q, struct expected *e, long max, bool *overrun)
{
	struct wq_rec r;
	int got;

	while (max-- > 0 && (got = wq_next(q, &r)) != 0) {
		if (got < 0)
			return wq_why();
		if (r.type == WATCH_TYPE_META) {
			if (r.subtype != WATCH_META_LOSS_NOTIFICATION)
				return "a META record that is no LOSS";
			if (e->to - e->from < r.loss.count)
				return "LOSS counts more than was posted";
			e->from += r.loss.count;
			*overrun = true;
			continue;
		}
		if (e->from == e->to)
			return "a record that was not posted";
		if (e->lens[e->from++ % 4096] != r.slots)
			return "a record is missing, or LOSS is in the wrong place";
		if (!(r.info & WATCH_INFO_OVERRUN) != !*overrun)
			return *overrun ? "no OVERRUN after a LOSS" : "OVERRUN without a LOSS";
		*overrun = false;
	}
	return wq_ok;
}

/*
 * Random lengths, taken in random portions, now faster and now slower than they are
 * posted: every record is either seen, in order, or counted by the LOSS in its place.
 * TRAPS: B2, B9, B10
 */
TEST_F_TIMEOUT(ring, random, 240)
{
	const char *given = getenv("WQ_SEED");
	unsigned int seed = given ? atoi(given) : (unsigned int)wq_now_ms();
	const unsigned int first = seed;
	struct watch_queue_info info;
	struct expected e = {};
	bool overrun = false;

	for (long i = wq_scaled(30000); i > 0; i--) {
		/* Phases of 512 steps that favour posting, or taking. */
		bool hungry = i / 512 % 2;

		if (rand_r(&seed) % 8 < (hungry ? 3 : 6) && e.to - e.from < 4000) {
			uint32_t len = SHORTEST + rand_r(&seed) % NR_LENGTHS;

			e.lens[e.to++ % 4096] = len;
			POST(len);
		} else {
			ASSERT_OK(take(&self->q, &e, 1 + rand_r(&seed) % (hungry ? 8 : 2),
				       &overrun))
				TH_LOG("%s; WQ_SEED=%u repeats it", wq_why(), first);
		}
	}
	/* The last LOSS, if one is owed, comes by asking. */
	wq_poll(self->q.fd, 0);
	ASSERT_OK(take(&self->q, &e, 1 << 20, &overrun)) TH_LOG("WQ_SEED=%u", first);
	wq_poll(self->q.fd, 0);
	ASSERT_OK(take(&self->q, &e, 1 << 20, &overrun)) TH_LOG("WQ_SEED=%u", first);
	EXPECT_EQ(e.to, e.from) TH_LOG("not accounted for; WQ_SEED=%u", first);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(e.to, info.posted);
	EXPECT_EQ(info.posted, info.delivered + info.lost);
	EXPECT_LT(0, info.lost) TH_LOG("the ring was never full");
}

TEST_HARNESS_MAIN
