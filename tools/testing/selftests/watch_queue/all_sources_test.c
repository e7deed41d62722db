// SPDX-License-Identifier: GPL-2.0
/*
 * All sources at once into one ring: each has a thread that makes events of a known number
 * as fast as it can, while the consumer checks every record. Nothing is lost, nothing
 * invented, whatever context the hooks fire in.
 */
#include <linux/keyctl.h>
#include <pthread.h>
#include <sys/mount.h>

#include "block_dev.h"
#include "wq_test.h"
#include "kselftest_harness.h"

#define READ_10		0x28
#define CHECK_CONDITION	2
#define MEDIUM_ERROR	3

enum who { FILES, WHOLE, MOUNTS, SBS, KEYS, BLOCKS, USBS, NR };
static const char *const names[NR] = { "fs", "fs of a superblock", "mount", "sb", "key", "block", "usb" };

static long rounds;
static bool failed[NR];		/* what a thread could not do */

static void files(void)
{
	int fd = wq_poke_open("file");

	for (long i = 0; i < 10 * rounds; i++)
		wq_poke(fd);
	close(fd);
}

static void whole(void)
{
	for (long i = 0; i < rounds; i++)
		failed[WHOLE] |= mkdir("whole/dir", 0755) || rmdir("whole/dir");
}

static void mounts(void)
{
	for (long i = 0; i < rounds; i++)
		failed[MOUNTS] |= wq_tmpfs("mnt") || umount("mnt");
}

static void sbs(void)
{
	for (long i = 0; i < rounds; i++) {
		failed[SBS] |= mount(NULL, "whole", NULL, MS_REMOUNT | MS_NOATIME, NULL);
		failed[SBS] |= mount(NULL, "sb", NULL, MS_REMOUNT | MS_RDONLY, NULL) ||
			       mount(NULL, "sb", NULL, MS_REMOUNT, NULL);
	}
}

static int keyring;

static void keys(void)
{
	for (long i = 0; i < rounds; i++) {
		int key = wq_add_key("user", "k", keyring);

		failed[KEYS] |= key < 0 || wq_keyctl(KEYCTL_UNLINK, key, keyring, 0, 0);
	}
}

static struct scsi_disk disk;

static void blocks(void)
{
	int fd = open_disk(disk.node);

	for (long i = 0; i < rounds / 10 + 1; i++) {
		failed[BLOCKS] |= !scsi_disk_fail(&disk, READ_10, 1, 0, CHECK_CONDITION,
						  MEDIUM_ERROR, 0x11, 0) ||
				  !read_sectors(fd, 8, 8) || read_sectors(fd, 8, 8);
	}
	close(fd);
}

static void (*const producers[])(void) = { files, whole, mounts, sbs, keys, blocks };

static void *produce(void *arg)
{
	producers[(long)arg]();
	return NULL;
}

static int add(int queue, uint32_t type, const char *path, uint64_t mask, unsigned int scope,
	       enum who who)
{
	struct watch_queue_add a = {
		.size = sizeof(a), .type = type, .scope = scope, .mask = mask,
		.object = type == WATCH_TYPE_KEY_NOTIFY ? keyring : -1,
		.id = who + 1, .cookie = who + 1,
	};
	int r;

	if (path)
		a.object = open(path, O_PATH | O_CLOEXEC);
	r = wq_add(queue, &a);
	if (path)
		close(a.object);
	return r;
}

FIXTURE(all) {};

FIXTURE_SETUP(all)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
}

FIXTURE_TEARDOWN(all)
{
	mod_unload("scsi_debug");
	wq_tmpdir_leave();
}

TEST_F_TIMEOUT(all, one_ring, 200)
{
	long wanted[NR] = {}, got[NR] = {}, total = 0, all = 0;
	bool with[NR] = { true, true, true };
	struct watch_queue_info info;
	pthread_t threads[NR];
	struct wq_rec r;
	struct wq q;
	int n;

	rounds = wq_scaled(500);
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("mnt", 0755));
	ASSERT_EQ(0, mkdir("sb", 0755));
	ASSERT_EQ(0, mkdir("whole", 0755));
	ASSERT_EQ(0, wq_tmpfs("sb"));
	ASSERT_EQ(0, wq_tmpfs("whole"));
	ASSERT_OK(wq_touch("file"));
	wq_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	keyring = wq_add_key("keyring", "all", KEY_SPEC_SESSION_KEYRING);

	ASSERT_OK(wq_open(&q, 1024));
	ASSERT_EQ(0, wq_info(q.fd, 0, &info));
	with[SBS] = info.events[WATCH_TYPE_SB_NOTIFY] & 1 << NOTIFY_SUPERBLOCK_READONLY;
	with[KEYS] = info.sources >> WATCH_TYPE_KEY_NOTIFY & 1 && keyring > 0;
	with[BLOCKS] = info.sources >> WATCH_TYPE_BLOCK_NOTIFY & 1 &&
		       mod_load("scsi_debug", "dev_size_mb=8") && scsi_disk_find(&disk);

	/* On one superblock, the watch of its files and that of itself are beside each other. */
	ASSERT_EQ(0, add(q.fd, WATCH_TYPE_FS_NOTIFY, "file", WATCH_FS_MODIFY, 0, FILES));
	ASSERT_EQ(0, add(q.fd, WATCH_TYPE_FS_NOTIFY, "whole", WATCH_FS_CREATE | WATCH_FS_DELETE,
			 WATCH_SCOPE_SB, WHOLE));
	ASSERT_EQ(0, add(q.fd, WATCH_TYPE_SB_NOTIFY, "whole", WATCH_SB_ALL_EVENTS, 0, SBS));
	ASSERT_EQ(0, add(q.fd, WATCH_TYPE_SB_NOTIFY, "sb", WATCH_SB_ALL_EVENTS, 0, SBS));
	ASSERT_EQ(0, add(q.fd, WATCH_TYPE_MOUNT_NOTIFY, NULL,
			 1 << NOTIFY_MOUNT_NEW_MOUNT | 1 << NOTIFY_MOUNT_UNMOUNT, 0, MOUNTS));
	if (with[KEYS])
		ASSERT_EQ(0, add(q.fd, WATCH_TYPE_KEY_NOTIFY, NULL, WATCH_KEY_ALL_EVENTS, 0, KEYS));
	if (with[BLOCKS])
		ASSERT_EQ(0, add(q.fd, WATCH_TYPE_BLOCK_NOTIFY, disk.node, WATCH_BLOCK_ALL_EVENTS,
				 0, BLOCKS));
	if (info.sources >> WATCH_TYPE_USB_NOTIFY & 1)
		ASSERT_EQ(0, add(q.fd, WATCH_TYPE_USB_NOTIFY, NULL, WATCH_USB_ALL_EVENTS, 0, USBS));

	wanted[FILES] = 10 * rounds;
	for (n = WHOLE; n <= KEYS; n++)
		wanted[n] = 2 * rounds;
	wanted[BLOCKS] = rounds / 10 + 1;
	for (n = 0; n < USBS; n++) {
		if (!with[n]) {
			wanted[n] = 0;
			continue;
		}
		total += wanted[n];
		ASSERT_EQ(0, pthread_create(&threads[n], NULL, produce, (void *)(long)n));
	}

	while (all < total) {
		static const uint32_t types[NR] = {
			WATCH_TYPE_FS_NOTIFY, WATCH_TYPE_FS_NOTIFY, WATCH_TYPE_MOUNT_NOTIFY,
			WATCH_TYPE_SB_NOTIFY, WATCH_TYPE_KEY_NOTIFY, WATCH_TYPE_BLOCK_NOTIFY,
			WATCH_TYPE_USB_NOTIFY,
		};

		ASSERT_EQ(1, wq_next_wait(&q, &r, wq_patience(20000)))
			TH_LOG("%s, %ld of %ld", wq_why(), all, total);
		ASSERT_LE(1, r.id);
		ASSERT_GE(NR, r.id);
		ASSERT_EQ(types[r.id - 1], r.type) TH_LOG("of watch %u", r.id);
		got[r.id - 1]++;
		all++;
	}
	for (n = 0; n < USBS; n++) {
		if (with[n])
			pthread_join(threads[n], NULL);
		EXPECT_FALSE(failed[n]) TH_LOG("%s", names[n]);
		EXPECT_EQ(wanted[n], got[n]) TH_LOG("%s", names[n]);
		printf("# %s: %ld events\n", names[n], got[n]);
	}
	EXPECT_STREQ("", wq_story(&q));
	ASSERT_EQ(0, wq_info(q.fd, 0, &info));
	EXPECT_EQ(total, info.posted);
	EXPECT_EQ(total, info.delivered);
	EXPECT_EQ(0, info.lost);

	/* The end of everything: one REMOVAL for each watch. */
	ASSERT_EQ(0, umount("sb"));
	ASSERT_EQ(0, umount("whole"));
	n = info.watches;
	ASSERT_EQ(0, wq_shutdown(q.fd));
	for (long i = 0; i < n + 2; i++) {
		ASSERT_EQ(1, wq_next_wait(&q, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
		/* Two unmounts are events of the namespace as well. */
		EXPECT_EQ(r.type == WATCH_TYPE_META ? WATCH_META_REMOVAL_NOTIFICATION :
						      NOTIFY_MOUNT_UNMOUNT, r.subtype);
	}
	EXPECT_STREQ("", wq_story(&q));
	wq_close(&q);
}

TEST_HARNESS_MAIN
