// SPDX-License-Identifier: GPL-2.0
/*
 * A tree watched by inotify: a watch for each directory, and the tree of directories in memory, from which
 * paths are made. A directory that comes is watched and looked through; one that is renamed is hung
 * elsewhere, so that the paths below it need no change. What happens in a new directory before its watch
 * is set is not seen, as with every such program.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "recursive.h"

struct directory {
	struct directory *parent;	/* NULL: the root, which has no name */
	struct directory *next;		/* in its bucket */
	char *name;
	size_t length;
	int wd;
};

#define BUCKETS	8192

static struct {
	struct directory *by_name[BUCKETS];	/* by parent and name */
	struct directory **by_wd;
	int room;
	uint32_t events;			/* the mask of all watches */
	const char *root;
	/* The first half of a rename, until the second comes. */
	struct directory *moved;
	uint32_t cookie;
} tree;

static struct directory **bucket_of(const struct directory *parent, const char *name)
{
	uint32_t hash = parent ? parent->wd : 0;

	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	return &tree.by_name[hash % BUCKETS];
}

static void hang(struct directory *d, struct directory *parent, const char *name)
{
	struct directory **bucket = bucket_of(parent, name);

	free(d->name);
	d->name = strdup(name);
	if (!d->name)
		die("memory for a name");
	d->length = strlen(name);
	d->parent = parent;
	d->next = *bucket;
	*bucket = d;
}

static struct directory *take_down(struct directory *parent, const char *name)
{
	for (struct directory **at = bucket_of(parent, name); *at; at = &(*at)->next) {
		struct directory *d = *at;

		if (d->parent == parent && strcmp(d->name, name) == 0) {
			*at = d->next;
			return d;
		}
	}
	return NULL;
}

static struct directory **place_of(int wd)
{
	int room = 2 * wd + 1024;

	if (wd >= tree.room) {
		tree.by_wd = realloc(tree.by_wd, room * sizeof(struct directory *));
		if (!tree.by_wd)
			die("memory for directories");
		memset(tree.by_wd + tree.room, 0, (room - tree.room) * sizeof(struct directory *));
		tree.room = room;
	}
	return &tree.by_wd[wd];
}

/* The path below the root, made in front of end. */
static char *make_path(char *end, const struct directory *d, const char *name, size_t length)
{
	char *at = end - length;

	memcpy(at, name, length);
	for (; d->parent; d = d->parent) {
		*--at = '/';
		at -= d->length;
		memcpy(at, d->name, d->length);
	}
	return at;
}

/* Watches a directory and all below it. Its path, of so many bytes, has room for more. */
static void watch(struct listener *l, struct directory *parent, const char *name, char *path, size_t used)
{
	int wd = inotify_add_watch(l->fd, path, tree.events | IN_ONLYDIR | IN_DONT_FOLLOW);
	struct directory *d, **place;
	struct dirent *entry;
	DIR *dir;

	if (wd < 0) {
		/* Gone again, or renamed: that is told, too. */
		if (errno == ENOENT || errno == ENOTDIR)
			return;
		die("inotify_add_watch %s", path);
	}
	place = place_of(wd);
	if (*place)
		return;
	d = calloc(1, sizeof(*d));
	if (!d)
		die("memory for a directory");
	d->wd = wd;
	*place = d;
	hang(d, parent, name);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);

		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 || used + 1 + length >= PATH_MAX)
			continue;
		path[used] = '/';
		memcpy(path + used + 1, entry->d_name, length + 1);
		watch(l, d, entry->d_name, path, used + 1 + length);
		path[used] = '\0';
	}
	closedir(dir);
}

static void open_tree(struct listener *l, const char *path, struct want want)
{
	char buffer[PATH_MAX];

	l->fd = inotify_init1(IN_NONBLOCK);
	if (l->fd < 0)
		die("inotify_init1");
	memset(&tree, 0, sizeof(tree));
	tree.events = want.events;
	tree.root = path;
	strcpy(buffer, path);
	watch(l, NULL, "", buffer, strlen(path));
}

/* A directory came, went, or has another name. */
static void directory_event(struct listener *l, const struct inotify_event *event, struct directory *in,
			    const char *path, size_t length)
{
	char buffer[PATH_MAX];
	size_t root = strlen(tree.root);

	if (event->mask & IN_MOVED_FROM) {
		tree.moved = take_down(in, event->name);
		tree.cookie = event->cookie;
	} else if (event->mask & IN_MOVED_TO && tree.moved && tree.cookie == event->cookie) {
		hang(tree.moved, in, event->name);
		tree.moved = NULL;
	} else if (event->mask & (IN_CREATE | IN_MOVED_TO) && root + 1 + length < PATH_MAX) {
		memcpy(buffer, tree.root, root);
		buffer[root] = '/';
		memcpy(buffer + root + 1, path, length);
		buffer[root + 1 + length] = '\0';
		watch(l, in, event->name, buffer, root + 1 + length);
	}
}

static void take_event(struct listener *l, const struct inotify_event *event)
{
	static char buffer[2 * PATH_MAX];
	char *end = buffer + sizeof(buffer), *path;
	struct directory *in;
	size_t length;

	heard.events++;
	if (event->mask & IN_Q_OVERFLOW) {
		heard.lost++;
		return;
	}
	in = event->wd < tree.room ? tree.by_wd[event->wd] : NULL;
	if (!in)
		return;
	if (event->mask & IN_IGNORED) {
		tree.by_wd[event->wd] = NULL;
		if (in->parent && take_down(in->parent, in->name) == in) {
			free(in->name);
			free(in);
		}
		return;
	}
	/* An event of the directory itself has no name; its parent tells it with one. */
	length = event->len ? strlen(event->name) : 0;
	path = make_path(end, in, event->name, length);
	heard_path(path, end - path);
	if (event->mask & IN_ISDIR && event->len)
		directory_event(l, event, in, path, end - path);
}

static unsigned int drain(struct listener *l)
{
	static char buffer[1 << 18] __attribute__((aligned(8)));
	ssize_t length = read(l->fd, buffer, sizeof(buffer)), at = 0;
	unsigned int n = 0;

	if (length < 0 && errno != EAGAIN)
		die("inotify: read");
	while (at < length) {
		const struct inotify_event *event = (const void *)(buffer + at);

		take_event(l, event);
		n++;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return n;
}

static void close_tree(struct listener *l)
{
	close(l->fd);
	for (int wd = 0; wd < tree.room; wd++) {
		if (!tree.by_wd[wd])
			continue;
		free(tree.by_wd[wd]->name);
		free(tree.by_wd[wd]);
	}
	free(tree.by_wd);
	memset(&tree, 0, sizeof(tree));
}

const struct peer recursive_inotify = { "inotify-r", open_tree, open_tree, drain, close_tree };
