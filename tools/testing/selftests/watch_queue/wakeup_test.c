// SPDX-License-Identifier: GPL-2.0
/*
 * Lost wake-ups: a consumer that has looked, found the ring empty and gone to sleep must
 * be woken by a record that was being written meanwhile. Poster and consumer run on two
 * CPUs; the poster waits for the consumer's answer and a watchdog tells a sleeper that
 * should be awake from a slow one.
 */
#include <pthread.h>
#include <sys/epoll.h>

#include "wq_test.h"
#include "kselftest_harness.h"

enum how { BY_POLL, BY_EPOLL, BY_EPOLL_EDGE };

FIXTURE(wakeup) {
	struct wq q;
	int poke;
};

FIXTURE_VARIANT(wakeup) {
	enum how how;
};

FIXTURE_VARIANT_ADD(wakeup, poll) { .how = BY_POLL };
FIXTURE_VARIANT_ADD(wakeup, epoll) { .how = BY_EPOLL };
FIXTURE_VARIANT_ADD(wakeup, epoll_edge) { .how = BY_EPOLL_EDGE };

FIXTURE_SETUP(wakeup)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	self->poke = wq_poke_open("f");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
}

FIXTURE_TEARDOWN(wakeup)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

struct consumer {
	struct wq *q;
	enum how how;
	long seen;		/* records consumed */
	long total;		/* where it ends */
	const char *error;
};

/* Sleeps until there is something; a minute is for ever here. */
static int sleep_for_record(int fd, int ep, enum how how)
{
	struct epoll_event ev;

	if (how == BY_POLL)
		return wq_poll(fd, 60000);
	return epoll_wait(ep, &ev, 1, 60000) == 1 ? (int)ev.events : 0;
}

static void *consume(void *arg)
{
	struct consumer *c = arg;
	int ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN | (c->how == BY_EPOLL_EDGE ? EPOLLET : 0) };

	epoll_ctl(ep, EPOLL_CTL_ADD, c->q->fd, &ev);
	while (c->seen < c->total) {
		struct wq_rec r;
		int got, events = sleep_for_record(c->q->fd, ep, c->how);

		if (events & POLLERR)
			c->error = "POLLERR";
		while ((got = wq_next(c->q, &r)) == 1)
			__atomic_add_fetch(&c->seen, 1, __ATOMIC_RELEASE);
		if (got < 0)
			c->error = wq_why();
		if (c->error)
			break;
	}
	close(ep);
	return NULL;
}

/*
 * Bursts of one to three records; after each burst the consumer must have seen all of
 * them within a second.
 * TRAPS: B6
 */
TEST_F_TIMEOUT(wakeup, none_is_lost, 120)
{
	const long bursts = wq_scaled(6000);
	struct consumer c = { .q = &self->q, .how = variant->how };
	const int watchdog = wq_patience(1000);
	long posted = 0, slept = 0;
	unsigned int seed = 12345;
	pthread_t thread;

	for (long i = 0; i < bursts; i++)
		c.total += 1 + i % 3;
	ASSERT_EQ(0, pthread_create(&thread, NULL, consume, &c));
	for (long i = 0; i < bursts && !c.error; i++) {
		uint64_t since = 0;

		for (int k = 0; k < 1 + i % 3; k++) {
			/* A pause of varying length puts the store of head everywhere in between. */
			for (volatile int spin = rand_r(&seed) % 400; spin > 0; spin--)
				;
			wq_poke(self->poke);
			posted++;
		}
		for (long turn = 0; __atomic_load_n(&c.seen, __ATOMIC_ACQUIRE) < posted; turn++) {
			if (turn < 2000)
				continue;
			usleep(50);
			if (!since)
				since = wq_now_ms();
			if (wq_now_ms() - since > (uint64_t)watchdog && !slept) {
				slept = i + 1;
				TH_LOG("burst %ld: %ld of %ld records seen after %d ms, head %u tail %u",
				       i, c.seen, posted, watchdog, wq_head(&self->q), self->q.tail);
				/* The next record may wake it up, so that the test ends. */
				break;
			}
			if (c.error)
				break;
		}
		if (slept)
			break;
	}
	EXPECT_EQ(0, slept) TH_LOG("the consumer slept although there was a record");
	if (!slept && !c.error)
		pthread_join(thread, NULL);
	EXPECT_EQ(NULL, c.error) TH_LOG("consumer: %s", c.error);
	EXPECT_EQ(posted, c.seen);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

TEST_HARNESS_MAIN
