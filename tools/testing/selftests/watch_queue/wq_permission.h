/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of requests for permission share: a queue whose opener is asked, tasks that
 * open files and report what came of it, and the ioctls of the answering side.
 */
#ifndef WQ_PERMISSION_H
#define WQ_PERMISSION_H

#include "wq_test.h"

/* Ends a test as skipped on a kernel that does not let modules ask. */
#define WQ_NEED_PERMISSION() do { \
	WQ_NEED_DEVICE(); \
	WQ_NEED_ROOT(); \
	if (!wq_can_ask()) \
		SKIP(return, "this kernel does not let modules ask for permission"); \
} while (0)
bool wq_can_ask(void);

/* ioctls: 0 or a descriptor, or -errno. error is 0 or an errno. */
int wq_respond(int fd, uint64_t request, uint32_t response, uint32_t error);
int wq_allow(int fd, uint64_t request);
int wq_deny(int fd, uint64_t request, uint32_t error);
int wq_open_target(int fd, uint64_t request);
int wq_set_permission(int fd, uint32_t timeout_ms, uint32_t unanswered);

/*
 * A task in a process of its own that does one thing to a file and ends. wq_task_end() waits
 * for it, for ms milliseconds at most (then it is killed, and the result is WQ_STUCK), and
 * gives 0 or -errno of what it did, or WQ_SIGNALLED if a signal has ended it.
 */
#define WQ_STUCK	1000
#define WQ_SIGNALLED	1001
struct wq_task {
	pid_t pid;
	int pipe;
	uint64_t begun;
};

enum wq_deed { WQ_OPEN, WQ_READ, WQ_EXEC };

const char *wq_task_begin(struct wq_task *t, enum wq_deed deed, const char *path);
int wq_task_end(struct wq_task *t, int ms);
/* Whether it is still at it after ms milliseconds. */
bool wq_task_waits(struct wq_task *t, int ms);

/* What process pid has open as fd, for us too; or -1. */
int wq_take_fd(pid_t pid, int fd);

/*
 * The next record, which has to be a request; its id, or 0. wq_why() says why not.
 */
uint64_t wq_question(struct wq *q, struct wq_rec *r);

/* Milliseconds until a request's deadline. */
int64_t wq_deadline_ms(const struct wq_rec *r);

/* What came at once, on a machine of this speed. */
#define WQ_SOON	wq_patience(3000)

/* GET_INFO: asked is the sum of what became of the requests. */
const char *wq_check_asked(int fd);

#endif
