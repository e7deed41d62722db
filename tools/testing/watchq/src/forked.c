// SPDX-License-Identifier: GPL-2.0
/*
 * forked DIRECTORY: what a child of fork() can do with a queue of libwq, and that its parent goes on. One
 * line for each part; a part that is killed says by which signal. Used by cases/fork.sh.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <watch_queue/wq.h>

static const char *directory;

static int count(void *ctx, const struct watch_notification *record)
{
	if (wq_fs(record) && wq_subtype(record) == NOTIFY_FS_CREATE)
		++*(int *)ctx;
	return 0;
}

static void make(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	close(open(path, O_CREAT | O_WRONLY, 0644));
}

/* What each part returns is printed. */
static int polls(struct wq *wq) { return wq_poll(wq, 100); }
static int consumes(struct wq *wq) { return wq_consume(wq); }
static int resyncs(struct wq *wq) { return wq_resync(wq); }

static int walks(struct wq *wq)
{
	return wq_next(wq) ? 1 : wq->error;
}

static int asks(struct wq *wq)
{
	struct watch_queue_info info;

	return wq_info(wq, 0, &info);
}

static int closes(struct wq *wq)
{
	int fd = wq_fd(wq);

	wq_close(wq);
	return fcntl(fd, F_GETFD);
}

static void in_child(const char *name, int (*part)(struct wq *), struct wq *wq)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int rc = part(wq);

		_exit(rc < 0 ? -rc : rc);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", name, WTERMSIG(status));
	else
		printf("%s: %s\n", name, WEXITSTATUS(status) == ECHILD ? "ECHILD" :
		       WEXITSTATUS(status) ? "another result" : "0");
}

int main(int argc, char **argv)
{
	int creates = 0;
	struct wq_opts opts = { .sz = sizeof(opts), .fn = count, .ctx = &creates };
	const struct watch_notification *first;
	struct wq *wq;

	setbuf(stdout, NULL);
	directory = argc > 1 ? argv[1] : ".";
	if (wq_open(&wq, &opts) ||
	    wq_add(wq, directory, WATCH_SCOPE_CHILDREN, WATCH_FS_CREATE, 1, NULL))
		return 1;
	make("one");
	make("two");
	/* The parent is in the middle of what it has found. */
	first = wq_next(wq);
	if (!first || count(&creates, first))
		return 1;
	in_child("walk", walks, wq);
	in_child("poll", polls, wq);
	in_child("consume", consumes, wq);
	in_child("resync", resyncs, wq);
	in_child("info", asks, wq);
	in_child("close", closes, wq);
	make("three");
	while (wq_poll(wq, 100) > 0)
		;
	printf("the parent: %d creates\n", creates);
	wq_close(wq);
	return 0;
}
