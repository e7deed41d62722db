/* SPDX-License-Identifier: GPL-2.0 */
/* The tree that subtree.c works in and subtree_setup.c fills. */
#ifndef WQ_BENCH_SUBTREE_H
#define WQ_BENCH_SUBTREE_H

#include "bench.h"

#define TREE_DEEP	"tree/1/2/3/4/5/6/7/8"
#define TREE_ROOT	"../../../../../../../.."	/* of the tree, from there */
#define USER		1000	/* has no privileges */

void make_tree(void);
/* Compares setting up a tree of 20 000 directories; the current folder is the tree's parent. */
void subtree_setup(void);
/* peer_wq.c: whether the caller may watch everything below path. */
bool subtree_allowed(const char *path, struct want want);

#endif
