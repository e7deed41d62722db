// SPDX-License-Identifier: GPL-2.0
/* Devices for block_test.c; see block_dev.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block_dev.h"
#include "wq_test.h"

bool mod_load(const char *name, const char *arguments)
{
	char command[256];

	snprintf(command, sizeof(command), "modprobe %s %s 2>/dev/null", name, arguments);
	return system(command) == 0;
}

void mod_unload(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "modprobe -r %s 2>/dev/null || rmmod %s 2>/dev/null",
		 name, name);
	/* The last closer of a disk may still be on its way out. */
	for (int i = 0; i < 50 && system(command); i++)
		usleep(100000);
}

bool scsi_disk_find(struct scsi_disk *d)
{
	static const char disks[] = "/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*";
	char address[32];
	glob_t found;
	char *p;

	for (int i = 0; i < 100; i++) {
		if (glob(disks, 0, NULL, &found) == 0)
			break;
		if (i == 99)
			return false;
		usleep(100000);
	}
	p = strstr(found.gl_pathv[0], "/block/");
	snprintf(d->node, sizeof(d->node), "/dev/%s", p + 7);
	*p = 0;
	snprintf(address, sizeof(address), "%s", strrchr(found.gl_pathv[0], '/') + 1);
	snprintf(d->error, sizeof(d->error), "/sys/kernel/debug/scsi_debug/%s/error", address);
	globfree(&found);
	return access(d->error, W_OK) == 0;
}

bool scsi_disk_fail(struct scsi_disk *d, int op, int n, int host, int status, int key, int asc,
		    int ascq)
{
	char text[80];

	snprintf(text, sizeof(text), "- 2 %x", op);
	wq_put(d->error, text);
	snprintf(text, sizeof(text), "2 %d %x %x 0 %x %x %x %x", -n, op, host, status, key, asc,
		 ascq);
	return wq_put(d->error, text);
}

static int dm_ioctl(unsigned long request, struct dm_ioctl *arg, size_t size, const char *name)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -1;
	arg->version[0] = DM_VERSION_MAJOR;
	arg->data_size = size;
	arg->data_start = sizeof(*arg);
	snprintf(arg->name, sizeof(arg->name), "%s", name);
	r = ioctl(fd, request, arg);
	close(fd);
	return r;
}

bool dm_has(const char *target)
{
	static union {
		struct dm_ioctl io;
		char room[8192];
	} u;
	struct dm_target_versions *v = (void *)(&u.io + 1);

	memset(&u, 0, sizeof(u));
	if (dm_ioctl(DM_LIST_VERSIONS, &u.io, sizeof(u), ""))
		return false;
	while (strcmp(v->name, target)) {
		if (!v->next)
			return false;
		v = (void *)((char *)v + v->next);
	}
	return true;
}

bool dm_create(const char *name, const char *target, uint64_t sectors, const char *parameters,
	       char *node)
{
	union {
		struct dm_ioctl io;
		char room[1024];
	} u = {};
	struct dm_target_spec *spec = (void *)(&u.io + 1);

	if (dm_ioctl(DM_DEV_CREATE, &u.io, sizeof(u), name))
		return false;
	snprintf(node, 64, "/dev/dm-%u", minor(u.io.dev));
	memset(&u, 0, sizeof(u));
	u.io.target_count = 1;
	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", target);
	snprintf((char *)(spec + 1), 256, "%s", parameters);
	if (dm_ioctl(DM_TABLE_LOAD, &u.io, sizeof(u), name))
		return false;
	memset(&u, 0, sizeof(u));
	return dm_ioctl(DM_DEV_SUSPEND, &u.io, sizeof(u), name) == 0;
}

bool dm_message(const char *name, const char *message)
{
	union {
		struct dm_ioctl io;
		char room[1024];
	} u = {};
	struct dm_target_msg *msg = (void *)(&u.io + 1);

	snprintf(msg->message, 256, "%s", message);
	return dm_ioctl(DM_TARGET_MSG, &u.io, sizeof(u), name) == 0;
}

void dm_remove(const char *name)
{
	struct dm_ioctl io = {};

	for (int i = 0; i < 50; i++) {
		memset(&io, 0, sizeof(io));
		if (dm_ioctl(DM_DEV_REMOVE, &io, sizeof(io), name) == 0 || errno != EBUSY)
			return;
		usleep(100000);
	}
}

int read_sectors(int fd, uint64_t sector, unsigned int sectors)
{
	static __thread char buffer[65536] __attribute__((aligned(4096)));
	ssize_t got = pread(fd, buffer, sectors * 512, sector * 512);

	return got < 0 ? -errno : got == (ssize_t)sectors * 512 ? 0 : -EIO;
}

int open_disk(const char *node)
{
	int fd = -1;

	for (int i = 0; i < 100; i++) {
		fd = open(node, O_RDONLY | O_DIRECT | O_CLOEXEC);
		if (fd >= 0)
			break;
		usleep(100000);
	}
	return fd;
}

uint64_t number_of(const char *node)
{
	struct stat st;

	return stat(node, &st) == 0 ? st.st_rdev : 0;
}
