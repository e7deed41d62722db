// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the API for other modules: what each function refuses, and that from every
 * context in which a module may call it nothing is lost, changed or left behind and nobody
 * sleeps on. The module wq_context_test does the calls; wq_context_test.ko has to be in the
 * current folder. TRAPS: B16, B18, B19, B20, B23, B42, B44, B47, B48.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"

#include "consumer.h"

#define ID(n) ((uint32_t)(n) << WATCH_INFO_ID__SHIFT)
#define LIMIT_FILE "/sys/module/watch_queue_dev/parameters/max_user_watches"

FIXTURE(api) {
	struct wq *wq;
	struct tally tally;
};

FIXTURE_SETUP(api)
{
	int err = load("wq_context_test");

	if (access("/dev/watch_queue", F_OK))
		SKIP(return, "no /dev/watch_queue: load the module first");
	ASSERT_TRUE(err == 0 || err == -EEXIST)
		TH_LOG("wq_context_test.ko could not be loaded: %s", strerror(-err));
	self->wq = open_queue(16);
	ASSERT_NE(NULL, self->wq);
}

FIXTURE_TEARDOWN(api)
{
	struct wqt_stats s;
	uint32_t list;

	for (list = 0; list < WQT_LISTS; list++)
		end_list(WQT_PROCESS, list);
	wq_close(self->wq);
	s = stats();
	EXPECT_EQ(0, s.errors);
	EXPECT_EQ(s.added, s.released);
}

TEST_F(api, get_refuses)
{
	int fd;

	EXPECT_EQ(-EBADF, watch(-1, 0, 1, 0));
	EXPECT_EQ(-EBADF, watch(1000, 0, 1, 0));
	fd = open("/dev/null", O_RDWR);
	EXPECT_EQ(-EINVAL, watch(fd, 0, 1, 0));
	close(fd);
	fd = open("/dev/watch_queue", O_RDONLY);
	EXPECT_EQ(-EACCES, watch(fd, 0, 1, 0));
	close(fd);
	fd = open("/dev/watch_queue", O_WRONLY);
	EXPECT_EQ(-EACCES, watch(fd, 0, 1, 0));
	close(fd);
}

TEST_F(api, add_refuses)
{
	struct wq *other = open_queue(1);
	int fd = open("/dev/watch_queue", O_RDWR), bit;
	uint64_t added = stats().added;

	ASSERT_NE(NULL, other);
	EXPECT_EQ(-ENOBUFS, watch(fd, 0, 1, 0));
	close(fd);
	for (bit = 0; bit < WATCH_INFO_ID__SHIFT; bit++)
		EXPECT_EQ(-EINVAL, watch(wq_fd(self->wq), 0, 1, 1u << bit));

	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(255)));
	EXPECT_EQ(-EBUSY, watch(wq_fd(self->wq), 0, 1, ID(2)));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 1, 1, ID(3)));
	EXPECT_EQ(0, watch(wq_fd(other), 0, 1, ID(1)));
	EXPECT_EQ(-EBUSY, watch(wq_fd(other), 0, 1, ID(1)));

	EXPECT_EQ(0, wq_shutdown(other));
	EXPECT_EQ(-ENOENT, watch(wq_fd(other), 0, 9, ID(1)));
	wq_close(other);
	EXPECT_EQ(added + 4, stats().added);
}

TEST_F(api, the_users_limit)
{
	char old[32] = "", *limit = "1\n";
	int fd = open(LIMIT_FILE, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, old, sizeof(old) - 1));
	ASSERT_EQ(2, pwrite(fd, limit, 2, 0));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 1, 0));
	EXPECT_EQ(-EDQUOT, watch(wq_fd(self->wq), 0, 2, 0));
	EXPECT_EQ(0, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 2, 0));
	EXPECT_EQ(strlen(old), pwrite(fd, old, strlen(old), 0));
	close(fd);
}

TEST_F(api, remove_is_exact)
{
	struct wq *other = open_queue(1);
	struct tally t = {};

	ASSERT_NE(NULL, other);
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 1));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	ASSERT_EQ(0, watch(wq_fd(other), 0, 1, ID(1)));
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 3));
	EXPECT_EQ(0, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 2, 1, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_FINE(take(other, &t));
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(0, self->tally.removals[2]);
	EXPECT_EQ(WATCH_REMOVAL_REMOVED, self->tally.reason);
	EXPECT_EQ(1, self->tally.records);
	EXPECT_EQ(1, t.records);
	EXPECT_EQ(0, t.removals[1]);

	/* It is free again. */
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(3)));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 2, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(3, self->tally.info >> WATCH_INFO_ID__SHIFT);
	wq_close(other);
}

TEST_F(api, user_space_may_remove)
{
	struct watch_queue_remove remove = {
		.size = sizeof(remove), .flags = WATCH_REMOVE_ALL,
	};

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	EXPECT_EQ(0, ioctl(wq_fd(self->wq), IOC_WATCH_QUEUE_REMOVE_WATCH, &remove));
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(1, self->tally.removals[2]);
}

TEST_F(api, post_refuses)
{
	struct wqt_post p = {
		.list = 0, .id = 1, .type = WQT_TYPE, .info = 2 << WATCH_LENGTH_SHIFT,
		.count = 1, .batch = 1,
	};
	uint32_t types[] = { 0, 1, WATCH_TYPE_FS_NOTIFY, WATCH_TYPE___NR, WATCH_TYPE_FOREIGN_FIRST - 1 };
	unsigned int i;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, 0));
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		p.type = types[i];
		p.count = 1;
		EXPECT_EQ(-EINVAL, post_raw(&p));
	}
	p.type = WQT_TYPE;
	p.info = ~WATCH_INFO_LENGTH;
	EXPECT_EQ(-EINVAL, post_raw(&p));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_FINE(sums(self->wq, &self->tally, 0));
}

TEST_F(api, info_bits)
{
	struct wqt_post p = {
		.list = 0, .id = 1, .type = WQT_TYPE, .producer = 33,
		.info = ~WATCH_INFO_LENGTH | 63 << WATCH_LENGTH_SHIFT, .count = 1, .batch = 1,
	};

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(7)));
	/* Also that the caller's record was not changed. */
	ASSERT_EQ(0, post_raw(&p));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(ID(7) | 63 << WATCH_LENGTH_SHIFT | WATCH_INFO_RECURSIVE | WATCH_INFO_IN_SUBTREE |
		  WATCH_INFO_TYPE_FLAGS, self->tally.info);
	EXPECT_EQ(33, self->tally.subtype);
	EXPECT_EQ(63, self->tally.slots);
	EXPECT_EQ(1, self->tally.records);
}

TEST_F(api, filters_know_the_types)
{
	struct {
		struct watch_notification_filter f;
		struct watch_notification_type_filter e;
	} filter = {
		.f.nr_filters = 1,
		.e.type = WQT_TYPE,
		.e.subtype_filter[1] = 1 << 5,
	};
	uint32_t producer;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(7)));
	ASSERT_EQ(0, wq_filter(self->wq, &filter.f));
	for (producer = 0; producer < PRODUCERS; producer++)
		ASSERT_EQ(0, post(WQT_PROCESS, 0, 1, producer, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(1, self->tally.records);
	EXPECT_EQ(1, self->tally.from[37]);
	EXPECT_FINE(sums(self->wq, &self->tally, 1));
}

TEST_F(api, fdinfo_shows_it)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(42)));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", wq_fd(self->wq));
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, "type:8388608 ") && strstr(line, " id:42 ");
	fclose(f);
	EXPECT_TRUE(found);
}

TEST_F(api, a_closed_queue)
{
	struct wqt_stats before = stats(), after;
	struct wq *wq = open_queue(1);

	ASSERT_NE(NULL, wq);
	ASSERT_EQ(0, watch(wq_fd(wq), 0, 1, 0));
	ASSERT_EQ(0, watch(wq_fd(wq), 1, 1, 0));
	wq_close(wq);
	after = stats();
	EXPECT_EQ(before.added + 2, after.added);
	EXPECT_EQ(after.added, after.released);
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
}

TEST_F(api, unloaded_while_watched)
{
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 3, 2, ID(2)));
	ASSERT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
	module_close();
	ASSERT_EQ(0, unload("wq_context_test"));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(1, self->tally.records);
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(1, self->tally.removals[2]);
	EXPECT_EQ(WATCH_REMOVAL_SOURCE_GONE, self->tally.reason);
	ASSERT_EQ(0, load("wq_context_test"));
}

/* The rest runs in each context. */

FIXTURE(in) {
	struct wq *wq;
	struct tally tally;
};

FIXTURE_VARIANT(in) {
	uint32_t context;
};

#define VARIANT(name, value) FIXTURE_VARIANT_ADD(in, name) { .context = value }
VARIANT(process, WQT_PROCESS);
VARIANT(irqs_off, WQT_IRQS_OFF);
VARIANT(raw_lock, WQT_RAW_LOCK);
VARIANT(pi_lock, WQT_PI_LOCK);
VARIANT(timer, WQT_TIMER);
VARIANT(bh_work, WQT_BH_WORK);
VARIANT(hrtimer_soft, WQT_HRTIMER_SOFT);
VARIANT(hrtimer_hard, WQT_HRTIMER_HARD);
VARIANT(irq_work, WQT_IRQ_WORK);
VARIANT(rcu_callback, WQT_RCU_CALLBACK);

FIXTURE_SETUP(in)
{
	int err = load("wq_context_test");

	if (access("/dev/watch_queue", F_OK))
		SKIP(return, "no /dev/watch_queue: load the module first");
	ASSERT_TRUE(err == 0 || err == -EEXIST);
	self->wq = open_queue(16);
	ASSERT_NE(NULL, self->wq);
}

FIXTURE_TEARDOWN(in)
{
	struct wqt_stats s;
	uint32_t list;

	for (list = 0; list < WQT_LISTS; list++)
		end_list(WQT_PROCESS, list);
	wq_close(self->wq);
	s = stats();
	EXPECT_EQ(0, s.errors);
	EXPECT_EQ(s.added, s.released);
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

struct sleeper {
	struct wq *wq;
	struct tally *tally;
	uint64_t want;
	int edge;		/* epoll, edge-triggered, or poll */
	const char *wrong;
};

/*
 * Takes all that comes and sleeps in between, until there were `want` records. Whoever sleeps
 * for a second and then finds something was not woken.
 */
static void *sleep_for_records(void *arg)
{
	struct sleeper *s = arg;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct pollfd pfd = { .fd = wq_fd(s->wq), .events = POLLIN };
	int ep = -1, idle = 0;

	if (s->edge) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(ep, EPOLL_CTL_ADD, wq_fd(s->wq), &event);
	}
	for (;;) {
		uint64_t had = s->tally->records + s->tally->lost, since = now_ms();
		int n = s->edge ? epoll_wait(ep, &event, 1, 1000) : poll(&pfd, 1, 1000);
		bool long_sleep = now_ms() - since >= 1000;

		s->wrong = take(s->wq, s->tally);
		if (s->wrong || s->tally->records + s->tally->lost >= s->want)
			break;
		if (long_sleep && (n || s->tally->records + s->tally->lost != had)) {
			s->wrong = "slept for a second beside a record";
			break;
		}
		idle = n ? 0 : idle + 1;
		if (idle == 60) {
			s->wrong = "no record came for a minute";
			break;
		}
	}
	close(ep);
	return NULL;
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
	EXPECT_EQ(1, poll(&pfd, 1, 1000));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_FINE(take(other, &t));
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(1, self->tally.removals[2]);
	EXPECT_EQ(0, self->tally.removals[3]);
	EXPECT_EQ(1, t.removals[1]);
	EXPECT_EQ(WATCH_REMOVAL_OBJECT_GONE, t.reason);
	EXPECT_EQ(0, self->tally.records + t.records);
	after = stats();
	EXPECT_EQ(before.added + 4, after.added);
	EXPECT_EQ(after.added - 1, after.released);
	wq_close(other);
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
TEST_F_TIMEOUT(in, ends_race_with_posts, 200)
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

/* Producers in all contexts, this one four times, on one small ring that cannot hold it all. */
TEST_F_TIMEOUT(in, many_producers, 200)
{
	struct wq *small = open_queue(1);
	struct producer producers[WQT_CONTEXTS + 3];
	pthread_t threads[WQT_CONTEXTS + 4];
	struct tally t = {};
	struct sleeper s = { .wq = small, .tally = &t };
	uint32_t i, n = WQT_CONTEXTS + 3, count = scaled(1600);

	ASSERT_NE(NULL, small);
	ASSERT_EQ(0, watch(wq_fd(small), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	for (i = 0; i < n; i++) {
		producers[i] = (struct producer){
			.context = i < WQT_CONTEXTS ? i : variant->context,
			.producer = i, .count = count, .slots = 2 + i,
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

/* The queue goes while it is posted to: closed in one round, shut down in the next. */
TEST_F_TIMEOUT(in, queues_end_under_posts, 200)
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

TEST_HARNESS_MAIN
