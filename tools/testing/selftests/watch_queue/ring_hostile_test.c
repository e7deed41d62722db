// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that scribbles on the ring: header, indices and slots, in turn and while
 * another CPU posts. The kernel keeps its own head, size and counters, so all that may
 * happen is that this consumer loses events, counted, until it has repaired its tail.
 */
#include <pthread.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(hostile) {
	struct wq q;
	int poke;
	struct watch_queue_info i;
};

FIXTURE_SETUP(hostile)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	self->poke = wq_poke_open("f");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
}

FIXTURE_TEARDOWN(hostile)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* Puts the header back as a new ring has it, but for the indices. */
static void repair_header(struct wq *q)
{
	q->ring->meta.watch.type = WATCH_TYPE_META;
	q->ring->meta.watch.subtype = WATCH_META_SKIP_NOTIFICATION;
	q->ring->meta.watch.info = WQ_HEADER_SLOTS << WATCH_LENGTH_SHIFT;
	q->ring->meta.mask = q->slots - 1;
	q->ring->meta.__reserved = 0;
}

/*
 * Finds the kernel's head without trusting the published one: poll() says for every tail
 * whether it can be, and none behind the head can. The head is somewhere in [low, high].
 */
static bool find_head(struct wq *q, uint32_t low, uint32_t high, uint32_t *head)
{
	uint32_t tail, last = low;
	bool found = false;

	/* Some tail of the last ring's worth before the head … */
	for (tail = low; tail - low <= high - low + q->slots && !found; tail += q->slots / 4) {
		uint32_t t = (tail & (q->slots - 1)) < WQ_HEADER_SLOTS ? tail + 5 : tail;

		wq_publish(q, t);
		if (!(wq_poll(q->fd, 0) & POLLERR)) {
			found = true;
			last = t;
		}
	}
	if (!found)
		return false;
	/*
	 * … and from there upwards the last that can be. As soon as there is room, poll() writes
	 * the LOSS that is owed, which moves the head by up to WQ_RESERVE.
	 */
	for (tail = last; tail - last <= q->slots + WQ_RESERVE; tail++) {
		uint32_t index = tail & (q->slots - 1);

		if (index == 1 || index == 2)
			continue;
		wq_publish(q, tail);
		if (wq_poll(q->fd, 0) & POLLERR)
			break;
		*head = tail;
	}
	return true;
}

/* It works again: the next event arrives, and nothing else. */
#define WORKS_AGAIN() do { \
	EXPECT_LE(0, wq_drain(&self->q)) TH_LOG("%s", wq_why()); \
	wq_poll(self->q.fd, 0); \
	EXPECT_LE(0, wq_drain(&self->q)) TH_LOG("%s", wq_why()); \
	wq_poke(self->poke); \
	EXPECT_STREQ("modify", wq_story(&self->q)); \
	EXPECT_OK(wq_check_sums(self->q.fd)); \
} while (0)

/*
 * A head that user space has overwritten: the next event restores it, and nothing is lost
 * by it.
 * TRAPS: B4
 */
TEST_F(hostile, head)
{
	static const uint32_t values[] = { 0, 1, 2, 3, 511, 512, 0x7fffffff, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		uint32_t before;

		wq_poke(self->poke);
		before = wq_head(&self->q);
		self->q.ring->meta.head = values[i];
		wq_poke(self->poke);
		EXPECT_NE(values[i], wq_head(&self->q));
		EXPECT_GE(before + 2 * (WQ_POKE_SLOTS + WQ_HEADER_SLOTS), wq_head(&self->q));
		EXPECT_LT(before, wq_head(&self->q));
		EXPECT_EQ(2, wq_drain(&self->q)) TH_LOG("head %u: %s", values[i], wq_why());
	}
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(0, self->i.lost);
	EXPECT_EQ(2 * ARRAY_SIZE(values), self->i.delivered);
}

/*
 * poll() goes by the kernel's head, not by the one in the ring.
 * TRAPS: B4, B7
 */
TEST_F(hostile, head_and_poll)
{
	uint32_t head = wq_head(&self->q);

	self->q.ring->meta.head = head + 100;
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	self->q.ring->meta.head = head - 100;
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	wq_poke(self->poke);
	self->q.ring->meta.head = self->q.tail;
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
}

/*
 * The mask, the reserved word and the header's own record are for user space only.
 * TRAPS: B1, B4
 */
TEST_F(hostile, mask)
{
	static const uint32_t values[] = { 0, 1, 7, 255, 1023, 0x7fffffff, 0xffffffff };
	uint32_t posted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		self->q.ring->meta.mask = values[i];
		self->q.ring->meta.__reserved = values[i];
		self->q.ring->meta.watch.info = values[i];
		/* More than once round. */
		for (int k = 0; k < 100; k++) {
			wq_poke(self->poke);
			posted++;
			EXPECT_EQ(values[i], self->q.ring->meta.mask);
			EXPECT_EQ(values[i], self->q.ring->meta.__reserved);
			repair_header(&self->q);
			ASSERT_EQ(1, wq_drain(&self->q)) TH_LOG("%s", wq_why());
			self->q.ring->meta.mask = values[i];
			self->q.ring->meta.__reserved = values[i];
		}
		repair_header(&self->q);
	}
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(posted, self->i.delivered);
}

/*
 * A consumer may walk its tail back over records it has seen, within the ring; they are
 * still there until the kernel needs the room, and the fill level is counted from tail.
 * TRAPS: B5
 */
TEST_F(hostile, tail_backwards)
{
	uint32_t start = self->q.tail;

	for (int i = 0; i < 10; i++)
		wq_poke(self->poke);
	EXPECT_EQ(10, wq_drain(&self->q));
	wq_publish(&self->q, start);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
	EXPECT_EQ(10, wq_drain(&self->q)) TH_LOG("%s", wq_why());
	wq_publish(&self->q, start);
	for (int i = 0; i < 200; i++)
		wq_poke(self->poke);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(210, self->i.posted);
	EXPECT_EQ(84, self->i.delivered);
	EXPECT_EQ(84 + 1, wq_drain(&self->q)) TH_LOG("84 records and the LOSS; %s", wq_why());
	WORKS_AGAIN();
}

/* A tail in the middle of a record is the consumer's own harm; the kernel goes on. */
TEST_F(hostile, tail_inside_records)
{
	for (uint32_t off = 0; off < 500; off += 7) {
		uint32_t tail = wq_head(&self->q) - off;
		uint32_t index = tail & (self->q.slots - 1);

		if (index == 1 || index == 2)
			continue;
		wq_publish(&self->q, tail);
		wq_poke(self->poke);
		EXPECT_OK(wq_check_sums(self->q.fd));
	}
	wq_publish(&self->q, wq_head(&self->q));
	WORKS_AGAIN();
}

struct scribbler {
	struct wq *q;
	bool stop;
	bool head_too;
	unsigned int seed;
	long writes;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	volatile uint32_t *words = (uint32_t *)s->q->ring;
	uint32_t nr_words = s->q->bytes / 4;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		uint32_t value = (uint32_t)rand_r(&s->seed) * 3u;

		switch (rand_r(&s->seed) % 6) {
		case 0:	/* tail: near head, far away, inside the header */
			words[3] = words[2] + value % 1200 - 600;
			break;
		case 1:
			words[3] = value % 4;
			break;
		case 2:
			if (s->head_too)
				words[2] = value;
			break;
		case 3:
			words[4] = value;
			words[5] = value;
			break;
		case 4:
			words[0] = value;
			words[1] = value;
			break;
		default:
			words[6 + value % (nr_words - 6)] = value;
		}
		s->writes++;
	}
	return NULL;
}

/*
 * Everything but head is scribbled on while events are posted. Afterwards tail := head
 * and the ring works; every event was delivered or counted as lost.
 * TRAPS: B4, B5, B33
 */
TEST_F_TIMEOUT(hostile, scribbled_while_posting, 120)
{
	struct scribbler s = { .q = &self->q, .seed = 1 };
	const long rounds = wq_scaled(100000);
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	for (long i = 0; i < rounds; i++) {
		wq_poke(self->poke);
		if (i % 64 == 0)
			wq_poll(self->q.fd, 0);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(rounds, self->i.posted);
	EXPECT_EQ(rounds, self->i.delivered + self->i.lost);
	EXPECT_LT(0, self->i.delivered);
	EXPECT_LT(0, self->i.lost);
	repair_header(&self->q);
	wq_publish(&self->q, wq_head(&self->q));
	EXPECT_EQ(0, wq_poll(self->q.fd, 0) & POLLERR);
	WORKS_AGAIN();
}

/*
 * Every word, head included. The kernel's head is then found by asking poll(), and the
 * ring works from there.
 * TRAPS: B4, B33
 */
TEST_F_TIMEOUT(hostile, all_scribbled, 120)
{
	struct scribbler s = { .q = &self->q, .seed = 2, .head_too = true };
	const long rounds = wq_scaled(20000);
	const uint32_t low = wq_head(&self->q);
	pthread_t thread;
	uint32_t head = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	for (long i = 0; i < rounds; i++)
		wq_poke(self->poke);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(rounds, self->i.posted);
	EXPECT_EQ(rounds, self->i.delivered + self->i.lost);
	repair_header(&self->q);
	/* Each record takes 6 slots, and now and then a SKIP, the header and a LOSS beside it. */
	ASSERT_TRUE(find_head(&self->q, low, low + self->i.delivered * 18, &head))
		TH_LOG("no tail is valid: the kernel's head cannot be where it should");
	wq_publish(&self->q, head);
	self->q.ring->meta.head = head;
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	WORKS_AGAIN();
}

/*
 * Two threads consume one ring and disagree about its tail: they harm each other only.
 * TRAPS: B4, B27
 */
TEST_F_TIMEOUT(hostile, two_consumers, 120)
{
	struct scribbler s = { .q = &self->q, .seed = 3 };
	const long rounds = wq_scaled(20000);
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	for (long i = 0; i < rounds; i++) {
		wq_poke(self->poke);
		self->q.tail = self->q.ring->meta.tail;
		if (i % 3 == 0)
			__atomic_store_n(&self->q.ring->meta.tail, wq_head(&self->q), __ATOMIC_RELEASE);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_OK(wq_check_sums(self->q.fd));
	repair_header(&self->q);
	wq_publish(&self->q, wq_head(&self->q));
	WORKS_AGAIN();
}

/*
 * Records are written whole, padding and reserved words too: a ring full of ones shows
 * no one in a record where zeros belong (the consumer checks each of them).
 * TRAPS: B33
 */
TEST_F_TIMEOUT(hostile, poisoned_slots, 120)
{
	char path[260];

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_NE(0, wq_watch(self->q.fd, "d", WATCH_FS_CREATE, 0, 0, 0, 0));
	for (int len = 1; len <= 255; len++) {
		memcpy(path, "d/", 2);
		memset(path + 2, 'n', len);
		path[2 + len] = 0;
		memset(&self->q.ring->slots[WQ_HEADER_SLOTS], 0xff,
		       self->q.bytes - WQ_HEADER_SLOTS * WQ_SLOT);
		ASSERT_OK(wq_touch(path));
		ASSERT_EQ(1, wq_drain(&self->q)) TH_LOG("name of %d bytes: %s", len, wq_why());
	}
}

TEST_HARNESS_MAIN
