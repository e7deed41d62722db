// SPDX-License-Identifier: GPL-2.0
/*
 * Records of the sources beside FS, for wq_test.h: what each may look like, and how it is
 * told in a story. Bodies are fixed for KEY and BLOCK; a USB record has a name.
 */
#include "wq_test.h"

static bool all_zero(const unsigned char *p, const unsigned char *end)
{
	while (p < end)
		if (*p++)
			return false;
	return true;
}

static const char *check_key(const struct wq_rec *r)
{
	if (r->slots * WQ_SLOT != sizeof(r->key))
		return "KEY record of another length";
	if (r->subtype > NOTIFY_KEY_SETATTR)
		return "KEY record of unknown subtype";
	return r->key.key_id ? wq_ok : "KEY record without a serial number";
}

static const char *check_block(const struct wq_rec *r)
{
	if (r->slots * WQ_SLOT != sizeof(r->block))
		return "BLOCK record of another length";
	if (r->subtype < NOTIFY_BLOCK_ERROR_TIMEOUT || r->subtype > NOTIFY_BLOCK_ERROR_IO)
		return "BLOCK record of unknown subtype";
	return r->block.dev ? wq_ok : "BLOCK record without a device";
}

static const char *check_usb(const struct wq_rec *r)
{
	size_t bytes = r->slots * WQ_SLOT, end = offsetof(struct usb_notification, name);

	end += r->usb.name_len;
	if (r->subtype > NOTIFY_USB_DEVICE_ERROR)
		return "USB record of unknown subtype";
	if (!r->usb.name_len || r->usb.name_len > 63 || end > bytes || bytes - end > WQ_SLOT)
		return "USB record whose name does not fit its length";
	if (!all_zero(r->raw + end, r->raw + bytes))
		return "USB record with a padding that is not zero";
	if (r->usb.reserved)
		return "USB record with a reserved word that is not zero";
	return wq_ok;
}

const char *wq_check_source(const struct wq_rec *r)
{
	if (r->type == WATCH_TYPE_MOUNT_NOTIFY)
		return wq_check_mount(r);
	if (r->type == WATCH_TYPE_SB_NOTIFY)
		return wq_check_sb(r);
	if (r->info & ~(WATCH_INFO_LENGTH | WATCH_INFO_ID | WATCH_INFO_OVERRUN))
		return "flags that this type has not";
	switch (r->type) {
	case WATCH_TYPE_KEY_NOTIFY:
		return check_key(r);
	case WATCH_TYPE_BLOCK_NOTIFY:
		return check_block(r);
	case WATCH_TYPE_USB_NOTIFY:
		return check_usb(r);
	}
	return "record of an unknown type";
}

int wq_tell_source(char *buf, size_t len, const struct wq_rec *r, const char *id)
{
	static const char *const keys[] = {
		"instantiated", "updated", "linked", "unlinked", "cleared", "revoked",
		"invalidated", "setattr",
	};
	static const char *const blocks[] = {
		"", "timeout", "no_space", "transport", "target", "nexus", "medium",
		"protection", "kernel_resource", "device_resource", "io",
	};
	static const char *const usbs[] = {
		"device_add", "device_remove", "bus_add", "bus_remove", "device_reset",
		"device_error",
	};

	switch (r->type) {
	case WATCH_TYPE_MOUNT_NOTIFY:
		return wq_tell_mount(buf, len, r, id);
	case WATCH_TYPE_SB_NOTIFY:
		return wq_tell_sb(buf, len, r, id);
	case WATCH_TYPE_KEY_NOTIFY:
		return snprintf(buf, len, "key_%s%s", keys[r->subtype], id);
	case WATCH_TYPE_BLOCK_NOTIFY:
		return snprintf(buf, len, "block_%s%s %llu", blocks[r->subtype], id,
				(unsigned long long)r->block.sector);
	default:
		return snprintf(buf, len, "usb_%s%s %.*s", usbs[r->subtype], id,
				r->usb.name_len, (const char *)r->usb.name);
	}
}
