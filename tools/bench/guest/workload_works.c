// SPDX-License-Identifier: GPL-2.0
/*
 * What programs do to a tree: tar unpacks, git checks out, npm installs, services write logs, a compiler
 * reads headers and writes objects. The system calls are theirs, in their order, and nothing else.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "workload.h"

#define SIDE	20	/* directories in the root, and in each of them */
#define SOURCES	1000	/* files in them, for checkout */

static char content[8192];

static void path_of(char *path, const char *format, const char *root, unsigned int a, unsigned int b)
{
	snprintf(path, PATH_MAX, format, root, a, b);
}

static void directory(const char *path)
{
	if (mkdir(path, 0755))
		die("%s", path);
}

void workload_tree(const char *root)
{
	char path[PATH_MAX];

	directory(root);
	for (unsigned int i = 0; i < SIDE; i++) {
		path_of(path, "%s/dir-%02u", root, i, 0);
		directory(path);
		for (unsigned int k = 0; k < SIDE; k++) {
			path_of(path, "%s/dir-%02u/sub-%02u", root, i, k);
			directory(path);
		}
	}
}

static int make(const char *path, int flags, size_t length)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | flags, 0644);

	if (fd < 0 || write(fd, content, length) != (ssize_t)length)
		die("%s", path);
	return fd;
}

void workload_file(const char *path, size_t length)
{
	close(make(path, O_TRUNC, length));
}

static void nothing(const char *root)
{
	(void)root;
}

/* 150 directories with ten files each, times and modes set as tar -x does. */
static void untar(const char *root)
{
	static const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char path[PATH_MAX];

	path_of(path, "%s/new", root, 0, 0);
	directory(path);
	for (unsigned int d = 0; d < 150; d++) {
		path_of(path, "%s/new/%03u", root, d, 0);
		directory(path);
		for (unsigned int i = 0; i < 10; i++) {
			int fd;

			path_of(path, "%s/new/%03u/file-%u.c", root, d, i);
			fd = make(path, O_EXCL, 4096);
			if (futimens(fd, times) || fchmod(fd, 0640))
				die("%s", path);
			close(fd);
		}
		path_of(path, "%s/new/%03u", root, d, 0);
		if (utimensat(AT_FDCWD, path, times, 0) || chmod(path, 0750))
			die("%s", path);
	}
}

static void source_of(char *path, const char *root, unsigned int i)
{
	snprintf(path, PATH_MAX, "%s/dir-%02u/sub-%02u/source-%u.c", root, i % SIDE, i / SIDE % SIDE,
		 i / (SIDE * SIDE));
}

static void sources(const char *root)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < SOURCES; i++) {
		source_of(path, root, i);
		workload_file(path, 4096);
	}
}

/* 1000 files are replaced, then the index. */
static void checkout(const char *root)
{
	char path[PATH_MAX], index[PATH_MAX];
	struct stat st;

	for (unsigned int i = 0; i < SOURCES; i++) {
		int fd;

		source_of(path, root, i);
		if (unlink(path))
			die("%s", path);
		fd = make(path, O_EXCL, 4096);
		fstat(fd, &st);
		close(fd);
	}
	path_of(path, "%s/index.lock", root, 0, 0);
	path_of(index, "%s/index", root, 0, 0);
	workload_file(path, sizeof(content));
	if (rename(path, index))
		die("%s", path);
}

/* 200 packages are unpacked under another name, renamed to their own, and linked. */
static void install(const char *root)
{
	char path[PATH_MAX], other[PATH_MAX];

	path_of(path, "%s/node_modules", root, 0, 0);
	directory(path);
	path_of(path, "%s/node_modules/.bin", root, 0, 0);
	directory(path);
	for (unsigned int p = 0; p < 200; p++) {
		path_of(path, "%s/node_modules/.tmp-%03u", root, p, 0);
		directory(path);
		path_of(other, "%s/node_modules/.tmp-%03u/lib", root, p, 0);
		directory(other);
		path_of(other, "%s/node_modules/.tmp-%03u/package.json", root, p, 0);
		workload_file(other, 800);
		for (unsigned int i = 0; i < 6; i++) {
			path_of(other, "%s/node_modules/.tmp-%03u/lib/module-%u.js", root, p, i);
			workload_file(other, 2000);
		}
		path_of(other, "%s/node_modules/package-%03u", root, p, 0);
		if (rename(path, other))
			die("%s", path);
		path_of(path, "%s/node_modules/.bin/package-%03u", root, p, 0);
		if (symlink("../package/lib/module-0.js", path))
			die("%s", path);
	}
}

/* Eight services append 10 000 lines of 200 bytes in turn. */
static void logs(const char *root)
{
	char path[PATH_MAX];
	int fds[8];

	for (unsigned int i = 0; i < 8; i++) {
		path_of(path, "%s/dir-%02u/sub-%02u/app.log", root, i, i);
		fds[i] = make(path, O_APPEND, 1);
	}
	for (unsigned int i = 0; i < 10000; i++)
		if (write(fds[i % 8], content, 200) != 200)
			die("write");
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
}

static void headers(const char *root)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < SIDE; i++) {
		path_of(path, "%s/dir-00/sub-%02u/header.h", root, i, 0);
		workload_file(path, 2000);
	}
}

/* 150 times thirty headers are read and an object is written. */
static void build(const char *root)
{
	static char in[4096];
	char path[PATH_MAX];

	for (unsigned int c = 0; c < 150; c++) {
		for (unsigned int i = 0; i < 30; i++) {
			int fd;

			path_of(path, "%s/dir-00/sub-%02u/header.h", root, (c * 7 + i) % SIDE, 0);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0 || read(fd, in, sizeof(in)) != 2000)
				die("%s", path);
			close(fd);
		}
		path_of(path, "%s/dir-01/sub-%02u/object-%u.o", root, c % SIDE, c);
		workload_file(path, 4096);
	}
}

const struct workload workloads[] = {
	{ "untar", nothing, untar },
	{ "checkout", sources, checkout },
	{ "install", nothing, install },
	{ "logs", nothing, logs },
	{ "build", headers, build },
	{ NULL, NULL, NULL }
};
