// SPDX-License-Identifier: MIT OR Apache-2.0
/* Prints what happens in a directory: consumer DIRECTORY */
#include <stdio.h>
#include <watch_queue/wq.h>

static int print(void *ctx, const struct watch_notification *record)
{
	const struct fs_notification *fs = wq_fs(record);
	const char *name = fs ? wq_fs_name(fs) : NULL;

	(void)ctx;
	if (fs)
		printf("event %u %s\n", wq_subtype(record), name ? name : "(the directory)");
	else if (wq_loss(record))
		printf("%llu events lost\n", (unsigned long long)wq_loss(record)->count);
	return 0;
}

int main(int argc, char **argv)
{
	struct wq_opts opts = { .sz = sizeof(opts), .fn = print };
	struct wq *wq;
	int rc = wq_open(&wq, &opts);

	if (rc == 0)
		rc = wq_add(wq, argc > 1 ? argv[1] : ".", WATCH_SCOPE_CHILDREN,
			    WATCH_FS_MUTATIONS, 1, NULL);
	while (rc >= 0) {
		fflush(stdout);
		rc = wq_poll(wq, -1);
	}
	fprintf(stderr, "consumer: error %d\n", -rc);
	wq_close(wq);
	return 1;
}
