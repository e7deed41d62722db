// SPDX-License-Identifier: GPL-2.0
/*
 * The calls that have to do with requests for permission, for fault.c: what sets up, answers
 * and ends them, and the open of a task that has to ask. Whatever fails there, nobody stays
 * asleep, every request is counted once, and what could not be asked is decided by the policy.
 */
#include <signal.h>

#include "fault.h"

#define MINUTE	60000

static int set_policy(struct state *s)
{
	return wq_set_permission(s->q.fd, 1234, WATCH_RESPONSE_DENY);
}

static void policy_is_set(struct state *s)
{
	const char *text = wq_fdinfo(s->q.fd);

	if (!strstr(text, "permission: timeout-ms:1234 unanswered:deny "))
		fail("SET_PERMISSION has succeeded without effect: %s", text);
}

static bool can_ask(struct state *s)
{
	return ready(s) && wq_set_permission(s->q.fd, MINUTE, WATCH_RESPONSE_DENY) == 0;
}

static bool ask_about_object(struct state *s)
{
	if (!ready(s))
		return false;
	s->object = open("object", O_PATH | O_CLOEXEC);
	return s->object >= 0;
}

static int add_that_asks(struct state *s)
{
	return add_as(s, WATCH_SCOPE_OBJECT, WATCH_FS_OPEN | WATCH_FS_OPEN_PERM, 0);
}

/* A task waits for us. */
static bool asked(struct state *s)
{
	struct wq_rec r;

	if (!can_ask(s) || !wq_watch(s->q.fd, "object", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 7, 7, 0))
		return false;
	if (wq_task_begin(&s->task, WQ_OPEN, "object") != wq_ok)
		return false;
	s->request = wq_question(&s->q, &r);
	return s->request != 0;
}

static int respond(struct state *s)
{
	return wq_allow(s->q.fd, s->request);
}

/* The task has got what was said, and every request is accounted for. */
static void task_gets(struct state *s, int expected)
{
	struct watch_queue_info info;
	int result = wq_task_end(&s->task, WQ_SOON);

	if (result != expected)
		fail("the task ends with %d, not with %d", result, expected);
	if (wq_check_asked(s->q.fd) != wq_ok || wq_info(s->q.fd, 0, &info) || info.pending)
		fail("requests are miscounted: %s", wq_check_asked(s->q.fd));
}

static void task_is_allowed(struct state *s)
{
	task_gets(s, 0);
}

static int open_target(struct state *s)
{
	s->object = wq_open_target(s->q.fd, s->request);
	return s->object < 0 ? s->object : 0;
}

static void allow_task(struct state *s)
{
	int error = wq_allow(s->q.fd, s->request);

	if (error)
		fail("RESPOND: %s", strerror(-error));
	task_gets(s, 0);
}

static int remove_what_asks(struct state *s)
{
	return wq_remove_all(s->q.fd, WATCH_TYPE_FS_NOTIFY);
}

static int end_queue(struct state *s)
{
	s->no_ring = true;
	return wq_shutdown(s->q.fd);
}

static void task_is_refused(struct state *s)
{
	task_gets(s, -EPERM);
}

/* Another process that allows everything; its queue refuses what nobody answers. */
static void allow_all(int out, const char *path, unsigned int scope, unsigned int flags)
{
	struct wq q;
	struct wq_rec r;

	if (wq_open(&q, 1) != wq_ok || wq_set_permission(q.fd, MINUTE, WATCH_RESPONSE_DENY) ||
	    !wq_watch(q.fd, path, WATCH_FS_OPEN_PERM, scope, 7, 7, flags) ||
	    write(out, &q.fd, sizeof(q.fd)) != sizeof(q.fd))
		_exit(1);
	q.paths = flags & WATCH_ADD_PATH;
	while (wq_next_wait(&q, &r, MINUTE) >= 0)
		if (r.type == WATCH_TYPE_FS_NOTIFY && r.subtype == NOTIFY_FS_OPEN_PERM)
			wq_allow(q.fd, r.perm.request);
	fail("the listener's ring: %s", wq_why());
	_exit(1);
}

static bool listened_to(struct state *s, const char *path, unsigned int scope, unsigned int flags)
{
	int ends[2], fd;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	s->listener = fork();
	if (s->listener == 0)
		allow_all(ends[1], path, scope, flags);
	close(ends[1]);
	if (s->listener < 0 || read(ends[0], &fd, sizeof(fd)) != sizeof(fd))
		return false;
	close(ends[0]);
	s->q.fd = wq_take_fd(s->listener, fd);
	return s->q.fd >= 0;
}

static bool file_listened_to(struct state *s)
{
	return wq_touch("object") == wq_ok &&
	       listened_to(s, "object", WATCH_SCOPE_OBJECT, 0);
}

static bool tree_listened_to(struct state *s)
{
	mkdir("dir", 0755);
	return wq_touch("dir/object") == wq_ok &&
	       listened_to(s, "dir", WATCH_SCOPE_SUBTREE, WATCH_ADD_PATH | WATCH_ADD_FILE_HANDLE);
}

static int open_path(struct state *s, const char *path)
{
	s->object = open(path, O_RDONLY | O_CLOEXEC);
	return s->object < 0 ? -errno : 0;
}

static int open_file(struct state *s)
{
	return open_path(s, "object");
}

static int open_below(struct state *s)
{
	return open_path(s, "dir/object");
}

/*
 * What is asked needs no memory: each open that came so far was asked about and allowed by the
 * listener, none was decided by the policy, none is missing and none waits. TRAPS: A10, A11
 */
static void all_counted(struct state *s)
{
	struct watch_queue_info i;

	if (wq_check_asked(s->q.fd) != wq_ok || wq_info(s->q.fd, 0, &i) || !i.allowed ||
	    i.by_policy || i.asked != i.allowed)
		fail("%llu asked, %llu allowed, %llu by policy, %llu pending",
		     (unsigned long long)i.asked, (unsigned long long)i.allowed,
		     (unsigned long long)i.by_policy, (unsigned long long)i.pending);
	kill(s->listener, SIGKILL);
	waitpid(s->listener, NULL, 0);
}

const struct call permission_calls[] = {
	{ "SET_PERMISSION", ready, set_policy, policy_is_set, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "SET_PERMISSION once more", can_ask, set_policy, policy_is_set, .errors = { EFAULT },
	  .must_see = { EFAULT } },
	{ "ADD_WATCH that asks", ask_about_object, add_that_asks, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "RESPOND", asked, respond, task_is_allowed, .errors = { EFAULT },
	  .must_see = { EFAULT } },
	{ "OPEN_TARGET", asked, open_target, allow_task, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "REMOVE_WATCH while a request waits", asked, remove_what_asks, allow_task,
	  .errors = { EFAULT }, .must_see = { EFAULT } },
	{ "SHUTDOWN while a request waits", asked, end_queue, task_is_refused },
	{ "an open that asks", file_listened_to, open_file, all_counted,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM } },
	{ "an open that asks, with path and file handle", tree_listened_to, open_below, all_counted,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM } },
};

const unsigned int nr_permission_calls = COUNT_OF(permission_calls);
