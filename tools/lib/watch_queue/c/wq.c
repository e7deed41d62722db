// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What of <watch_queue/wq.h> is not inline: opening and closing a queue, the ioctls, waiting,
 * and reading with a function. Built into libwq.a.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "internal.h"

#define DEFAULT_PAGES	16

/*
 * What stays in the page behind a struct wq. The struct itself is filled with zeros in a child of fork(),
 * because the kernel does not give the ring to children: all of it then says that there is nothing to read
 * and no ring, where it would lead to memory that is not there. Only the descriptor is the child's, too.
 */
struct kept {
	int fd;
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static struct kept *kept(const struct wq *wq)
{
	return (struct kept *)((uintptr_t)wq + page_size());
}

/* The two pages of a queue with these options, or NULL. */
static struct wq *new_queue(const struct wq_opts *opts)
{
	size_t page = page_size();
	void *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct wq *wq = memory;

	if (memory == MAP_FAILED)
		return NULL;
	if (madvise(memory, page, MADV_WIPEONFORK)) {
		munmap(memory, 2 * page);
		return NULL;
	}
	wq->fn = opts->fn;
	wq->ctx = opts->ctx;
	return wq;
}

int wq_attach(struct wq *wq, void *memory, uint32_t slots)
{
	struct watch_queue_buffer *ring = memory;

	if (slots < 8 || slots > 1u << 30 || (slots & (slots - 1)))
		return -EINVAL;
	if (__atomic_load_n(&ring->meta.mask, __ATOMIC_RELAXED) != slots - 1)
		return -EBADMSG;
	wq->ring = ring;
	wq->mask = slots - 1;
	wq->released = __atomic_load_n(&ring->meta.tail, __ATOMIC_RELAXED);
	wq->end = wq->released;
	wq->left = 0;
	wq->batch = slots / 4;
	wq->error = 0;
	return 0;
}

int wq_refill(struct wq *wq)
{
	uint32_t position = wq_position(wq), index = position & wq->mask, head, slots;

	if (!wq->ring) {
		wq->error = -ECHILD;
		return 0;
	}
	/* Pairs with the kernel's release: records before head are complete. */
	head = __atomic_load_n(&wq->ring->meta.head, __ATOMIC_ACQUIRE);
	slots = head - position;
	wq->error = head - wq->released > wq->mask + 1 ? -EBADMSG : 0;
	if (!slots || wq->error)
		return 0;
	if (slots > wq->mask + 1 - index)
		slots = wq->mask + 1 - index;
	wq->next = &wq->ring->slots[index];
	wq->left = slots * sizeof(struct watch_notification);
	wq->end = position + slots;
	return 1;
}

/* Takes the options, and the defaults for what they leave open. */
static int read_opts(struct wq_opts *known, const struct wq_opts *opts)
{
	int rc = 0;

	*known = (struct wq_opts){ .sz = sizeof(*known) };
	if (opts)
		rc = wq_take_opts(known, sizeof(*known), opts);
	if (!known->pages)
		known->pages = DEFAULT_PAGES;
	if (!known->device)
		known->device = "/dev/watch_queue";
	return rc;
}

/* Maps the ring, which the queue has. */
static int map_ring(struct wq *wq, size_t length, const struct wq_opts *opts)
{
	void *memory;
	int rc;

	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, kept(wq)->fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	rc = wq_attach(wq, memory, length / sizeof(struct watch_notification));
	if (rc) {
		munmap(memory, length);
		return rc;
	}
	if (opts->batch)
		wq->batch = opts->batch;
	return 0;
}

/* Gives the open device its ring and maps it. */
static int make_ring(struct wq *wq, const struct wq_opts *opts)
{
	if (ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_SET_SIZE, (unsigned long)opts->pages))
		return -errno;
	return map_ring(wq, opts->pages * page_size(), opts);
}

int wq_open(struct wq **wq, const struct wq_opts *opts)
{
	struct wq_opts known;
	struct wq *q;
	int rc;

	*wq = NULL;
	rc = read_opts(&known, opts);
	if (rc)
		return rc;
	q = new_queue(&known);
	if (!q)
		return -ENOMEM;
	kept(q)->fd = open(known.device, O_RDWR | O_CLOEXEC);
	rc = kept(q)->fd < 0 ? -errno : make_ring(q, &known);
	if (rc) {
		wq_close(q);
		return rc;
	}
	*wq = q;
	return 0;
}

int wq_adopt(struct wq **wq, int fd, const struct wq_opts *opts)
{
	struct watch_queue_info info = { .size = sizeof(info) };
	struct wq_opts known;
	struct wq *q;
	int rc;

	*wq = NULL;
	rc = read_opts(&known, opts);
	if (rc)
		return rc;
	if (ioctl(fd, IOC_WATCH_QUEUE_GET_INFO, &info) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	if (!info.ring_slots)
		return -ENOBUFS;
	if (info.ring_slots > 1u << 30)
		return -EBADMSG;
	q = new_queue(&known);
	if (!q)
		return -ENOMEM;
	kept(q)->fd = fd;
	rc = map_ring(q, (size_t)info.ring_slots * sizeof(struct watch_notification), &known);
	if (rc) {
		munmap(q, 2 * page_size());
		return rc;
	}
	*wq = q;
	return 0;
}

void wq_close(struct wq *wq)
{
	if (!wq)
		return;
	if (wq->ring)
		munmap(wq->ring, (wq->mask + (size_t)1) * sizeof(struct watch_notification));
	if (kept(wq)->fd >= 0)
		close(kept(wq)->fd);
	munmap(wq, 2 * page_size());
}

int wq_fd(const struct wq *wq)
{
	return kept(wq)->fd;
}

int wq_add_watch(struct wq *wq, struct watch_queue_add *add)
{
	add->size = sizeof(*add);
	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_ADD_WATCH, add) ? -errno : 0;
}

int wq_add(struct wq *wq, const char *path, uint32_t scope, uint64_t events, uint64_t cookie,
	   uint64_t *handle)
{
	struct watch_queue_add add = {
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = scope,
		.mask = events,
		.cookie = cookie,
	};

	if (!path)
		return -EFAULT;
	return wq_add_path(wq, &add, path, handle);
}

int wq_remove(struct wq *wq, uint64_t handle)
{
	struct watch_queue_remove remove = { .size = sizeof(remove), .handle = handle };

	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_REMOVE_WATCH, &remove) ? -errno : 0;
}

int wq_filter(struct wq *wq, const struct watch_notification_filter *filter)
{
	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_SET_FILTER, filter) ? -errno : 0;
}

int wq_info(struct wq *wq, uint64_t handle, struct watch_queue_info *info)
{
	*info = (struct watch_queue_info){ .size = sizeof(*info), .handle = handle };
	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_GET_INFO, info) ? -errno : 0;
}

static int respond(struct wq *wq, uint64_t request, uint32_t response, uint32_t error)
{
	struct watch_queue_respond respond = {
		.size = sizeof(respond),
		.response = response,
		.request = request,
		.error = error,
	};

	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_RESPOND, &respond) ? -errno : 0;
}

int wq_allow(struct wq *wq, uint64_t request)
{
	return respond(wq, request, WATCH_RESPONSE_ALLOW, 0);
}

int wq_deny(struct wq *wq, uint64_t request, uint32_t error)
{
	return respond(wq, request, WATCH_RESPONSE_DENY, error);
}

int wq_open_target(struct wq *wq, uint64_t request)
{
	struct watch_queue_open_target target = { .size = sizeof(target), .request = request };
	int fd = ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_OPEN_TARGET, &target);

	return fd < 0 ? -errno : fd;
}

int wq_set_permission(struct wq *wq, uint32_t timeout_ms, uint32_t unanswered)
{
	struct watch_queue_permission policy = {
		.size = sizeof(policy),
		.timeout_ms = timeout_ms,
		.unanswered = unanswered,
	};

	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_SET_PERMISSION, &policy) ? -errno : 0;
}

int wq_shutdown(struct wq *wq)
{
	return ioctl(kept(wq)->fd, IOC_WATCH_QUEUE_SHUTDOWN, 0) ? -errno : 0;
}

int wq_wait(struct wq *wq, int timeout_ms)
{
	struct pollfd pollfd = { .fd = kept(wq)->fd, .events = POLLIN };

	if (!wq->ring)
		return -ECHILD;
	wq_advance(wq);
	if (poll(&pollfd, 1, timeout_ms) < 0)
		return -errno;
	if (pollfd.revents & POLLERR)
		return -EBADMSG;
	return pollfd.revents & POLLIN ? 1 : 0;
}

int wq_consume_n(struct wq *wq, size_t n)
{
	const struct watch_notification *record;
	int count = 0, rc = 0;

	if (!wq->ring)
		return -ECHILD;
	if (!wq->fn)
		return -EINVAL;
	wq->error = 0;
	while (!rc && count < INT32_MAX && (size_t)count < n && (record = wq_next(wq))) {
		rc = wq->fn(wq->ctx, record);
		rc = rc < 0 ? rc : 0;
		count++;
		if (wq_position(wq) - wq->released >= wq->batch)
			wq_advance(wq);
	}
	wq_advance(wq);
	if (rc)
		return rc;
	/* What was read before the error counts first; the error comes again next time. */
	return count == 0 && wq->error ? wq->error : count;
}

int wq_consume(struct wq *wq)
{
	return wq_consume_n(wq, SIZE_MAX);
}

int wq_poll(struct wq *wq, int timeout_ms)
{
	int rc = wq_wait(wq, timeout_ms);

	return rc > 0 ? wq_consume(wq) : rc;
}

int wq_resync(struct wq *wq)
{
	uint32_t head;

	if (!wq->ring)
		return -ECHILD;
	head = __atomic_load_n(&wq->ring->meta.head, __ATOMIC_ACQUIRE);
	if (head - wq->released > wq->mask + 1)
		return -EBADMSG;
	wq->end = head;
	wq->left = 0;
	wq->error = 0;
	wq_advance(wq);
	return 0;
}
