// SPDX-License-Identifier: GPL-2.0
/*
 * Whole workloads on a tree that is watched recursively, in a thread that sleeps until there is
 * something and makes or takes the path of each event. All is on one CPU, and everything is counted until
 * the last event has been read: what is more than without a listener is what the listener costs.
 *
 * Each runs in a process and on a file system of its own, and once before without a listener, so that caches
 * and allocators are as warm as they get. workload_works.c has what is done.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recursive.h"
#include "workload.h"

#define PLACE	"workload"
#define ROOT	PLACE "/root"

static struct {
	const struct peer *peer;
	struct listener listener;
	pthread_mutex_t reading;
	unsigned long wakeups;
} reader = { .reading = PTHREAD_MUTEX_INITIALIZER };

static void *read_events(void *nothing)
{
	(void)nothing;
	for (;;) {
		recursive_wait(&reader.listener);
		pthread_mutex_lock(&reader.reading);
		reader.wakeups++;
		reader.peer->drain(&reader.listener);
		pthread_mutex_unlock(&reader.reading);
		/* Between tail and the next look at head, as a watermark asks for. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	return NULL;
}

/*
 * What the reader has not read yet, for want of a wake-up or of its turn, is read here, so that no time
 * is counted in which nothing runs.
 */
static void read_rest(void)
{
	pthread_mutex_lock(&reader.reading);
	while (reader.peer->drain(&reader.listener))
		;
	pthread_mutex_unlock(&reader.reading);
	if (heard.markers == 0) {
		fprintf(stderr, "bench: %s has not seen the last event\n", reader.peer->name);
		_exit(1);
	}
}

static void measure(const struct workload *work, const struct peer *peer)
{
	const struct want want = {
		.events = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE,
		.children = true,
	};
	pthread_t thread;
	uint64_t start;

	if (mount("bench", PLACE, "tmpfs", 0, NULL))
		die("mount");
	workload_tree(PLACE "/warm");
	work->prepare(PLACE "/warm");
	work->run(PLACE "/warm");
	workload_tree(ROOT);
	work->prepare(ROOT);
	if (peer) {
		reader.peer = peer;
		peer->open(&reader.listener, ROOT, want);
		errno = pthread_create(&thread, NULL, read_events, NULL);
		if (errno)
			die("pthread_create");
		usleep(10000);
	}
	memset(&heard, 0, sizeof(heard));
	reader.wakeups = 0;
	start = ticks();
	work->run(ROOT);
	workload_file(ROOT "/" MARKER, 1);
	if (peer)
		read_rest();
	start = ticks() - start;
	report_once((double)start, "workload.%s.%s.whole", work->name, peer ? peer->name : "unwatched");
	if (!peer)
		return;
	report_once(heard.events, "workload.%s.%s.events", work->name, peer->name);
	report_once(heard.paths, "workload.%s.%s.paths", work->name, peer->name);
	report_once(heard.lost, "workload.%s.%s.lost", work->name, peer->name);
	report_once(reader.wakeups, "workload.%s.%s.wakeups", work->name, peer->name);
}

static void in_child(const struct workload *work, const struct peer *peer)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		measure(work, peer);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		die("workload %s", work->name);
	if (umount(PLACE))
		die("umount");
}

void set_workload(bool quick)
{
	static const struct peer *const peers[] = {
		NULL, &recursive_wq, &recursive_inotify, &recursive_fanotify, &recursive_watermark
	};

	if (mkdir(PLACE, 0755))
		die(PLACE);
	for (const struct workload *work = workloads; work->name; work++)
		for (size_t p = 0; p < (quick ? 3 : 5); p++)
			in_child(work, peers[p]);
	rmdir(PLACE);
}
