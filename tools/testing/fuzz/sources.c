// SPDX-License-Identifier: GPL-2.0
/*
 * Watches on more than one inode and on what is no file, questions and their answers, and
 * what causes all that: keys and mounts that come, change and go.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>
#include <linux/watch_queue.h>

#include "fuzz.h"

/* Questions, and for good measure a few bits that do not exist. */
#define ASKING	(WATCH_FS_OPEN_PERM | WATCH_FS_OPEN_EXEC_PERM | WATCH_FS_ACCESS_PERM | \
		 WATCH_FS_PRE_ACCESS)

/* A whole tree, mount or file system, or a question; sometimes all at once. */
void do_wide_add(struct state *s)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY,
		.scope = below(s, 8) ? below(s, 5) : number(s),
		.flags = below(s, 2) ? 0 : rnd(s) & 0x1ff,
		.id = below(s, 256), .mask = rnd(s) & WATCH_FS_ALL_EVENTS, .cookie = rnd(s),
	};

	add.object = open(s->dir, O_PATH | O_CLOEXEC);
	if (!below(s, 3))
		add.mask |= rnd(s) & ASKING;
	if (!below(s, 4))
		add.ignore_mask = rnd(s) & (WATCH_FS_ALL_EVENTS | ASKING);
	if (!below(s, 16))
		add.mask = number(s);
	ioctl(any_fd(s), IOC_WATCH_QUEUE_ADD_WATCH, pointer(s, &add, sizeof(add)));
	if (add.object >= 0)
		close(add.object);
}

/* Every other source. */
void do_source_add(struct state *s)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = 1 + below(s, 5), .object = -1,
		.flags = below(s, 2) ? 0 : rnd(s) & 0x1ff,
		.id = below(s, 256), .mask = rnd(s) & 0x7ff, .cookie = rnd(s),
	};
	int fd = -1;

	switch (add.type) {
	case WATCH_TYPE_KEY_NOTIFY:
		add.mask &= 0xff;
		add.object = -1 - (int)below(s, 8);
		break;
	case WATCH_TYPE_SB_NOTIFY:
		add.mask &= 0xf;
		fd = open(s->dir, O_PATH | O_CLOEXEC);
		add.object = fd;
		break;
	case WATCH_TYPE_MOUNT_NOTIFY:
		add.mask &= 0x7f;
		if (below(s, 2))
			break;
		fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
		add.object = fd;
		break;
	}
	if (!below(s, 8))
		add.object = number(s);
	if (!below(s, 8))
		add.mask = number(s);
	if (!below(s, 8))
		add.scope = number(s);
	ioctl(any_fd(s), IOC_WATCH_QUEUE_ADD_WATCH, pointer(s, &add, sizeof(add)));
	if (fd >= 0)
		close(fd);
}

/* Answers, looks and rules for questions that may or may not be there. */
void do_answer(struct state *s)
{
	struct watch_queue_respond respond = {
		.size = below(s, 16) ? sizeof(respond) : number(s),
		.response = below(s, 8) ? below(s, 2) : number(s),
		.request = below(s, 8) ? below(s, 100) : number(s),
		.error = below(s, 4) ? 0 : number(s),
	};
	struct watch_queue_open_target target = {
		.size = sizeof(target), .flags = below(s, 8) ? 0 : number(s),
		.request = below(s, 8) ? below(s, 100) : number(s),
	};
	struct watch_queue_permission rule = {
		.size = sizeof(rule), .timeout_ms = below(s, 4) ? below(s, 50) : number(s),
		.unanswered = below(s, 8) ? below(s, 2) : number(s),
	};
	int fd;

	switch (below(s, 4)) {
	case 0:
		ioctl(any_fd(s), IOC_WATCH_QUEUE_SET_PERMISSION, pointer(s, &rule, sizeof(rule)));
		break;
	case 1:
		fd = ioctl(any_fd(s), IOC_WATCH_QUEUE_OPEN_TARGET,
			   pointer(s, &target, sizeof(target)));
		if (fd > 2)
			close(fd);
		break;
	default:
		ioctl(any_fd(s), IOC_WATCH_QUEUE_RESPOND, pointer(s, &respond, sizeof(respond)));
	}
}

static long any_key(struct state *s)
{
	return below(s, 4) ? -1 - (int)below(s, 8) : (int)number(s);
}

void do_keys(struct state *s)
{
	char name[16];
	long key;

	snprintf(name, sizeof(name), "fuzz%u", below(s, 4));
	key = syscall(SYS_add_key, below(s, 3) ? "user" : "keyring", name, "x", below(s, 2),
		      any_key(s));
	if (key < 0 || below(s, 3) == 0)
		key = any_key(s);
	switch (below(s, 8)) {
	case 0:
		syscall(SYS_keyctl, KEYCTL_UPDATE, key, "y", 1);
		break;
	case 1:
		syscall(SYS_keyctl, KEYCTL_REVOKE, key);
		break;
	case 2:
		syscall(SYS_keyctl, KEYCTL_INVALIDATE, key);
		break;
	case 3:
		syscall(SYS_keyctl, KEYCTL_CLEAR, any_key(s));
		break;
	case 4:
		syscall(SYS_keyctl, KEYCTL_UNLINK, key, any_key(s));
		break;
	case 5:
		syscall(SYS_keyctl, KEYCTL_LINK, key, any_key(s));
		break;
	case 6:
		syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3f3f0000 | below(s, 0x40));
		break;
	default:
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	}
}

void do_mounts(struct state *s)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/m%u", s->dir, below(s, 2));
	mkdir(path, 0700);
	switch (below(s, 6)) {
	case 0:
	case 1:
		mount("fuzz", path, "tmpfs", 0, "size=64k");
		break;
	case 2:
		mount(s->dir, path, NULL, MS_BIND, NULL);
		break;
	case 3:
		mount(NULL, path, NULL, MS_REMOUNT | (below(s, 2) ? MS_RDONLY : 0), NULL);
		break;
	case 4:
		mount(NULL, path, NULL, below(s, 2) ? MS_SHARED : MS_PRIVATE, NULL);
		break;
	}
	/* Never more than a few, however long it goes on. */
	umount2(path, below(s, 2) ? MNT_DETACH : MNT_EXPIRE);
	if (below(s, 2))
		umount2(path, MNT_DETACH);
}
