// SPDX-License-Identifier: GPL-2.0
/*
 * What one user's CPU costs another's. Needs three CPUs, which QEMU lets run by turns, a part of a
 * timer's period each: on the first is what is measured, on the second the neighbour, and on the third a
 * clock whose period is so short that the turns are. All of them are counted, so a figure is compared
 * with the same beside a neighbour who only burns time.
 *
 * The neighbour remounts in a namespace of its own that all its queues watch, while the measured task
 * looks up paths; or it adds and removes a watch of a directory of 50 000 files, while the measured
 * task adds a watch to a file of the same file system and deletes it, with inotify and with this module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "neighbours.h"

#define FILES	50000
#define PERIOD	20000	/* of the clock, in nanoseconds */
#define ROUNDS	1024
#define STATS	8000

static struct shared *shared;

static void on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: are there three CPUs");
}

static void real_time(void)
{
	const struct sched_param param = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
}

static void tick_for_ever(unsigned int unused)
{
	const struct timespec period = { .tv_nsec = PERIOD };

	(void)unused;
	on_cpu(2);
	real_time();
	shared->ready = 1;
	for (;;)
		nanosleep(&period, NULL);
}

static void burn(unsigned int unused)
{
	(void)unused;
	on_cpu(1);
	shared->ready = 1;
	for (;;)
		__asm__ __volatile__("" : : : "memory");
}

static void remounter(unsigned int queues)
{
	on_cpu(1);
	own_namespaces();
	for (unsigned int i = 0; i < queues; i++)
		watch_mounts(small_queue());
	shared->ready = 1;
	for (;;)
		remount();
}

static void toggler(unsigned int with_inotify)
{
	struct wq *wq = NULL;
	int fd = -1;

	on_cpu(1);
	if (setgid(STRANGER) || setuid(STRANGER))
		die("setuid");
	if (with_inotify)
		fd = inotify_init1(0);
	else
		wq = small_queue();
	shared->ready = 1;
	for (;;) {
		uint64_t handle;
		int wd;

		if (with_inotify) {
			wd = inotify_add_watch(fd, "big", IN_MODIFY);
			if (wd < 0 || inotify_rm_watch(fd, wd))
				die("inotify");
			continue;
		}
		errno = -wq_add(wq, "big", WATCH_SCOPE_CHILDREN, WATCH_FS_MODIFY, 1, &handle);
		if (errno || wq_remove(wq, handle))
			die("toggling");
		while (wq_next(wq))
			;
		wq_advance(wq);
	}
}

static pid_t begin(void (*run)(unsigned int), unsigned int n)
{
	pid_t child;

	shared->ready = 0;
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		run(n);
		_exit(1);
	}
	await(shared, child);
	return child;
}

static void end(pid_t child)
{
	if (kill(child, SIGKILL) || waitpid(child, NULL, 0) != child)
		die("kill");
	usleep(300000);
}

static void look_up(const char *beside, void (*neighbour)(unsigned int), unsigned int n)
{
	pid_t child = begin(neighbour, n), clock = begin(tick_for_ever, 0);
	uint64_t start = ticks();
	struct stat st;

	for (unsigned int i = 0; i < STATS; i++)
		if (stat("x/y/z", &st))
			die("stat");
	report_once((double)(ticks() - start) / STATS, "beside.stat.%s.whole", beside);
	end(clock);
	end(child);
}

static void add_and_unlink(const char *beside, bool with_inotify, void (*neighbour)(unsigned int))
{
	pid_t child = begin(neighbour, with_inotify), clock = begin(tick_for_ever, 0);
	const char *who = with_inotify ? "inotify" : "watch_queue";
	uint64_t add = 0, unlinked = 0;
	char buffer[4096] __attribute__((aligned(8)));
	struct wq *wq = NULL;
	int fd = -1;

	if (with_inotify)
		fd = inotify_init1(IN_NONBLOCK);
	else
		wq = small_queue();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t start;
		bool failed;

		close(open("small/file", O_CREAT | O_WRONLY, 0644));
		start = ticks();
		if (with_inotify)
			failed = inotify_add_watch(fd, "small/file", IN_MODIFY) < 0;
		else
			failed = wq_add(wq, "small/file", WATCH_SCOPE_OBJECT, WATCH_FS_MODIFY, 1, NULL);
		if (failed)
			die("adding");
		add += ticks() - start - ticks_cost;
		start = ticks();
		if (unlink("small/file"))
			die("unlink");
		unlinked += ticks() - start - ticks_cost;
		if (with_inotify) {
			while (read(fd, buffer, sizeof(buffer)) > 0)
				;
			continue;
		}
		while (wq_next(wq))
			;
		wq_advance(wq);
	}
	report_once((double)add / ROUNDS, "beside.add.%s.%s", who, beside);
	report_once((double)unlinked / ROUNDS, "beside.unlink.%s.%s", who, beside);
	if (with_inotify)
		close(fd);
	else
		wq_close(wq);
	end(clock);
	end(child);
}

void set_beside(bool quick)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char name[32];

	(void)quick;
	shared = share_memory();
	if (setrlimit(RLIMIT_MEMLOCK, &all))
		die("setrlimit");
	if (mkdir("beside", 0755) || mount("beside", "beside", "tmpfs", 0, "nr_inodes=0,mode=755") ||
	    chdir("beside"))
		die("beside");
	if (mkdir("big", 0755) || mkdir("small", 0755) || mkdir("x", 0755) || mkdir("x/y", 0755) ||
	    mkdir("x/y/z", 0755))
		die("mkdir");
	for (unsigned int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "big/%u", i);
		if (mknod(name, S_IFREG | 0644, 0))
			die("%s", name);
	}
	on_cpu(0);
	look_up("burn", burn, 0);
	look_up("remount-0", remounter, 0);
	look_up("remount-1", remounter, 1);
	look_up("remount-all", remounter, queue_limit());
	for (int with_inotify = 0; with_inotify < 2; with_inotify++) {
		add_and_unlink("burn", with_inotify, burn);
		add_and_unlink("toggle", with_inotify, toggler);
	}
	if (chdir("..") || umount2("beside", MNT_DETACH))
		die("beside");
}
