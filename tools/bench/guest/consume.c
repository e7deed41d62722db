// SPDX-License-Identifier: GPL-2.0
/* What reading costs, per event, when so many wait. tools/bench/consumer does it in Rust. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

#define MOST	1024

static void consume(const struct peer *peer, const int *fds, unsigned int n)
{
	const struct want want = { IN_MODIFY, true };
	struct samples samples = { 0 };
	struct listener l;

	peer->open(&l, ".", want);
	for (unsigned int round = 0; round < 64 + 4; round++) {
		uint64_t start, cost;

		for (unsigned int i = 0; i < n; i++)
			if (pwrite(fds[i], "z", 1, 0) != 1)
				die("pwrite");
		start = ticks();
		if (peer->drain(&l) != n)
			die("%s has not %u events", peer->name, n);
		cost = ticks() - start - ticks_cost;
		if (round >= 4)
			sample(&samples, cost);
	}
	peer->close(&l);
	report(&samples, n, "consume.%s.%u.read", peer->name, n);
}

void set_consume(bool quick)
{
	static const struct peer *const peers[] = { &peer_wq, &peer_inotify, &peer_fanotify };
	static const unsigned int numbers[] = { 1, 16, 64, MOST };
	static int fds[MOST];
	const struct rlimit limit = { 2 * MOST, 2 * MOST };
	char name[32];

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("RLIMIT_NOFILE");
	for (unsigned int i = 0; i < MOST; i++) {
		snprintf(name, sizeof(name), "read-%06u", i);
		fds[i] = open(name, O_CREAT | O_WRONLY, 0600);
		if (fds[i] < 0)
			die("%s", name);
	}
	for (unsigned int p = 0; p < (quick ? 1 : 3); p++)
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			consume(peers[p], fds, numbers[i]);
	for (unsigned int i = 0; i < MOST; i++) {
		snprintf(name, sizeof(name), "read-%06u", i);
		close(fds[i]);
		unlink(name);
	}
}
