// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Watches of every source, and the watermark: what <watch_queue/wq.h> has for setting up a queue beyond
 * wq_add(). Part of libwq; uses the descriptor of a queue only.
 */
#define _GNU_SOURCE
#include <sys/ioctl.h>

#include "internal.h"

int wq_add_opts(struct wq *wq, const struct wq_watch_opts *opts, uint64_t *handle)
{
	struct wq_watch_opts known = { .sz = sizeof(known) };
	struct watch_queue_add add;
	int rc = opts ? wq_take_opts(&known, sizeof(known), opts) : -EINVAL;

	if (rc)
		return rc;
	add = (struct watch_queue_add){
		.type = known.type ? known.type : WATCH_TYPE_FS_NOTIFY,
		.scope = known.scope,
		.flags = known.flags,
		.object = known.object,
		.id = known.id,
		.mask = known.events,
		.ignore_mask = known.ignore,
		.cookie = known.cookie,
	};
	return wq_add_path(wq, &add, known.path, handle);
}

static int add_source(struct wq *wq, uint32_t type, const char *path, int object, uint64_t events,
		      uint64_t cookie, uint64_t *handle)
{
	struct wq_watch_opts opts = {
		.sz = sizeof(opts),
		.type = type,
		.path = path,
		.object = object,
		.events = events,
		.cookie = cookie,
	};

	return wq_add_opts(wq, &opts, handle);
}

int wq_add_mounts(struct wq *wq, const char *ns, uint64_t cookie, uint64_t *handle)
{
	return add_source(wq, WATCH_TYPE_MOUNT_NOTIFY, ns, -1, WATCH_MOUNT_ALL_EVENTS, cookie, handle);
}

int wq_add_sb(struct wq *wq, const char *path, uint64_t cookie, uint64_t *handle)
{
	if (!path)
		return -EINVAL;
	return add_source(wq, WATCH_TYPE_SB_NOTIFY, path, -1, WATCH_SB_ALL_EVENTS, cookie, handle);
}

int wq_add_key(struct wq *wq, int32_t serial, uint64_t cookie, uint64_t *handle)
{
	return add_source(wq, WATCH_TYPE_KEY_NOTIFY, NULL, serial, WATCH_KEY_ALL_EVENTS, cookie, handle);
}

int wq_add_block(struct wq *wq, const char *device, uint64_t cookie, uint64_t *handle)
{
	return add_source(wq, WATCH_TYPE_BLOCK_NOTIFY, device, -1, WATCH_BLOCK_ALL_EVENTS, cookie, handle);
}

int wq_add_usb(struct wq *wq, uint64_t cookie, uint64_t *handle)
{
	return add_source(wq, WATCH_TYPE_USB_NOTIFY, NULL, -1, WATCH_USB_ALL_EVENTS, cookie, handle);
}

int wq_set_watermark(struct wq *wq, uint32_t records, uint32_t bytes, uint32_t timeout_ms)
{
	struct watch_queue_watermark watermark = {
		.size = sizeof(watermark),
		.records = records,
		.bytes = bytes,
		.timeout_ms = timeout_ms,
	};

	return ioctl(wq_fd(wq), IOC_WATCH_QUEUE_SET_WATERMARK, &watermark) ? -errno : 0;
}
