// SPDX-License-Identifier: GPL-2.0
/*
 * An untar into a watched directory, with everything that happens there wanted: busybox unpacks
 * 64 files of 4 KiB. Counted from fork to exit, per file; the listener reads afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS	12

static void shell(const char *command)
{
	if (system(command))
		die("%s", command);
}

static void untar(const struct peer *peer)
{
	/* What fanotify takes of inotify's bits without more; and ours has the same. */
	const struct want want = { IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_OPEN, true };
	struct samples produce = { 0 }, consume = { 0 };
	unsigned long arrived = 0;
	struct listener l;

	peer->open(&l, ".", want);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t start = ticks(), middle;
		pid_t child = vfork();
		int status;

		if (child == 0) {
			execl("/bin/busybox", "tar", "-xf", "../files.tar", NULL);
			_exit(127);
		}
		if (waitpid(child, &status, 0) != child || status)
			die("tar");
		middle = ticks();
		sample(&produce, middle - start - ticks_cost);
		arrived += peer->drain(&l);
		sample(&consume, ticks() - middle - ticks_cost);
		shell("rm -f file-*");
		peer->drain(&l);
	}
	peer->close(&l);
	report(&produce, BATCH, "untar.%s.1.produce", peer->name);
	report(&consume, BATCH, "untar.%s.1.consume", peer->name);
	report_once((double)arrived / ROUNDS / BATCH, "untar.%s.1.arrived", peer->name);
}

void set_untar(bool quick)
{
	static const struct peer *const peers[] = {
		&peer_none, &peer_noop, &peer_inotify, &peer_fanotify, &peer_wq
	};

	(void)quick;
	if (mkdir("untar", 0700) || chdir("untar"))
		die("untar");
	for (unsigned int i = 0; i < BATCH; i++) {
		FILE *file = fopen(names[i], "w");

		if (!file)
			die("%s", names[i]);
		for (unsigned int k = 0; k < 512; k++)
			fprintf(file, "%07u\n", i * k);
		fclose(file);
	}
	shell("tar -cf ../files.tar file-* && rm -f file-*");
	for (size_t p = 0; p < sizeof(peers) / sizeof(peers[0]); p++)
		untar(peers[p]);
	if (chdir(".."))
		die("..");
}
