// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest fanotify listener that decides about opens, for the demo of watchq guard: it
 * denies files whose name ends in ".key" below DIRECTORY's mount and allows all others.
 *
 *   fanotify_guard DIRECTORY
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

static int verdict(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n >= 4 && !memcmp(path + n - 4, ".key", 4) ? FAN_DENY : FAN_ALLOW;
}

int main(int argc, char **argv)
{
	char buf[4096] __attribute__((aligned(8)));
	int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);
	ssize_t n;

	if (argc != 2 || fan < 0 ||
	    fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM, AT_FDCWD, argv[1])) {
		perror("fanotify_guard");
		return 1;
	}
	fprintf(stderr, "Guarding.\n");
	while ((n = read(fan, buf, sizeof(buf))) > 0) {
		struct fanotify_event_metadata *m = (void *)buf;

		for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
			struct fanotify_response answer = { .fd = m->fd, .response = verdict(m->fd) };

			if (write(fan, &answer, sizeof(answer)) != sizeof(answer))
				perror("fanotify_guard: answer");
			close(m->fd);
		}
	}
	return 1;
}
