// SPDX-License-Identifier: GPL-2.0
/*
 * For tools/bench/lines: operations that two tasks make by turns, each on files of its own, between markers
 * for the plugin in QEMU. What both of their CPUs would have to store to is what it looks for: lines that
 * at least half of the operations of each task have stored to.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/*
 * So few that a tick of the clock hardly ever comes between two operations on one file: the time would have
 * to be stored.
 */
#define FILES	8
#define WARM	8	/* rounds over the files that are not counted */
#define ROUNDS	24	/* An even number, so that each file has its first name again. */

static void operate(const struct work *work, unsigned int i, bool counted)
{
	if (counted)
		mark();
	work->phase[0](i);
	if (work->phase[1])
		work->phase[1](i);
	if (counted)
		mark();
}

struct order {
	unsigned int file;
	bool counted, end;
};

/* A task that makes an operation whenever it is told to. */
static pid_t begin_task(const struct work *work, int in, int out)
{
	pid_t child = fork();
	struct order order;

	if (child < 0)
		die("fork");
	if (child > 0)
		return child;
	while (read(in, &order, sizeof(order)) == sizeof(order) && !order.end) {
		operate(work, order.file, order.counted);
		if (write(out, "", 1) != 1)
			break;
	}
	_exit(0);
}

static void lines(const struct work *work, const struct peer *peer)
{
	const struct order end = { .end = true };
	int go[2][2], done[2];
	struct listener l;
	pid_t tasks[2];

	work->prepare();
	peer->open(&l, ".", work->want);
	if (pipe(done))
		die("pipe");
	for (unsigned int t = 0; t < 2; t++) {
		if (pipe(go[t]))
			die("pipe");
		tasks[t] = begin_task(work, go[t][0], done[1]);
	}
	/* No reading within a round: what is allocated for an event is not used again for the next one. */
	for (unsigned int i = 0; i < ROUNDS * FILES; i++) {
		const struct order order = { .file = i % FILES, .counted = i >= WARM * FILES };
		char answer;

		if (write(go[i % 2][1], &order, sizeof(order)) != sizeof(order) ||
		    read(done[0], &answer, 1) != 1)
			die("a task");
		if (i % FILES == FILES - 1)
			peer->drain(&l);
	}
	mark_section();
	printf("lines.%s.%s\n", work->name, peer->name);
	fflush(stdout);
	for (unsigned int t = 0; t < 2; t++) {
		if (write(go[t][1], &end, sizeof(end)) != sizeof(end) ||
		    waitpid(tasks[t], NULL, 0) != tasks[t])
			die("the end of a task");
		close(go[t][0]);
		close(go[t][1]);
	}
	close(done[0]);
	close(done[1]);
	peer->drain(&l);
	peer->close(&l);
	work->finish();
}

void set_lines(bool quick)
{
	static const struct work *const works[] = { &work_pwrite, &work_open, &work_create, &work_rename };
	static const struct peer *const peers[] = {
		&peer_none, &peer_noop, &peer_inotify, &peer_fanotify, &peer_wq
	};
	static const char *const deep[] = {
		"outside-noop", "outside", "outside-16", "subtree", "inside-16", "path"
	};

	for (size_t w = 0; w < (quick ? 1 : sizeof(works) / sizeof(works[0])); w++)
		for (size_t p = 0; p < sizeof(peers) / sizeof(peers[0]); p++)
			if (!quick || peers[p] == &peer_none || peers[p] == &peer_wq)
				lines(works[w], peers[p]);
	for (size_t d = 0; d < sizeof(deep) / sizeof(deep[0]); d++)
		lines(&work_pwrite, enter_subtree(deep[d]));
}
