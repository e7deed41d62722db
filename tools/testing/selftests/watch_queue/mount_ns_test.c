// SPDX-License-Identifier: GPL-2.0
/*
 * MOUNT and namespaces: one's own, another by its descriptor, what propagates between them,
 * their ends, and which user may watch which.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define BIT(subtype)	(1ULL << NOTIFY_MOUNT_##subtype)
#define TOPOLOGY	(BIT(NEW_MOUNT) | BIT(UNMOUNT) | BIT(MOVE_FROM) | BIT(MOVE_TO))

/* Adds a watch on a mount namespace: its descriptor, or -1 for one's own. */
static int add(int queue, int ns, uint64_t mask)
{
	return wq_add_to(queue, WATCH_TYPE_MOUNT_NOTIFY, ns, mask, 0, 0, NULL);
}

#define STORY(text) EXPECT_STREQ(wq_mount_text(text), wq_story(&self->q))

FIXTURE(mount_ns) {
	struct wq q;
};

/* "top" is a tmpfs with folders a, b and c, and the current one. */
FIXTURE_SETUP(mount_ns)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("top", 0755));
	ASSERT_EQ(0, wq_tmpfs("top"));
	ASSERT_EQ(0, chdir("top"));
	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("b", 0755));
	ASSERT_EQ(0, mkdir("c", 0755));
	ASSERT_TRUE(wq_name_mount(".", "top"));
	ASSERT_OK(wq_open(&self->q, 4));
}

FIXTURE_TEARDOWN(mount_ns)
{
	wq_close(&self->q);
	if (chdir("/") == 0)
		umount2("top", MNT_DETACH);
	wq_tmpdir_leave();
}

/* A child in another mount namespace; it tells when it is there and waits until told. */
struct child {
	pid_t pid;
	int to[2], from[2];
	int ns;			/* descriptor of its namespace */
};

static bool child_wait(int fd)
{
	char c;

	return read(fd, &c, 1) == 1;
}

static bool child_tell(int fd)
{
	return write(fd, "x", 1) == 1;
}

/* Starts fn(child) in a new mount namespace; 0 when that is there. */
static int child_start(struct child *c, int (*fn)(struct child *))
{
	char path[64];

	if (pipe2(c->to, O_CLOEXEC) || pipe2(c->from, O_CLOEXEC))
		return -1;
	c->pid = fork();
	if (c->pid == 0) {
		if (unshare(CLONE_NEWNS) || !child_tell(c->from[1]))
			_exit(99);
		_exit(fn(c));
	}
	close(c->to[0]);
	close(c->from[1]);
	if (!child_wait(c->from[0]))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", c->pid);
	c->ns = open(path, O_RDONLY | O_CLOEXEC);
	return c->ns < 0 ? -1 : 0;
}

static int child_end(struct child *c)
{
	int status;

	child_tell(c->to[1]);
	waitpid(c->pid, &status, 0);
	close(c->to[1]);
	close(c->from[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int only_wait(struct child *c)
{
	child_wait(c->to[0]);
	return 0;
}

static int mount_there(struct child *c)
{
	CHILD_CHECK(child_wait(c->to[0]));
	CHILD_CHECK(wq_tmpfs("a") == 0);
	CHILD_CHECK(child_tell(c->from[1]));
	CHILD_CHECK(child_wait(c->to[0]));
	CHILD_CHECK(umount("a") == 0);
	CHILD_CHECK(child_tell(c->from[1]));
	CHILD_CHECK(child_wait(c->to[0]));
	return 0;
}

/* What happens elsewhere is not told, and copying the namespace is no event. */
TEST_F(mount_ns, other_namespace_is_not_ours)
{
	struct child c;

	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	ASSERT_EQ(0, child_start(&c, mount_there));
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(child_tell(c.to[1]));
		ASSERT_TRUE(child_wait(c.from[0]));
	}
	EXPECT_EQ(0, child_end(&c));
	close(c.ns);
	STORY("");
}

/* Another namespace, by its descriptor. */
TEST_F(mount_ns, by_descriptor)
{
	struct wq_rec r = {};
	struct child c;
	char story[200];
	int n = 0;

	ASSERT_EQ(0, child_start(&c, mount_there));
	if (!wq_patches_in_use()) {
		EXPECT_EQ(-EOPNOTSUPP, add(self->q.fd, c.ns, TOPOLOGY));
		kill(c.pid, SIGKILL);
		waitpid(c.pid, NULL, 0);
		return;
	}
	ASSERT_EQ(0, wq_add_to(self->q.fd, WATCH_TYPE_MOUNT_NOTIFY, c.ns, TOPOLOGY, 0, 1, NULL));
	ASSERT_EQ(0, wq_add_to(self->q.fd, WATCH_TYPE_MOUNT_NOTIFY, -1, TOPOLOGY, 0, 2, NULL));
	ASSERT_TRUE(child_tell(c.to[1]));
	ASSERT_TRUE(child_wait(c.from[0]));
	snprintf(story, sizeof(story), "%s", wq_story(&self->q));
	EXPECT_EQ(0, strncmp("new_mount+#1 ", story, 13)) TH_LOG("%s", story);
	EXPECT_EQ(NULL, strchr(story, ','));
	ASSERT_TRUE(child_tell(c.to[1]));
	ASSERT_TRUE(child_wait(c.from[0]));
	memcpy(story, "  unmount", 9);
	EXPECT_STREQ(story + 2, wq_story(&self->q));
	/* The watch does not keep the namespace, whose mounts go with it, its root first. */
	close(c.ns);
	EXPECT_EQ(0, child_end(&c));
	EXPECT_EQ(POLLIN, wq_poll(self->q.fd, wq_patience(5000)) & POLLIN);
	do {
		ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
		if (r.type == WATCH_TYPE_META)
			break;
		EXPECT_EQ(NOTIFY_MOUNT_UNMOUNT, r.subtype);
		EXPECT_EQ(1, r.id);
		EXPECT_EQ(!n, !r.mount.triggered_on_id);
		EXPECT_EQ(!n, !(r.info & WATCH_INFO_IN_SUBTREE));
	} while (++n < 1000);
	EXPECT_LE(3, n);
	EXPECT_EQ(WATCH_META_REMOVAL_NOTIFICATION, r.subtype);
	EXPECT_EQ(WATCH_REMOVAL_OBJECT_GONE, r.removal.reason);
	EXPECT_EQ(1, r.removal.cookie);
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	STORY("new_mount+#2 A on top");
}

/* What is mounted in a shared mount comes into the other namespaces that share it. */
TEST_F(mount_ns, propagation)
{
	char first[200], second[200];
	struct child c;
	struct wq there;

	if (!wq_patches_in_use())
		SKIP(return, "needs the namespace of another process");
	ASSERT_EQ(0, mount(NULL, ".", NULL, MS_SHARED, NULL));
	ASSERT_EQ(0, child_start(&c, only_wait));
	ASSERT_OK(wq_open(&there, 1));
	ASSERT_EQ(0, add(there.fd, c.ns, TOPOLOGY));
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	STORY("new_mount+ A on top");
	snprintf(first, sizeof(first), "%s", wq_story(&there));
	EXPECT_EQ(0, strncmp("new_mount+ ", first, 11)) TH_LOG("%s", first);
	/* A mount of its own, on a copy of our "top". */
	EXPECT_EQ(NULL, strstr(first, "A")) TH_LOG("%s", first);
	EXPECT_EQ(NULL, strstr(first, "top"));
	ASSERT_EQ(0, umount("a"));
	STORY("unmount+ A on top");
	snprintf(second, sizeof(second), "new_%s", wq_story(&there));
	memcpy(second + 4, "mount+ ", 7);
	memmove(second + 11, second + 13, strlen(second + 13) + 1);
	EXPECT_STREQ(first, second);
	wq_close(&there);
	close(c.ns);
	EXPECT_EQ(0, child_end(&c));
}

static int enter_and_watch(void *arg)
{
	struct child *c = arg;
	struct wq q;

	/* -1 means the namespace one is in, also after setns(). */
	CHILD_CHECK(setns(c->ns, CLONE_NEWNS) == 0);
	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(add(q.fd, -1, TOPOLOGY) == 0);
	CHILD_CHECK(child_tell(c->to[1]));
	CHILD_CHECK(child_wait(c->from[0]));
	CHILD_CHECK(!strncmp(wq_story(&q), "new_mount+ ", 11));
	if (wq_patches_in_use()) {
		/* The same namespace by its descriptor is the same object. */
		CHILD_CHECK(add(q.fd, c->ns, TOPOLOGY) == -EEXIST);
	}
	return 0;
}

TEST_F(mount_ns, setns)
{
	struct child c;

	ASSERT_EQ(0, child_start(&c, mount_there));
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	EXPECT_EQ(0, wq_child(enter_and_watch, &c));
	ASSERT_TRUE(child_tell(c.to[1]));
	ASSERT_TRUE(child_wait(c.from[0]));
	EXPECT_EQ(0, child_end(&c));
	close(c.ns);
	STORY("");
}

/* The new root changes places with the old one, which goes where it was told to. */
static int pivot(struct child *c)
{
	struct wq_rec r[4];
	uint64_t here, new, old;
	bool told = wq_patches_in_use();
	struct wq q;

	CHILD_CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHILD_CHECK(wq_tmpfs("a") == 0);
	CHILD_CHECK(mkdir("a/old", 0755) == 0);
	here = wq_mount_id(".");
	new = wq_mount_id("a");
	old = wq_mount_id("/");
	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(add(q.fd, -1, TOPOLOGY) == 0);
	CHILD_CHECK(syscall(SYS_pivot_root, "a", "a/old") == 0);
	for (int i = 0; i < 4; i++) {
		CHILD_CHECK(wq_next(&q, &r[i]) == 1);
		CHILD_CHECK(r[i].type == WATCH_TYPE_MOUNT_NOTIFY);
		CHILD_CHECK(r[i].subtype == (i & 1 ? NOTIFY_MOUNT_MOVE_TO : NOTIFY_MOUNT_MOVE_FROM));
		CHILD_CHECK(r[i].mount.changed_mount_id == (i < 2 ? old : new));
	}
	CHILD_CHECK(wq_next(&q, &r[0]) == 0);
	CHILD_CHECK(r[0].mount.triggered_on_id == r[3].mount.triggered_on_id);
	CHILD_CHECK(r[1].mount.triggered_on_id == (told ? new : 0));
	CHILD_CHECK(r[2].mount.triggered_on_id == (told ? here : 0));
	return only_wait(c);
}

TEST_F(mount_ns, pivot_root)
{
	struct child c;

	ASSERT_EQ(0, child_start(&c, pivot));
	close(c.ns);
	EXPECT_EQ(0, child_end(&c));
}

struct rights {
	int queue;		/* opened by root outside */
	int outside;		/* the namespace of root */
};

/* As a user without rights, the administrator of what he makes himself only. */
static int unprivileged(void *arg)
{
	struct rights *r = arg;
	struct wq before, q;

	CHILD_CHECK(wq_open(&before, 1) == wq_ok);
	CHILD_CHECK(add(before.fd, -1, TOPOLOGY) == -EPERM);
	/* Having root's queue does not make one root. */
	CHILD_CHECK(add(r->queue, -1, TOPOLOGY) == -EPERM);
	CHILD_CHECK(wq_become_root_inside() == 0);
	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(add(q.fd, -1, TOPOLOGY) == 0);
	/* root outside may as well, and so may his queue; and nobody his own, older one. */
	CHILD_CHECK(add(r->queue, -1, TOPOLOGY) == 0);
	CHILD_CHECK(add(before.fd, -1, TOPOLOGY) == 0);
	if (wq_patches_in_use())
		CHILD_CHECK(add(q.fd, r->outside, TOPOLOGY) == -EPERM);
	CHILD_CHECK(wq_tmpfs("/tmp") == 0);
	CHILD_CHECK(wq_name_mount("/tmp", "T"));
	CHILD_CHECK(!strncmp(wq_story(&q), "new_mount+ T on ", 16));
	CHILD_CHECK(!strncmp(wq_story(&before), "new_mount+ T on ", 16));
	CHILD_CHECK(umount("/tmp") == 0);
	CHILD_CHECK(!strncmp(wq_story(&q), "unmount+ T on ", 14));
	return 0;
}

TEST_F(mount_ns, rights)
{
	struct rights r = { .queue = self->q.fd };

	r.outside = open("/proc/self/ns/mnt", O_RDONLY);
	ASSERT_LE(0, r.outside);
	EXPECT_EQ(0, wq_child_nobody(unprivileged, &r));
	close(r.outside);
}

TEST_HARNESS_MAIN
