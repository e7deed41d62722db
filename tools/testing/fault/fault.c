// SPDX-License-Identifier: GPL-2.0
/*
 * Fails every allocation and every user copy of every call on a queue, one after the other,
 * with /proc/thread-self/fail-nth: N = 1, 2, … until the call comes through without the fault
 * having struck. After each failure: a documented error, nothing changed, the queue still
 * works, and the same call succeeds. At the end the slabs and limits are as before.
 *
 * Runs as root on a kernel with CONFIG_FAULT_INJECTION; prints KTAP. The calls are in
 * calls.c and permission.c.
 */
#include <stdarg.h>
#include <sys/resource.h>

#include "fault.h"

#define MAX_N	3000
#define PASSES	4

static int fail_nth = -1;
static unsigned int failed;
static char map[MAX_N];			/* one letter for each fault: what it led to */

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	failed++;
	printf("# FAILED: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* To disarm may fail itself: a fault that is left strikes the copy of the write. */
	for (int try = 0; try < 3; try++)
		if (pwrite(fail_nth, text, len, 0) == len)
			return;
	printf("Bail out! fail-nth: %m\n");
	exit(1);
}

/* Whether the fault has struck; disarms. */
static bool struck(void)
{
	char text[16] = "";
	ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);
	bool yes = n > 0 && strtoul(text, NULL, 10) == 0;

	/* If it is armed with 1, it strikes the copy of this very read. */
	arm(0);
	return yes;
}

static bool among(int error, const int *list)
{
	for (; *list; list++)
		if (error == -*list)
			return true;
	return false;
}

static uint64_t number_of_watches(const struct state *s)
{
	struct watch_queue_info info;
	int error = s->q.fd < 0 ? 0 : wq_info(s->q.fd, 0, &info);

	if (error)
		fail("GET_INFO: %s", strerror(-error));
	return s->q.fd < 0 ? 0 : info.watches;
}

/* A watch can be added, its event arrives, it can be removed. */
static void works(const struct call *c, const struct state *s, unsigned int n, const char *when)
{
	struct watch_queue_info before, after;
	int file, error;
	uint64_t handle;

	if (s->q.fd < 0 || s->no_ring)
		return;
	wq_info(s->q.fd, 0, &before);
	handle = wq_watch(s->q.fd, "works", WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 0, 99, 0);
	file = wq_poke_open("works");
	wq_poke(file);
	close(file);
	wq_info(s->q.fd, 0, &after);
	error = wq_remove(s->q.fd, handle);
	if (!handle || error || after.delivered != before.delivered + 1 ||
	    after.watches != before.watches + 1)
		fail("%s, fault %u, %s: the queue does not work: handle %llu, remove: %s, delivered %llu, then %llu, watches %llu, then %llu",
		     c->name, n, when, (unsigned long long)handle, strerror(-error),
		     (unsigned long long)before.delivered, (unsigned long long)after.delivered,
		     (unsigned long long)before.watches, (unsigned long long)after.watches);
}

/* One try with the Nth fault; false when it did not strike. Errors are collected in seen. */
static bool attempt(const struct call *c, unsigned int n, int *seen)
{
	struct state s = { .q.fd = -1, .other.fd = -1, .object = -1 };
	uint64_t before;
	bool hit, good;
	int result;

	if (!c->setup(&s)) {
		fail("%s, fault %u: the preparation failed: %m", c->name, n);
		return false;
	}
	before = number_of_watches(&s);
	arm(n);
	result = c->run(&s);
	hit = struck();
	good = result == c->expect;
	if (hit)
		map[n - 1] = good ? '.' : result == -ENOMEM ? 'M' : result == -EFAULT ? 'F' : '?';

	if (!hit && !good)
		fail("%s without a fault: %s", c->name, strerror(-result));
	if (hit && !good) {
		if (!among(result, c->errors))
			fail("%s, fault %u: %s", c->name, n, strerror(-result));
		if (-result < ERRORS)
			seen[-result]++;
		if (number_of_watches(&s) != before)
			fail("%s, fault %u: %llu watches before, %llu after the failure", c->name, n,
			     (unsigned long long)before, (unsigned long long)number_of_watches(&s));
		works(c, &s, n, "after the failure");
		result = c->run(&s);
		if (result != c->expect)
			fail("%s, fault %u: once more: %s", c->name, n, strerror(-result));
	}
	if (c->undo)
		c->undo(&s);
	works(c, &s, n, "at the end");
	if (s.object >= 0)
		close(s.object);
	wq_close(&s.other);
	wq_close(&s.q);
	return hit;
}

/* All faults of one call; false if something was wrong. */
static bool exhaust(const struct call *c)
{
	unsigned int before = failed, n, faults = 0, errors = 0;
	int seen[ERRORS] = { 0 };

	/*
	 * The debug kernel allocates for itself, not at every turn, so that a number may stand
	 * for one allocation now and another one then: hence several passes.
	 */
	for (int pass = 0; pass < PASSES; pass++) {
		for (n = 1; n <= MAX_N && attempt(c, n, seen) && failed < before + 20; n++)
			;
		if (n > MAX_N)
			fail("%s: still faults after %d", c->name, MAX_N);
		printf("# %.*s\n", (int)(n - 1), map);
		faults += n - 1;
	}
	printf("# %s: %u faults", c->name, faults);
	for (int e = 1; e < ERRORS; e++) {
		errors += seen[e];
		if (seen[e])
			printf(", %d times %s", seen[e], strerrorname_np(e));
	}
	printf(", %u without effect\n", faults - errors);
	for (const int *e = c->must_see; *e; e++)
		if (!seen[*e])
			fail("%s has never failed with %s: no fault was injected there", c->name,
			     strerrorname_np(*e));
	return failed == before;
}

static bool fail_nth_open(void)
{
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fail_nth >= 0;
}

/* In a child that may lock exactly the pages of one ring: a charge that stays is fatal. */
static int as_user(void *arg)
{
	struct rlimit limit = { RING_PAGES * 4096, RING_PAGES * 4096 };

	failed = 0;
	if (!fail_nth_open() || setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(1000) || setuid(1000)) {
		fail("becoming a user: %m");
		return 1;
	}
	return exhaust(arg) ? 0 : 1;
}

int main(void)
{
	struct baseline base;
	int test = 0, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!fail_nth_open()) {
		printf("KTAP version 1\n1..0 # SKIP no fail-nth: needs CONFIG_FAULT_INJECTION\n");
		return 4;
	}
	printf("KTAP version 1\n1..%u\n", nr_calls + nr_permission_calls + 2);
	leaks_start(&base);
	if (wq_tmpdir_enter() != wq_ok || chmod(".", 0777) || wq_touch("works") != wq_ok ||
	    chmod("works", 0666)) {
		printf("Bail out! no temporary folder\n");
		return 1;
	}
	for (unsigned int i = 0; i < nr_calls + nr_permission_calls; i++) {
		const struct call *c = i < nr_calls ? &calls[i] : &permission_calls[i - nr_calls];
		bool good = c->as_user ? wq_child(as_user, (void *)c) == 0 : exhaust(c);

		printf("%s %d %s\n", good ? "ok" : "not ok", ++test, c->name);
		bad += !good;
	}
	wq_tmpdir_leave();
	for (int i = 0; i < 2; i++) {
		bool good = i ? leaks_limits_back() : leaks_slabs_back(&base);

		printf("%s %d %s\n", good ? "ok" : "not ok", ++test,
		       i ? "the limits are free" : "the slabs are as before");
		bad += !good;
	}
	return bad ? 1 : 0;
}
