// SPDX-License-Identifier: MIT OR Apache-2.0
/* Decides what may be opened in a directory: empty files may not. listener DIRECTORY */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <watch_queue/wq.h>

/* Looks at the file itself: the descriptor raises no events, so this asks nobody. */
static int is_empty(struct wq *wq, uint64_t request)
{
	struct stat st = { .st_size = 1 };
	int fd = wq_open_target(wq, request);

	if (fd >= 0) {
		fstat(fd, &st);
		close(fd);
	}
	return st.st_size == 0;
}

int main(int argc, char **argv)
{
	const struct watch_notification *record;
	struct wq *wq;
	int rc = wq_open(&wq, NULL);

	if (rc == 0)
		rc = wq_set_permission(wq, 2000, WATCH_RESPONSE_DENY);
	if (rc == 0)
		rc = wq_add(wq, argc > 1 ? argv[1] : ".", WATCH_SCOPE_CHILDREN,
			    WATCH_FS_OPEN_PERM, 1, NULL);
	while (rc >= 0 && (rc = wq_wait(wq, -1)) >= 0) {
		while ((record = wq_next(wq))) {
			const struct fs_permission_notification *q = wq_question(record);
			const char *name = q ? wq_fs_name(&q->fs) : NULL;

			if (q && is_empty(wq, q->request)) {
				wq_deny(wq, q->request, EACCES);
				printf("denied: %s\n", name ? name : "the directory");
			} else if (q) {
				wq_allow(wq, q->request);
			} else if (wq_unanswered(record)) {
				printf("too late\n");
			}
			fflush(stdout);
		}
		rc = wq->error;
	}
	fprintf(stderr, "listener: error %d\n", -rc);
	wq_close(wq);
	return 1;
}
