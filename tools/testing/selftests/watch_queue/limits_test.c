// SPDX-License-Identifier: GPL-2.0
/*
 * The limits of a user hold whatever user namespaces he makes: queues, pages of rings and watches count
 * for the opener of the queue and for the owner of each namespace around him. What is refused is undone;
 * what is closed counts no more; nobody else is concerned.
 */
#include "wq_test.h"
#include "wq_users.h"
#include "kselftest_harness.h"

#define OWNER	1000u		/* a user without rights … */
#define OTHER	2000u		/* … and another one */
#define SUB	100000u		/* from here on he has more user ids */
#define AGENTS	10

FIXTURE(users) {
	char queues[WQ_VALUE], watches[WQ_VALUE];
	struct wq_agent agents[AGENTS], owner, other;
	int ns;
};

FIXTURE_SETUP(users)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	if (access("/proc/self/ns/user", F_OK))
		SKIP(return, "no user namespaces here");
	ASSERT_TRUE(wq_get_parameter("max_user_queues", self->queues));
	ASSERT_TRUE(wq_get_parameter("max_user_watches", self->watches));
	self->ns = -1;
}

FIXTURE_TEARDOWN(users)
{
	for (int i = 0; i < AGENTS; i++)
		wq_agent_end(&self->agents[i]);
	wq_agent_end(&self->owner);
	wq_agent_end(&self->other);
	close(self->ns);
	wq_set_parameter("max_user_queues", self->queues);
	wq_set_parameter("max_user_watches", self->watches);
}

/* The agents are the users 0 to 9 of a namespace of OWNER's. */
#define BEGIN_AGENTS(memlock_pages) do { \
	self->ns = wq_user_ns(-1, OWNER, SUB, memlock_pages); \
	ASSERT_LE(0, self->ns); \
	for (int i_ = 0; i_ < AGENTS; i_++) \
		ASSERT_EQ(0, wq_agent_begin(&self->agents[i_], self->ns, i_)); \
	ASSERT_EQ(0, wq_agent_begin(&self->owner, -1, OWNER)); \
	ASSERT_EQ(0, wq_agent_begin(&self->other, -1, OTHER)); \
} while (0)

/* How many queues an agent gets until it is refused; -1 if not for the limit. */
static int open_all(struct wq_agent *a)
{
	int r, n = 0;

	while ((r = wq_agent_open(a)) >= 0)
		n++;
	return r == -EMFILE ? n : -1;
}

/* Ten users of one namespace have what its owner may have, all of them and he himself together. */
TEST_F_TIMEOUT(users, queues_of_a_namespace, 120)
{
	int sum = 0;

	ASSERT_TRUE(wq_set_parameter("max_user_queues", "4"));
	BEGIN_AGENTS(-1);
	for (int i = 0; i < AGENTS; i++) {
		int n = open_all(&self->agents[i]);

		ASSERT_LE(0, n);
		sum += n;
	}
	EXPECT_EQ(4, sum);
	EXPECT_EQ(-EMFILE, wq_agent_open(&self->owner));
	EXPECT_EQ(4, open_all(&self->other));
	/* What is closed is anybody's. */
	ASSERT_EQ(0, wq_agent_close(&self->agents[0], 0));
	EXPECT_EQ(0, wq_agent_open(&self->owner));
	EXPECT_EQ(-EMFILE, wq_agent_open(&self->agents[9]));
	for (int i = 0; i < AGENTS; i++)
		wq_agent_end(&self->agents[i]);
	EXPECT_EQ(3, open_all(&self->owner));
}

/* A namespace in a namespace, and two of one owner side by side. */
TEST_F_TIMEOUT(users, queues_of_nested_namespaces, 120)
{
	struct wq_agent inner[2], beside;
	int ns[2], sum = 0;

	ASSERT_TRUE(wq_set_parameter("max_user_queues", "4"));
	BEGIN_AGENTS(-1);
	/* Owned by user 3 of the first one, with one of its users inside. */
	ns[0] = wq_user_ns(self->ns, 3, 10, -1);
	ASSERT_LE(0, ns[0]);
	ns[1] = wq_user_ns(-1, OWNER, SUB + 1000, -1);
	ASSERT_LE(0, ns[1]);
	ASSERT_EQ(0, wq_agent_begin(&inner[0], ns[0], 0));
	ASSERT_EQ(0, wq_agent_begin(&inner[1], ns[0], 1));
	ASSERT_EQ(0, wq_agent_begin(&beside, ns[1], 5));

	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, wq_agent_open(&inner[i]));
	EXPECT_EQ(0, wq_agent_open(&beside));
	sum = open_all(&inner[1]) + open_all(&inner[0]) + open_all(&self->agents[3]) +
	      open_all(&self->agents[4]) + open_all(&beside) + open_all(&self->owner);
	EXPECT_EQ(1, sum);
	EXPECT_EQ(4, open_all(&self->other));
	for (int i = 0; i < 2; i++)
		wq_agent_end(&inner[i]);
	EXPECT_EQ(3, open_all(&self->agents[3]));
	wq_agent_end(&beside);
	close(ns[0]);
	close(ns[1]);
}

/*
 * One account has room and the next one has not: what the first was charged comes back. Else the user
 * would reach a limit of his own by asking in vain.
 */
TEST_F_TIMEOUT(users, refused_is_undone, 120)
{
	int queue;

	ASSERT_TRUE(wq_set_parameter("max_user_queues", "4"));
	ASSERT_TRUE(wq_set_parameter("max_user_watches", "4"));
	BEGIN_AGENTS(8);
	queue = wq_agent_open(&self->agents[2]);
	ASSERT_EQ(0, wq_agent_size(&self->agents[2], queue, 1));
	ASSERT_EQ(3, open_all(&self->owner));
	ASSERT_EQ(0, wq_agent_size(&self->owner, 0, 4));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, wq_agent_watch(&self->owner, 0));
	ASSERT_EQ(0, wq_agent_close(&self->owner, 2));
	ASSERT_EQ(1, wq_agent_open(&self->agents[2]));
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(-EMFILE, wq_agent_open(&self->agents[2]));
		EXPECT_EQ(-EDQUOT, wq_agent_watch(&self->agents[2], queue));
		EXPECT_EQ(-EPERM, wq_agent_size(&self->agents[2], 1, 4));
	}
	wq_agent_end(&self->owner);
	EXPECT_EQ(2, open_all(&self->agents[2]));
	EXPECT_EQ(0, wq_agent_size(&self->agents[2], 1, 4));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, wq_agent_watch(&self->agents[2], queue));
	EXPECT_EQ(-EDQUOT, wq_agent_watch(&self->agents[2], queue));
}

TEST_F_TIMEOUT(users, watches_of_a_namespace, 120)
{
	int sum = 0, r;

	ASSERT_TRUE(wq_set_parameter("max_user_watches", "6"));
	BEGIN_AGENTS(-1);
	for (int i = 0; i < AGENTS; i++) {
		ASSERT_EQ(0, wq_agent_open(&self->agents[i]));
		ASSERT_EQ(0, wq_agent_size(&self->agents[i], 0, 1));
		while ((r = wq_agent_watch(&self->agents[i], 0)) == 0)
			sum++;
		EXPECT_EQ(-EDQUOT, r);
	}
	EXPECT_EQ(6, sum);
	ASSERT_EQ(0, wq_agent_open(&self->other));
	ASSERT_EQ(0, wq_agent_size(&self->other, 0, 1));
	EXPECT_EQ(0, wq_agent_watch(&self->other, 0));
	/* Removed or closed: they count no more. */
	ASSERT_EQ(0, wq_agent_remove_all(&self->agents[0], 0));
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(0, wq_agent_watch(&self->agents[9], 0));
	EXPECT_EQ(-EDQUOT, wq_agent_watch(&self->agents[9], 0));
	ASSERT_EQ(0, wq_agent_close(&self->agents[9], 0));
	EXPECT_EQ(0, wq_agent_watch(&self->agents[1], 0));
}

/* The pages of all rings of a namespace are bounded by RLIMIT_MEMLOCK of its maker. */
TEST_F_TIMEOUT(users, pages_of_a_namespace, 120)
{
	int sum = 0, r;

	BEGIN_AGENTS(6);
	for (int i = 0; i < AGENTS; i++) {
		ASSERT_EQ(0, wq_agent_open(&self->agents[i]));
		r = wq_agent_size(&self->agents[i], 0, 1);
		EXPECT_TRUE(r == 0 || r == -EPERM) TH_LOG("errno %d", -r);
		sum += r == 0;
	}
	EXPECT_EQ(6, sum);
	/* A user with a higher limit has what is left of it. */
	ASSERT_EQ(0, wq_agent_open(&self->owner));
	EXPECT_EQ(0, wq_agent_size(&self->owner, 0, 8));
	ASSERT_EQ(0, wq_agent_open(&self->other));
	EXPECT_EQ(0, wq_agent_size(&self->other, 0, 8));
	ASSERT_EQ(0, wq_agent_close(&self->owner, 0));
	ASSERT_EQ(0, wq_agent_close(&self->agents[0], 0));
	EXPECT_EQ(0, wq_agent_size(&self->agents[9], 0, 1));
}

static long number(const char *path)
{
	char text[32];

	return wq_get(path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : -1;
}

#define MODULE "/sys/module/watch_queue_dev/parameters/"

/* What a user may have is of inotify's order of magnitude, and watches depend on the memory as there. */
TEST(defaults)
{
	long watches, inotify;

	WQ_NEED_DEVICE();
	EXPECT_EQ(128, number(MODULE "max_user_queues"));
	watches = number(MODULE "max_user_watches");
	inotify = number("/proc/sys/fs/inotify/max_user_watches");
	if (inotify < 0)
		SKIP(return, "no inotify to compare with");
	EXPECT_LE(8192, watches);
	EXPECT_GE(1048576, watches);
	EXPECT_GE(inotify, watches);
	EXPECT_LE(inotify / 2, watches);
}

TEST_HARNESS_MAIN
