// SPDX-License-Identifier: GPL-2.0
/*
 * Records of MOUNT and SB: checked against the contract, and told as text. Ids differ
 * from run to run, so tests give names to the mounts and file systems that they use, and
 * the text has those.
 */
#include <sys/syscall.h>

#include "wq_test.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE	0x4000u
#endif

static struct {
	uint64_t id;
	char name[32];
} names[64];
static unsigned int nr_names;

static void name(uint64_t id, const char *text)
{
	for (unsigned int i = 0; i < nr_names; i++) {
		if (names[i].id == id) {
			snprintf(names[i].name, sizeof(names[i].name), "%s", text);
			return;
		}
	}
	if (nr_names == sizeof(names) / sizeof(names[0]))
		abort();
	names[nr_names].id = id;
	snprintf(names[nr_names++].name, sizeof(names[0].name), "%s", text);
}

static const char *name_of(uint64_t id)
{
	static char unknown[2][24];
	static int turn;

	if (!id)
		return "?";
	for (unsigned int i = 0; i < nr_names; i++)
		if (names[i].id == id)
			return names[i].name;
	turn = !turn;
	snprintf(unknown[turn], sizeof(unknown[turn]), "%llu", (unsigned long long)id);
	return unknown[turn];
}

void wq_forget_names(void)
{
	nr_names = 0;
}

uint64_t wq_mount_id(const char *path)
{
	/* struct statx of <linux/stat.h>, which differs from that of the C library. */
	struct {
		uint32_t mask;
		uint32_t rest[35];
		uint64_t mnt_id;
		uint64_t spare[16];
	} stx = {};

	_Static_assert(offsetof(__typeof__(stx), mnt_id) == 0x90, "stx_mnt_id");
	if (syscall(SYS_statx, AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_MNT_ID_UNIQUE, &stx))
		return 0;
	return stx.mask & STATX_MNT_ID_UNIQUE ? stx.mnt_id : 0;
}

bool wq_name_mount(const char *path, const char *text)
{
	uint64_t id = wq_mount_id(path);

	if (id)
		name(id, text);
	return id != 0;
}

bool wq_name_sb(const char *path, const char *text)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	name(st.st_dev, text);
	return true;
}

/* Everything but what the type defines must be 0, and the length is exactly this. */
static const char *check(const struct wq_rec *r, size_t bytes, uint32_t flags)
{
	const uint32_t always = WATCH_INFO_LENGTH | WATCH_INFO_ID | WATCH_INFO_OVERRUN |
				WATCH_INFO_ENOMEM;

	if (r->slots * WQ_SLOT != (bytes + 7) / 8 * 8)
		return "a record of a wrong length";
	if (r->info & ~(flags | always))
		return "flags that this record cannot have";
	return wq_ok;
}

const char *wq_check_mount(const struct wq_rec *r)
{
	uint32_t flags = NOTIFY_MOUNT_IN_SUBTREE;

	if (r->subtype > NOTIFY_MOUNT_MOVE_TO)
		return "an unknown MOUNT subtype";
	if (r->subtype == NOTIFY_MOUNT_READONLY)
		flags |= NOTIFY_MOUNT_IS_NOW_RO;
	if (r->subtype == NOTIFY_MOUNT_READONLY || r->subtype == NOTIFY_MOUNT_SETATTR)
		flags |= NOTIFY_MOUNT_IS_RECURSIVE;
	if (r->mount.triggered_on != (uint32_t)r->mount.triggered_on_id ||
	    r->mount.changed_mount != (uint32_t)r->mount.changed_mount_id)
		return "32-bit ids that are not the low half of the full ones";
	return check(r, sizeof(r->mount), flags);
}

const char *wq_check_sb(const struct wq_rec *r)
{
	switch (r->subtype) {
	case NOTIFY_SUPERBLOCK_READONLY:
		return check(r, sizeof(r->sb), NOTIFY_SUPERBLOCK_IS_NOW_RO);
	case NOTIFY_SUPERBLOCK_ERROR:
		return check(r, sizeof(r->sb_error), 0);
	case NOTIFY_SUPERBLOCK_EDQUOT:
		if (r->quota.__reserved)
			return "__reserved is not 0";
		return check(r, sizeof(r->quota), 0);
	default:
		return "an unknown SB subtype";
	}
}

int wq_tell_mount(char *buf, size_t len, const struct wq_rec *r, const char *id)
{
	static const char *const subtypes[] = {
		"new_mount", "unmount", "expiry", "readonly", "setattr", "move_from", "move_to",
	};
	const char *state = "";

	if (r->subtype == NOTIFY_MOUNT_READONLY)
		state = r->info & NOTIFY_MOUNT_IS_NOW_RO ? ":ro" : ":rw";
	return snprintf(buf, len, "%s%s%s%s%s %s on %s", subtypes[r->subtype], state,
			r->info & NOTIFY_MOUNT_IS_RECURSIVE ? "*" : "",
			r->info & NOTIFY_MOUNT_IN_SUBTREE ? "+" : "", id,
			name_of(r->mount.changed_mount_id), name_of(r->mount.triggered_on_id));
}

int wq_tell_sb(char *buf, size_t len, const struct wq_rec *r, const char *id)
{
	static const char *const types[] = {
		"unknown", "buffered_read", "buffered_write", "directio_read", "directio_write",
		"data_lost", "metadata",
	};
	const char *sb = name_of(r->sb.sb_id);

	switch (r->subtype) {
	case NOTIFY_SUPERBLOCK_READONLY:
		return snprintf(buf, len, "readonly:%s%s %s",
				r->info & NOTIFY_SUPERBLOCK_IS_NOW_RO ? "ro" : "rw", id, sb);
	case NOTIFY_SUPERBLOCK_ERROR:
		return snprintf(buf, len, "error%s %s %s %s", id, sb,
				strerrorname_np(r->sb_error.error_code),
				r->sb_error.error_type < 7 ? types[r->sb_error.error_type] : "?");
	default:
		return snprintf(buf, len, "edquot%s %s type %u id %u warning %u", id, sb,
				r->quota.quota_type, r->quota.quota_id, r->quota.warning);
	}
}

int wq_add_to(int queue, uint32_t type, int object, uint64_t mask, unsigned int flags,
	      unsigned int id, uint64_t *handle)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = type, .object = object, .mask = mask,
		.flags = flags, .id = id, .cookie = id,
	};
	int r = wq_add(queue, &add);

	if (handle)
		*handle = add.handle;
	return r;
}

const char *wq_mount_text(const char *text)
{
	static char out[4096];
	char *to = out;

	if (wq_patches_in_use())
		return text;
	while (*text && to < out + sizeof(out) - 8) {
		if (!strncmp(text, " on ", 4)) {
			to += sprintf(to, " on ?");
			text += 4 + strcspn(text + 4, ",");
		} else {
			*to++ = *text++;
		}
	}
	*to = 0;
	return out;
}
