// SPDX-License-Identifier: GPL-2.0
/* An ext4 in a file and a loop device for it, for the tests of file systems and devices. */
#include <linux/loop.h>

#include "wq_test.h"

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

int wq_make_ext4(void)
{
	char *const argv[] = { "mke2fs", "-q", "-t", "ext4", "-b", "1024", "-O",
			       "quota,^metadata_csum,^64bit,^flex_bg", "-E",
			       "lazy_itable_init=0,lazy_journal_init=0", "-d", "content",
			       "-F", "image", NULL };
	int fd = open("image", O_CREAT | O_RDWR, 0600);

	if (fd < 0 || ftruncate(fd, 16 << 20) || mkdir("content", 0755) ||
	    wq_touch("content/file") != wq_ok || truncate("content/file", 5000))
		return -1;
	close(fd);
	return run(argv);
}

int wq_attach_loop(char *path, size_t len)
{
	struct loop_config config = { .block_size = 1024 };
	int control, fd = -1, n;

	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	config.fd = open("image", O_RDWR | O_CLOEXEC);
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
