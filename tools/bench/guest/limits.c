// SPDX-License-Identifier: GPL-2.0
/*
 * What one user costs every task that does something to a file: as many listeners on it as each of the
 * peers lets a user have by default, which is 128, and nobody reads what they are told.
 * Documentation/limits.rst has the figures.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define INSTANCES 128
#define ROUNDS 60

static int victim;

static void open_read_close(void)
{
	char c;
	int fd = open("victim", O_RDONLY);

	if (fd < 0 || read(fd, &c, 1) != 1)
		die("victim");
	close(fd);
}

static void write_byte(void)
{
	if (pwrite(victim, "x", 1, 0) != 1)
		die("victim");
}

static void create_unlink(void)
{
	int fd = open("crowded/new", O_CREAT | O_WRONLY, 0600);

	if (fd < 0)
		die("crowded/new");
	close(fd);
	if (unlink("crowded/new"))
		die("crowded/new");
}

static const struct {
	const char *name;
	void (*run)(void);
} operations[] = {
	{ "open+read+close", open_read_close },
	{ "pwrite", write_byte },
	{ "create+unlink", create_unlink },
};

static void operate(const char *who)
{
	struct samples s = { 0 };

	for (size_t o = 0; o < sizeof(operations) / sizeof(operations[0]); o++) {
		for (int i = 0; i < ROUNDS; i++) {
			uint64_t start = ticks();

			operations[o].run();
			sample(&s, ticks() - start - ticks_cost);
		}
		report(&s, 1, "limits.%s.%s", who, operations[o].name);
	}
}

void set_limits(bool quick)
{
	static const struct peer *const peers[] = { &peer_wq, &peer_inotify, &peer_fanotify };
	static struct listener l[INSTANCES];
	const uint32_t file = IN_ACCESS | IN_MODIFY | IN_OPEN | IN_CLOSE;
	const struct want all = { file, false, false };
	const struct want folder = { file | IN_CREATE | IN_DELETE, true, false };

	victim = open("victim", O_CREAT | O_RDWR, 0600);
	if (victim < 0 || mkdir("crowded", 0700))
		die("victim");
	write_byte();
	operate(peer_none.name);
	for (int p = 0; p < (quick ? 1 : 3); p++) {
		for (int i = 0; i < INSTANCES; i++) {
			peers[p]->open(&l[i], "victim", all);
			peers[p]->add(&l[i], "crowded", folder);
		}
		operate(peers[p]->name);
		for (int i = 0; i < INSTANCES; i++)
			peers[p]->close(&l[i]);
	}
	close(victim);
}
