/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/watch_queue: kernel events through one mmap()'ed ring per open file.
 *
 * The only header that user space needs. Documentation/abi.rst describes every
 * number in it. Compiles alone as C and as C++, for 32 and 64 bits, with the same
 * layout everywhere.
 *
 * Mainline has a header of this name for its pipe-based queue, with other numbers:
 * a program includes the one or the other, so put this folder first (-I).
 */
#ifndef _UAPI_LINUX_WATCH_QUEUE_DEV_H
#define _UAPI_LINUX_WATCH_QUEUE_DEV_H

#ifdef _UAPI_LINUX_WATCH_QUEUE_H
#error "the system's <linux/watch_queue.h> (pipe-based queue) came first: put this folder before it with -I"
#endif

#include <linux/types.h>
#include <linux/ioctl.h>

/*
 * ioctls
 *
 * SET_SIZE and SET_FILTER are those of the 2019 proposal. The others take a struct
 * that begins with its own size: a larger one whose unknown part is not zero gets
 * E2BIG, a smaller one is completed with zeros, one smaller than the first published
 * size gets EINVAL.
 */
#define IOC_WATCH_QUEUE_SET_SIZE	_IO('W', 0x60)	/* number of pages, a power of two */
#define IOC_WATCH_QUEUE_SET_FILTER	_IO('W', 0x61)	/* struct watch_notification_filter *, or NULL */
#define IOC_WATCH_QUEUE_ADD_WATCH	_IO('W', 0x62)	/* struct watch_queue_add * */
#define IOC_WATCH_QUEUE_REMOVE_WATCH	_IO('W', 0x63)	/* struct watch_queue_remove * */
#define IOC_WATCH_QUEUE_GET_INFO	_IO('W', 0x64)	/* struct watch_queue_info * */
#define IOC_WATCH_QUEUE_SHUTDOWN	_IO('W', 0x65)	/* no argument (0) */

/*
 * Records
 */
enum watch_notification_type {
	WATCH_TYPE_META		= 0,	/* about the queue itself */
	WATCH_TYPE_MOUNT_NOTIFY	= 1,	/* mount topology and attributes */
	WATCH_TYPE_SB_NOTIFY	= 2,	/* superblock events */
	WATCH_TYPE_KEY_NOTIFY	= 3,	/* keys and keyrings */
	WATCH_TYPE_BLOCK_NOTIFY	= 4,	/* block device errors */
	WATCH_TYPE_USB_NOTIFY	= 5,	/* USB devices and buses */
	WATCH_TYPE_FS_NOTIFY	= 6,	/* files and directories */
	WATCH_TYPE___NR		= 7
};

/* Records of other kernel modules have types from this range. */
#define WATCH_TYPE_FOREIGN_FIRST	0x800000
#define WATCH_TYPE_FOREIGN_LAST		0xffffff

enum watch_meta_notification_subtype {
	WATCH_META_SKIP_NOTIFICATION	= 0,	/* step over it: padding, or the ring's header */
	WATCH_META_REMOVAL_NOTIFICATION	= 1,	/* a watch ended: struct watch_removal_notification */
	WATCH_META_LOSS_NOTIFICATION	= 2	/* events were lost here: struct watch_loss_notification */
};

/* Every record begins with this. */
struct watch_notification {
	__u32	type:24;	/* enum watch_notification_type, or a foreign type */
	__u32	subtype:8;	/* meaning depends on type */
	__u32	info;		/* WATCH_INFO_* */
};

#define WATCH_INFO_OVERRUN	0x00000001	/* events were lost before this record */
#define WATCH_INFO_ENOMEM	0x00000002	/* … some of them for want of memory */
#define WATCH_INFO_RECURSIVE	0x00000004	/* the change was recursive */
#define WATCH_INFO_LENGTH	0x000001f8	/* length of the record in bytes, in place */
#define WATCH_LENGTH_SHIFT	3		/* … shifted by this: in slots, 1 to 63 */
#define WATCH_INFO_IN_SUBTREE	0x00000200	/* below the watched object, not the object itself */
#define WATCH_INFO_TYPE_FLAGS	0x00ff0000	/* flags whose meaning depends on the type */
#define WATCH_INFO_FLAG_0	0x00010000
#define WATCH_INFO_FLAG_1	0x00020000
#define WATCH_INFO_FLAG_2	0x00040000
#define WATCH_INFO_FLAG_3	0x00080000
#define WATCH_INFO_FLAG_4	0x00100000
#define WATCH_INFO_FLAG_5	0x00200000
#define WATCH_INFO_FLAG_6	0x00400000
#define WATCH_INFO_FLAG_7	0x00800000
#define WATCH_INFO_ID		0xff000000	/* watch_queue_add::id of the watch */
#define WATCH_INFO_ID__SHIFT	24

/*
 * The ring: slots of 8 bytes, a power of two of them. The first three hold this header,
 * which looks like a SKIP record to whoever walks over it. head and tail count slots,
 * run freely and are masked only to index slots[]; the ring is empty when they are equal.
 * The kernel stores head (release), user space stores tail (release). The kernel never
 * reads anything but tail from these pages.
 */
struct watch_queue_buffer {
	union {
		struct {
			struct watch_notification watch; /* META, SKIP, 3 slots */
			__u32	head;
			__u32	tail;
			__u32	mask;		/* number of slots - 1 */
			__u32	__reserved;
		} meta;
		struct watch_notification slots[0]; /* mask + 1 of them */
	};
};

/*
 * Filter: a record passes when one entry has its type, has its subtype's bit set, and
 * (info & info_mask) == info_filter. META records always pass.
 */
struct watch_notification_type_filter {
	__u32	type;
	__u32	info_filter;
	__u32	info_mask;		/* must not touch WATCH_INFO_LENGTH */
	__u32	subtype_filter[8];	/* bit n of word n / 32: subtype n */
};

#define WATCH_FILTER_MAX	16	/* entries in a filter */

struct watch_notification_filter {
	__u32	nr_filters;		/* 1 to WATCH_FILTER_MAX */
	__u32	__reserved;		/* 0 */
	struct watch_notification_type_filter filters[];
};

/*
 * META records
 */

/* Why a watch ended. */
enum watch_removal_reason {
	WATCH_REMOVAL_REMOVED		= 0,	/* REMOVE_WATCH */
	WATCH_REMOVAL_ONESHOT		= 1,	/* it had WATCH_ADD_ONESHOT and has fired */
	WATCH_REMOVAL_OBJECT_GONE	= 2,	/* the object was deleted */
	WATCH_REMOVAL_UNMOUNT		= 3,	/* its file system was unmounted */
	WATCH_REMOVAL_EVICTED		= 4,	/* it had WATCH_ADD_EVICTABLE and the kernel took it */
	WATCH_REMOVAL_QUEUE_SHUTDOWN	= 5,	/* SHUTDOWN */
	WATCH_REMOVAL_SOURCE_GONE	= 6	/* the module that posted the events went away */
};

/* The last record of a watch; there is exactly one. 4 slots. */
struct watch_removal_notification {
	struct watch_notification watch;
	__u64	handle;		/* watch_queue_add::handle */
	__u64	cookie;		/* watch_queue_add::cookie */
	__u32	reason;		/* enum watch_removal_reason */
	__u32	__reserved;	/* 0 */
};

/* Events were lost between the record before this one and this one. 3 slots. */
struct watch_loss_notification {
	struct watch_notification watch;
	__u64	count;		/* records lost since the last such record */
	__u64	cookie;		/* the watch they belong to, when it was one; else 0 */
};

#define WATCH_LOSS_MANY		WATCH_INFO_FLAG_0	/* more than one watch has lost records */

/*
 * FS: files and directories. One record per wanted event bit; the subtype is the number
 * of that bit. The numbers are those of inotify, where inotify knows the event.
 */
enum fs_notification_subtype {
	NOTIFY_FS_ACCESS		= 0,	/* read */
	NOTIFY_FS_MODIFY		= 1,	/* written or truncated */
	NOTIFY_FS_ATTRIB		= 2,	/* metadata changed */
	NOTIFY_FS_CLOSE_WRITE		= 3,	/* closed after having been open for writing */
	NOTIFY_FS_CLOSE_NOWRITE		= 4,	/* closed after having been open for reading only */
	NOTIFY_FS_OPEN			= 5,	/* opened */
	NOTIFY_FS_MOVED_FROM		= 6,	/* an entry of the directory was renamed: old name */
	NOTIFY_FS_MOVED_TO		= 7,	/* an entry of the directory was renamed: new name */
	NOTIFY_FS_CREATE		= 8,	/* an entry was created in the directory */
	NOTIFY_FS_DELETE		= 9,	/* an entry was deleted from the directory */
	NOTIFY_FS_DELETE_SELF		= 10,	/* the watched object itself was deleted */
	NOTIFY_FS_MOVE_SELF		= 11,	/* the watched object itself was renamed */
	NOTIFY_FS_OPEN_EXEC		= 12	/* opened to be executed */
};

#define WATCH_FS_ACCESS		(1ULL << NOTIFY_FS_ACCESS)
#define WATCH_FS_MODIFY		(1ULL << NOTIFY_FS_MODIFY)
#define WATCH_FS_ATTRIB		(1ULL << NOTIFY_FS_ATTRIB)
#define WATCH_FS_CLOSE_WRITE	(1ULL << NOTIFY_FS_CLOSE_WRITE)
#define WATCH_FS_CLOSE_NOWRITE	(1ULL << NOTIFY_FS_CLOSE_NOWRITE)
#define WATCH_FS_OPEN		(1ULL << NOTIFY_FS_OPEN)
#define WATCH_FS_MOVED_FROM	(1ULL << NOTIFY_FS_MOVED_FROM)
#define WATCH_FS_MOVED_TO	(1ULL << NOTIFY_FS_MOVED_TO)
#define WATCH_FS_CREATE		(1ULL << NOTIFY_FS_CREATE)
#define WATCH_FS_DELETE		(1ULL << NOTIFY_FS_DELETE)
#define WATCH_FS_DELETE_SELF	(1ULL << NOTIFY_FS_DELETE_SELF)
#define WATCH_FS_MOVE_SELF	(1ULL << NOTIFY_FS_MOVE_SELF)
#define WATCH_FS_OPEN_EXEC	(1ULL << NOTIFY_FS_OPEN_EXEC)

#define WATCH_FS_MOVE		(WATCH_FS_MOVED_FROM | WATCH_FS_MOVED_TO)
#define WATCH_FS_CLOSE		(WATCH_FS_CLOSE_WRITE | WATCH_FS_CLOSE_NOWRITE)

/* What changes a file or a directory; what only reads it is left out. */
#define WATCH_FS_MUTATIONS	(WATCH_FS_MODIFY | WATCH_FS_ATTRIB | WATCH_FS_CLOSE_WRITE | \
				 WATCH_FS_MOVE | WATCH_FS_CREATE | WATCH_FS_DELETE | \
				 WATCH_FS_DELETE_SELF | WATCH_FS_MOVE_SELF)
#define WATCH_FS_ALL_EVENTS	(WATCH_FS_MUTATIONS | WATCH_FS_ACCESS | WATCH_FS_CLOSE_NOWRITE | \
				 WATCH_FS_OPEN | WATCH_FS_OPEN_EXEC)

/* Only in fs_notification::mask, never in watch_queue_add::mask. */
#define WATCH_FS_ISDIR		(1ULL << 30)	/* the event is about a directory */

#define NOTIFY_FS_IS_DIR	WATCH_INFO_FLAG_0	/* the event is about a directory */

struct fs_notification {
	struct watch_notification watch;
	__u64	cookie;		/* watch_queue_add::cookie of the watch */
	__u64	inode;		/* inode number of what the event is about; 0 = not known */
	__u32	dev;		/* its device, as stat() gives it in st_dev; 0 = not known */
	__u32	mask;		/* all bits of this event (WATCH_FS_*), not only this record's */
	__u32	pid;		/* process that caused it; 0 = none, or not for you to see */
	__u32	rename_cookie;	/* the same in MOVED_FROM and MOVED_TO of one rename; else 0 */
	__u16	name_off;	/* name: offset from the start of the record; 0 = none */
	__u16	name_len;	/* … its length in bytes, without the NUL that follows it */
	__u16	handle_off;	/* struct file_handle: offset from the start; 0 = none */
	__u16	handle_len;	/* … its length in bytes, header included */
	/* name and handle follow where their offsets say, padded with zeros */
};

/*
 * MOUNT
 */
enum mount_notification_subtype {
	NOTIFY_MOUNT_NEW_MOUNT	= 0,
	NOTIFY_MOUNT_UNMOUNT	= 1,
	NOTIFY_MOUNT_EXPIRY	= 2,
	NOTIFY_MOUNT_READONLY	= 3,
	NOTIFY_MOUNT_SETATTR	= 4,
	NOTIFY_MOUNT_MOVE_FROM	= 5,
	NOTIFY_MOUNT_MOVE_TO	= 6
};

#define NOTIFY_MOUNT_IN_SUBTREE		WATCH_INFO_IN_SUBTREE
#define NOTIFY_MOUNT_IS_RECURSIVE	WATCH_INFO_RECURSIVE
#define NOTIFY_MOUNT_IS_NOW_RO		WATCH_INFO_FLAG_0
#define NOTIFY_MOUNT_IS_SUBMOUNT	WATCH_INFO_FLAG_1

struct mount_notification {
	struct watch_notification watch;
	__u32	triggered_on;		/* low 32 bits of triggered_on_id */
	__u32	changed_mount;		/* low 32 bits of changed_mount_id */
	__u64	triggered_on_id;	/* unique id of the parent mount, or 0 */
	__u64	changed_mount_id;	/* unique id of the mount that changed */
};

/*
 * SB
 */
enum superblock_notification_type {
	NOTIFY_SUPERBLOCK_READONLY	= 0,
	NOTIFY_SUPERBLOCK_ERROR		= 1,
	NOTIFY_SUPERBLOCK_EDQUOT	= 2,
	NOTIFY_SUPERBLOCK_NETWORK	= 3
};

#define NOTIFY_SUPERBLOCK_IS_NOW_RO	WATCH_INFO_FLAG_0

struct superblock_notification {
	struct watch_notification watch;
	__u64	sb_id;
};

struct error_notification {
	struct superblock_notification s;	/* subtype NOTIFY_SUPERBLOCK_ERROR */
	__u32	error_code;
	__u32	error_cookie;
};

/*
 * KEY
 */
enum key_notification_subtype {
	NOTIFY_KEY_INSTANTIATED	= 0,
	NOTIFY_KEY_UPDATED	= 1,
	NOTIFY_KEY_LINKED	= 2,
	NOTIFY_KEY_UNLINKED	= 3,
	NOTIFY_KEY_CLEARED	= 4,
	NOTIFY_KEY_REVOKED	= 5,
	NOTIFY_KEY_INVALIDATED	= 6,
	NOTIFY_KEY_SETATTR	= 7
};

struct key_notification {
	struct watch_notification watch;
	__u32	key_id;
	__u32	aux;
};

/*
 * BLOCK
 */
enum block_notification_type {
	NOTIFY_BLOCK_ERROR_TIMEOUT			= 1,
	NOTIFY_BLOCK_ERROR_NO_SPACE			= 2,
	NOTIFY_BLOCK_ERROR_RECOVERABLE_TRANSPORT	= 3,
	NOTIFY_BLOCK_ERROR_CRITICAL_TARGET		= 4,
	NOTIFY_BLOCK_ERROR_CRITICAL_NEXUS		= 5,
	NOTIFY_BLOCK_ERROR_CRITICAL_MEDIUM		= 6,
	NOTIFY_BLOCK_ERROR_PROTECTION			= 7,
	NOTIFY_BLOCK_ERROR_KERNEL_RESOURCE		= 8,
	NOTIFY_BLOCK_ERROR_DEVICE_RESOURCE		= 9,
	NOTIFY_BLOCK_ERROR_IO				= 10
};

struct block_notification {
	struct watch_notification watch;
	__u64	dev;
	__u64	sector;
};

/*
 * USB
 */
enum usb_notification_type {
	NOTIFY_USB_DEVICE_ADD		= 0,
	NOTIFY_USB_DEVICE_REMOVE	= 1,
	NOTIFY_USB_BUS_ADD		= 2,
	NOTIFY_USB_BUS_REMOVE		= 3,
	NOTIFY_USB_DEVICE_RESET		= 4,
	NOTIFY_USB_DEVICE_ERROR		= 5
};

struct usb_notification {
	struct watch_notification watch;
	__u32	error;
	__u32	reserved;
	__u8	name_len;	/* 0 to 63 */
	__u8	name[];		/* not terminated; padded with zeros */
};

/*
 * ADD_WATCH
 */
enum watch_queue_scope {
	WATCH_SCOPE_OBJECT	= 0,	/* the object itself (a directory: and its entries) */
	WATCH_SCOPE_CHILDREN	= 1,	/* … and what happens to the files in the directory */
	WATCH_SCOPE_SUBTREE	= 2,	/* everything below the directory */
	WATCH_SCOPE_MOUNT	= 3,	/* everything reached through the mount */
	WATCH_SCOPE_SB		= 4	/* everything on the file system */
};

#define WATCH_ADD_ONLYDIR	0x00000001	/* ENOTDIR unless it is a directory */
#define WATCH_ADD_ONESHOT	0x00000002	/* ends after its first event */
#define WATCH_ADD_EXCL_UNLINK	0x00000004	/* no events of files that have been unlinked */
#define WATCH_ADD_FILE_HANDLE	0x00000008	/* records carry a file handle */
#define WATCH_ADD_UPDATE	0x00000010	/* already watched: replace both masks */
#define WATCH_ADD_MASK_ADD	0x00000020	/* already watched: add to both masks */
#define WATCH_ADD_EVICTABLE	0x00000040	/* does not keep the inode in memory */
#define WATCH_ADD_IGNORE_SURV	0x00000080	/* the ignore mask survives modification */

struct watch_queue_add {
	__u32	size;		/* sizeof(struct watch_queue_add) */
	__u32	type;		/* WATCH_TYPE_*: the source */
	__u32	scope;		/* WATCH_SCOPE_* */
	__u32	flags;		/* WATCH_ADD_* */
	__s32	object;		/* descriptor (O_PATH will do), key serial, or -1 for a list */
	__u32	id;		/* 0 to 255; appears in info of every record of this watch */
	__u64	mask;		/* wanted events */
	__u64	ignore_mask;	/* events that are not wanted even if another watch wants them */
	__u64	cookie;		/* appears in the FS, REMOVAL and LOSS records of this watch */
	__u64	handle;		/* out: names the watch; never used again */
};

#define WATCH_QUEUE_ADD_SIZE_VER0	56

/*
 * REMOVE_WATCH
 */
#define WATCH_REMOVE_ALL	0x00000001	/* every watch of the type (0: of every type) */

struct watch_queue_remove {
	__u32	size;		/* sizeof(struct watch_queue_remove) */
	__u32	flags;		/* WATCH_REMOVE_* */
	__u64	handle;		/* the watch; 0 with WATCH_REMOVE_ALL */
	__u32	type;		/* with WATCH_REMOVE_ALL; else 0 */
	__u32	__reserved;	/* 0 */
};

#define WATCH_QUEUE_REMOVE_SIZE_VER0	24

/*
 * GET_INFO
 */
#define WATCH_QUEUE_ABI_VERSION	1

#define WATCH_FEATURE_LSM	0x1ULL	/* LSM rules for watches on files apply */

struct watch_queue_info {
	__u32	size;		/* in: sizeof(struct watch_queue_info) */
	__u32	abi_version;	/* WATCH_QUEUE_ABI_VERSION */
	__u64	handle;		/* in: 0 = the whole queue, else this watch */
	__u64	features;	/* WATCH_FEATURE_* */
	__u64	sources;	/* bit n: ADD_WATCH of type n works on this kernel */
	__u64	fs_scopes;	/* bit n: WATCH_SCOPE_ n works for FS on this kernel */
	__u64	fs_mask;	/* event bits that ADD_WATCH takes for FS on this kernel */
	__u64	ring_slots;	/* size of the ring in slots; 0 = no SET_SIZE yet */
	__u64	watches;	/* number of live watches */
	__u64	posted;		/* records that passed mask and filter: delivered + lost */
	__u64	filtered;	/* records that the filter stopped */
	__u64	delivered;	/* records written to the ring */
	__u64	lost;		/* records that found no room */
	__u64	mask;		/* of the watch; 0 for a queue */
	__u64	ignore_mask;	/* of the watch; 0 for a queue */
	__u64	cookie;		/* of the watch; 0 for a queue */
	__u32	id;		/* of the watch; 0 for a queue */
	__u32	type;		/* of the watch; 0 for a queue */
};

#define WATCH_QUEUE_INFO_SIZE_VER0	128

#endif /* _UAPI_LINUX_WATCH_QUEUE_DEV_H */
