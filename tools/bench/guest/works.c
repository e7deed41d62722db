// SPDX-License-Identifier: GPL-2.0
/*
 * What happens: each operation of a batch is on a file of its own, so that neither inotify,
 * which merges an event with the last one in its queue, nor fanotify, which merges it with any
 * equal one, has less to deliver than the others. Where an operation makes two different
 * events of one file (open and close), each has a phase of its own, and the queues are
 * emptied in between, for the same reason. What arrived is counted and reported.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

char names[BATCH][16];
static char other_names[BATCH][16];
static int fds[BATCH];
static bool renamed[BATCH];

void works_init(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		snprintf(names[i], sizeof(names[i]), "file-%06u", i);
		snprintf(other_names[i], sizeof(other_names[i]), "name-%06u", i);
	}
}

static void make_files(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		fds[i] = open(names[i], O_CREAT | O_WRONLY | O_TRUNC, 0600);
		if (fds[i] < 0 || pwrite(fds[i], "x", 1, 0) != 1)
			die("%s", names[i]);
	}
}

static void close_files(void)
{
	for (unsigned int i = 0; i < BATCH; i++)
		close(fds[i]);
}

static void remove_files(void)
{
	for (unsigned int i = 0; i < BATCH; i++)
		unlink(names[i]);
}

static void close_and_remove(void)
{
	close_files();
	remove_files();
}

static void do_pwrite(unsigned int i)
{
	if (pwrite(fds[i], "y", 1, 0) != 1)
		die("pwrite");
}

const struct work work_pwrite = {
	.name = "pwrite",
	.want = { IN_MODIFY, true },
	.prepare = make_files,
	.phase = { do_pwrite },
	.finish = close_and_remove,
};

static void make_closed_files(void)
{
	make_files();
	close_files();
}

static void do_open(unsigned int i)
{
	fds[i] = open(names[i], O_RDONLY);
	if (fds[i] < 0)
		die("open");
}

static void do_close(unsigned int i)
{
	close(fds[i]);
}

const struct work work_open = {
	.name = "open+close",
	.want = { IN_OPEN | IN_CLOSE_NOWRITE, true },
	.prepare = make_closed_files,
	.phase = { do_open, do_close },
	.finish = remove_files,
};

static void do_create(unsigned int i)
{
	if (mknod(names[i], S_IFREG | 0600, 0))
		die("mknod");
}

static void do_unlink(unsigned int i)
{
	if (unlink(names[i]))
		die("unlink");
}

static void nothing(void)
{
}

const struct work work_create = {
	.name = "create+unlink",
	.want = { IN_CREATE | IN_DELETE, false },
	.prepare = nothing,
	.phase = { do_create, do_unlink },
	.finish = nothing,
};

static void make_renameable(void)
{
	make_closed_files();
	for (unsigned int i = 0; i < BATCH; i++)
		renamed[i] = false;
}

static void do_rename(unsigned int i)
{
	if (renamed[i] ? rename(other_names[i], names[i]) : rename(names[i], other_names[i]))
		die("rename");
	renamed[i] = !renamed[i];
}

static void remove_renamed(void)
{
	for (unsigned int i = 0; i < BATCH; i++)
		unlink(renamed[i] ? other_names[i] : names[i]);
}

const struct work work_rename = {
	.name = "rename",
	.want = { IN_MOVED_FROM | IN_MOVED_TO, false },
	.prepare = make_renameable,
	.phase = { do_rename },
	.finish = remove_renamed,
};

/* As run_work(), without figures: the last of some batches is between markers. */
void profile_work(const struct work *work, const struct peer *peer, unsigned int n)
{
	static struct listener listeners[MAX_LISTENERS];

	work->prepare();
	for (unsigned int l = 0; l < n; l++)
		peer->open(&listeners[l], ".", work->want);
	for (unsigned int batch = 0; batch <= 100; batch++)
		for (unsigned int p = 0; p < 2 && work->phase[p]; p++) {
			if (batch == 100)
				mark();
			for (unsigned int i = 0; i < BATCH; i++)
				work->phase[p](i);
			if (batch == 100)
				mark();
			for (unsigned int l = 0; l < n; l++)
				peer->drain(&listeners[l]);
		}
	for (unsigned int l = 0; l < n; l++)
		peer->close(&listeners[l]);
	work->finish();
}

void run_work(const struct work *work, const struct peer *peer, unsigned int n, unsigned int batches)
{
	static struct listener listeners[MAX_LISTENERS];
	static struct samples produce, consume;
	unsigned long arrived = 0;

	work->prepare();
	for (unsigned int l = 0; l < n; l++)
		peer->open(&listeners[l], ".", work->want);
	/* The first batches fill caches and are not counted. */
	for (unsigned int batch = 0; batch < batches + 8; batch++) {
		uint64_t made = 0, read = 0;
		unsigned long got = 0;

		for (unsigned int p = 0; p < 2 && work->phase[p]; p++) {
			uint64_t start = ticks(), middle;

			for (unsigned int i = 0; i < BATCH; i++)
				work->phase[p](i);
			middle = ticks();
			for (unsigned int l = 0; l < n; l++)
				got += peer->drain(&listeners[l]);
			read += ticks() - middle - ticks_cost;
			made += middle - start - ticks_cost;
		}
		if (batch >= 8) {
			sample(&produce, made);
			sample(&consume, read);
			arrived += got;
		}
	}
	for (unsigned int l = 0; l < n; l++)
		peer->close(&listeners[l]);
	work->finish();
	report(&produce, BATCH, "%s.%s.%u.produce", work->name, peer->name, n);
	report(&consume, BATCH, "%s.%s.%u.consume", work->name, peer->name, n);
	report_once((double)arrived / batches / BATCH, "%s.%s.%u.arrived", work->name, peer->name, n);
}
