// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to wake a sleeping reader: a thread of the real-time class sleeps in poll(), so
 * that on the one CPU it runs, reads and sleeps again before the write that woke it returns.
 * Counted is the whole of it, per write; tools/bench/tables.py subtracts what the same costs
 * without sleeping. A write costs more in a process of two threads, so the unwatched one is measured
 * here, too, beside a thread that sleeps for something else.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "bench.h"

#define ROUNDS	64

static struct {
	const struct peer *peer;
	struct listener listener;
	unsigned long got, wakeups;
	bool stop;
} reader;

static void *read_events(void *nothing)
{
	struct sched_param param = { .sched_priority = 10 };

	(void)nothing;
	errno = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	if (errno)
		die("SCHED_FIFO");
	while (!__atomic_load_n(&reader.stop, __ATOMIC_RELAXED)) {
		struct pollfd pfd = { .fd = reader.listener.fd, .events = POLLIN };

		if (poll(&pfd, 1, -1) < 0)
			die("poll");
		reader.wakeups++;
		reader.got += reader.peer->drain(&reader.listener);
		/* So that a watermark does not count what was just read. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void wakeup(const struct peer *peer, const char *name, uint32_t watermark)
{
	const struct want want = { IN_MODIFY, true };
	struct watch_queue_watermark mark = { .size = sizeof(mark), .records = watermark };
	struct samples samples = { 0 };
	pthread_t thread;
	int fds[BATCH];

	for (unsigned int i = 0; i < BATCH; i++) {
		fds[i] = open(names[i], O_CREAT | O_WRONLY, 0600);
		if (fds[i] < 0 || pwrite(fds[i], "x", 1, 0) != 1)
			die("%s", names[i]);
	}
	memset(&reader, 0, sizeof(reader));
	reader.peer = peer;
	if (peer == &peer_none)
		reader.listener.fd = eventfd(0, 0);
	peer->open(&reader.listener, ".", want);
	if (watermark && ioctl(reader.listener.fd, IOC_WATCH_QUEUE_SET_WATERMARK, &mark))
		die("SET_WATERMARK");
	errno = pthread_create(&thread, NULL, read_events, NULL);
	if (errno)
		die("pthread_create");
	usleep(10000);
	for (unsigned int round = 0; round < ROUNDS + 4; round++) {
		uint64_t start;

		if (round == 4) {
			reader.got = 0;
			reader.wakeups = 0;
		}
		start = ticks();
		for (unsigned int i = 0; i < BATCH; i++)
			if (pwrite(fds[i], "z", 1, 0) != 1)
				die("pwrite");
		if (round >= 4)
			sample(&samples, ticks() - start - ticks_cost);
	}
	report(&samples, BATCH, "wakeup.%s.1.whole", name);
	report_once((double)reader.got / ROUNDS / BATCH, "wakeup.%s.1.arrived", name);
	report_once((double)reader.wakeups / ROUNDS / BATCH, "wakeup.%s.1.wakeups", name);
	__atomic_store_n(&reader.stop, true, __ATOMIC_RELAXED);
	if (peer == &peer_none && eventfd_write(reader.listener.fd, 1))
		die("eventfd");
	for (unsigned int i = 0; i < BATCH; i++)
		if (pwrite(fds[i], "z", 1, 0) != 1)
			die("pwrite");
	pthread_join(thread, NULL);
	peer->close(&reader.listener);
	for (unsigned int i = 0; i < BATCH; i++) {
		close(fds[i]);
		unlink(names[i]);
	}
}

void set_wakeup(bool quick)
{
	wakeup(&peer_none, "unwatched", 0);
	wakeup(&peer_inotify, "inotify", 0);
	if (!quick)
		wakeup(&peer_fanotify, "fanotify", 0);
	wakeup(&peer_wq, "watch_queue", 0);
	wakeup(&peer_wq, "watermark", BATCH);
}
