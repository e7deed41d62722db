/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block devices that fail on request, for block_test.c: scsi_debug and null_blk (modules,
 * by modprobe), and the device mapper's error and dust targets (by its ioctls).
 */
#ifndef BLOCK_DEV_H
#define BLOCK_DEV_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

/* A module, with arguments; false when the kernel has it not. Idempotent. */
bool mod_load(const char *name, const char *arguments);
void mod_unload(const char *name);

/* A disk of scsi_debug: its node, and how to make the next command fail. */
struct scsi_disk {
	char node[64];
	char error[128];	/* file to inject errors with */
};

bool scsi_disk_find(struct scsi_disk *d);
/*
 * Makes the next n commands "op" fail with these bytes of the result and this sense data.
 * What was asked for before is forgotten.
 */
bool scsi_disk_fail(struct scsi_disk *d, int op, int n, int host, int status, int key, int asc,
		    int ascq);

/* Whether the kernel has this target of the device mapper. */
bool dm_has(const char *target);

/* A mapped device of one target that begins at 0; its node goes into "node" (64 bytes). */
bool dm_create(const char *name, const char *target, uint64_t sectors, const char *parameters,
	       char *node);
bool dm_message(const char *name, const char *message);
void dm_remove(const char *name);

/* One direct read of the sectors; 0 or a negative errno. */
int read_sectors(int fd, uint64_t sector, unsigned int sectors);
/* Opened for direct reading, or -1. Waits for the node to appear. */
int open_disk(const char *node);
/* st_rdev. */
uint64_t number_of(const char *node);

#endif
