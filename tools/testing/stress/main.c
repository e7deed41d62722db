// SPDX-License-Identifier: GPL-2.0
/*
 * stress SECONDS SEED [THREADS]: one round of stress on a machine that has the module
 * loaded; prints KTAP. stress --rounds N: adds and removes a watch N times. stress --hold:
 * has some queues with watches until it is killed.
 *
 * The same seed gives the same actions in every thread; which threads meet is up to the
 * machine. Environment: STRESS_IMAGE, an ext4 image to mount; STRESS_UMOUNT_MS, how long
 * an unmount may take (1000); STRESS_STUCK_S, after how long a thread counts as stuck (60).
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "stress.h"

#define MAX_THREADS	64
#define HELD_MS		1000		/* how long watches may hold an unmount */
#define SLOW_MS		2000		/* an unmount that takes longer is shown, whatever holds it */

__thread struct worker *me;
atomic_bool stop;

static struct worker workers[MAX_THREADS + 1];	/* the last: mounts */
static pthread_t threads[MAX_THREADS + 1];
static unsigned int nr_workers;
static uint64_t seed, worst_held;

void doing(const char *what)
{
	atomic_store_explicit(&me->doing, what, memory_order_relaxed);
	atomic_fetch_add_explicit(&me->beats, 1, memory_order_relaxed);
}

static void *work(void *arg)
{
	me = arg;
	me->tid = syscall(SYS_gettid);
	while (!stop) {
		if (me->number == nr_workers)
			mounts_act(&me->rng);
		else if (chance(&me->rng, 45))
			files_act(&me->rng);
		else if (chance(&me->rng, 10))
			keys_act(&me->rng);
		else
			queues_act(&me->rng);
	}
	doing(NULL);
	return NULL;
}

static unsigned long setting(const char *name, unsigned long standard)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : standard;
}

static void show(const char *path)
{
	char text[2048];

	wq_get(path, text, sizeof(text));
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;)
		printf("#   %s\n", line);
}

/* Where the thread is, in user space and in the kernel. */
static void where(const struct worker *w, unsigned long ms)
{
	char path[64];

	printf("# thread %u has been at '%s' for %lu ms\n", w->number, w->doing, ms);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", w->tid);
	show(path);
}

static void stuck(const struct worker *w, unsigned long ms)
{
	fail("a thread is stuck");
	where(w, ms);
	if (!wq_put("/proc/sysrq-trigger", "w"))
		perror("# sysrq");
	printf("Bail out! a thread is stuck\n");
	fflush(stdout);
	abort();
}

/*
 * How long the unmount under way has been in our hands: with a function of ours, or of
 * fsnotify, which may wait for us, on its stack.
 */
static void watch_unmount(const struct worker *w, uint64_t now)
{
	static unsigned long beat;
	static uint64_t last, held, since, shown;
	const char *at = w->doing;
	char path[64], text[4096];

	if (w->beats != beat) {
		held = 0;
		since = now;
		shown = now;
	}
	if (w->beats == beat && at && !strcmp(at, "umount")) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/stack", w->tid);
		/* Unless it was done meanwhile, and its thread perhaps, too. */
		if (wq_get(path, text, sizeof(text)) < 0 && w->beats == beat)
			fail("%s: %m", path);
		if (now - shown > SLOW_MS) {
			where(w, now - since);
			shown = now;
		}
		held = strstr(text, "fsnotify") || strstr(text, "watch_queue") ? held + now - last : 0;
		if (held > worst_held)
			worst_held = held;
		if (held > HELD_MS) {
			fail("an unmount has been waiting for watches for %lu ms", (unsigned long)held);
			where(w, held);
			held = 0;
		}
	}
	beat = w->beats;
	last = now;
}

/* Watches all threads until `until`; then until they are done. */
static void watch(uint64_t until)
{
	static unsigned long beats[MAX_THREADS + 1];
	static uint64_t since[MAX_THREADS + 1];
	uint64_t limit = setting("STRESS_STUCK_S", 60) * 1000, next = wq_now_ms() + 10000;
	bool busy = true;

	while (busy) {
		uint64_t now = wq_now_ms();

		stop = now >= until;
		busy = !stop;
		for (unsigned int i = 0; i <= nr_workers; i++) {
			unsigned long b = workers[i].beats;

			if (!workers[i].doing && stop)
				continue;
			busy = true;
			if (b != beats[i] || !since[i]) {
				beats[i] = b;
				since[i] = now;
			} else if (now - since[i] > limit) {
				stuck(&workers[i], now - since[i]);
			}
		}
		watch_unmount(&workers[nr_workers], now);
		if (now >= next) {
			next = now + 10000;
			printf("# %lu added, %lu records, %lu file operations, %u failures\n",
			       counts[C_ADD], counts[C_RECORDS], counts[C_FILE_OPS], failures());
			fflush(stdout);
		}
		usleep(100000);
	}
}

static int result(int nr, bool good, const char *what)
{
	printf("%s %d %s\n", good ? "ok" : "not ok", nr, what);
	fflush(stdout);
	return !good;
}

static int round_of(unsigned long seconds)
{
	struct baseline base;
	unsigned int before;
	int bad = 0;
	pid_t wild;

	printf("KTAP version 1\n1..3\n");
	leaks_start(&base);
	if (!files_setup(getenv("STRESS_IMAGE"))) {
		printf("Bail out! there is no place for the files\n");
		return 1;
	}
	keys_setup();
	fflush(stdout);
	wild = fork();
	if (wild == 0)
		wild_run(seed);
	queues_setup();
	for (unsigned int i = 0; i <= nr_workers; i++) {
		workers[i].number = i;
		workers[i].doing = "start";
		rng_init(&workers[i].rng, seed, i);
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			fail("thread %u: %m", i);
	}
	watch(wq_now_ms() + seconds * 1000);
	for (unsigned int i = 0; i <= nr_workers; i++)
		pthread_join(threads[i], NULL);
	queues_teardown(&workers[0].rng);
	if (waitpid(wild, NULL, WNOHANG))
		fail("the wild process has ended by itself");
	kill(wild, SIGKILL);
	waitpid(wild, NULL, 0);
	files_teardown();
	report_counts();
	mounts_summary();
	printf("# longest that an unmount waited for watches: %lu ms\n",
	       (unsigned long)worst_held);
	bad += result(1, !failures(), "every record, REMOVAL, loss and unmount was right");
	before = failures();
	bad += result(2, leaks_slabs_back(&base) && failures() == before, "the slabs are as before");
	before = failures();
	bad += result(3, leaks_limits_back() && failures() == before, "the limits are free");
	return bad;
}

/* Some queues with watches, until it is killed. */
static int hold(void)
{
	struct wq q[8];

	for (int i = 0; i < 8; i++)
		if (wq_open(&q[i], 1) != wq_ok ||
		    !wq_watch(q[i].fd, "/tmp", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_CHILDREN, 0, 0, 0) ||
		    !wq_watch(q[i].fd, "/run", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_OBJECT, 0, 0, 0))
			return 1;
	for (;;)
		wq_poll(q[0].fd, -1);
}

int main(int argc, char **argv)
{
	unsigned long seconds;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (!report_setup()) {
		perror("mmap");
		return 1;
	}
	if (argc == 3 && !strcmp(argv[1], "--rounds"))
		return rounds_run(strtoul(argv[2], NULL, 10));
	if (argc == 2 && !strcmp(argv[1], "--hold"))
		return hold();
	seconds = argc >= 3 ? strtoul(argv[1], NULL, 10) : 0;
	nr_workers = argc > 3 ? strtoul(argv[3], NULL, 10) : 6;
	if (argc > 4 || !seconds || !nr_workers || nr_workers > MAX_THREADS) {
		fprintf(stderr, "usage: stress SECONDS SEED [THREADS (1 to %d)] | --rounds N | --hold\n",
			MAX_THREADS);
		return 2;
	}
	seed = strtoull(argv[2], NULL, 0);
	return round_of(seconds) ? 1 : 0;
}
