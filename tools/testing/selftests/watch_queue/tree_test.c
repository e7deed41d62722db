// SPDX-License-Identifier: GPL-2.0
/*
 * Whole trees in and around a watched subtree: others unpack, move, shuffle, clone and remove
 * them. Afterwards no name may be missing, none invented, and each must be the inode that the
 * records said (wq_tree.h).
 *
 * WQ_TREE_FILES: how many files are unpacked (2000; on a debug kernel a tenth).
 */
#include <linux/fs.h>
#include <sys/syscall.h>

#include "wq_tree.h"
#include "kselftest_harness.h"

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
	wq_tree_forget();
	ASSERT_EQ(0, mkdir(WQ_TREE, 0755));
	ASSERT_EQ(0, mkdir("out", 0755));
	ASSERT_NE(0, wq_watch(self->q.fd, WQ_TREE, WQ_TREE_EVENTS, WATCH_SCOPE_SUBTREE, 1, 1,
			      WATCH_ADD_PATH));
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
	EXPECT_EQ(0, wq_tree_follow(&self->q, start(command))) TH_LOG("%s", wq_tree_why()); \
	EXPECT_OK(wq_tree_compare()); \
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
	EXPECT_EQ(0, wq_tree.known);
	wq_tree.alone = true;
	SHELL("tar -x -f out/src.tar -C top");
	entries = wq_tree.known;
	EXPECT_LT(n, entries);
	EXPECT_EQ(entries, wq_tree.created) TH_LOG("each entry is created once");
	SHELL("mv top/src top/dst");
	SHELL("mkdir -p top/a/b/c/d/e && mv top/dst top/a/b/c/d/e/src");
	EXPECT_EQ(entries + 5, wq_tree.known);
	EXPECT_EQ(2, wq_tree.moved);
	SHELL("mv top/a/b/c/d/e/src out/elsewhere");
	EXPECT_EQ(5, wq_tree.known);
	EXPECT_EQ(1, wq_tree.left);
	/* What happens outside is not told, and what comes back is found as it is. */
	SHELL("rm -rf out/elsewhere/part0/module0 && mkdir out/elsewhere/more");
	SHELL("mv out/elsewhere top/a/src");
	EXPECT_EQ(1, wq_tree.arrived);
	entries = wq_tree.known;
	wq_tree.deleted = 0;
	SHELL("rm -rf top/*");
	EXPECT_EQ(0, wq_tree.known);
	EXPECT_EQ(entries, wq_tree.deleted) TH_LOG("each entry is deleted once");
}

/*
 * The real thing: a repository is cloned into the tree, changed and packed there. It has its own
 * way of making files: under another name, then renamed over what is there. (By rename, not by
 * link: a consumer that goes by inodes knows one name of each.)
 */
TEST_F_TIMEOUT(tree, git, 300)
{
	unsigned long n = wq_scaled(500);
	char home[4096];

	if (system("git --version >/dev/null 2>&1"))
		SKIP(return, "no git here");
	ASSERT_NE(NULL, getcwd(home, sizeof(home)));
	ASSERT_EQ(0, setenv("HOME", home, 1));
	ASSERT_EQ(0, system("git config --global user.name t && git config --global user.email t@t"));
	ASSERT_EQ(0, system("git config --global core.createObject rename"));
	ASSERT_EQ(0, system("git config --global safe.directory '*'"));
	wq_tree.replaces = true;
	ASSERT_OK(make_archive(n));
	SHELL("cd out/src && git init -q 2>/dev/null && git add . && git commit -q -m first");
	EXPECT_EQ(0, wq_tree.known);
	SHELL("git clone -q -u 'git upload-pack' out/src top/clone 2>/dev/null");
	EXPECT_LT(n, wq_tree.known);
	SHELL("cd top/clone && git rm -q 'part0/module0/d0/file1*' && git commit -q -m second");
	SHELL("cd top/clone && echo x >new && git add new && git stash -q");
	SHELL("cd top/clone && git checkout -q HEAD~1 && git checkout -q -");
	SHELL("cd top/clone && git mv part0 part9 && git commit -q -m third && git gc -q");
	EXPECT_LT(0, wq_tree.moved);
	SHELL("rm -rf top/clone");
	EXPECT_EQ(0, wq_tree.known);
}

/* Directories that are filled the moment they exist, by several at once. */
TEST_F_TIMEOUT(tree, mkdir_storm, 300)
{
	char command[400];

	snprintf(command, sizeof(command),
		 "for w in 1 2 3 4; do ( i=0; while [ $i -lt %lu ]; do d=top/w$w/a$((i %% 7))/b$i/c/d;"
		 " mkdir -p $d; : > $d/f; i=$((i + 1)); done ) & done; wait", files() / 80 + 1);
	SHELL(command);
	EXPECT_EQ(wq_tree.known, wq_tree.created);
	SHELL("rm -rf top/*");
	EXPECT_EQ(0, wq_tree.known);
}

static unsigned int rnd(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

/* A place in the tree, up to three levels deep. */
static void some_path(unsigned int *seed, char *path, size_t len)
{
	size_t n = snprintf(path, len, WQ_TREE);

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

/* Several processes that create, remove and rename at random, across the border too. */
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
	EXPECT_EQ(0, wq_tree_follow(&self->q, pid)) TH_LOG("%s", wq_tree_why());
	EXPECT_LT(steps / 100, wq_tree.moved);
	EXPECT_LT(steps / 1000, wq_tree.left);
	EXPECT_LT(steps / 1000, wq_tree.arrived);
	EXPECT_OK(wq_tree_compare());
	EXPECT_OK(wq_check_sums(self->q.fd));
}

TEST_HARNESS_MAIN
