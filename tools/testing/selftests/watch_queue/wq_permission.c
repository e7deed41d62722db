// SPDX-License-Identifier: GPL-2.0
/* The helpers of wq_permission.h. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "wq_permission.h"

static char why[160];

bool wq_can_ask(void)
{
	struct watch_queue_info info;
	struct wq q;
	bool can;

	if (wq_open_only(&q) != wq_ok)
		return false;
	can = wq_info(q.fd, 0, &info) == 0 && (info.features & WATCH_FEATURE_PERMISSION);
	wq_close(&q);
	return can;
}

static int result(int r)
{
	return r < 0 ? -errno : r;
}

int wq_respond(int fd, uint64_t request, uint32_t response, uint32_t error)
{
	struct watch_queue_respond respond = {
		.size = sizeof(respond), .response = response, .request = request, .error = error,
	};

	return result(ioctl(fd, IOC_WATCH_QUEUE_RESPOND, &respond));
}

int wq_allow(int fd, uint64_t request)
{
	return wq_respond(fd, request, WATCH_RESPONSE_ALLOW, 0);
}

int wq_deny(int fd, uint64_t request, uint32_t error)
{
	return wq_respond(fd, request, WATCH_RESPONSE_DENY, error);
}

int wq_open_target(int fd, uint64_t request)
{
	struct watch_queue_open_target target = { .size = sizeof(target), .request = request };

	return result(ioctl(fd, IOC_WATCH_QUEUE_OPEN_TARGET, &target));
}

int wq_set_permission(int fd, uint32_t timeout_ms, uint32_t unanswered)
{
	struct watch_queue_permission p = {
		.size = sizeof(p), .timeout_ms = timeout_ms, .unanswered = unanswered,
	};

	return result(ioctl(fd, IOC_WATCH_QUEUE_SET_PERMISSION, &p));
}

static int do_deed(enum wq_deed deed, const char *path, int prepared)
{
	char byte;
	int fd;

	switch (deed) {
	case WQ_OPEN:
		fd = open(path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? errno : 0;
	case WQ_READ:
		return pread(prepared, &byte, 1, 0) < 0 ? errno : 0;
	case WQ_EXEC:
		execl(path, path, (char *)NULL);
		return errno;
	}
	return -1;
}

const char *wq_task_begin(struct wq_task *t, enum wq_deed deed, const char *path)
{
	int prepared = -1, ends[2];

	if (deed == WQ_READ) {
		prepared = open(path, O_RDONLY | O_CLOEXEC);
		if (prepared < 0)
			return "cannot open what is to be read";
	}
	if (pipe2(ends, O_CLOEXEC))
		return "no pipe";
	t->begun = wq_now_ms();
	t->pid = fork();
	if (t->pid == 0) {
		int e;

		/* A queue that it inherited would not end as long as it waits. */
		for (int fd = 3; fd < 64; fd++)
			if (fd != ends[1] && fd != prepared)
				close(fd);
		e = do_deed(deed, path, prepared);

		if (write(ends[1], &e, sizeof(e)) != sizeof(e))
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	close(prepared);
	t->pipe = ends[0];
	return t->pid < 0 ? "no process" : wq_ok;
}

bool wq_task_waits(struct wq_task *t, int ms)
{
	struct pollfd p = { .fd = t->pipe, .events = POLLIN };

	return poll(&p, 1, ms) == 0;
}

int wq_task_end(struct wq_task *t, int ms)
{
	bool stuck = wq_task_waits(t, ms);
	int e = 0, status, r;

	if (stuck)
		kill(t->pid, SIGKILL);
	/* Nothing is written when exec worked, or when a signal came first. */
	r = read(t->pipe, &e, sizeof(e));
	close(t->pipe);
	if (waitpid(t->pid, &status, 0) != t->pid)
		return -errno;
	if (stuck)
		return WQ_STUCK;
	if (WIFSIGNALED(status))
		return WQ_SIGNALLED;
	return r == sizeof(e) ? -e : 0;
}

int wq_take_fd(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), taken = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return taken;
}

uint64_t wq_question(struct wq *q, struct wq_rec *r)
{
	if (wq_next_wait(q, r, WQ_SOON) != 1)
		return 0;
	if (r->type != WATCH_TYPE_FS_NOTIFY || !(1ull << r->subtype & WATCH_FS_ALL_PERM))
		return 0;
	return r->perm.request;
}

int64_t wq_deadline_ms(const struct wq_rec *r)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)r->perm.deadline - (t.tv_sec * 1000000000ll + t.tv_nsec)) / 1000000;
}

const char *wq_check_asked(int fd)
{
	struct watch_queue_info i;
	uint64_t sum;

	if (wq_info(fd, 0, &i))
		return "GET_INFO fails";
	sum = i.allowed + i.denied + i.timed_out + i.by_policy + i.killed + i.pending;
	if (i.asked == sum)
		return wq_ok;
	snprintf(why, sizeof(why), "%llu asked, but %llu together",
		 (unsigned long long)i.asked, (unsigned long long)sum);
	return why;
}
