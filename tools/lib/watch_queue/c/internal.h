/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the files of libwq share and do not show. Inline, because some programs here compile wq.c alone.
 */
#ifndef WQ_INTERNAL_H
#define WQ_INTERNAL_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <watch_queue/wq.h>

/*
 * Takes from options, which begin with their size, what this version knows: size bytes, of which the first
 * are left as they are. What only a later version knows must be 0.
 */
static inline int wq_take_opts(void *known, size_t size, const void *opts)
{
	const unsigned char *bytes = opts;
	size_t given = *(const size_t *)opts;

	if (given < sizeof(given))
		return -EINVAL;
	for (size_t i = sizeof(given); i < given; i++) {
		if (i < size)
			((unsigned char *)known)[i] = bytes[i];
		else if (bytes[i])
			return -EINVAL;
	}
	return 0;
}

/* Adds a watch, on a path if there is one; handle may be NULL. */
static inline int wq_add_path(struct wq *wq, struct watch_queue_add *add, const char *path, uint64_t *handle)
{
	int rc;

	if (path) {
		add->object = open(path, O_PATH | O_CLOEXEC);
		if (add->object < 0)
			return -errno;
	}
	rc = wq_add_watch(wq, add);
	if (path)
		close(add->object);
	if (!rc && handle)
		*handle = add->handle;
	return rc;
}

#endif
