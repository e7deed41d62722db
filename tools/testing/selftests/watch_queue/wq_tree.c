// SPDX-License-Identifier: GPL-2.0
/* A consumer that knows a tree by its records alone; see wq_tree.h. */
#include <ftw.h>

#include "wq_tree.h"

/* What is known: paths below WQ_TREE with their inodes, in no order. */
struct known {
	char *path;
	uint64_t inode;
	bool seen;		/* by the scan that compares */
};

static struct known *known;
struct wq_tree wq_tree;
static size_t room_known;
static char trouble[700];

void wq_tree_forget(void)
{
	for (size_t i = 0; i < wq_tree.known; i++)
		free(known[i].path);
	wq_tree = (struct wq_tree){};
	trouble[0] = 0;
}

static struct known *find(uint64_t inode)
{
	for (size_t i = wq_tree.known; i-- > 0;)
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

	for (size_t i = wq_tree.known; k && i-- > 0;) {
		if (below(known[i].path, path)) {
			free(known[i].path);
			known[i] = known[--wq_tree.known];
		}
	}
	free(path);
}

/* Forgets what was at path before @inode was moved there: nothing else tells that it is gone. */
static void replace(const char *path, uint64_t inode)
{
	for (size_t i = 0; i < wq_tree.known; i++) {
		if (known[i].inode != inode && !strcmp(known[i].path, path)) {
			forget(known[i].inode);
			return;
		}
	}
}

/* The inode is at path now, and what is below it goes with it. True if it is new. */
static bool learn(const char *path, uint64_t inode)
{
	struct known *k = find(inode);
	char *old;

	if (!k) {
		if (wq_tree.known == room_known) {
			room_known = room_known ? 2 * room_known : 1024;
			known = realloc(known, room_known * sizeof(*known));
			if (!known)
				abort();
		}
		known[wq_tree.known++] = (struct known){ .path = strdup(path), .inode = inode };
		return true;
	}
	old = strdup(k->path);
	for (size_t i = 0; i < wq_tree.known; i++) {
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
		learn(path + sizeof(WQ_TREE), st->st_ino);
	return 0;
}

static void move_to(const struct wq_rec *r)
{
	char full[600];

	if (wq_tree.replaces)
		replace(r->name, r->fs.inode);
	if (!learn(r->name, r->fs.inode))
		return;
	wq_tree.arrived++;
	if (wq_tree.alone && (r->info & NOTIFY_FS_IS_DIR)) {
		snprintf(full, sizeof(full), "%s/%s", WQ_TREE, r->name);
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
		wq_tree.created++;
		learn(r->name, r->fs.inode);
		return true;
	case NOTIFY_FS_DELETE:
		wq_tree.deleted++;
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
			wq_tree.moved++;
			move_to(&to);
			return true;
		}
		q->tail = before;
		wq_tree.left++;
		forget(r->fs.inode);
		return true;
	}
	snprintf(trouble, sizeof(trouble), "record of subtype %u", r->subtype);
	return false;
}

int wq_tree_follow(struct wq *q, pid_t pid)
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
	if (!k || strcmp(k->path, path + sizeof(WQ_TREE))) {
		snprintf(trouble, sizeof(trouble), "%.300s is there, but what was told of is %.300s",
			 path, k ? k->path : "nothing");
		return 1;
	}
	k->seen = true;
	return 0;
}

const char *wq_tree_compare(void)
{
	for (size_t i = 0; i < wq_tree.known; i++)
		known[i].seen = false;
	if (nftw(WQ_TREE, compare_one, 32, FTW_PHYS))
		return trouble[0] ? trouble : "the scan failed";
	for (size_t i = 0; i < wq_tree.known; i++) {
		if (!known[i].seen) {
			snprintf(trouble, sizeof(trouble), "%.500s was told of, but is not there",
				 known[i].path);
			return trouble;
		}
	}
	return wq_ok;
}

const char *wq_tree_why(void)
{
	return trouble;
}
