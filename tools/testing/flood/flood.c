// SPDX-License-Identifier: GPL-2.0
/*
 * Many records through one ring, and an exact account of them: threads write to files, each
 * watched with a cookie of its own; the consumer follows the records alone. At the end what
 * it has seen, what the LOSS records told and what the kernel counted must be the same
 * numbers, per watch and per queue. Prints KTAP, and how fast it went.
 *
 *   flood PAGES RECORDS
 *
 * TRAPS: B9. Run by tools/testing/flood/run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#define PRODUCERS	4

struct producer {
	pthread_t thread;
	uint64_t writes;	/* to make */
	uint64_t handle;
	uint64_t seen;		/* records with its cookie */
	char path[32];
};

struct account {
	struct producer producer[PRODUCERS];
	uint64_t seen;
	uint64_t lost;		/* told by LOSS records */
	uint64_t losses;	/* number of LOSS records */
	uint64_t overruns;	/* records with OVERRUN that are no LOSS */
	uint64_t wrong;
	uint64_t last_mark;	/* the previous record was a LOSS */
};

static int working = PRODUCERS;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *produce(void *arg)
{
	struct producer *p = arg;
	int fd = open(p->path, O_WRONLY);

	for (uint64_t i = 0; i < p->writes; i++)
		if (pwrite(fd, "x", 1, 0) != 1) {
			perror("pwrite");
			exit(1);
		}
	/* Its close() is no event that anybody has asked for. */
	close(fd);
	__atomic_sub_fetch(&working, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int take(void *ctx, const struct watch_notification *record)
{
	const struct watch_loss_notification *loss = wq_loss(record);
	const struct fs_notification *fs = wq_fs(record);
	struct account *a = ctx;
	int overrun = !!(record->info & WATCH_INFO_OVERRUN);

	if (loss) {
		a->lost += loss->count;
		a->losses++;
		a->wrong += !loss->count || !overrun;
		a->last_mark = 1;
		return 0;
	}
	/* OVERRUN is on the LOSS and on the first record behind it, and nowhere else. */
	if (!fs || wq_subtype(record) != NOTIFY_FS_MODIFY || fs->cookie - 1 >= PRODUCERS ||
	    record->info >> WATCH_INFO_ID__SHIFT != fs->cookie || overrun != (int)a->last_mark) {
		a->wrong++;
		return 0;
	}
	a->last_mark = 0;
	a->overruns += overrun;
	a->producer[fs->cookie - 1].seen++;
	a->seen++;
	return 0;
}

static int number, failed;

static void result(int good, const char *what)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, what);
	failed += !good;
}

static void die(const char *what, int error)
{
	printf("Bail out! %s: %s\n", what, strerror(error));
	exit(1);
}

int main(int argc, char **argv)
{
	struct account a = { 0 };
	struct wq_opts opts = { .sz = sizeof(opts), .fn = take, .ctx = &a };
	struct watch_queue_info info = { 0 };
	uint64_t per_watch = 0;
	double began, opened, ended;
	int same = 1, rc, last;
	struct wq *wq;

	if (argc == 3)
		opts.pages = strtoul(argv[1], NULL, 10);
	if (!opts.pages) {
		fprintf(stderr, "usage: flood PAGES RECORDS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..5\n");
	began = now();
	rc = wq_open(&wq, &opts);
	if (rc)
		die("wq_open", -rc);
	opened = now();
	for (int i = 0; i < PRODUCERS; i++) {
		struct producer *p = &a.producer[i];
		struct watch_queue_add add = {
			.type = WATCH_TYPE_FS_NOTIFY, .mask = WATCH_FS_MODIFY, .id = i + 1, .cookie = i + 1,
		};

		p->writes = strtoull(argv[2], NULL, 10) / PRODUCERS;
		snprintf(p->path, sizeof(p->path), "/tmp/flood%d", i);
		add.object = open(p->path, O_CREAT | O_WRONLY, 0600);
		rc = wq_add_watch(wq, &add);
		if (rc)
			die("wq_add_watch", -rc);
		close(add.object);
		p->handle = add.handle;
	}
	printf("# ring of %u pages: open and SET_SIZE took %.3f ms\n", opts.pages,
	       (opened - began) * 1e3);

	began = now();
	for (int i = 0; i < PRODUCERS; i++)
		if (pthread_create(&a.producer[i].thread, NULL, produce, &a.producer[i]))
			die("pthread_create", errno);
	do {
		last = !__atomic_load_n(&working, __ATOMIC_ACQUIRE);
		/* Short enough that the end is seen, whatever was last. */
		rc = wq_poll(wq, last ? 0 : 100);
		if (rc < 0)
			die("wq_poll", -rc);
	} while (!last || rc > 0);
	ended = now();
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(a.producer[i].thread, NULL);

	for (int i = 0; i < PRODUCERS; i++) {
		struct producer *p = &a.producer[i];

		rc = wq_info(wq, p->handle, &info);
		if (rc)
			die("wq_info", -rc);
		printf("# watch %d: %" PRIu64 " writes, delivered %" PRIu64 ", seen %" PRIu64
		       ", lost %" PRIu64 "\n", i, p->writes, (uint64_t)info.delivered, p->seen,
		       (uint64_t)info.lost);
		same &= info.posted == p->writes && info.delivered + info.lost == info.posted &&
			info.delivered == p->seen;
		per_watch += info.lost;
	}
	rc = wq_info(wq, 0, &info);
	if (rc)
		die("wq_info", -rc);
	printf("# posted %" PRIu64 " = delivered %" PRIu64 " + lost %" PRIu64 "; %" PRIu64
	       " LOSS records\n", (uint64_t)info.posted, (uint64_t)info.delivered,
	       (uint64_t)info.lost, a.losses);
	printf("# %.0f records/s posted, %.0f/s read, in %.2f s\n",
	       info.posted / (ended - began), a.seen / (ended - began), ended - began);
	result(info.posted == info.delivered + info.lost &&
	       info.posted == PRODUCERS * a.producer[0].writes, "every write was delivered or lost");
	result(same, "each watch: what was delivered was seen");
	result(a.seen == info.delivered && a.lost == info.lost && per_watch == info.lost,
	       "the LOSS records tell of every lost record");
	result(!a.wrong, "every record is right, and OVERRUN is where it belongs");
	wq_close(wq);
	for (int i = 0; i < PRODUCERS; i++)
		unlink(a.producer[i].path);
	began = now();
	rc = wq_open(&wq, &opts);
	result(rc == 0, "the room is there again");
	wq_close(wq);
	printf("# open and close of the ring: %.3f ms\n", (now() - began) * 1e3);
	return !!failed;
}
