// SPDX-License-Identifier: GPL-2.0
/*
 * The calls whose allocations and user copies are failed by fault.c, each with what has to be
 * there before and with the errors that Documentation/abi.rst allows. Each is one system call,
 * so that a fault strikes nothing else. Those that are about permission are in permission.c.
 */
#include <linux/keyctl.h>

#include "fault.h"

static bool nothing(struct state *s)
{
	(void)s;
	return true;
}

static bool opened(struct state *s)
{
	s->no_ring = true;
	return wq_open_only(&s->q) == wq_ok;
}

bool ready(struct state *s)
{
	return wq_open(&s->q, 1) == wq_ok && wq_touch("object") == wq_ok;
}

static bool watched(struct state *s)
{
	if (!ready(s))
		return false;
	s->handle = wq_watch(s->q.fd, "object", WATCH_FS_ATTRIB, WATCH_SCOPE_OBJECT, 7, 7, 0);
	return s->handle != 0;
}

static bool watched_by_other(struct state *s)
{
	return ready(s) && wq_open(&s->other, 1) == wq_ok &&
	       wq_watch(s->other.fd, "object", WATCH_FS_OPEN, WATCH_SCOPE_OBJECT, 1, 1, 0);
}

static bool unmapped(struct state *s)
{
	return wq_open_only(&s->q) == wq_ok && wq_size(s->q.fd, 4) == 0;
}

static int do_open(struct state *s)
{
	s->no_ring = true;
	s->q.fd = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);
	return s->q.fd < 0 ? -errno : 0;
}

static int size_1(struct state *s)
{
	return wq_size(s->q.fd, 1);
}

static int size_64(struct state *s)
{
	return wq_size(s->q.fd, RING_PAGES);
}

static void has_ring(struct state *s)
{
	s->no_ring = false;
}

/* Stops all FS records: when it fails, they still have to come. */
static int set_filter(struct state *s)
{
	struct {
		struct watch_notification_filter f;
		struct watch_notification_type_filter type[WATCH_FILTER_MAX];
	} f = { .f = { .nr_filters = WATCH_FILTER_MAX } };

	for (unsigned int i = 0; i < WATCH_FILTER_MAX; i++)
		f.type[i].type = WATCH_TYPE_KEY_NOTIFY;
	return wq_filter(s->q.fd, &f);
}

static void no_filter(struct state *s)
{
	if (wq_filter(s->q.fd, NULL))
		fail("SET_FILTER NULL: %m");
}

/* Names what ADD_WATCH is to watch, before the fault is armed. */
static bool name_object(struct state *s, bool prepared, const char *path)
{
	s->object = prepared ? open(path, O_PATH | O_CLOEXEC) : -1;
	return s->object >= 0;
}

static bool new_object(struct state *s)
{
	return name_object(s, ready(s), "object");
}

static bool new_folder(struct state *s)
{
	return name_object(s, ready(s), ".");
}

static bool others_object(struct state *s)
{
	return name_object(s, watched_by_other(s), "object");
}

static bool own_object(struct state *s)
{
	return name_object(s, watched(s), "object");
}

int add_as(struct state *s, unsigned int scope, uint64_t mask, uint32_t flags)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = scope,
		.flags = flags, .object = s->object, .id = 7, .mask = mask, .cookie = 7,
	};

	return wq_add(s->q.fd, &add);
}

static int add_object(struct state *s)
{
	return add_as(s, WATCH_SCOPE_OBJECT, WATCH_FS_ALL_EVENTS, 0);
}

static int add_evictable(struct state *s)
{
	return add_as(s, WATCH_SCOPE_OBJECT, WATCH_FS_ALL_EVENTS, WATCH_ADD_EVICTABLE);
}

static int add_folder(struct state *s)
{
	return add_as(s, WATCH_SCOPE_CHILDREN, WATCH_FS_CREATE | WATCH_FS_ATTRIB, 0);
}

static int update(struct state *s)
{
	return add_as(s, WATCH_SCOPE_OBJECT, WATCH_FS_ALL_EVENTS, WATCH_ADD_UPDATE);
}

static int mask_add(struct state *s)
{
	return add_as(s, WATCH_SCOPE_OBJECT, WATCH_FS_ALL_EVENTS, WATCH_ADD_MASK_ADD);
}

static int add_subtree(struct state *s)
{
	return add_as(s, WATCH_SCOPE_SUBTREE, WATCH_FS_ALL_EVENTS, WATCH_ADD_PATH);
}

static int add_mount_scope(struct state *s)
{
	return add_as(s, WATCH_SCOPE_MOUNT, WATCH_FS_MODIFY, 0);
}

static int add_sb_scope(struct state *s)
{
	return add_as(s, WATCH_SCOPE_SB, WATCH_FS_ATTRIB, WATCH_ADD_FILE_HANDLE);
}

static int add_namespace(struct state *s)
{
	return wq_add_to(s->q.fd, WATCH_TYPE_MOUNT_NOTIFY, -1, 1u << NOTIFY_MOUNT_NEW_MOUNT, 0, 7, NULL);
}

static int add_sb(struct state *s)
{
	return wq_add_to(s->q.fd, WATCH_TYPE_SB_NOTIFY, s->object, 1u << NOTIFY_SUPERBLOCK_READONLY, 0, 7,
			 NULL);
}

static int add_block(struct state *s)
{
	return wq_add_to(s->q.fd, WATCH_TYPE_BLOCK_NOTIFY, -1, 1u << NOTIFY_BLOCK_ERROR_IO, 0, 7, NULL);
}

static int add_usb(struct state *s)
{
	return wq_add_to(s->q.fd, WATCH_TYPE_USB_NOTIFY, -1, 1u << NOTIFY_USB_DEVICE_ADD, 0, 7, NULL);
}

/* A key of the process's own, made anew: handle is its serial number. */
static bool new_key(struct state *s)
{
	s->handle = wq_add_key("user", "fault", KEY_SPEC_PROCESS_KEYRING);
	return ready(s) && (int)s->handle > 0;
}

static int add_key_watch(struct state *s)
{
	return wq_add_to(s->q.fd, WATCH_TYPE_KEY_NOTIFY, s->handle, 1u << NOTIFY_KEY_UPDATED, 0, 7, NULL);
}

/* The folder's watch would see what works() does. */
static void remove_all(struct state *s)
{
	int error = wq_remove_all(s->q.fd, 0);

	if (error)
		fail("REMOVE_ALL: %s", strerror(-error));
}

static int remove_handle(struct state *s)
{
	return wq_remove(s->q.fd, s->handle);
}

static int remove_everything(struct state *s)
{
	return wq_remove_all(s->q.fd, WATCH_TYPE_FS_NOTIFY);
}

static int info_of_queue(struct state *s)
{
	struct watch_queue_info info;

	return wq_info(s->q.fd, 0, &info);
}

static int info_of_watch(struct state *s)
{
	struct watch_queue_info info;

	return wq_info(s->q.fd, s->handle, &info);
}

static int do_mmap(struct state *s)
{
	s->q.bytes = 4 * wq_page();
	s->q.ring = mmap(NULL, s->q.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->q.fd, 0);
	if (s->q.ring != MAP_FAILED)
		return 0;
	s->q.ring = NULL;
	return -errno;
}

static bool fdinfo_opened(struct state *s)
{
	char path[64];

	if (!watched(s))
		return false;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s->q.fd);
	s->object = open(path, O_RDONLY | O_CLOEXEC);
	return s->object >= 0;
}

static int read_fdinfo(struct state *s)
{
	char text[2048] = "";
	ssize_t n = pread(s->object, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	/* Whole lines, to the last one. */
	return n && text[n - 1] == '\n' && strstr(text, "watch: handle:") ? 0 : -ENODATA;
}

static bool file_opened(struct state *s)
{
	if (!watched(s))
		return false;
	s->object = open("object", O_RDWR | O_CLOEXEC);
	return s->object >= 0;
}

static int cause_event(struct state *s)
{
	return fchmod(s->object, 0600) ? -errno : 0;
}

/* Whatever failed inside: the event was delivered, or counted as lost. */
static void event_counted(struct state *s)
{
	struct watch_queue_info info;

	if (wq_info(s->q.fd, 0, &info) || !info.posted || info.posted != info.delivered + info.lost)
		fail("an event got lost without being counted");
}

/* As above, but what is watched is the folder's whole subtree. */
static bool tree_opened(struct state *s)
{
	if (!ready(s) || !wq_watch(s->q.fd, ".", WATCH_FS_ATTRIB | WATCH_FS_MOVE, WATCH_SCOPE_SUBTREE, 7,
				   7, WATCH_ADD_PATH | WATCH_ADD_FILE_HANDLE))
		return false;
	s->q.paths = true;
	s->object = open("object", O_RDWR | O_CLOEXEC);
	return s->object >= 0;
}

static int cause_rename(struct state *s)
{
	(void)s;
	return rename("object", "renamed") ? -errno : 0;
}

static void tree_counted(struct state *s)
{
	event_counted(s);
	remove_all(s);
}

static int shut_down(struct state *s)
{
	s->no_ring = true;
	return wq_shutdown(s->q.fd);
}

const struct call calls[] = {
	{ "open", nothing, do_open, .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM } },
	{ "SET_SIZE, 1 page", opened, size_1, has_ring, .errors = { ENOMEM },
	  .must_see = { ENOMEM } },
	{ "SET_SIZE, 64 pages", opened, size_64, has_ring, .errors = { ENOMEM },
	  .must_see = { ENOMEM } },
	{ "SET_SIZE, 64 pages, as a user who may lock no more", opened, size_64, has_ring,
	  .as_user = true, .errors = { ENOMEM }, .must_see = { ENOMEM } },
	{ "SET_FILTER", ready, set_filter, no_filter, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a new object", new_object, add_object, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a new object, evictable", new_object, add_evictable,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a folder and its children", new_folder, add_folder, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of what another queue watches", others_object, add_object,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of what is watched", own_object, add_object, .expect = -EEXIST,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH with UPDATE", own_object, update, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH with MASK_ADD", own_object, mask_add, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH with UPDATE of what is not watched", new_object, update,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH with MASK_ADD of what another queue watches", others_object, mask_add,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a subtree", new_folder, add_subtree, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a mount", new_folder, add_mount_scope, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a file system", new_folder, add_sb_scope, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of the mount namespace", ready, add_namespace, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a file system's errors", new_folder, add_sb, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of a key", new_key, add_key_watch, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of all block devices", ready, add_block, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "ADD_WATCH of USB", ready, add_usb, remove_all,
	  .errors = { ENOMEM, EFAULT }, .must_see = { ENOMEM, EFAULT } },
	{ "REMOVE_WATCH", watched, remove_handle, .errors = { EFAULT }, .must_see = { EFAULT } },
	{ "REMOVE_WATCH with ALL", watched, remove_everything, .errors = { EFAULT },
	  .must_see = { EFAULT } },
	{ "GET_INFO of the queue", ready, info_of_queue, .errors = { EFAULT },
	  .must_see = { EFAULT } },
	{ "GET_INFO of a watch", watched, info_of_watch, .errors = { EFAULT },
	  .must_see = { EFAULT } },
	{ "mmap", unmapped, do_mmap, .errors = { ENOMEM }, .must_see = { ENOMEM } },
	{ "fdinfo", fdinfo_opened, read_fdinfo, .errors = { ENOMEM, EFAULT },
	  .must_see = { ENOMEM } },
	{ "an event", file_opened, cause_event, event_counted, .errors = { ENOMEM } },
	{ "an event with a path and a file handle", tree_opened, cause_event, tree_counted,
	  .errors = { ENOMEM } },
	{ "a rename with paths", tree_opened, cause_rename, tree_counted,
	  .errors = { ENOMEM, EFAULT } },
	{ "SHUTDOWN", watched, shut_down },
};

const unsigned int nr_calls = COUNT_OF(calls);
