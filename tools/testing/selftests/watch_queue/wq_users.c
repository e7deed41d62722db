// SPDX-License-Identifier: GPL-2.0
/* Users in user namespaces; see wq_users.h. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "wq_test.h"
#include "wq_users.h"

#define QUEUES 64

enum what { OPEN, CLOSE, SIZE, WATCH, REMOVE_ALL };

struct request {
	enum what what;
	int queue, n;
};

/* Makes the namespace, and lives until the socket is closed. */
static void make_ns(int sock, uid_t owner, long memlock_pages)
{
	struct rlimit limit;
	char c;

	if (memlock_pages >= 0) {
		limit.rlim_cur = memlock_pages * wq_page();
		limit.rlim_max = limit.rlim_cur;
		if (setrlimit(RLIMIT_MEMLOCK, &limit))
			_exit(1);
	}
	if (setresgid(owner, owner, owner) || setresuid(owner, owner, owner) ||
	    unshare(CLONE_NEWUSER))
		_exit(1);
	/* Else the map is not root's to write. */
	prctl(PR_SET_DUMPABLE, 1);
	if (write(sock, "x", 1) != 1 || read(sock, &c, 1) < 0)
		_exit(1);
	_exit(0);
}

/* Enters "in", where the map has to be written from, and lets a child make the namespace. */
static void make_in(int sock, int in, uid_t owner, uid_t first, long memlock_pages)
{
	static const char *const maps[] = { "uid_map", "gid_map" };
	char path[64], map[64], c;
	int inner[2], ok;
	pid_t pid;

	if ((in >= 0 && setns(in, CLONE_NEWUSER)) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, inner))
		_exit(1);
	pid = fork();
	if (pid == 0) {
		close(inner[0]);
		make_ns(inner[1], owner, memlock_pages);
	}
	close(inner[1]);
	snprintf(map, sizeof(map), "0 %u 1\n1 %u %d\n", owner, first, in < 0 ? 99 : 9);
	ok = pid > 0 && read(inner[0], &c, 1) == 1;
	for (int i = 0; i < 2 && ok; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, maps[i]);
		ok = wq_put(path, map);
	}
	/* The descriptor is opened by root outside, while the child lives. */
	if (!ok || write(sock, &pid, sizeof(pid)) != sizeof(pid) || read(sock, &c, 1) < 0)
		pid = 0;
	close(inner[0]);
	_exit(pid ? 0 : 1);
}

int wq_user_ns(int in, uid_t owner, uid_t first, long memlock_pages)
{
	int sock[2], ns = -1;
	char path[64];
	pid_t pid, child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(sock[0]);
		make_in(sock[1], in, owner, first, memlock_pages);
	}
	close(sock[1]);
	if (pid > 0 && read(sock[0], &child, sizeof(child)) == sizeof(child)) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
		ns = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(sock[0]);
	waitpid(pid, NULL, 0);
	return ns;
}

static int answer(int fds[QUEUES], const struct request *r)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = WATCH_SCOPE_OBJECT,
		.mask = WATCH_FS_MODIFY,
	};
	int i, ends[2];

	switch (r->what) {
	case OPEN:
		for (i = 0; i < QUEUES - 1 && fds[i] >= 0; i++)
			;
		fds[i] = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);
		return fds[i] < 0 ? -errno : i;
	case CLOSE:
		i = close(fds[r->queue]) ? -errno : 0;
		fds[r->queue] = -1;
		return i;
	case SIZE:
		return wq_size(fds[r->queue], r->n);
	case WATCH:
		if (pipe2(ends, O_CLOEXEC))
			return -errno;
		add.object = ends[0];
		i = wq_add(fds[r->queue], &add);
		close(ends[0]);
		close(ends[1]);
		return i;
	default:
		return wq_remove_all(fds[r->queue], 0);
	}
}

static void act(int sock, int ns, uid_t uid)
{
	struct request r;
	int fds[QUEUES], result = 0;

	for (int i = 0; i < QUEUES; i++)
		fds[i] = -1;
	if ((ns >= 0 && setns(ns, CLONE_NEWUSER)) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		result = -errno;
	/* What the other agents keep has to end with them. */
	if (close_range(3, sock - 1, 0) || close_range(sock + 1, ~0u, 0))
		result = -errno;
	while (write(sock, &result, sizeof(result)) == sizeof(result) &&
	       read(sock, &r, sizeof(r)) == sizeof(r))
		result = answer(fds, &r);
	_exit(0);
}

static int heard(struct wq_agent *a)
{
	int result;

	return read(a->sock, &result, sizeof(result)) == sizeof(result) ? result : -EPIPE;
}

int wq_agent_begin(struct wq_agent *a, int ns, uid_t uid)
{
	int sock[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		return -1;
	a->pid = fork();
	if (a->pid == 0)
		act(sock[1], ns, uid);
	close(sock[1]);
	a->sock = sock[0];
	return a->pid < 0 || heard(a) ? -1 : 0;
}

void wq_agent_end(struct wq_agent *a)
{
	if (a->pid <= 0)
		return;
	close(a->sock);
	waitpid(a->pid, NULL, 0);
	a->pid = 0;
}

static int ask(struct wq_agent *a, enum what what, int queue, int n)
{
	struct request r = { .what = what, .queue = queue, .n = n };

	return write(a->sock, &r, sizeof(r)) == sizeof(r) ? heard(a) : -EPIPE;
}

int wq_agent_open(struct wq_agent *a)
{
	return ask(a, OPEN, 0, 0);
}

int wq_agent_close(struct wq_agent *a, int queue)
{
	return ask(a, CLOSE, queue, 0);
}

int wq_agent_size(struct wq_agent *a, int queue, int pages)
{
	return ask(a, SIZE, queue, pages);
}

int wq_agent_watch(struct wq_agent *a, int queue)
{
	return ask(a, WATCH, queue, 0);
}

int wq_agent_remove_all(struct wq_agent *a, int queue)
{
	return ask(a, REMOVE_ALL, queue, 0);
}
