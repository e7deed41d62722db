/* SPDX-License-Identifier: GPL-2.0 */
/* What workload.c runs. */
#ifndef WQ_BENCH_WORKLOAD_H
#define WQ_BENCH_WORKLOAD_H

#include <stddef.h>

struct workload {
	const char *name;
	/* What is there before anybody watches. */
	void (*prepare)(const char *root);
	void (*run)(const char *root);
};

/* The last one has no name. */
extern const struct workload workloads[];

/* Makes a tree of 400 directories at root. */
void workload_tree(const char *root);
/* Writes a file of so many bytes in one piece. */
void workload_file(const char *path, size_t length);

#endif
