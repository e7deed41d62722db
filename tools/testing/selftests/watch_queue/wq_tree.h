/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A consumer that knows a tree by its records alone: it watches the subtree WQ_TREE while
 * others work in it, keeps a list of what is there, and compares with what a full scan finds.
 *
 * A record's path may be ahead of the record of a rename that happens at the same time, so
 * the consumer goes by inodes; there must be no hard links. What is moved in from outside
 * brings along contents of which nothing was told; those it has to look at, which is exact
 * only while nobody else is at work.
 */
#ifndef WQ_TREE_H
#define WQ_TREE_H

#include "wq_test.h"

#define WQ_TREE		"top"
#define WQ_TREE_EVENTS	(WATCH_FS_CREATE | WATCH_FS_DELETE | WATCH_FS_MOVE)

struct wq_tree {
	size_t known;			/* how many names */
	unsigned long created, deleted;
	unsigned long moved;		/* inside of the tree */
	unsigned long arrived, left;
	/* To be set: */
	bool alone;			/* nobody is at work while records are read */
	bool replaces;			/* one process works, and renames over what is there */
};

extern struct wq_tree wq_tree;

/* Begins anew, with an empty tree. */
void wq_tree_forget(void);
/* Follows the records until pid has ended and the ring is empty; its exit status, or -1. */
int wq_tree_follow(struct wq *q, pid_t pid);
/* wq_ok if the tree is what was told of. */
const char *wq_tree_compare(void);
/* Why wq_tree_follow() gave -1. */
const char *wq_tree_why(void);

#endif
