// SPDX-License-Identifier: GPL-2.0
/*
 * Subtrees: what an event at depth 8 costs whose watch has to find its way up for it, alone and beside
 * others, with the path or a file handle in the record; what it costs there when it is other
 * subtrees of the file system that are watched; and the same for a rename. subtree_setup.c sets them up.
 */
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recursive.h"
#include "subtree.h"

#define DEPTH	8
#define OTHERS	256

/* A listener while the deepest directory is worked in. */
struct kind {
	const char *name;
	const struct peer *peer;
	unsigned int others;	/* subtrees beside the tree that the same queue watches */
	bool inside;		/* the tree itself is watched */
	bool nested;		/* … and each directory on the way down */
	bool whole;		/* no-op handler: called for the whole file system */
	bool user;		/* opened and added by a user without privileges */
	bool quick;		/* needed to see a regression */
};

static const struct kind kinds[] = {
	{ .name = "subtree", .peer = &peer_subtree, .inside = true, .quick = true },
	{ .name = "inside-16", .peer = &peer_subtree, .others = 15, .inside = true, .quick = true },
	{ .name = "inside-256", .peer = &peer_subtree, .others = 255, .inside = true, .quick = true },
	{ .name = "nested-8", .peer = &peer_subtree, .inside = true, .nested = true },
	{ .name = "user-subtree", .peer = &peer_subtree, .inside = true, .user = true, .quick = true },
	{ .name = "outside-noop", .peer = &peer_noop, .inside = true, .whole = true, .quick = true },
	{ .name = "outside", .peer = &peer_subtree, .others = 1, .quick = true },
	{ .name = "outside-16", .peer = &peer_subtree, .others = 16, .quick = true },
	{ .name = "outside-256", .peer = &peer_subtree, .others = 256, .quick = true },
	{ .name = "path", .peer = &recursive_wq, .inside = true, .quick = true },
	{ .name = "handle", .peer = &recursive_handle, .inside = true, .quick = true },
	{ .name = "inotify-r", .peer = &recursive_inotify, .inside = true },
	{ .name = "fanotify-r", .peer = &recursive_fanotify, .inside = true },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *now;

static void other(struct listener *l, unsigned int i, struct want want, bool first)
{
	char name[64];

	snprintf(name, sizeof(name), TREE_ROOT "/../other/%u", i);
	if (first)
		now->peer->open(l, name, want);
	else
		now->peer->add(l, name, want);
}

static void open_kind(struct listener *l, const char *path, struct want want)
{
	static const char up[] = TREE_ROOT;
	bool first = true;

	(void)path;
	want.whole = now->whole;
	if (now->user && seteuid(USER))
		die("seteuid");
	/* The tree stands in the middle of the others. */
	for (unsigned int i = 0; i < now->others / 2; i++, first = false)
		other(l, i, want, first);
	if (now->inside) {
		if (first)
			now->peer->open(l, up, want);
		else
			now->peer->add(l, up, want);
		first = false;
	}
	for (unsigned int i = now->others / 2; i < now->others; i++, first = false)
		other(l, i, want, first);
	for (unsigned int i = 1; now->nested && i < DEPTH; i++)
		now->peer->add(l, up + 3 * i, want);
	if (now->user && seteuid(0))
		die("seteuid");
}

static unsigned int drain(struct listener *l)
{
	return now->peer->drain(l);
}

static void close_kind(struct listener *l)
{
	now->peer->close(l);
}

/* Whether this module lets users without privileges watch subtrees. */
static bool users_may(void)
{
	struct want want = { IN_MODIFY, true };
	bool may;

	if (seteuid(USER))
		die("seteuid");
	may = subtree_allowed(TREE_ROOT, want);
	if (seteuid(0))
		die("seteuid");
	return may;
}

static void run(const struct work *work, const struct kind *kind)
{
	const struct peer peer = { kind->name, open_kind, open_kind, drain, close_kind };
	unsigned int batches = kind->others > 16 ? BATCHES / 8 : BATCHES;

	now = kind;
	if (!kind->user || users_may())
		run_work(work, &peer, 1, batches);
}

void make_tree(void)
{
	char name[64] = "tree";

	if (mkdir(name, 0755))
		die("%s", name);
	for (unsigned int i = 0, at = 4; i < DEPTH; i++) {
		at += snprintf(name + at, sizeof(name) - at, "/%u", i + 1);
		if (mkdir(name, 0755))
			die("%s", name);
	}
	if (mkdir("other", 0755))
		die("other");
	for (unsigned int i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "other/%u", i);
		if (mkdir(name, 0755))
			die("%s", name);
	}
}

const struct peer *enter_subtree(const char *name)
{
	static struct peer peer = { NULL, open_kind, open_kind, drain, close_kind };

	for (size_t k = 0; k < KINDS; k++) {
		if (strcmp(kinds[k].name, name) != 0)
			continue;
		if (!now) {
			make_tree();
			if (chdir(TREE_DEEP))
				die(TREE_DEEP);
		}
		now = &kinds[k];
		peer.name = now->name;
		return &peer;
	}
	return NULL;
}

void set_subtree(bool quick)
{
	static const char *const renames[] = { "subtree", "inside-256", "outside", "outside-256" };

	make_tree();
	if (chdir(TREE_DEEP))
		die(TREE_DEEP);
	for (size_t k = 0; k < KINDS; k++)
		if (kinds[k].quick || !quick)
			run(&work_pwrite, &kinds[k]);
	for (size_t r = 0; r < sizeof(renames) / sizeof(renames[0]) && !quick; r++)
		for (size_t k = 0; k < KINDS; k++)
			if (strcmp(renames[r], kinds[k].name) == 0)
				run(&work_rename, &kinds[k]);
	if (chdir(TREE_ROOT "/.."))
		die("..");
	if (!quick)
		subtree_setup();
}
