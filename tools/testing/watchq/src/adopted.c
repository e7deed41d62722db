// SPDX-License-Identifier: GPL-2.0
/*
 * adopted DIRECTORY: sets watches of every source with libwq, reads the first record, and hands its
 * queue to another run of itself by execve(), which takes it over and goes on behind that record. Used
 * by cases/adopt.sh.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <watch_queue/wq.h>

static const char *directory;

static void make(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	if (fd < 0 || close(fd))
		perror(path);
}

static int print(void *ctx, const struct watch_notification *record)
{
	const struct fs_notification *fs = wq_fs(record);
	const char *event = wq_event_name(wq_type(record), wq_subtype(record));

	printf("%s: %s %s %u\n", (const char *)ctx, event ? event : "?", fs ? wq_fs_name(fs) : "",
	       wq_word(record, 1) >> WATCH_INFO_ID__SHIFT);
	return 0;
}

/* The second run. */
static int takes_over(int fd)
{
	struct wq_opts opts = { .sz = sizeof(opts), .fn = print, .ctx = "second" };
	struct watch_queue_info info;
	struct wq *wq;
	int rc = wq_adopt(&wq, fd, &opts);

	if (rc) {
		printf("adopt: error %d\n", -rc);
		return 1;
	}
	make("c");
	rc = wq_poll(wq, 1000);
	printf("second: %d records, close-on-exec %d\n", rc, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	rc = wq_info(wq, 0, &info);
	printf("second: info %d, delivered %llu, lost %llu\n", rc, (unsigned long long)info.delivered,
	       (unsigned long long)info.lost);
	/* One record is less than what is waited for, until the time is over. */
	rc = wq_set_watermark(wq, 100, 0, 0);
	make("d");
	printf("watermark: %d, wait %d", rc, wq_wait(wq, 200));
	rc = wq_set_watermark(wq, 100, 0, 50);
	printf(", with a time %d, wait %d\n", rc, wq_wait(wq, 5000));
	wq_close(wq);
	return 0;
}

int main(int argc, char **argv)
{
	struct wq_opts opts = { .sz = sizeof(opts), .fn = print, .ctx = "first" };
	struct wq_watch_opts watch = {
		.sz = sizeof(watch),
		.scope = WATCH_SCOPE_CHILDREN,
		.flags = WATCH_ADD_ONLYDIR,
		.events = WATCH_FS_CREATE | WATCH_FS_CLOSE_WRITE,
		.ignore = WATCH_FS_CLOSE_WRITE,
		.id = 7,
		.cookie = 1,
	};
	char number[16];
	struct wq *wq;
	int rc;

	if (argc < 2)
		return 2;
	directory = argv[1];
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 2)
		return takes_over(atoi(argv[2]));
	rc = wq_open(&wq, &opts);
	if (rc) {
		printf("open: error %d\n", -rc);
		return 1;
	}
	watch.path = directory;
	printf("file: %d\n", wq_add_opts(wq, &watch, NULL));
	watch.path = "/dev/null";
	printf("not a directory: %s\n",
	       wq_add_opts(wq, &watch, NULL) == -ENOTDIR ? "ENOTDIR" : "another result");
	printf("mounts: %d\n", wq_add_mounts(wq, NULL, 3, NULL));
	printf("mounts of a namespace: %s\n",
	       wq_add_mounts(wq, "/proc/self/ns/mnt", 3, NULL) == -EEXIST ? "EEXIST" : "another result");
	printf("file system: %d\n", wq_add_sb(wq, directory, 4, NULL));
	printf("key: %d\n", wq_add_key(wq, -3, 5, NULL));	/* the session keyring */
	printf("block devices: %d\n", wq_add_block(wq, NULL, 6, NULL));
	printf("usb: %d\n", wq_add_usb(wq, 7, NULL));
	make("a");
	make("b");
	wq_consume_n(wq, 1);
	fcntl(wq_fd(wq), F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", wq_fd(wq));
	execl("/proc/self/exe", argv[0], directory, number, (char *)NULL);
	perror("execl");
	return 1;
}
