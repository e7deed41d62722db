/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * C interface to /dev/watch_queue: kernel events through one mmap()'ed ring.
 *
 * wq_open() gives a queue with its ring, wq_add() sets watches. Records are read in one of
 * two ways: wq_poll() and wq_consume() call a function for each, or the program walks with
 * wq_next() and gives the room back with wq_advance(). Both check every record's length
 * against the ring before they hand it out; a ring that cannot be right is an error, never
 * a read outside. Functions return 0 or a count, or a negative errno.
 *
 * A queue is to be used by one thread at a time, except that what only asks something of the
 * kernel (wq_add(), wq_add_watch(), wq_remove(), wq_filter(), wq_info(), wq_allow(), wq_deny(),
 * wq_open_target(), wq_set_permission() and wq_shutdown()) may run beside the one that reads.
 *
 * After fork() the queue is read by the parent alone: the kernel does not give the ring to children. In a
 * child every function that reads, waits or resyncs returns -ECHILD (wq_next() returns NULL, with
 * wq->error); records that were not read before fork() must not be looked at. What only asks something of the
 * kernel works there, wq_close() closes the child's descriptor and ends no watch, and a child that is
 * to go on alone opens a queue of its own. A daemon opens its queue after its last fork().
 *
 * Compiles as C11 and C++17; `pkg-config --cflags --libs wq` says with what. Mainline's
 * <linux/watch_queue.h> may be included, too, see <linux/watch_queue_dev.h>.
 */
#ifndef WATCH_QUEUE_WQ_H
#define WATCH_QUEUE_WQ_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/watch_queue_dev.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called with a record, which is valid until the function returns. A negative result ends
 * the reading behind this record and is returned to the caller of wq_poll() or wq_consume().
 */
typedef int (*wq_record_fn)(void *ctx, const struct watch_notification *record);

/* How wq_open() is to open a queue. What is 0 or NULL gets its default. */
struct wq_opts {
	size_t sz;		/* sizeof(struct wq_opts), for later versions */
	uint32_t pages;		/* size of the ring, a power of two; default 16 */
	uint32_t batch;		/* slots that wq_consume() reads before it gives their room
				 * back; default a quarter of the ring
				 */
	wq_record_fn fn;	/* for wq_poll() and wq_consume() */
	void *ctx;		/* its first argument */
	const char *device;	/* default "/dev/watch_queue" */
};

/*
 * A queue. The fields belong to the functions below.
 *
 * Positions count slots, run freely and wrap; only indices are masked. The program's own
 * position is kept here: whatever happens to the tail in shared memory does not lead it
 * astray.
 */
struct wq {
	struct watch_queue_buffer *ring;
	const struct watch_notification *next;	/* where the next record begins */
	size_t left;		/* bytes from there to the kernel's head, or to the ring's end */
	uint32_t end;		/* the position behind them */
	uint32_t mask;
	uint32_t released;	/* the tail that the kernel knows */
	uint32_t batch;
	int error;		/* what wq_next() found wrong */
	wq_record_fn fn;
	void *ctx;
};

/*
 * Opens a queue; *wq is NULL after an error. opts may be NULL.
 * -ENOENT: the module is not loaded. -EINVAL: a bad number of pages, or an option that this
 * library does not know. -EPERM: the ring exceeds RLIMIT_MEMLOCK.
 */
int wq_open(struct wq **wq, const struct wq_opts *opts);

/*
 * Takes over a queue that has its ring already and was handed over as a descriptor: over a socket, by an
 * execve(), or from the service manager's store. Reading goes on behind what was given back last; watches,
 * filter and counters stay. The descriptor, made close-on-exec, is wq_close()'s from then on, and stays the
 * caller's after an error. Of opts, pages and device are not used. Only one process may read a queue.
 * -EBADF, -ENOTTY: no queue. -ENOBUFS: it has no ring. -EACCES: not open for reading and writing.
 */
int wq_adopt(struct wq **wq, int fd, const struct wq_opts *opts);

/* Closes a queue and ends its watches. NULL is fine. */
void wq_close(struct wq *wq);

/* The descriptor, readable while there are records: for poll, epoll and io_uring. */
int wq_fd(const struct wq *wq);

/*
 * Watches the file or directory at path. scope: WATCH_SCOPE_*, events: WATCH_FS_* bits,
 * cookie: returned in the records of this watch; not 0, if losses are to name it. The
 * handle is for wq_remove(); it may be NULL.
 * -EEXIST: watched already. -EACCES, -EPERM: not for this user. -ENOSPC, -EDQUOT: a limit
 * on watches. -EOPNOTSUPP: not on this kernel.
 */
int wq_add(struct wq *wq, const char *path, uint32_t scope, uint64_t events, uint64_t cookie,
	   uint64_t *handle);

/* Sets any watch; size is filled in here, handle by the kernel. */
int wq_add_watch(struct wq *wq, struct watch_queue_add *add);

/* A watch with all that one can have. What is 0 or NULL gets its default. */
struct wq_watch_opts {
	size_t sz;		/* sizeof(struct wq_watch_opts), for later versions */
	uint32_t type;		/* WATCH_TYPE_*; default WATCH_TYPE_FS_NOTIFY */
	uint32_t scope;		/* WATCH_SCOPE_* */
	uint32_t flags;		/* WATCH_ADD_* */
	uint32_t id;		/* 0 to 255, in the info of each record, where filters see it */
	const char *path;	/* what to watch; default object */
	int32_t object;		/* a descriptor (which stays the caller's), a key, or -1: see ADD_WATCH */
	uint32_t reserved;
	uint64_t events;	/* bit n: records of subtype n */
	uint64_t ignore;	/* events that are not wanted even if another watch wants them */
	uint64_t cookie;	/* as for wq_add() */
};

/* Sets a watch as described; errors as for wq_add(), and -EINVAL for an option that is not known. */
int wq_add_opts(struct wq *wq, const struct wq_watch_opts *opts, uint64_t *handle);

/*
 * All events of the other sources; errors as for wq_add(). Mounts: of the namespace at ns, a file like
 * /proc/PID/ns/mnt, or with NULL of the caller's own. The file system that path is on. A key or
 * keyring. Errors of a block device, or with NULL of all. USB devices and buses.
 */
int wq_add_mounts(struct wq *wq, const char *ns, uint64_t cookie, uint64_t *handle);
int wq_add_sb(struct wq *wq, const char *path, uint64_t cookie, uint64_t *handle);
int wq_add_key(struct wq *wq, int32_t serial, uint64_t cookie, uint64_t *handle);
int wq_add_block(struct wq *wq, const char *device, uint64_t cookie, uint64_t *handle);
int wq_add_usb(struct wq *wq, uint64_t cookie, uint64_t *handle);

/*
 * When wq_wait() and poll() wake up: when so many records or bytes wait, or the first one has waited so
 * long. 0: not by this; all 0: at each record, as at first. -EINVAL: more than the ring or an hour.
 */
int wq_set_watermark(struct wq *wq, uint32_t records, uint32_t bytes, uint32_t timeout_ms);

/* The name of a kind of record, like "create", or NULL when this library does not know it. */
const char *wq_event_name(uint32_t type, uint32_t subtype);

/* Ends a watch; its REMOVAL is its last record. -ENOENT: it has ended already. */
int wq_remove(struct wq *wq, uint64_t handle);

/* Lets only what passes the filter into the ring; NULL lets everything in again. */
int wq_filter(struct wq *wq, const struct watch_notification_filter *filter);

/* The counters of the queue, or with a handle those of a watch. */
int wq_info(struct wq *wq, uint64_t handle, struct watch_queue_info *info);

/*
 * Answers a request for permission (wq_question()); error is one of EPERM, EIO, EAGAIN,
 * EACCES, EBUSY, ETXTBSY, ENOSPC and EDQUOT, or 0 for EPERM.
 * -ENOENT: nothing waits for it any more.
 */
int wq_allow(struct wq *wq, uint64_t request);
int wq_deny(struct wq *wq, uint64_t request, uint32_t error);

/*
 * A descriptor of what a request is about, for reading, that causes no events.
 * -ENOENT: as above.
 */
int wq_open_target(struct wq *wq, uint64_t request);

/*
 * How long answers may take, and whether a task that gets none goes on (WATCH_RESPONSE_ALLOW) or not
 * (WATCH_RESPONSE_DENY). Without this it is 10 s, and then he goes on.
 */
int wq_set_permission(struct wq *wq, uint32_t timeout_ms, uint32_t unanswered);

/* Ends every watch and the queue; records that wait can still be read. -EINTR: call it again. */
int wq_shutdown(struct wq *wq);

/*
 * Waits until there are records: 1, or 0 after timeout_ms milliseconds (-1: for ever).
 * -EINTR: a signal handler ran. -EBADMSG: something else has written to the ring's tail. -ECHILD: this is a
 * child of the process that opened the queue.
 */
int wq_wait(struct wq *wq, int timeout_ms);

/* Waits like wq_wait(), then reads like wq_consume(). */
int wq_poll(struct wq *wq, int timeout_ms);

/*
 * Calls the options' function for each record that waits, or for at most n of them, and
 * returns how many there were. -EINVAL: no function was given. -EBADMSG: the ring is corrupt.
 */
int wq_consume(struct wq *wq);
int wq_consume_n(struct wq *wq, size_t n);

/*
 * Gives up everything that is in the ring and goes on with what the kernel writes next: the
 * way out after -EBADMSG. Fails with it when head itself makes no sense.
 */
int wq_resync(struct wq *wq);

/* For tests: begins to read the ring at memory of the given number of slots. */
int wq_attach(struct wq *wq, void *memory, uint32_t slots);

/* A record's first word and its info, each read once. */
static inline uint32_t wq_word(const void *record, unsigned int index)
{
	return __atomic_load_n((const uint32_t *)record + index, __ATOMIC_RELAXED);
}

static inline uint32_t wq_type(const struct watch_notification *record)
{
	return record->type;
}

static inline uint32_t wq_subtype(const struct watch_notification *record)
{
	return record->subtype;
}

/* A record's length in bytes, its header included. */
static inline uint32_t wq_length(const struct watch_notification *record)
{
	return wq_word(record, 1) & WATCH_INFO_LENGTH;
}

/* The position of the next record; every record before it was returned by wq_next(). */
static inline uint32_t wq_position(const struct wq *wq)
{
	return wq->end - (uint32_t)(wq->left / sizeof(struct watch_notification));
}

/*
 * Gives the room of every record that wq_next() has returned back to the kernel; those
 * records must not be looked at any more.
 */
static inline void wq_advance(struct wq *wq)
{
	uint32_t position = wq_position(wq);

	if (wq->released != position) {
		__atomic_store_n(&wq->ring->meta.tail, position, __ATOMIC_RELEASE);
		wq->released = position;
	}
}

/* For wq_next(): looks at head. Whether there is something to read; else sets wq->error. */
int wq_refill(struct wq *wq);

/*
 * The next record, or NULL: then wq->error is 0 when the ring is empty and -EBADMSG when it
 * is corrupt. Records stay valid until wq_advance(), so several can be held at once. Call
 * wq_advance() before sleeping, or the descriptor stays readable.
 */
static inline const struct watch_notification *wq_next(struct wq *wq)
{
	while (wq->left || wq_refill(wq)) {
		const struct watch_notification *record = wq->next;
		size_t length = wq_length(record);

		/* One comparison for empty records, too: their length wraps. */
		if (length - 1 >= wq->left) {
			wq->error = -EBADMSG;
			return NULL;
		}
		wq->next = (const struct watch_notification *)((const char *)record + length);
		wq->left -= length;
		if (wq_word(record, 0) != 0) /* 0: META, SKIP */
			return record;
	}
	return NULL;
}

/* An FS record's fixed part, or NULL when the record is something else or too short. */
static inline const struct fs_notification *wq_fs(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_FS_NOTIFY ||
	    wq_length(record) < sizeof(struct fs_notification))
		return NULL;
	return (const struct fs_notification *)record;
}

/*
 * An FS record's name, or the path of a watch with WATCH_ADD_PATH, ending in a NUL, or NULL
 * when it has none or the name does not lie inside the record. Takes what wq_fs() has
 * returned.
 */
static inline const char *wq_fs_name(const struct fs_notification *fs)
{
	uint32_t length = wq_length(&fs->watch), off, len;
	const char *start = (const char *)fs;

	off = __atomic_load_n(&fs->name_off, __ATOMIC_RELAXED);
	len = __atomic_load_n(&fs->name_len, __ATOMIC_RELAXED);
	if (off < sizeof(struct fs_notification) || off + len >= length || start[off + len])
		return NULL;
	return start + off;
}

/*
 * An FS record's struct file_handle, for a watch with WATCH_ADD_FILE_HANDLE, with its length
 * in bytes, header included, or NULL as for wq_fs_name(). Copy it before passing it to
 * open_by_handle_at().
 */
static inline const void *wq_fs_handle(const struct fs_notification *fs, uint32_t *length)
{
	uint32_t off = __atomic_load_n(&fs->handle_off, __ATOMIC_RELAXED);
	uint32_t len = __atomic_load_n(&fs->handle_len, __ATOMIC_RELAXED);

	if (off < sizeof(struct fs_notification) || len < 8 || off + len > wq_length(&fs->watch))
		return NULL;
	*length = len;
	return (const char *)fs + off;
}

/*
 * An FS record of a request for permission, or NULL when the record is something else or too
 * short. Its field request is for the answer; 0: it was decided already.
 */
static inline const struct fs_permission_notification *
wq_question(const struct watch_notification *record)
{
	if (!wq_fs(record) || wq_subtype(record) > 63 ||
	    !(1ULL << wq_subtype(record) & WATCH_FS_ALL_PERM) ||
	    wq_length(record) < sizeof(struct fs_permission_notification))
		return NULL;
	return (const struct fs_permission_notification *)record;
}

/*
 * A record of another source, or NULL when the record is something else or too short. Of SB
 * records, wq_sb_error() and wq_sb_quota() have more, when the subtype is theirs.
 */
static inline const struct mount_notification *wq_mount(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_MOUNT_NOTIFY ||
	    wq_length(record) < sizeof(struct mount_notification))
		return NULL;
	return (const struct mount_notification *)record;
}

static inline const struct superblock_notification *wq_sb(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_SB_NOTIFY ||
	    wq_length(record) < sizeof(struct superblock_notification))
		return NULL;
	return (const struct superblock_notification *)record;
}

static inline const struct key_notification *wq_key(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_KEY_NOTIFY ||
	    wq_length(record) < sizeof(struct key_notification))
		return NULL;
	return (const struct key_notification *)record;
}

static inline const struct block_notification *wq_block(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_BLOCK_NOTIFY ||
	    wq_length(record) < sizeof(struct block_notification))
		return NULL;
	return (const struct block_notification *)record;
}

static inline const struct usb_notification *wq_usb(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_USB_NOTIFY ||
	    wq_length(record) < sizeof(struct usb_notification))
		return NULL;
	return (const struct usb_notification *)record;
}

/* A USB record's name with its length; no NUL follows. NULL when it does not lie inside the record. */
static inline const char *wq_usb_name(const struct usb_notification *usb, uint32_t *length)
{
	const uint32_t start = offsetof(struct usb_notification, name);
	uint32_t len = __atomic_load_n(&usb->name_len, __ATOMIC_RELAXED);

	if (start + len > wq_length(&usb->watch))
		return NULL;
	*length = len;
	return (const char *)usb + start;
}

static inline const struct error_notification *
wq_sb_error(const struct watch_notification *record)
{
	if (!wq_sb(record) || wq_subtype(record) != NOTIFY_SUPERBLOCK_ERROR ||
	    wq_length(record) < sizeof(struct error_notification))
		return NULL;
	return (const struct error_notification *)record;
}

static inline const struct quota_notification *
wq_sb_quota(const struct watch_notification *record)
{
	if (!wq_sb(record) || wq_subtype(record) != NOTIFY_SUPERBLOCK_EDQUOT ||
	    wq_length(record) < sizeof(struct quota_notification))
		return NULL;
	return (const struct quota_notification *)record;
}

/* A LOSS record, or NULL when the record is something else or too short. */
static inline const struct watch_loss_notification *
wq_loss(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_META ||
	    wq_subtype(record) != WATCH_META_LOSS_NOTIFICATION ||
	    wq_length(record) < sizeof(struct watch_loss_notification))
		return NULL;
	return (const struct watch_loss_notification *)record;
}

/* A REMOVAL record, or NULL when the record is something else or too short. */
static inline const struct watch_removal_notification *
wq_removal(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_META ||
	    wq_subtype(record) != WATCH_META_REMOVAL_NOTIFICATION ||
	    wq_length(record) < sizeof(struct watch_removal_notification))
		return NULL;
	return (const struct watch_removal_notification *)record;
}

/* An UNANSWERED record, or NULL when the record is something else or too short. */
static inline const struct watch_unanswered_notification *
wq_unanswered(const struct watch_notification *record)
{
	if (wq_type(record) != WATCH_TYPE_META ||
	    wq_subtype(record) != WATCH_META_UNANSWERED_NOTIFICATION ||
	    wq_length(record) < sizeof(struct watch_unanswered_notification))
		return NULL;
	return (const struct watch_unanswered_notification *)record;
}

#ifdef __cplusplus
}
#endif

#endif /* WATCH_QUEUE_WQ_H */
