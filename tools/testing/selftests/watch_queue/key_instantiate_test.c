// SPDX-License-Identifier: GPL-2.0
/*
 * The KEY source, INSTANTIATED: a queue watches a key while it is being constructed. The
 * kernel asks /sbin/request-key to construct it, and that is this very program, which tells
 * the test the key's number and waits to be told what to do.
 */
#include <linux/keyctl.h>
#include <limits.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define HELPER	"/sbin/request-key"
#define UP	"/tmp/wq-request-key.up"	/* the number of the key */
#define DOWN	"/tmp/wq-request-key.down"	/* 0, or the error to reject it with */

static bool tell(const char *fifo, int number)
{
	int fd = open(fifo, O_WRONLY);
	bool good = write(fd, &number, sizeof(number)) == sizeof(number);

	close(fd);
	return good;
}

static int hear(const char *fifo)
{
	int fd = open(fifo, O_RDONLY), number = -1;

	if (read(fd, &number, sizeof(number)) != sizeof(number))
		number = -1;
	close(fd);
	return number;
}

/* Runs before main(), and instead of it when the kernel calls: request-key create KEY ... */
__attribute__((constructor)) static void construct(int argc, char **argv)
{
	int key, error;

	if (argc < 3 || strcmp(argv[0], HELPER))
		return;
	key = atoi(argv[2]);
	if (!tell(UP, key))
		_exit(1);
	error = hear(DOWN);
	if (wq_keyctl(KEYCTL_ASSUME_AUTHORITY, key, 0, 0, 0) < 0)
		_exit(1);
	if (error)
		_exit(!!wq_keyctl(KEYCTL_REJECT, key, 600, error, 0));
	_exit(!!wq_keyctl(KEYCTL_INSTANTIATE, key, (unsigned long)"abc", 3, 0));
}

FIXTURE(instantiate) {
	struct wq q;
	bool ours;		/* the helper is there and is ours */
	bool probes;
};

FIXTURE_SETUP(instantiate)
{
	struct watch_queue_info info;
	char self_path[PATH_MAX];
	ssize_t len;

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	if (!(info.sources >> WATCH_TYPE_KEY_NOTIFY & 1))
		SKIP(return, "this kernel has no hook for keys");
	len = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	ASSERT_LT(0, len);
	self_path[len] = 0;
	if (symlink(self_path, HELPER))
		SKIP(return, "there is a " HELPER " already");
	self->ours = true;
	unlink(UP);
	unlink(DOWN);
	ASSERT_EQ(0, mkfifo(UP, 0600));
	ASSERT_EQ(0, mkfifo(DOWN, 0600));
	ASSERT_LT(0, wq_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
}

FIXTURE_TEARDOWN(instantiate)
{
	wq_close(&self->q);
	if (self->ours) {
		unlink(HELPER);
		unlink(UP);
		unlink(DOWN);
	}
}

static int request(void *arg)
{
	int *error = arg;
	long key = syscall(SYS_request_key, "user", "wq-constructed", "callout", 0);

	if (*error)
		CHILD_CHECK(key == -1 && errno == *error);
	else
		CHILD_CHECK(key > 0);
	return 0;
}

/* A key that gets its payload, or the given error instead, while it is watched. */
static void constructed(struct __test_metadata *_metadata, struct wq *q, int error)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_KEY_NOTIFY, .id = 1,
		.mask = WATCH_KEY_ALL_EVENTS,
	};
	struct wq_rec r;
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(request(&error));
	add.object = hear(UP);
	ASSERT_LT(0, add.object);
	EXPECT_EQ(0, wq_add(q->fd, &add));
	EXPECT_STREQ("", wq_story(q));
	ASSERT_TRUE(tell(DOWN, error));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(1, wq_next_wait(q, &r, wq_patience(5000)));
	EXPECT_EQ(WATCH_TYPE_KEY_NOTIFY, r.type);
	EXPECT_EQ(NOTIFY_KEY_INSTANTIATED, r.subtype);
	EXPECT_EQ(add.object, r.key.key_id);
	EXPECT_EQ(-error, (int)r.key.aux);
	EXPECT_EQ(1, r.id);
}

TEST_F(instantiate, positively)
{
	constructed(_metadata, &self->q, 0);
}

TEST_F(instantiate, negatively)
{
	constructed(_metadata, &self->q, EKEYREJECTED);
}

TEST_HARNESS_MAIN
