// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that knows a tree by its records alone. It watches the subtree "top" while others
 * unpack, move, shuffle and remove whole trees in it and across its border, keeps a list of
 * what is there, and compares in the end with what a full scan finds: no name may be missing,
 * none invented, and each must be the inode that the records said.
 *
 * A record's path may be ahead of the record of a rename that happens at the same time, so
 * the consumer goes by inodes. (There are no hard links here.) What is moved in from outside
 * brings along contents of which nothing was told; those it has to look at, which is exact
 * only while nobody else is at work.
 *
 * WQ_TREE_FILES: how many files are unpacked (2000; on a debug kernel a tenth).
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define NAMES (WATCH_FS_CREATE | WATCH_FS_DELETE | WATCH_FS_MOVE)
#define ROOT "top"

/* What is known: paths below ROOT with their inodes, in no order. */
struct known {
	char *path;
	uint64_t inode;
	bool seen;		/* by the scan that compares */
};

static struct known *known;
static size_t nr_known, room_known;
static unsigned long created, deleted, moved, arrived, left;
static bool alone;		/* nobody is at work while records are read */
static char trouble[700];

static void forget_all(void)
{
	for (size_t i = 0; i < nr_known; i++)
		free(known[i].path);
	nr_known = 0;
	created = 0;
	deleted = 0;
	moved = 0;
	arrived = 0;
	left = 0;
	alone = false;
	trouble[0] = 0;
}

static struct known *find(uint64_t inode)
{
	for (size_t i = nr_known; i-- > 0;)
		if (known[i].inode == inode)
			return &known[i];
	return NULL;
}

/* Whether path is dir or below it. */
static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* Forgets an inode and what is below it. */
static void forget(uint64_t inode)
{
	struct known *k = find(inode);
	char *path = k ? strdup(k->path) : NULL;

	for (size_t i = nr_known; k && i-- > 0;) {
		if (below(known[i].path, path)) {
			free(known[i].path);
			known[i] = known[--nr_known];
		}
	}
	free(path);
}

/* The inode is at path now, and what is below it goes with it. True if it is new. */
static bool learn(const char *path, uint64_t inode)
{
	struct known *k = find(inode);
	char *old;

	if (!k) {
		if (nr_known == room_known) {
			room_known = room_known ? 2 * room_known : 1024;
			known = realloc(known, room_known * sizeof(*known));
			if (!known)
				abort();
		}
		known[nr_known++] = (struct known){ .path = strdup(path), .inode = inode };
		return true;
	}
	old = strdup(k->path);
	for (size_t i = 0; i < nr_known; i++) {
		char *new;

		if (!below(known[i].path, old))
			continue;
		if (asprintf(&new, "%s%s", path, known[i].path + strlen(old)) < 0)
			abort();
		free(known[i].path);
		known[i].path = new;
	}
	free(old);
	return false;
}

static int learn_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)flag;
	if (ftw->level)
		learn(path + sizeof(ROOT), st->st_ino);
	return 0;
}

static void move_to(const struct wq_rec *r)
{
	char full[600];

	if (!learn(r->name, r->fs.inode))
		return;
	arrived++;
	if (alone && (r->info & NOTIFY_FS_IS_DIR)) {
		snprintf(full, sizeof(full), "%s/%s", ROOT, r->name);
		nftw(full, learn_one, 32, FTW_PHYS);
	}
}

/* Goes by one record. Of a rename inside the tree, the second directly follows the first. */
static bool understand(struct wq *q, const struct wq_rec *r)
{
	struct wq_rec to;
	uint32_t before;

	if (r->type != WATCH_TYPE_FS_NOTIFY || (r->info & NOTIFY_FS_TRUNCATED)) {
		snprintf(trouble, sizeof(trouble), "record of type %u, info %08x", r->type, r->info);
		return false;
	}
	switch (r->subtype) {
	case NOTIFY_FS_CREATE:
		created++;
		learn(r->name, r->fs.inode);
		return true;
	case NOTIFY_FS_DELETE:
		deleted++;
		forget(r->fs.inode);
		return true;
	case NOTIFY_FS_MOVED_TO:
		move_to(r);
		return true;
	case NOTIFY_FS_MOVED_FROM:
		before = q->tail;
		if (wq_next(q, &to) == 1 && to.type == WATCH_TYPE_FS_NOTIFY &&
		    to.subtype == NOTIFY_FS_MOVED_TO &&
		    to.fs.rename_cookie == r->fs.rename_cookie) {
			moved++;
			move_to(&to);
			return true;
		}
		q->tail = before;
		left++;
		forget(r->fs.inode);
		return true;
	}
	snprintf(trouble, sizeof(trouble), "record of subtype %u", r->subtype);
	return false;
}

/* Follows the records until pid has ended and the ring is empty; its exit status. */
static int follow(struct wq *q, pid_t pid)
{
	int status = -1;
	bool over = false;

	for (;;) {
		struct wq_rec r;
		int got = wq_next_wait(q, &r, over ? 0 : 20);

		if (got < 0) {
			snprintf(trouble, sizeof(trouble), "%s", wq_why());
			return -1;
		}
		if (got == 1) {
			if (!understand(q, &r))
				return -1;
			continue;
		}
		if (over)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		over = waitpid(pid, &status, WNOHANG) == pid;
	}
}

static int compare_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	struct known *k;

	(void)flag;
	if (!ftw->level)
		return 0;
	k = find(st->st_ino);
	if (!k || strcmp(k->path, path + sizeof(ROOT))) {
		snprintf(trouble, sizeof(trouble), "%.300s is there, but what was told of is %.300s",
			 path, k ? k->path : "nothing");
		return 1;
	}
	k->seen = true;
	return 0;
}

static const char *compare(void)
{
	for (size_t i = 0; i < nr_known; i++)
		known[i].seen = false;
	if (nftw(ROOT, compare_one, 32, FTW_PHYS))
		return trouble[0] ? trouble : "the scan failed";
	for (size_t i = 0; i < nr_known; i++) {
		if (!known[i].seen) {
			snprintf(trouble, sizeof(trouble), "%.500s was told of, but is not there",
				 known[i].path);
			return trouble;
		}
	}
	return wq_ok;
}

FIXTURE(tree) {
	struct wq q;
};

FIXTURE_VARIANT(tree) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(tree, tmpfs) {
	.fs = "tmpfs",
};

FIXTURE_VARIANT_ADD(tree, ext4) {
	.fs = "ext4",
};

FIXTURE_VARIANT_ADD(tree, overlay) {
	.fs = "overlay",
};

FIXTURE_SETUP(tree)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", variant->fs);
	ASSERT_EQ(0, chdir("fs"));
	ASSERT_OK(wq_open(&self->q, 2048));
	self->q.paths = true;
	forget_all();
	ASSERT_EQ(0, mkdir(ROOT, 0755));
	ASSERT_EQ(0, mkdir("out", 0755));
	ASSERT_NE(0, wq_watch(self->q.fd, ROOT, NAMES, WATCH_SCOPE_SUBTREE, 1, 1, WATCH_ADD_PATH));
}

FIXTURE_TEARDOWN(tree)
{
	wq_close(&self->q);
	if (chdir("/tmp"))
		return;
	wq_tmpdir_leave();
}

static pid_t start(const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-ec", command, NULL);
		_exit(127);
	}
	return pid;
}

#define SHELL(command) do { \
	EXPECT_EQ(0, follow(&self->q, start(command))) TH_LOG("%s", trouble); \
	EXPECT_OK(compare()); \
} while (0)

static unsigned long files(void)
{
	const char *s = getenv("WQ_TREE_FILES");

	return s && atol(s) > 0 ? strtoul(s, NULL, 10) : (unsigned long)wq_scaled(2000);
}

/* Makes out/src with n files, 50 in a directory, three levels deep, and out/src.tar. */
static const char *make_archive(unsigned long n)
{
	char path[200];

	for (unsigned long i = 0; i < n; i++) {
		int fd;

		if (i % 50 == 0) {
			snprintf(path, sizeof(path),
				 "mkdir -p out/src/part%lu/module%lu/d%lu", i / 1000, i / 200, i / 50);
			if (system(path))
				return "mkdir failed";
		}
		snprintf(path, sizeof(path), "out/src/part%lu/module%lu/d%lu/file%lu.c", i / 1000,
			 i / 200, i / 50, i);
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		if (fd < 0 || write(fd, path, strlen(path)) < 0)
			return "a file could not be written";
		close(fd);
	}
	return system("tar -c -f out/src.tar -C out src") ? "tar failed" : wq_ok;
}

/* Unpacking, moving and removing a whole tree. */
TEST_F_TIMEOUT(tree, archive, 300)
{
	unsigned long n = files(), entries;

	ASSERT_OK(make_archive(n));
	SHELL(":");
	EXPECT_EQ(0, nr_known);
	alone = true;
	SHELL("tar -x -f out/src.tar -C top");
	entries = nr_known;
	EXPECT_LT(n, entries);
	EXPECT_EQ(entries, created) TH_LOG("each entry is created once");
	SHELL("mv top/src top/dst");
	SHELL("mkdir -p top/a/b/c/d/e && mv top/dst top/a/b/c/d/e/src");
	EXPECT_EQ(entries + 5, nr_known);
	EXPECT_EQ(2, moved);
	SHELL("mv top/a/b/c/d/e/src out/elsewhere");
	EXPECT_EQ(5, nr_known);
	EXPECT_EQ(1, left);
	/* What happens outside is not told, and what comes back is found as it is. */
	SHELL("rm -rf out/elsewhere/part0/module0 && mkdir out/elsewhere/more");
	SHELL("mv out/elsewhere top/a/src");
	EXPECT_EQ(1, arrived);
	entries = nr_known;
	deleted = 0;
	SHELL("rm -rf top/*");
	EXPECT_EQ(0, nr_known);
	EXPECT_EQ(entries, deleted) TH_LOG("each entry is deleted once");
}

/* Directories that are filled the moment they exist, by several at once. */
TEST_F_TIMEOUT(tree, mkdir_storm, 300)
{
	char command[400];

	snprintf(command, sizeof(command),
		 "for w in 1 2 3 4; do ( i=0; while [ $i -lt %lu ]; do d=top/w$w/a$((i %% 7))/b$i/c/d;"
		 " mkdir -p $d; : > $d/f; i=$((i + 1)); done ) & done; wait", files() / 80 + 1);
	SHELL(command);
	EXPECT_EQ(nr_known, created);
	SHELL("rm -rf top/*");
	EXPECT_EQ(0, nr_known);
}

static unsigned int rnd(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

/* A place in the tree, up to three levels deep. */
static void some_path(unsigned int *seed, char *path, size_t len)
{
	size_t n = snprintf(path, len, ROOT);

	for (unsigned int depth = 1 + rnd(seed) % 3; depth; depth--)
		n += snprintf(path + n, len - n, "/%s%u", rnd(seed) % 9 ? "n" :
			      "a name that does not fit into its dentry, because it is long",
			      rnd(seed) % 6);
}

/*
 * Works at random, with others, in the tree; moves parts of it out, and files and empty
 * directories in. Nothing is renamed over something: of what is replaced, only its name
 * would be told.
 */
static int shuffle(unsigned int seed, long steps)
{
	const unsigned int who = seed;
	char a[512], b[512], out[64];

	for (; steps > 0; steps--) {
		int fd;

		some_path(&seed, a, sizeof(a));
		some_path(&seed, b, sizeof(b));
		snprintf(out, sizeof(out), "out/%u-%ld", who, steps);
		switch (rnd(&seed) % 12) {
		case 0:
		case 1:
		case 2:
			mkdir(a, 0755);
			break;
		case 3:
		case 4:
			fd = open(a, O_WRONLY | O_CREAT, 0644);
			if (fd >= 0)
				close(fd);
			break;
		case 5:
			unlink(a);
			break;
		case 6:
			rmdir(a);
			break;
		case 7:
			rename(a, out);
			break;
		case 8:
			mkdir(out, 0755);
			syscall(SYS_renameat2, AT_FDCWD, out, AT_FDCWD, a, RENAME_NOREPLACE);
			break;
		default:
			syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
			break;
		}
	}
	return 0;
}

/* Several who create, remove and rename at random, across the border too. */
TEST_F_TIMEOUT(tree, shuffle, 300)
{
	long steps = files() * 5;
	pid_t pid = fork();

	if (pid == 0) {
		for (unsigned int i = 1; i <= 4; i++)
			if (fork() == 0)
				_exit(shuffle(i * 7919, steps / 4));
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	EXPECT_EQ(0, follow(&self->q, pid)) TH_LOG("%s", trouble);
	EXPECT_LT(steps / 100, moved);
	EXPECT_LT(steps / 1000, left);
	EXPECT_LT(steps / 1000, arrived);
	EXPECT_OK(compare());
	EXPECT_OK(wq_check_sums(self->q.fd));
}

TEST_HARNESS_MAIN
