// SPDX-License-Identifier: GPL-2.0
/*
 * A tree watched by fanotify: a mark on its file system, and records with the handle of the directory and a
 * name. The directory's path is asked of the kernel once, by open_by_handle_at() and /proc/self/fd, and
 * then remembered by its handle, until some directory is renamed or deleted: that may change any of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "recursive.h"

#define BUCKETS	1024

struct known {
	struct known *next;
	unsigned int handle_length, length;
	char bytes[];			/* handle, then path below the root */
};

static struct {
	struct known *known[BUCKETS];
	char root[PATH_MAX];
	size_t length;
	int at;				/* the root, for open_by_handle_at() */
} tree;

static void forget_all(void)
{
	for (unsigned int i = 0; i < BUCKETS; i++) {
		while (tree.known[i]) {
			struct known *k = tree.known[i];

			tree.known[i] = k->next;
			free(k);
		}
	}
}

static void add_mark(struct listener *l, const char *path, struct want want)
{
	if (fanotify_mark(l->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, want.events | FAN_ONDIR, AT_FDCWD, path))
		die("fanotify_mark %s", path);
}

static void open_tree(struct listener *l, const char *path, struct want want)
{
	memset(&tree, 0, sizeof(tree));
	l->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
			      O_RDONLY);
	if (l->fd < 0)
		die("fanotify_init");
	if (!realpath(path, tree.root))
		die("realpath %s", path);
	tree.length = strlen(tree.root);
	tree.at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree.at < 0)
		die("%s", path);
	add_mark(l, path, want);
}

/* The path of a directory below the root, as the kernel has it now; NULL: it is elsewhere, or gone. */
static const char *ask(struct file_handle *handle, size_t *length)
{
	static char path[PATH_MAX];
	int fd = open_by_handle_at(tree.at, handle, O_PATH | O_CLOEXEC);
	char link[32];
	ssize_t n;

	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	close(fd);
	if (n < (ssize_t)tree.length || memcmp(path, tree.root, tree.length))
		return NULL;
	if ((size_t)n == tree.length) {
		*length = 0;
		return path + n;
	}
	*length = n - tree.length - 1;
	return path + tree.length + 1;
}

static const char *directory_of(struct file_handle *handle, size_t *length)
{
	unsigned int size = sizeof(*handle) + handle->handle_bytes, hash = 0;
	struct known **bucket, *k;
	const char *path;

	for (unsigned int i = 0; i < handle->handle_bytes; i++)
		hash = hash * 33 + handle->f_handle[i];
	bucket = &tree.known[hash % BUCKETS];
	for (k = *bucket; k; k = k->next) {
		if (k->handle_length == size && memcmp(k->bytes, handle, size) == 0) {
			*length = k->length;
			return k->bytes + size;
		}
	}
	path = ask(handle, length);
	if (!path)
		return NULL;
	k = malloc(sizeof(*k) + size + *length);
	if (!k)
		die("memory for a path");
	k->handle_length = size;
	k->length = *length;
	memcpy(k->bytes, handle, size);
	memcpy(k->bytes + size, path, *length);
	k->next = *bucket;
	*bucket = k;
	return k->bytes + size;
}

static void take_event(const struct fanotify_event_metadata *event)
{
	const struct fanotify_event_info_fid *info = (const void *)(event + 1);
	struct file_handle *handle = (struct file_handle *)info->handle;
	static char buffer[2 * PATH_MAX];
	const char *name, *directory;
	size_t length, used;

	heard.events++;
	if (event->mask & FAN_Q_OVERFLOW) {
		heard.lost++;
		return;
	}
	if (event->event_len < sizeof(*event) + sizeof(*info) ||
	    info->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME)
		return;
	/* It may be that the path was known by the old name of a directory. */
	if (event->mask & FAN_ONDIR && event->mask & (FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE))
		forget_all();
	directory = directory_of(handle, &used);
	if (!directory)
		return;
	name = (const char *)handle->f_handle + handle->handle_bytes;
	length = strlen(name);
	if (used) {
		memcpy(buffer, directory, used);
		buffer[used++] = '/';
	}
	memcpy(buffer + used, name, length + 1);
	heard_path(buffer, used + length);
}

static unsigned int drain(struct listener *l)
{
	static char buffer[1 << 18] __attribute__((aligned(8)));
	ssize_t length = read(l->fd, buffer, sizeof(buffer));
	const struct fanotify_event_metadata *event = (const void *)buffer;
	unsigned int n = 0;

	if (length < 0 && errno != EAGAIN)
		die("fanotify: read");
	for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
		take_event(event);
		n++;
	}
	return n;
}

static void close_tree(struct listener *l)
{
	close(l->fd);
	close(tree.at);
	forget_all();
}

const struct peer recursive_fanotify = { "fanotify-r", open_tree, add_mark, drain, close_tree };
