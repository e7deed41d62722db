// SPDX-License-Identifier: GPL-2.0
/*
 * In-VM fuzzer: random sequences of system calls on /dev/watch_queue, with good and bad
 * arguments, from several processes and threads at once. It judges nothing itself beyond
 * "no call may hang": the kernel's own checks do (KASAN, lockdep, UBSAN, kmemleak, …), and
 * the runner fails on any splat.
 *
 *   fuzz SECONDS SEED
 *
 * Each child process has a seed of its own, made from SEED and its number. Every other one
 * makes the same sequence of calls whenever the seed is the same, although not at the same
 * moments; the rest let themselves be guided by what they reach (guide.c), if the kernel
 * can tell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/watch_queue_dev.h>

#include "fuzz.h"

#define PROCESSES	4

/* A child with a copy of all descriptors, which it loses by exiting or by being killed. */
static void do_fork(struct state *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		s->rng ^= 0x5555;
		do_files(s);
		do_map(s);
		do_add(s);
		if (below(s, 2))
			pause();
		_exit(0);
	}
	if (pid > 0) {
		usleep(below(s, 300));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void step(struct state *s)
{
	if (!below(s, 200))
		do_fork(s);
	else
		often[below(s, nr_often)](s);
	s->calls++;
}

static void *poster(void *arg)
{
	struct state s = *(struct state *)arg;

	s.rng ^= 0xaaaa;
	for (;;) {
		do_files(&s);
		pthread_testcancel();
	}
	return NULL;
}

/* One process: its own sequence, with a second thread that keeps posting meanwhile. */
static int child(int nr, uint64_t seed, time_t end)
{
	struct state s = { .rng = seed * 1000 + nr };
	pthread_t thread;
	int i, guided = nr % 2 && guide_open();

	for (i = 0; i < NQUEUES; i++)
		s.fd[i] = -1;
	snprintf(s.dir, sizeof(s.dir), "/tmp/fuzz%d", nr % 2);
	mkdir(s.dir, 0700);
	if (pthread_create(&thread, NULL, poster, &s))
		return 1;
	while (time(NULL) < end) {
		/* A call that hangs for this long is a bug. */
		alarm(60);
		for (i = 0; !guided && i < SEQUENCE; i++)
			step(&s);
		if (guided)
			guide_round(&s, step);
	}
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	printf("# process %d: %llu steps", nr, (unsigned long long)s.calls);
	if (guided)
		printf(", %u places of the module reached", guide_reached());
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed;
	time_t end;
	int i, failed = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: fuzz SECONDS SEED\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	end = time(NULL) + atoi(argv[1]);
	seed = strtoull(argv[2], NULL, 0);
	printf("TAP version 13\n1..1\n# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0)
			exit(child(i, seed, end));
	}
	while (i--) {
		int status;

		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
			printf("# a process ended with status %#x\n", status);
			failed = 1;
		}
	}
	printf("%s 1 fuzz\n", failed ? "not ok" : "ok");
	return failed;
}
