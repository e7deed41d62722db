// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the API for other modules: all contexts at once, on one list, while lists and
 * queues come and go, and on a ring that cannot hold it all. The module wq_context_test does
 * the calls; wq_context_test.ko has to be in the current folder. TRAPS: B9, B14, B15, B18,
 * B20, B47, B48.
 */
#include <poll.h>
#include <pthread.h>

#include "kselftest_harness.h"

#include "consumer.h"

FIXTURE(race) {
	struct wq *wq;
	struct tally tally;
};

FIXTURE_VARIANT(race) {
	uint32_t context;
};

FIXTURE_VARIANT_ADD(race, process) { .context = WQT_PROCESS };
FIXTURE_VARIANT_ADD(race, pi_lock) { .context = WQT_PI_LOCK };
FIXTURE_VARIANT_ADD(race, hrtimer_hard) { .context = WQT_HRTIMER_HARD };
FIXTURE_VARIANT_ADD(race, rcu_callback) { .context = WQT_RCU_CALLBACK };

FIXTURE_SETUP(race)
{
	SET_UP();
}

FIXTURE_TEARDOWN(race)
{
	TEAR_DOWN();
}

struct producer {
	uint32_t context, producer, count, slots;
	bool *stop;
	int error;
};

static void *produce(void *arg)
{
	struct producer *p = arg;
	uint32_t seq;

	for (seq = 0; seq < p->count && !(p->stop && __atomic_load_n(p->stop, __ATOMIC_RELAXED));
	     seq += 16) {
		p->error = post(p->context, 0, 1, p->producer, seq, 16, p->slots);
		if (p->error)
			break;
	}
	return NULL;
}

/* The list ends in the context while it is posted to from all contexts, again and again. */
TEST_F_TIMEOUT(race, ends_race_with_posts, 200)
{
	struct producer producers[WQT_CONTEXTS];
	pthread_t threads[WQT_CONTEXTS];
	uint32_t round, rounds = scaled(200), i;
	bool stop = false;

	for (i = 0; i < WQT_CONTEXTS; i++) {
		producers[i] = (struct producer){
			.context = i, .producer = i, .count = UINT32_MAX - 16, .slots = 2, .stop = &stop,
		};
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, produce, &producers[i]));
	}
	for (round = 0; round < rounds; round++) {
		uint32_t id = round % 255;

		self->tally.removals[id] = 0;
		ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(id)));
		EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(255)));
		EXPECT_FINE(take(self->wq, &self->tally));
		ASSERT_EQ(0, end_list(variant->context, 0));
		self->tally.removals[255] = 0;
		EXPECT_FINE(take(self->wq, &self->tally));
		/* REMOVAL of both, unless the ring was full: then they come with the next look. */
		while (!self->tally.removals[id] || !self->tally.removals[255]) {
			struct pollfd pfd = { .fd = wq_fd(self->wq), .events = POLLIN };

			ASSERT_EQ(1, poll(&pfd, 1, 1000));
			ASSERT_EQ(NULL, take(self->wq, &self->tally));
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WQT_CONTEXTS; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, producers[i].error);
	}
	EXPECT_EQ(stats().added, stats().released);
}

/* The queue goes while it is posted to: closed in one round, shut down in the next. */
TEST_F_TIMEOUT(race, queues_end_under_posts, 200)
{
	struct producer p = { .context = variant->context, .count = UINT32_MAX - 16, .slots = 63 };
	uint32_t round, rounds = scaled(300);
	bool stop = false;
	pthread_t thread;

	p.stop = &stop;
	ASSERT_EQ(0, pthread_create(&thread, NULL, produce, &p));
	for (round = 0; round < rounds; round++) {
		struct wq *wq = open_queue(1);

		ASSERT_NE(NULL, wq);
		ASSERT_EQ(0, watch(wq_fd(wq), 0, 1, ID(1)));
		wq_wait(wq, 10);
		if (round % 2)
			EXPECT_EQ(0, wq_shutdown(wq));
		wq_close(wq);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, p.error);
}

FIXTURE(all) {
	struct wq *wq;
	struct tally tally;
};

FIXTURE_SETUP(all)
{
	SET_UP();
}

FIXTURE_TEARDOWN(all)
{
	TEAR_DOWN();
}

/* Producers in all contexts on one small ring that cannot hold it all, and on one nobody reads. */
TEST_F_TIMEOUT(all, many_producers, 200)
{
	struct wq *small = open_queue(1);
	struct producer producers[WQT_CONTEXTS];
	pthread_t threads[WQT_CONTEXTS + 1];
	struct tally t = {};
	struct sleeper s = { .wq = small, .tally = &t };
	uint32_t i, n = WQT_CONTEXTS, count = scaled(1600);

	ASSERT_NE(NULL, small);
	ASSERT_EQ(0, watch(wq_fd(small), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	for (i = 0; i < n; i++) {
		producers[i] = (struct producer){
			.context = i, .producer = i, .count = count, .slots = 2 + i,
		};
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, produce, &producers[i]));
	}
	s.want = (uint64_t)n * count;
	ASSERT_EQ(0, pthread_create(&threads[n], NULL, sleep_for_records, &s));
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, producers[i].error);
	}
	pthread_join(threads[n], NULL);
	EXPECT_FINE(s.wrong);
	EXPECT_FINE(sums(small, &t, s.want));

	/* Nobody took anything out of the other one. */
	while (wq_wait(self->wq, 0) == 1)
		ASSERT_EQ(NULL, take(self->wq, &self->tally));
	EXPECT_FINE(sums(self->wq, &self->tally, s.want));
	wq_close(small);
}

TEST_HARNESS_MAIN
