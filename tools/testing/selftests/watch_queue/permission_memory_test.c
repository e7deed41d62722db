// SPDX-License-Identifier: GPL-2.0
/*
 * A question needs no memory of the task that is asked: from a memory cgroup of its own that is
 * full, a task is asked as from any other. The listener refuses; the queue's policy would allow.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/wq_full"
#define HOME	ROOT "/cgroup.procs"
#define FILES	700

FIXTURE(memory) {
	struct wq q;
	pthread_t thread;
	bool began;
};

/* Refuses whatever it is asked. */
static void *refuse(void *arg)
{
	struct wq *q = arg;
	struct wq_rec r;

	for (;;)
		if (wq_next_wait(q, &r, 1000) == 1 && r.type == WATCH_TYPE_FS_NOTIFY)
			wq_deny(q->fd, r.perm.request, EACCES);
	return NULL;
}

FIXTURE_SETUP(memory)
{
	WQ_NEED_PERMISSION();
	if (!wq_put(ROOT "/cgroup.subtree_control", "+memory"))
		SKIP(return, "no memory controller in " ROOT);
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_TRUE(!mkdir(GROUP, 0755) || errno == EEXIST);
	ASSERT_OK(wq_open(&self->q, 1));
}

FIXTURE_TEARDOWN(memory)
{
	if (self->began) {
		pthread_cancel(self->thread);
		pthread_join(self->thread, NULL);
	}
	wq_close(&self->q);
	rmdir(GROUP);
	wq_tmpdir_leave();
}

/* What the child found, in memory that it shares with its parent, by vfork(). */
struct found {
	int result, error, files, messages;
};

/*
 * In the child of a vfork(), which the OOM killer leaves alone: fills the group with open files, then
 * with small messages, and gives back what one open file takes.
 */
static void open_in_full_group(struct found *f, int group, int queue, int *fds)
{
	struct { long type; char c; } m = { 1, 0 };

	if (write(group, "0", 1) != 1) {
		f->error = errno;
		return;
	}
	while (f->files < FILES && (fds[f->files] = open("/dev/null", O_RDONLY)) >= 0)
		f->files++;
	while (msgsnd(queue, &m, 1, IPC_NOWAIT) == 0)
		f->messages++;
	close(fds[--f->files]);
	f->result = open("file", O_RDONLY);
	f->error = errno;
}

static void read_in_full_group(struct found *f, int group, int fd)
{
	char byte;

	if (write(group, "0", 1) != 1) {
		f->error = errno;
		return;
	}
	f->result = read(fd, &byte, 1);
	f->error = errno;
}

/* One CPU, so that what it keeps for itself does not come from elsewhere. */
static void stay_here(void)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
}

/* In a process of its own: the listener's is not asked. */
static int attempt(void *arg)
{
	static volatile struct found found = { .result = -1 };
	bool reads = *(bool *)arg;
	int group = open(GROUP "/cgroup.procs", O_WRONLY);
	int queue = msgget(IPC_PRIVATE, 0600), fds[FILES], fd = -1;
	pid_t pid;

	CHILD_CHECK(group >= 0 && queue >= 0);
	if (reads) {
		fd = open("file", O_RDONLY);
		CHILD_CHECK(fd >= 0);
	}
	/* The table of descriptors is long enough. */
	CHILD_CHECK(dup2(group, FILES + 100) > 0);
	close(FILES + 100);
	stay_here();
	pid = vfork();
	if (pid == 0) {
		if (reads)
			read_in_full_group((struct found *)&found, group, fd);
		else
			open_in_full_group((struct found *)&found, group, queue, fds);
		_exit(0);
	}
	CHILD_CHECK(waitpid(pid, NULL, 0) == pid);
	msgctl(queue, IPC_RMID, NULL);
	printf("# %d files and %d messages; result %d, errno %d\n", found.files, found.messages,
	       found.result, found.error);
	CHILD_CHECK(found.result < 0);
	CHILD_CHECK(found.error == EACCES);
	return 0;
}

#define LISTEN(event) do { \
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW)); \
	ASSERT_NE(0, wq_watch(self->q.fd, "file", event, WATCH_SCOPE_OBJECT, 5, 1, 0)); \
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, refuse, &self->q)); \
	self->began = true; \
} while (0)

TEST_F_TIMEOUT(memory, who_reads_in_a_full_group_is_asked, 120)
{
	bool reads = true;
	int r;

	if (!wq_put(GROUP "/memory.max", "0"))
		SKIP(return, "no limit of memory: %m");
	LISTEN(WATCH_FS_ACCESS_PERM);
	r = wq_child(attempt, &reads);
	EXPECT_EQ(0, r);
}

TEST_F_TIMEOUT(memory, who_opens_in_a_full_group_is_asked, 120)
{
	bool reads = false;
	int r;

	if (!wq_put(GROUP "/memory.max", "131072"))
		SKIP(return, "no limit of memory: %m");
	LISTEN(WATCH_FS_OPEN_PERM);
	r = wq_child(attempt, &reads);
	EXPECT_EQ(0, r);
}

TEST_HARNESS_MAIN
