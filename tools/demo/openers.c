// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that open a file at the same time, for the demo of watchq guard, and how long each
 * of them has to wait for that.
 *
 *   openers COUNT SECONDS FILE
 *
 * Prints "waiting N" if N of them still wait after SECONDS, and "opened MIN MAX", in
 * milliseconds, when the last has opened the file.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void open_it(const char *path, int out)
{
	double begun = now_ms(), took;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	took = now_ms() - begun;
	_exit(fd < 0 || write(out, &took, sizeof(took)) != sizeof(took));
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[1]) : 0, left, ends[2];
	double begun = now_ms(), took, min = 1e9, max = 0;
	struct pollfd in = { .events = POLLIN };

	if (count < 1 || pipe(ends)) {
		fprintf(stderr, "usage: openers COUNT SECONDS FILE\n");
		return 1;
	}
	for (int n = 0; n < count; n++)
		if (fork() == 0)
			open_it(argv[3], ends[1]);
	close(ends[1]);
	in.fd = ends[0];
	for (left = count; left; left--) {
		double patience = begun + atof(argv[2]) * 1e3 - now_ms();

		if (patience > 0 && poll(&in, 1, patience) == 0) {
			printf("waiting %d\n", left);
			fflush(stdout);
		}
		if (read(ends[0], &took, sizeof(took)) != sizeof(took)) {
			fprintf(stderr, "openers: %s: cannot be opened\n", argv[3]);
			return 1;
		}
		min = took < min ? took : min;
		max = took > max ? took : max;
	}
	printf("opened %.2f %.2f\n", min, max);
	return 0;
}
