/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/watch_queue share: a queue with its ring mapped, a consumer
 * that checks every record strictly, the records rendered as a line of text to compare
 * with, a temporary folder, and children that run as an unprivileged user.
 *
 * Everything here reports by return value; only the tests themselves use the harness.
 */
#ifndef WQ_TEST_H
#define WQ_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/watch_queue_dev.h>

#define WQ_DEVICE	"/dev/watch_queue"
#define WQ_HEADER_SLOTS	3u		/* slots that the ring's header takes */
#define WQ_RESERVE	8u		/* slots kept free for one LOSS record */
#define WQ_SLOT		8u		/* bytes in a slot */
#define WQ_MAX_PAGES	16u		/* default maximum of SET_SIZE */
#define WQ_NOBODY	65534
#define WQ_ANY_ID	0		/* watches that need no id of their own */

/* What helpers return when nothing is wrong; else they return what is. */
extern const char wq_ok[];
#define EXPECT_OK(expr) EXPECT_STREQ(wq_ok, (expr))
#define ASSERT_OK(expr) ASSERT_STREQ(wq_ok, (expr))

/* Ends a test (or a fixture's setup) as skipped when it cannot run here. */
#define WQ_NEED_DEVICE() do { \
	if (access(WQ_DEVICE, F_OK)) \
		SKIP(return, "no " WQ_DEVICE ": load the module first"); \
} while (0)
#define WQ_NEED_ROOT() do { \
	if (geteuid() != 0) \
		SKIP(return, "needs root"); \
} while (0)
/* The C library of 32-bit programs needs a futex() that not every kernel has. */
#define WQ_NEED_THREADS() do { \
	if (!wq_have_threads()) \
		SKIP(return, "32-bit threads need CONFIG_COMPAT_32BIT_TIME"); \
} while (0)
bool wq_have_threads(void);

/* A queue as a consumer sees it. ring is NULL until wq_map(). */
struct wq {
	int fd;
	struct watch_queue_buffer *ring;
	size_t bytes;
	uint32_t slots;
	uint32_t tail;
	bool paths;			/* there are watches with WATCH_ADD_PATH */
};

/* One record, copied out of the ring, with the parts that tests look at. */
struct wq_rec {
	uint32_t type, subtype, info;
	uint32_t slots;			/* its length */
	uint32_t index;			/* slot that it began at */
	unsigned int id;
	union {
		unsigned char raw[63 * WQ_SLOT];
		uint64_t align;
		struct watch_notification n;
		struct fs_notification fs;
		struct mount_notification mount;
		struct superblock_notification sb;
		struct error_notification sb_error;
		struct quota_notification quota;
		struct fs_permission_notification perm;
		struct watch_unanswered_notification unanswered;
		struct watch_removal_notification removal;
		struct watch_loss_notification loss;
		struct key_notification key;
		struct block_notification block;
		struct usb_notification usb;
	};
	char name[63 * WQ_SLOT];	/* FS: the name, terminated; empty when there is none */
};

/* Opening. wq_open() does everything; the others are its steps. */
const char *wq_open(struct wq *q, unsigned int pages);
const char *wq_open_only(struct wq *q);
const char *wq_map(struct wq *q, unsigned int pages);
void wq_close(struct wq *q);

/* ioctls: 0 or a positive value, or -errno. */
int wq_size(int fd, unsigned long pages);
int wq_filter(int fd, const void *filter);
int wq_add(int fd, struct watch_queue_add *add);
int wq_remove(int fd, uint64_t handle);
int wq_remove_all(int fd, uint32_t type);
int wq_info(int fd, uint64_t handle, struct watch_queue_info *info);
int wq_shutdown(int fd);
size_t wq_page(void);

/* Watches path; returns the handle, or 0 with errno set. */
uint64_t wq_watch(int fd, const char *path, uint64_t mask, unsigned int scope,
		  unsigned int id, uint64_t cookie, unsigned int flags);
/* WATCH_SCOPE_CHILDREN for a folder, WATCH_SCOPE_OBJECT for anything else. */
unsigned int wq_scope_of(const char *path);

/*
 * Consuming. wq_next() gives 1 for a record (SKIPs are checked and stepped over), 0 when
 * the ring is empty, -1 for a ring or record that breaks the contract: see wq_why().
 */
int wq_next(struct wq *q, struct wq_rec *r);
int wq_next_wait(struct wq *q, struct wq_rec *r, int ms);
const char *wq_why(void);
uint32_t wq_head(const struct wq *q);
void wq_publish(struct wq *q, uint32_t tail);
const char *wq_check_header(const struct wq *q);
short wq_poll(int fd, int ms);		/* revents, 0 on timeout */

/* Drains everything and forgets it; returns the number of records, or -1. */
long wq_drain(struct wq *q);

/*
 * Drains everything into a line of text: events separated by ", ", each
 *   name-of-event [/ when about a directory] [+ when IN_SUBTREE] [#id] [ NAME]
 *   [~ when TRUNCATED] [! when NO_PLACE]
 * or "removal:REASON[#id]", "loss:COUNT" or "unanswered:REASON:COUNT", or "BAD …" when a
 * record is wrong.
 */
const char *wq_story(struct wq *q);
/* The same for one record of another source than FS; and whether it keeps the contract. */
int wq_tell_source(char *buf, size_t len, const struct wq_rec *r, const char *id);
const char *wq_check_source(const struct wq_rec *r);

/*
 * Of these two sources. The text of a MOUNT record is
 *   subtype [:ro or :rw] [* when recursive] [+ when IN_SUBTREE] [#id] MOUNT on MOUNT
 * and that of an SB record "readonly:ro [#id] SB", "error [#id] SB ERRNO WHAT" or
 * "edquot [#id] SB type N id N warning N", with the names that were given; "?" is id 0.
 */
bool wq_name_mount(const char *path, const char *text);
bool wq_name_sb(const char *path, const char *text);
void wq_forget_names(void);
uint64_t wq_mount_id(const char *path);
const char *wq_check_mount(const struct wq_rec *r);
int wq_tell_mount(char *buf, size_t len, const struct wq_rec *r, const char *id);
const char *wq_check_sb(const struct wq_rec *r);
int wq_tell_sb(char *buf, size_t len, const struct wq_rec *r, const char *id);

/* Adds a watch of another source; id is its cookie as well, handle may be NULL. */
int wq_add_to(int queue, uint32_t type, int object, uint64_t mask, unsigned int flags,
	      unsigned int id, uint64_t *handle);

/*
 * Small files, such as those of /proc and /sys. wq_get() reads up to len - 1 bytes at once, and
 * terminates them: how many, or -1. wq_put() writes all of the text at once. wq_fdinfo() gives
 * what is told of a descriptor, each thread its own, until it asks again; nothing on failure.
 */
long wq_get(const char *path, char *text, size_t len);
bool wq_put(const char *path, const char *text);
const char *wq_fdinfo(int fd);

/*
 * The function tracer (wq_trace.c), mounted in the folder "trace" of the current one: begins with calls
 * of one function, by this process or by anybody; false if there is no tracer. Then forgets what was
 * called so far, and counts the calls since then whose "function <-caller" begins with the text. Ending
 * without having begun does nothing.
 */
bool wq_trace_begin(const char *function, bool own);
void wq_trace_forget(void);
int wq_trace_count(const char *call);
void wq_trace_end(void);

/* Objects in use in a slab cache, without those that CPUs keep; -1 if that cannot be seen. */
long wq_slab_objects(const char *cache);

/* A parameter of the module, as text. A test that sets one sets it back to what it was. */
#define WQ_VALUE 16
bool wq_get_parameter(const char *name, char value[WQ_VALUE]);
bool wq_set_parameter(const char *name, const char *value);

/* System calls. A new key that is no "keyring" has the payload "x". */
long wq_keyctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int wq_add_key(const char *type, const char *name, int ring);

/* Whether the module uses what only a patched kernel has, and whether it probes functions. */
bool wq_patches_in_use(void);
bool wq_probes_in_use(void);

/* A mount namespace of one's own, from which nothing propagates to where it came from. */
int wq_own_mounts(void);
/* A tmpfs of 1 MiB. */
int wq_tmpfs(const char *path);
/* An expected text of MOUNT records without what an unpatched kernel does not tell. */
const char *wq_mount_text(const char *text);
/* Makes the file "image", 16 MiB, an ext4 with the file "file", inode 12; 127: no mke2fs. */
int wq_make_ext4(void);
/* A loop device for a file, until it is not used: its descriptor, and its path. */
int wq_attach_loop(const char *image, char *path, size_t len);
/* Makes a user without rights the root of new user and mount namespaces. */
int wq_become_root_inside(void);

const char *wq_event_name(unsigned int subtype);

/* GET_INFO adds up: posted == delivered + lost. */
const char *wq_check_sums(int fd);

/* A temporary folder that becomes the current one; and back, removing it. */
const char *wq_tmpdir_enter(void);
void wq_tmpdir_leave(void);
const char *wq_touch(const char *path);
/*
 * Mounts a new file system on a folder of the current one: "tmpfs", "ext4" on a loop
 * device, or "overlay". To be used in a mount namespace of one's own, which ends it. Gives
 * wq_absent if the system has not what that takes; WQ_NEED_MOUNT() skips the test then.
 */
const char *wq_mount(const char *at, const char *fs);
extern const char wq_absent[];
#define WQ_NEED_MOUNT(at, fs) do { \
	const char *e_ = wq_mount(at, fs); \
	if (e_ == wq_absent) \
		SKIP(return, "no %s here", fs); \
	ASSERT_OK(e_); \
} while (0)
int wq_temp_path(char *buf, size_t len);

/*
 * The cheapest event: one MODIFY of the file, by one byte written through the descriptor
 * that wq_poke_open() gives. A watch on the file itself gets records of 6 slots. By its path:
 * opens and closes the file besides, and makes it if it is not there; 0 or -1.
 */
int wq_poke_open(const char *path);
void wq_poke(int fd);
int wq_poke_path(const char *path);
#define WQ_POKE_SLOTS 6u

/* Runs fn(arg) in a child, as nobody or as the same user; returns its result. */
int wq_child(int (*fn)(void *), void *arg);
int wq_child_nobody(int (*fn)(void *), void *arg);

/* For children, which have no harness: says what failed, where, and returns 1. */
#define CHILD_CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "# %s:%d: %s is not so (errno %d)\n", \
			__FILE__, __LINE__, #cond, errno); \
		return 1; \
	} \
} while (0)

/* n scaled by WQ_SCALE percent (default: 100, on a debug kernel 10), at least 1. */
long wq_scaled(long n);
/* Milliseconds that a machine of this speed may take for what should take ms. */
int wq_patience(int ms);
uint64_t wq_now_ms(void);

#endif
