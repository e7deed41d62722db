// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the API for other modules, from each context in which a module may call it: that
 * nothing is lost or changed, that nobody sleeps beside a record, and that a list ends as it
 * should. The module wq_context_test does the calls; wq_context_test.ko has to be in the
 * current folder. TRAPS: B6, B47, B48.
 */
#include <poll.h>
#include <pthread.h>

#include "kselftest_harness.h"

#include "consumer.h"

FIXTURE(in) {
	struct wq *wq;
	struct tally tally;
};

FIXTURE_VARIANT(in) {
	uint32_t context;
};

FIXTURE_VARIANT_ADD(in, process) { .context = WQT_PROCESS };
FIXTURE_VARIANT_ADD(in, irqs_off) { .context = WQT_IRQS_OFF };
FIXTURE_VARIANT_ADD(in, raw_lock) { .context = WQT_RAW_LOCK };
FIXTURE_VARIANT_ADD(in, pi_lock) { .context = WQT_PI_LOCK };
FIXTURE_VARIANT_ADD(in, timer) { .context = WQT_TIMER };
FIXTURE_VARIANT_ADD(in, bh_work) { .context = WQT_BH_WORK };
FIXTURE_VARIANT_ADD(in, hrtimer_soft) { .context = WQT_HRTIMER_SOFT };
FIXTURE_VARIANT_ADD(in, hrtimer_hard) { .context = WQT_HRTIMER_HARD };
FIXTURE_VARIANT_ADD(in, irq_work) { .context = WQT_IRQ_WORK };
FIXTURE_VARIANT_ADD(in, rcu_callback) { .context = WQT_RCU_CALLBACK };

FIXTURE_SETUP(in)
{
	SET_UP();
}

FIXTURE_TEARDOWN(in)
{
	TEAR_DOWN();
}

/* What is posted comes, as it was, to those with its id and to nobody else. */
TEST_F_TIMEOUT(in, posts_arrive, 200)
{
	uint32_t slots, seq = 0;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	for (slots = 2; slots <= 63; slots++, seq += 16) {
		ASSERT_EQ(0, post(variant->context, 0, 1, 0, seq, 16, slots));
		ASSERT_EQ(0, post(variant->context, 0, 3, 1, seq, 16, slots));
		EXPECT_FINE(take(self->wq, &self->tally));
		EXPECT_EQ(slots, self->tally.slots);
		EXPECT_EQ(1, self->tally.info >> WATCH_INFO_ID__SHIFT);
	}
	EXPECT_EQ(0, self->tally.from[1]);
	EXPECT_EQ(0, self->tally.lost);
	EXPECT_FINE(sums(self->wq, &self->tally, seq));
}

/* Nobody sleeps on when there is something: posts come one by one, at uneven distances. */
TEST_F_TIMEOUT(in, wake_ups, 200)
{
	struct sleeper s = { .wq = self->wq, .tally = &self->tally, .want = scaled(1000) };
	uint32_t seq, i;
	pthread_t thread;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	for (s.edge = 0; s.edge < 2; s.edge++) {
		uint32_t first = s.edge * scaled(1000);

		s.want = first + scaled(1000);
		ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_for_records, &s));
		for (seq = first; seq < s.want; seq++) {
			ASSERT_EQ(0, post(variant->context, 0, 1, 0, seq, 1, 2));
			for (i = 0; i < seq * 7919 % 3000; i++)
				__asm__ volatile("");
		}
		pthread_join(thread, NULL);
		EXPECT_FINE(s.wrong);
	}
	EXPECT_FINE(sums(self->wq, &self->tally, s.want));
}

/* One REMOVAL for each watch, one release_watch(), and nothing after it. */
TEST_F_TIMEOUT(in, the_list_ends, 100)
{
	struct wqt_stats before = stats(), after;
	struct wq *other = open_queue(1);
	struct tally t = {};
	struct pollfd pfd;

	ASSERT_NE(NULL, other);
	pfd = (struct pollfd){ .fd = wq_fd(other), .events = POLLIN };
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 1, 2, ID(3)));
	ASSERT_EQ(0, watch(wq_fd(other), 0, 1, ID(1)));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_EQ(0, end_list(variant->context, 0));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
	EXPECT_EQ(1, poll(&pfd, 1, 1000));
	/* Waits until all watches of the list have ended. */
	after = stats();
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_FINE(take(other, &t));
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(1, self->tally.removals[2]);
	EXPECT_EQ(0, self->tally.removals[3]);
	EXPECT_EQ(1, t.removals[1]);
	EXPECT_EQ(WATCH_REMOVAL_OBJECT_GONE, t.reason);
	EXPECT_EQ(0, self->tally.records + t.records);
	EXPECT_EQ(before.added + 4, after.added);
	EXPECT_EQ(after.added - 1, after.released);
	wq_close(other);
}

TEST_HARNESS_MAIN
