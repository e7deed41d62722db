// SPDX-License-Identifier: GPL-2.0
/* What the sets "neighbours" and "beside" share: users, namespaces, and waiting for a child. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "neighbours.h"

unsigned int queue_limit(void)
{
	const char *limit = getenv("DEFAULT_QUEUES");

	if (!limit)
		die("DEFAULT_QUEUES is not set");
	return strtoul(limit, NULL, 10);
}

struct wq *small_queue(void)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = 1 };
	struct wq *wq;

	errno = -wq_open(&wq, &opts);
	if (errno)
		die("/dev/watch_queue");
	return wq;
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s", file);
	close(fd);
}

void own_namespaces(void)
{
	char map[32];

	if (setgid(STRANGER) || setuid(STRANGER) || prctl(PR_SET_DUMPABLE, 1) ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNS))
		die("namespaces");
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", STRANGER);
	put("/proc/self/uid_map", map);
	put("/proc/self/gid_map", map);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("own", "/mnt", "tmpfs", 0, NULL))
		die("mount");
}

void watch_mounts(struct wq *wq)
{
	struct watch_queue_add add = {
		.type = WATCH_TYPE_MOUNT_NOTIFY,
		.object = -1,
		.mask = WATCH_MOUNT_ALL_EVENTS,
	};

	errno = -wq_add_watch(wq, &add);
	if (errno)
		die("ADD_WATCH of mounts");
}

void remount(void)
{
	static bool noexec;

	noexec = !noexec;
	if (mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_BIND | (noexec ? MS_NOEXEC : 0), NULL))
		die("remount");
}

struct shared *share_memory(void)
{
	struct shared *shared;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		die("mmap");
	return shared;
}

void await(struct shared *shared, pid_t child)
{
	int status;

	while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE)) {
		if (waitpid(child, &status, WNOHANG) == child) {
			fprintf(stderr, "bench: a neighbour has ended: %x\n", status);
			exit(1);
		}
		usleep(1000);
	}
}
