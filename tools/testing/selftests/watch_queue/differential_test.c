// SPDX-License-Identifier: GPL-2.0
/*
 * Random file operations, watched by inotify and by two queues in this same process: all
 * must tell one story. inotify puts the bits of an event into one and drops an event that
 * equals the one before; a queue gives one record per bit and drops nothing. So records
 * are put together again, and on both sides equal neighbours count as one.
 *
 * The second queue is small and read rarely: what it has lost must be what its LOSS
 * records say, at the places where they say it.
 *
 *   differential_test [OPERATIONS [SEED]]
 */
#include <stdarg.h>
#include <sys/inotify.h>
#include <sys/time.h>

#include "wq_test.h"
#include "kselftest.h"

#define DIRS 2
#define NAMES 6
/* OPEN_EXEC and the self events of things that are not watched are unknown to one side. */
#define EVENTS (WATCH_FS_ALL_EVENTS & ~WATCH_FS_OPEN_EXEC)

struct event {
	uint32_t mask;		/* WATCH_FS_* bits, ISDIR too */
	int dir;
	uint32_t pair;		/* rename: 1 + number of its first half; else 0 */
	char name[sizeof(((struct wq_rec *)0)->name)];
};

struct story {
	struct event *e;
	long n, room;
	uint32_t cookies[64];	/* of the last renames, to number them */
	long renames;
};

static long failures;
static unsigned int seed, first_seed;

__attribute__((format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("# ", stdout);
	vprintf(format, args);
	va_end(args);
	printf(" (seed %u)\n", first_seed);
	failures++;
}

static bool equal(const struct event *a, const struct event *b)
{
	return a->mask == b->mask && a->dir == b->dir && a->pair == b->pair &&
	       !strcmp(a->name, b->name);
}

/* Appends, unless it equals its neighbour. */
static void append(struct story *s, const struct event *e)
{
	if (s->n && !e->pair && equal(&s->e[s->n - 1], e))
		return;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		s->e = realloc(s->e, s->room * sizeof(*s->e));
		if (!s->e)
			ksft_exit_fail_msg("out of memory\n");
	}
	s->e[s->n++] = *e;
}

/* Cookies differ on both sides; the number of the rename does not. */
static uint32_t rename_number(struct story *s, uint32_t cookie)
{
	if (!cookie)
		return 0;
	for (long i = s->renames; i > 0 && i > s->renames - 8; i--)
		if (s->cookies[i % 64] == cookie)
			return i;
	s->cookies[++s->renames % 64] = cookie;
	return s->renames;
}

static void from_inotify(int fd, const int *wds, struct story *s)
{
	static char buf[65536] __attribute__((aligned(8)));
	ssize_t len;

	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + len;) {
			const struct inotify_event *in = (void *)p;
			struct event e = { .mask = in->mask, .dir = -1 };

			if (in->mask & IN_Q_OVERFLOW)
				fail("inotify's queue was too short");
			for (int d = 0; d < DIRS; d++)
				if (wds[d] == in->wd)
					e.dir = d;
			e.pair = rename_number(s, in->cookie);
			if (in->len)
				snprintf(e.name, sizeof(e.name), "%s", in->name);
			append(s, &e);
			p += sizeof(*in) + in->len;
		}
	}
}

/* Takes one event: as many adjacent records as it has wanted bits. 0 when there is none. */
static int take_event(struct wq *q, struct wq_rec *r, struct event *e)
{
	int got = wq_next(q, r);
	uint32_t wanted, seen;

	if (got != 1 || r->type == WATCH_TYPE_META)
		return got;
	wanted = r->fs.mask & EVENTS;
	/* The halves of a rename are two events for inotify, with two names. */
	if (wanted & WATCH_FS_MOVE)
		wanted = 1u << r->subtype;
	seen = 1u << r->subtype;
	e->mask = wanted | (r->fs.mask & WATCH_FS_ISDIR);
	e->dir = r->id;
	e->pair = r->fs.rename_cookie;
	snprintf(e->name, sizeof(e->name), "%s", r->name);
	while (seen != wanted) {
		struct wq_rec next;

		if (wq_next(q, &next) != 1 || next.type == WATCH_TYPE_META ||
		    next.fs.mask != r->fs.mask || next.id != r->id || strcmp(next.name, r->name) ||
		    next.subtype >= 32 || 1u << next.subtype <= seen) {
			fail("bits %x of event %x are not adjacent or not ascending", seen, wanted);
			return -1;
		}
		seen |= 1u << next.subtype;
	}
	return 1;
}

static void from_queue(struct wq *q, struct story *s)
{
	struct event e;
	struct wq_rec r;
	int got;

	while ((got = take_event(q, &r, &e)) == 1) {
		if (r.type == WATCH_TYPE_META) {
			fail("the large queue has lost events");
			return;
		}
		e.pair = rename_number(s, e.pair);
		append(s, &e);
	}
	if (got < 0)
		fail("large queue: %s", wq_why());
}

static const char *dirs[DIRS] = { "A", "B" };

static char *any_path(char *buf, bool inside)
{
	unsigned int r = rand_r(&seed);

	sprintf(buf, "%s/%.*s%u", inside || r % 5 ? dirs[r / 8 % DIRS] : "away",
		(int)(r / 64 % 40), "a_name_that_is_longer_than_it_needs_to_be", r / 4096 % NAMES);
	return buf;
}

/* One random operation; most of them may fail, and then nothing happens. */
static void operate(void)
{
	char a[128], b[128], data[64];
	int fd;

	any_path(a, true);
	any_path(b, false);
	switch (rand_r(&seed) % 16) {
	case 0: case 1: case 2:
		fd = open(a, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			break;
		for (int i = rand_r(&seed) % 4; i > 0; i--)
			if (write(fd, a, 1 + rand_r(&seed) % 60) < 0)
				break;
		if (rand_r(&seed) % 3 == 0 && pread(fd, data, sizeof(data), 0) < 0)
			break;
		if (rand_r(&seed) % 5 == 0 && ftruncate(fd, rand_r(&seed) % 20))
			break;
		if (rand_r(&seed) % 6 == 0)
			unlink(a);
		close(fd);
		break;
	case 3:
		fd = open(a, O_RDONLY);
		if (fd >= 0 && read(fd, data, sizeof(data)) >= 0)
			close(fd);
		break;
	case 4: case 5:
		unlink(a);
		break;
	case 6:
		mkdir(a, 0755);
		break;
	case 7:
		rmdir(a);
		break;
	case 8: case 9: case 10:
		rename(a, b);
		break;
	case 11:
		rename(b, a);
		break;
	case 12:
		if (link(a, b))
			symlink("nowhere", b);
		break;
	case 13:
		chmod(a, 0600 + rand_r(&seed) % 0200);
		break;
	case 14:
		if (utimes(a, NULL))
			chmod(dirs[rand_r(&seed) % DIRS], 0755);
		break;
	default:
		truncate(a, rand_r(&seed) % 100);
		break;
	}
}

/* The small queue against the large one's records, which are all there are. */
struct replay {
	uint64_t seen, lost;
};

static void from_small(struct wq *q, struct replay *t)
{
	struct wq_rec r;
	int got;

	while ((got = wq_next(q, &r)) == 1) {
		if (r.type != WATCH_TYPE_META)
			t->seen++;
		else if (r.subtype == WATCH_META_LOSS_NOTIFICATION)
			t->lost += r.loss.count;
	}
	if (got < 0)
		fail("small queue: %s", wq_why());
}

static void compare(const struct story *in, const struct story *own)
{
	for (long i = 0; i < in->n || i < own->n; i++) {
		const struct event *a = i < in->n ? &in->e[i] : NULL;
		const struct event *b = i < own->n ? &own->e[i] : NULL;

		if (a && b && equal(a, b))
			continue;
		for (long k = i > 3 ? i - 3 : 0; k < i; k++)
			printf("#   both   %8x %d %s\n", in->e[k].mask, in->e[k].dir, in->e[k].name);
		if (a)
			printf("#   inotify%8x %d %s (rename %u)\n", a->mask, a->dir, a->name, a->pair);
		if (b)
			printf("#   queue  %8x %d %s (rename %u)\n", b->mask, b->dir, b->name, b->pair);
		fail("the stories part at event %ld of %ld (inotify) and %ld (queue)", i, in->n, own->n);
		return;
	}
}

static void check(const char *what)
{
	ksft_test_result(failures == 0, "%s\n", what);
	failures = 0;
}

int main(int argc, char **argv)
{
	long operations = argc > 1 ? atol(argv[1]) : wq_scaled(3000);
	const char *given = argc > 2 ? argv[2] : getenv("WQ_SEED");
	struct story theirs = {}, ours = {};
	struct watch_queue_info large, small;
	struct replay replay = {};
	struct wq q, tiny;
	int fd, wds[DIRS];
	const char *e;

	ksft_print_header();
	if (access(WQ_DEVICE, F_OK))
		ksft_exit_skip("no " WQ_DEVICE ": load the module first\n");
	first_seed = given ? strtoul(given, NULL, 0) : (unsigned int)wq_now_ms() * 2654435761u;
	seed = first_seed;
	ksft_set_plan(4);
	ksft_print_msg("%ld operations, seed %u\n", operations, first_seed);
	e = wq_tmpdir_enter();
	if (e == wq_ok)
		e = wq_open(&q, 16);
	if (e == wq_ok)
		e = wq_open(&tiny, 1);
	fd = inotify_init1(IN_NONBLOCK);
	if (e != wq_ok || fd < 0 || mkdir("away", 0755))
		ksft_exit_fail_msg("setting up: %s\n", e != wq_ok ? e : strerror(errno));
	for (int d = 0; d < DIRS; d++) {
		if (mkdir(dirs[d], 0755))
			ksft_exit_fail_msg("creating %s: %s\n", dirs[d], strerror(errno));
		wds[d] = inotify_add_watch(fd, dirs[d], EVENTS & IN_ALL_EVENTS);
		if (wds[d] < 0 ||
		    !wq_watch(q.fd, dirs[d], EVENTS, WATCH_SCOPE_CHILDREN, d, d, 0) ||
		    !wq_watch(tiny.fd, dirs[d], EVENTS, WATCH_SCOPE_CHILDREN, d, d, 0))
			ksft_exit_fail_msg("watching %s: %s\n", dirs[d], strerror(errno));
	}
	for (long i = 0; i < operations; i++) {
		operate();
		from_queue(&q, &ours);
		from_inotify(fd, wds, &theirs);
		if (rand_r(&seed) % 32 == 0)
			from_small(&tiny, &replay);
	}
	compare(&theirs, &ours);
	ksft_print_msg("%ld events, %ld renames\n", ours.n, ours.renames);
	check("inotify and the queue tell the same story");

	if (ours.n < operations / 4)
		fail("only %ld events: the operations do not work", ours.n);
	check("there was something to tell");

	if (wq_info(q.fd, 0, &large) || large.lost || large.posted != large.delivered)
		fail("posted %llu, delivered %llu, lost %llu", (unsigned long long)large.posted,
		     (unsigned long long)large.delivered, (unsigned long long)large.lost);
	check("the large queue has delivered all that was posted");

	from_small(&tiny, &replay);
	wq_poll(tiny.fd, 0);
	from_small(&tiny, &replay);
	if (wq_info(tiny.fd, 0, &small) || small.posted != large.posted ||
	    small.posted != small.delivered + small.lost || small.delivered != replay.seen ||
	    small.lost != replay.lost)
		fail("posted %llu and %llu, delivered %llu, seen %llu, lost %llu, LOSS says %llu",
		     (unsigned long long)large.posted, (unsigned long long)small.posted,
		     (unsigned long long)small.delivered, (unsigned long long)replay.seen,
		     (unsigned long long)small.lost, (unsigned long long)replay.lost);
	ksft_print_msg("small queue: %llu delivered, %llu lost\n",
		       (unsigned long long)small.delivered, (unsigned long long)small.lost);
	check("the small queue has delivered or counted all that was posted");
	wq_close(&q);
	wq_close(&tiny);
	wq_tmpdir_leave();
	ksft_finished();
}
