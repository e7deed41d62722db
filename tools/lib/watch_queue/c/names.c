// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Names of what records tell, for output: file events as watchq has them, the others as in the header, in
 * lower case. Part of libwq.
 */
#include <watch_queue/wq.h>

static const char *const fs[] = {
	[NOTIFY_FS_ACCESS] = "access",
	[NOTIFY_FS_MODIFY] = "modify",
	[NOTIFY_FS_ATTRIB] = "attrib",
	[NOTIFY_FS_CLOSE_WRITE] = "close_write",
	[NOTIFY_FS_CLOSE_NOWRITE] = "close_nowrite",
	[NOTIFY_FS_OPEN] = "open",
	[NOTIFY_FS_MOVED_FROM] = "moved_from",
	[NOTIFY_FS_MOVED_TO] = "moved_to",
	[NOTIFY_FS_CREATE] = "create",
	[NOTIFY_FS_DELETE] = "delete",
	[NOTIFY_FS_DELETE_SELF] = "delete_self",
	[NOTIFY_FS_MOVE_SELF] = "move_self",
	[NOTIFY_FS_OPEN_EXEC] = "open_exec",
	[NOTIFY_FS_OPEN_PERM] = "open_perm",
	[NOTIFY_FS_ACCESS_PERM] = "access_perm",
	[NOTIFY_FS_OPEN_EXEC_PERM] = "open_exec_perm",
	[NOTIFY_FS_PRE_ACCESS] = "pre_access",
};

static const char *const meta[] = {
	[WATCH_META_SKIP_NOTIFICATION] = "skip",
	[WATCH_META_REMOVAL_NOTIFICATION] = "removal",
	[WATCH_META_LOSS_NOTIFICATION] = "loss",
	[WATCH_META_UNANSWERED_NOTIFICATION] = "unanswered",
};

static const char *const mount[] = {
	[NOTIFY_MOUNT_NEW_MOUNT] = "new_mount",
	[NOTIFY_MOUNT_UNMOUNT] = "unmount",
	[NOTIFY_MOUNT_EXPIRY] = "expiry",
	[NOTIFY_MOUNT_READONLY] = "readonly",
	[NOTIFY_MOUNT_SETATTR] = "setattr",
	[NOTIFY_MOUNT_MOVE_FROM] = "move_from",
	[NOTIFY_MOUNT_MOVE_TO] = "move_to",
};

static const char *const sb[] = {
	[NOTIFY_SUPERBLOCK_READONLY] = "readonly",
	[NOTIFY_SUPERBLOCK_ERROR] = "error",
	[NOTIFY_SUPERBLOCK_EDQUOT] = "edquot",
	[NOTIFY_SUPERBLOCK_NETWORK] = "network",
};

static const char *const key[] = {
	[NOTIFY_KEY_INSTANTIATED] = "instantiated",
	[NOTIFY_KEY_UPDATED] = "updated",
	[NOTIFY_KEY_LINKED] = "linked",
	[NOTIFY_KEY_UNLINKED] = "unlinked",
	[NOTIFY_KEY_CLEARED] = "cleared",
	[NOTIFY_KEY_REVOKED] = "revoked",
	[NOTIFY_KEY_INVALIDATED] = "invalidated",
	[NOTIFY_KEY_SETATTR] = "setattr",
};

static const char *const block[] = {
	[NOTIFY_BLOCK_ERROR_TIMEOUT] = "timeout",
	[NOTIFY_BLOCK_ERROR_NO_SPACE] = "no_space",
	[NOTIFY_BLOCK_ERROR_RECOVERABLE_TRANSPORT] = "recoverable_transport",
	[NOTIFY_BLOCK_ERROR_CRITICAL_TARGET] = "critical_target",
	[NOTIFY_BLOCK_ERROR_CRITICAL_NEXUS] = "critical_nexus",
	[NOTIFY_BLOCK_ERROR_CRITICAL_MEDIUM] = "critical_medium",
	[NOTIFY_BLOCK_ERROR_PROTECTION] = "protection",
	[NOTIFY_BLOCK_ERROR_KERNEL_RESOURCE] = "kernel_resource",
	[NOTIFY_BLOCK_ERROR_DEVICE_RESOURCE] = "device_resource",
	[NOTIFY_BLOCK_ERROR_IO] = "io",
};

static const char *const usb[] = {
	[NOTIFY_USB_DEVICE_ADD] = "device_add",
	[NOTIFY_USB_DEVICE_REMOVE] = "device_remove",
	[NOTIFY_USB_BUS_ADD] = "bus_add",
	[NOTIFY_USB_BUS_REMOVE] = "bus_remove",
	[NOTIFY_USB_DEVICE_RESET] = "device_reset",
	[NOTIFY_USB_DEVICE_ERROR] = "device_error",
};

#define TABLE(names)	{ names, sizeof(names) / sizeof(*(names)) }

static const struct {
	const char *const *names;
	uint32_t count;
} types[] = {
	[WATCH_TYPE_META] = TABLE(meta),
	[WATCH_TYPE_MOUNT_NOTIFY] = TABLE(mount),
	[WATCH_TYPE_SB_NOTIFY] = TABLE(sb),
	[WATCH_TYPE_KEY_NOTIFY] = TABLE(key),
	[WATCH_TYPE_BLOCK_NOTIFY] = TABLE(block),
	[WATCH_TYPE_USB_NOTIFY] = TABLE(usb),
	[WATCH_TYPE_FS_NOTIFY] = TABLE(fs),
};

const char *wq_event_name(uint32_t type, uint32_t subtype)
{
	if (type >= sizeof(types) / sizeof(*types) || subtype >= types[type].count)
		return NULL;
	return types[type].names[subtype];
}
