// SPDX-License-Identifier: GPL-2.0
/*
 * fuse_dir DIRECTORY: serves a file system with one empty directory "sub", of which the kernel may remember
 * nothing: it asks at every step of a path. Stopped (SIGSTOP), it is a server that does not answer. Says
 * "ready" on stderr when it is mounted. Used by cases/mounts.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int device;

static void answer(const struct fuse_in_header *in, int error, const void *body, size_t length)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + (error ? 0 : length),
		.error = -error,
		.unique = in->unique,
	};
	struct iovec parts[] = { { &out, sizeof(out) }, { (void *)body, error ? 0 : length } };

	if (writev(device, parts, 2) < 0 && errno != ENOENT)
		perror("fuse_dir: answer");
}

static struct fuse_attr attributes(uint64_t inode)
{
	return (struct fuse_attr){ .ino = inode, .mode = S_IFDIR | 0755, .nlink = 2, .blksize = 4096 };
}

static void serve(const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out out = {
			.major = FUSE_KERNEL_VERSION,
			.minor = FUSE_KERNEL_MINOR_VERSION,
			.max_write = 4096,
		};

		answer(in, 0, &out, sizeof(out));
		return;
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out out = { .nodeid = 2, .attr = attributes(2) };

		answer(in, strcmp((const char *)(in + 1), "sub") ? ENOENT : 0, &out, sizeof(out));
		return;
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr = attributes(in->nodeid) };

		answer(in, 0, &out, sizeof(out));
		return;
	}
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return;
	default:
		answer(in, EOPNOTSUPP, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16] __attribute__((aligned(8)));
	char options[100];

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (argc != 2 || mount("fuse_dir", argv[1], "fuse", 0, options)) {
		perror("fuse_dir: mount");
		return 1;
	}
	fprintf(stderr, "ready\n");
	while (read(device, buffer, sizeof(buffer)) > 0)
		serve((const struct fuse_in_header *)buffer);
	return 0;
}
