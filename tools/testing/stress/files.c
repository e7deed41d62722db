// SPDX-License-Identifier: GPL-2.0
/*
 * Where the events of the stress program come from: a few folders with a few names each, so
 * that threads meet on them, and file operations of every kind. Two of the folders are
 * mount points, where a tmpfs and an ext4 on a loop device come and go, and one is on
 * an ext4 that stays; inodes of ext4 can be evicted, those of tmpfs cannot. An ext4 that nobody
 * watches or uses is unmounted now and then to compare the time with.
 */
#include <linux/loop.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/time.h>

#include "stress.h"

#define TOP	"/tmp/stress"
#define NAMES	10u
#define LOOPS	3

enum site { PLAIN0, PLAIN1, PLAIN2, EXT4, COMES_TMPFS, COMES_EXT4, QUIET, BIND, WHOLE, SITES };

static const char *const site_path[SITES] = {
	TOP "/a", TOP "/b", TOP "/a/c", TOP "/ext4", TOP "/m", TOP "/n", TOP "/q",
	TOP "/bind", TOP,
};

/* How often a folder is chosen, out of 12: the mount points must be free now and then. */
static const unsigned char choose[12] = {
	PLAIN0, PLAIN0, PLAIN1, PLAIN2, EXT4, EXT4, EXT4, EXT4, COMES_TMPFS, COMES_EXT4,
	BIND, WHOLE,
};

static char loops[LOOPS][24];		/* the devices; empty without an image */

/* The slowest unmounts. */
enum kind { WATCHED_TMPFS, WATCHED_EXT4, QUIET_EXT4, KINDS };

static unsigned long worst[KINDS];
static bool mounted[SITES];

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (in < 0 || out < 0)
		fail("%s to %s: %m", from, to);
	while (sendfile(out, in, NULL, 1 << 20) > 0)
		;
	close(in);
	close(out);
}

/* Attaches the image to a free loop device, whose path it writes to dev. */
static bool attach(const char *image, char *dev, size_t len)
{
	struct loop_config config = { 0 };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int nr = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	int file = open(image, O_RDWR | O_CLOEXEC), loop = -1;

	close(control);
	snprintf(dev, len, "/dev/loop%d", nr);
	config.fd = file;
	if (nr >= 0 && file >= 0)
		loop = open(dev, O_RDWR | O_CLOEXEC);
	if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config)) {
		fail("%s on %s: %m", image, dev);
		dev[0] = 0;
	}
	if (loop >= 0)
		close(loop);
	if (file >= 0)
		close(file);
	return dev[0] != 0;
}

static int mount_ext4(const char *dev, const char *path)
{
	return mount(dev, path, "ext4", 0, "errors=continue");
}

bool files_setup(const char *image)
{
	mkdir("/tmp", 01777);
	mkdir(TOP, 0755);
	if (mount("stress", TOP, "tmpfs", 0, "size=256M")) {
		fail("tmpfs on " TOP ": %m");
		return false;
	}
	for (int s = 0; s < SITES; s++)
		mkdir(site_path[s], 0755);
	if (!image)
		return true;
	for (int i = 0; i < LOOPS; i++) {
		char name[32];

		snprintf(name, sizeof(name), TOP "/image%d", i);
		copy(image, name);
		if (!attach(name, loops[i], sizeof(loops[i])))
			return false;
	}
	if (mount_ext4(loops[0], site_path[EXT4])) {
		fail("ext4 on %s: %m", site_path[EXT4]);
		return false;
	}
	return true;
}

static unsigned long limit_ms(void)
{
	const char *s = getenv("STRESS_UMOUNT_MS");

	return s ? strtoul(s, NULL, 10) : 1000;
}

/*
 * Unmounts, and takes the time of the try that succeeds; lazily, when it stays busy. An ext4
 * writes and frees a lot before it is gone, so only a tmpfs has to be fast; what our code adds
 * is measured by the watchdog.
 */
static void unmount(const char *path, enum kind kind)
{
	for (int try = 0; try < 40; try++) {
		uint64_t from = wq_now_ms();
		unsigned long ms;

		if (umount2(path, 0)) {
			if (errno != EBUSY)
				fail("umount of %s: %m", path);
			usleep(5000);
			continue;
		}
		ms = wq_now_ms() - from;
		if (ms > worst[kind])
			worst[kind] = ms;
		if (kind == WATCHED_TMPFS && ms > limit_ms())
			fail("umount of %s took %lu ms", path, ms);
		count(C_UMOUNTS, 1);
		return;
	}
	if (umount2(path, MNT_DETACH))
		fail("lazy umount of %s: %m", path);
	count(C_LAZY, 1);
}

void mounts_summary(void)
{
	printf("# slowest unmount: tmpfs %lu ms, ext4 %lu ms, ext4 that nobody watches %lu ms\n",
	       worst[WATCHED_TMPFS], worst[WATCHED_EXT4], worst[QUIET_EXT4]);
}

void files_teardown(void)
{
	for (int s = 0; s < SITES; s++)
		if (mounted[s])
			unmount(site_path[s], s == COMES_EXT4 ? WATCHED_EXT4 : WATCHED_TMPFS);
	if (loops[0][0])
		unmount(site_path[EXT4], WATCHED_EXT4);
	for (int i = 0; i < LOOPS; i++) {
		int loop = loops[i][0] ? open(loops[i], O_RDWR | O_CLOEXEC) : -1;

		if (loop < 0)
			continue;
		/* After a lazy umount it may take a moment until the device is free. */
		if (ioctl(loop, LOOP_CLR_FD))
			fail("%s: %m", loops[i]);
		close(loop);
	}
	unmount(TOP, WATCHED_TMPFS);
	rmdir(TOP);
}

static void sync_to(const char *path)
{
	int dir = open(path, O_RDONLY | O_CLOEXEC);

	syncfs(dir);
	close(dir);
}

static void drop_caches(const char *what)
{
	if (!wq_put("/proc/sys/vm/drop_caches", what))
		fail("drop_caches: %m");
}

/*
 * An inode with pages is in no list of those that may go; without them it comes into one as
 * just used, and then goes with the second look at the earliest.
 */
static void drop_all_caches(void)
{
	drop_caches("3");
	drop_caches("2");
	drop_caches("2");
}

static void evict(struct rng *r)
{
	doing("evict");
	/* Inodes that are dirty stay. */
	if (chance(r, 80))
		sync_to(site_path[EXT4]);
	if (chance(r, 70))
		drop_all_caches();
	else
		drop_caches("2");
	count(C_EVICT, 1);
}

/* Most inodes that are watched are in use or pinned as well. This one is not. */
static void evict_one(void)
{
	struct wq_rec rec;
	struct wq q;

	doing("evict one");
	if (!loops[2][0] || wq_open(&q, 1) != wq_ok)
		return;
	if (mount_ext4(loops[2], site_path[QUIET])) {
		fail("ext4 on %s: %m", site_path[QUIET]);
	} else {
		wq_touch(TOP "/q/file");
		wq_watch(q.fd, TOP "/q/file", WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 0, 0,
			 WATCH_ADD_EVICTABLE);
		sync_to(site_path[QUIET]);
		drop_all_caches();
		while (wq_next(&q, &rec) == 1)
			if (rec.type == WATCH_TYPE_META && rec.subtype == WATCH_META_REMOVAL_NOTIFICATION)
				count(C_REASON + rec.removal.reason, 1);
		unmount(site_path[QUIET], WATCHED_EXT4);
	}
	wq_close(&q);
}

/* With one file that was written, so that there is something to do. */
static void quiet(void)
{
	doing("quiet mount");
	if (!loops[2][0])
		return;
	if (mount_ext4(loops[2], site_path[QUIET])) {
		fail("ext4 on %s: %m", site_path[QUIET]);
		return;
	}
	wq_touch(TOP "/q/file");
	unmount(site_path[QUIET], QUIET_EXT4);
}

/* A second mount of a folder comes, moves, and goes with whatever is open below it. */
static void bind(void)
{
	doing("bind");
	if (mount(site_path[PLAIN0], site_path[BIND], NULL, MS_BIND, NULL)) {
		fail("bind mount: %m");
		return;
	}
	usleep(20000);
	if (mount(site_path[BIND], site_path[QUIET], NULL, MS_MOVE, NULL))
		fail("move of a mount: %m");
	usleep(5000);
	if (umount2(site_path[QUIET], MNT_DETACH))
		fail("umount of a bind mount: %m");
	count(C_BINDS, 1);
}

/* Busy as long as something is open for writing there. */
static void remount(void)
{
	doing("remount");
	if (mount(NULL, site_path[COMES_TMPFS], NULL, MS_REMOUNT | MS_RDONLY, NULL)) {
		if (errno != EBUSY)
			fail("remount: %m");
		return;
	}
	if (mount(NULL, site_path[COMES_TMPFS], NULL, MS_REMOUNT, NULL))
		fail("remount: %m");
	count(C_REMOUNTS, 1);
}

void mounts_act(struct rng *r)
{
	enum site s = chance(r, 50) ? COMES_TMPFS : COMES_EXT4;

	if (chance(r, 20)) {
		evict(r);
	} else if (chance(r, 12)) {
		evict_one();
	} else if (chance(r, 10)) {
		quiet();
	} else if (chance(r, 20)) {
		bind();
	} else if (mounted[COMES_TMPFS] && chance(r, 30)) {
		remount();
	} else if (mounted[s]) {
		doing("umount");
		unmount(site_path[s], s == COMES_EXT4 ? WATCHED_EXT4 : WATCHED_TMPFS);
		mounted[s] = false;
	} else if (s == COMES_TMPFS) {
		doing("mount tmpfs");
		mounted[s] = !mount("stress", site_path[s], "tmpfs", 0, "size=16M");
		if (!mounted[s])
			fail("tmpfs on %s: %m", site_path[s]);
		count(C_MOUNTS, 1);
	} else if (loops[1][0]) {
		doing("mount ext4");
		mounted[s] = !mount_ext4(loops[1], site_path[s]);
		/* Busy as long as a lazy umount is not through. */
		if (!mounted[s] && errno != EBUSY)
			fail("ext4 on %s: %m", site_path[s]);
		count(C_MOUNTS, mounted[s]);
	}
	doing("sleep");
	usleep(20000 + rnd(r, 150000));
}

/* A folder, or a name in it: a file mostly, sometimes a folder. */
void files_random_path(struct rng *r, char *buf, size_t len)
{
	const char *site = site_path[choose[rnd(r, sizeof(choose))]];

	if (chance(r, 25))
		snprintf(buf, len, "%s", site);
	else
		snprintf(buf, len, "%s/%c%u", site, chance(r, 80) ? 'f' : 'd', rnd(r, NAMES));
}

static void names(struct rng *r, char kind, char from[64], char to[64])
{
	const char *site = site_path[choose[rnd(r, sizeof(choose))]];
	const char *other = chance(r, 70) ? site : site_path[choose[rnd(r, sizeof(choose))]];

	snprintf(from, 64, "%s/%c%u", site, kind, rnd(r, NAMES));
	snprintf(to, 64, "%s/%c%u", other, kind, rnd(r, NAMES));
}

static void write_file(struct rng *r, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (chance(r, 20) ? O_TRUNC : 0), 0644);
	char back[8];
	ssize_t done;

	if (fd < 0)
		return;
	for (unsigned int n = rnd(r, 4); n; n--) {
		done = write(fd, "stress", 6);
		if (chance(r, 30))
			done = pread(fd, back, sizeof(back), 0);
	}
	(void)done;
	/* Open files that are unlinked get their last events later. */
	if (chance(r, 10))
		unlink(path);
	close(fd);
}

/* Every one of these may fail, because others do the same to the same names. */
void files_act(struct rng *r)
{
	char from[64], to[64];

	doing("file operation");
	count(C_FILE_OPS, 1);
	switch (rnd(r, 12)) {
	case 0: case 1: case 2: case 3:
		names(r, 'f', from, to);
		write_file(r, from);
		break;
	case 4:
		names(r, 'f', from, to);
		rename(from, to);
		break;
	case 5:
		names(r, 'f', from, to);
		if (link(from, to))
			chmod(from, 0600 + rnd(r, 64));
		break;
	case 6: case 7:
		names(r, 'f', from, to);
		unlink(from);
		break;
	case 8:
		names(r, 'd', from, to);
		mkdir(from, 0755);
		break;
	case 9:
		names(r, 'd', from, to);
		rmdir(from);
		break;
	case 10:
		names(r, 'd', from, to);
		rename(from, to);
		break;
	default:
		names(r, 'f', from, to);
		if (utimes(from, NULL))
			truncate(from, rnd(r, 100));
	}
}
