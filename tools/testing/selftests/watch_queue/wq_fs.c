// SPDX-License-Identifier: GPL-2.0
/* File systems of a test's own: tmpfs, ext4 in a file on a loop device, overlayfs. */
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/mount.h>

#include "wq_test.h"

const char wq_absent[] = "not here";

/* By execvp(): a shell that has an mke2fs of its own, without ext4, would take that. */
static int run(char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int new_file(const char *path, off_t bytes)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600), r;

	if (fd < 0)
		return -1;
	r = ftruncate(fd, bytes);
	close(fd);
	return r;
}

int wq_make_ext4(void)
{
	char *const argv[] = { "mke2fs", "-q", "-t", "ext4", "-b", "1024", "-O",
			       "quota,^metadata_csum,^64bit,^flex_bg", "-E",
			       "lazy_itable_init=0,lazy_journal_init=0", "-d", "content",
			       "-F", "image", NULL };

	if (new_file("image", 16 << 20) || mkdir("content", 0755) ||
	    wq_touch("content/file") != wq_ok || truncate("content/file", 5000))
		return -1;
	return run(argv);
}

int wq_attach_loop(const char *image, char *path, size_t len)
{
	struct loop_config config = {
		.block_size = 1024, .info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int control, fd = -1, n;

	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	config.fd = open(image, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 20 && fd < 0; i++) {
		n = ioctl(control, LOOP_CTL_GET_FREE);
		snprintf(path, len, "/dev/loop%d", n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config)) {
			close(fd);
			fd = -1;
		}
	}
	close(config.fd);
	close(control);
	return fd;
}

int wq_tmpfs(const char *path)
{
	return mount("none", path, "tmpfs", 0, "size=1m");
}

static const char *mount_at(const char *at, const char *fs, const char *source, const char *options)
{
	static char why[120];

	if (mount(source, at, fs, 0, options) == 0)
		return wq_ok;
	if (errno == ENODEV)
		return wq_absent;
	snprintf(why, sizeof(why), "mount of %s: %s", fs, strerror(errno));
	return why;
}

/* Whether it maps files by extents: the driver of ext4 takes an ext2 as well. */
static bool has_extents(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;
	bool has = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & FS_EXTENT_FL;

	close(fd);
	return has;
}

static const char *mount_ext4(const char *at)
{
	char image[PATH_MAX], loop[32];
	char *const argv[] = { "mke2fs", "-q", "-t", "ext4", "-b", "1024", "-N", "65536", "-E",
			       "lazy_itable_init=0,lazy_journal_init=0", "-F", image, NULL };
	const char *e;
	int made, fd;

	snprintf(image, sizeof(image), "%s.image", at);
	if (new_file(image, 128 << 20))
		return "no file for an ext4";
	made = run(argv);
	if (made || access("/dev/loop-control", F_OK))
		return !made || made == 127 ? wq_absent : "mke2fs failed";
	fd = wq_attach_loop(image, loop, sizeof(loop));
	if (fd < 0)
		return "no loop device";
	e = mount_at(at, "ext4", loop, NULL);
	close(fd);
	return e == wq_ok && !has_extents(at) ? "what was mounted as ext4 is none" : e;
}

static const char *mount_overlay(const char *at)
{
	static const char *const parts[] = { "", "/lower", "/upper", "/work" };
	char path[PATH_MAX], options[3 * PATH_MAX];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s.parts%s", at, parts[i]);
		if (mkdir(path, 0755) || (i == 0 && mount("wq_test", path, "tmpfs", 0, NULL)))
			return "no folders for an overlayfs";
	}
	snprintf(options, sizeof(options),
		 "lowerdir=%s.parts/lower,upperdir=%s.parts/upper,workdir=%s.parts/work", at, at, at);
	return mount_at(at, "overlay", "none", options);
}

const char *wq_mount(const char *at, const char *fs)
{
	if (!strcmp(fs, "ext4"))
		return mount_ext4(at);
	if (!strcmp(fs, "overlay"))
		return mount_overlay(at);
	return mount_at(at, fs, "wq_test", NULL);
}
