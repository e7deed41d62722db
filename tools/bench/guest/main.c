// SPDX-License-Identifier: GPL-2.0
/*
 * bench [--quick] SET...: runs sets of measurements and prints a line for each figure.
 * --quick leaves out what is not needed to see a regression of /dev/watch_queue.
 *
 * bench --profile [WORK [PEER [LISTENERS]]]: one work, between markers for tools/bench/profile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

static const struct peer *const all_peers[] = {
	&peer_none, &peer_noop, &peer_inotify, &peer_fanotify, &peer_wq, NULL
};

static const struct peer *const own_peers[] = { &peer_none, &peer_noop, &peer_wq, NULL };
/* For ratios. */
static const struct peer *const few_peers[] = { &peer_none, &peer_noop, &peer_inotify, &peer_wq, NULL };

static const struct work *const works[] = { &work_pwrite, &work_open, &work_create, &work_rename };

void set_events(bool quick)
{
	for (size_t w = 0; w < sizeof(works) / sizeof(works[0]); w++)
		for (const struct peer *const *peer = quick ? few_peers : all_peers; *peer; peer++)
			run_work(works[w], *peer, 1, BATCHES);
}

void set_listeners(bool quick)
{
	static const unsigned int numbers[] = { 8, 64 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		for (const struct peer *const *peer = quick ? own_peers : all_peers; *peer; peer++)
			if (*peer != &peer_none)
				run_work(&work_pwrite, *peer, numbers[i], BATCHES / numbers[i] * 8);
}

static void profile(int argc, char **argv)
{
	const char *work_name = argc > 0 ? argv[0] : "pwrite";
	const char *peer_name = argc > 1 ? argv[1] : "watch_queue";
	unsigned int n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;

	const struct peer *peer = NULL;
	const struct work *work = NULL;

	for (size_t w = 0; w < sizeof(works) / sizeof(works[0]); w++)
		if (strcmp(works[w]->name, work_name) == 0)
			work = works[w];
	for (const struct peer *const *p = all_peers; *p; p++)
		if (strcmp((*p)->name, peer_name) == 0)
			peer = *p;
	if (!peer)
		peer = stopped_peer(peer_name);
	if (!peer)
		peer = enter_subtree(peer_name);
	if (!work || !peer || n < 1 || n > MAX_LISTENERS) {
		fprintf(stderr, "bench: what are '%s', '%s' and %u listeners?\n", work_name, peer_name, n);
		exit(2);
	}
	profile_work(work, peer, n);
}

static const struct {
	const char *name;
	void (*run)(bool quick);
} sets[] = {
	{ "events", set_events },
	{ "listeners", set_listeners },
	{ "stopped", set_stopped },
	{ "consume", set_consume },
	{ "limits", set_limits },
	{ "keys", set_keys },
	{ "unrelated", set_unrelated },
	{ "subtree", set_subtree },
	{ "untar", set_untar },
	{ "wakeup", set_wakeup },
	{ "watches", set_watches },
	{ "workload", set_workload },
	{ "lines", set_lines },
	{ "neighbours", set_neighbours },
	{ "beside", set_beside },
	{ "many", set_many },
};

int main(int argc, char **argv)
{
	bool quick = false;

	if (mkdir("/tmp/bench", 0755) || chdir("/tmp/bench"))
		die("/tmp/bench");
	measure_init();
	works_init();
	if (argc > 1 && strcmp(argv[1], "--profile") == 0) {
		profile(argc - 2, argv + 2);
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		size_t s = 0;

		if (strcmp(argv[i], "--quick") == 0) {
			quick = true;
			continue;
		}
		while (s < sizeof(sets) / sizeof(sets[0]) && strcmp(argv[i], sets[s].name) != 0)
			s++;
		if (s == sizeof(sets) / sizeof(sets[0])) {
			fprintf(stderr, "bench: there is no set '%s'\n", argv[i]);
			return 2;
		}
		sets[s].run(quick);
	}
	return 0;
}
