// SPDX-License-Identifier: GPL-2.0
/*
 * The USB source, with a host controller and a gadget that are software (dummy_hcd, g_zero):
 * plugged in and out, reset, and made to fail; usbcore loaded while there is a watch and
 * kept as long as there is one. Nothing else on the machine may use USB.
 */
#include <glob.h>
#include <linux/usbdevice_fs.h>

#include "wq_test.h"
#include "kselftest_harness.h"

static int run(const char *command)
{
	char line[128];

	snprintf(line, sizeof(line), "%s >/dev/null 2>&1", command);
	return system(line);
}

static bool loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

/* Unloads everything of USB, the users first; true when usbcore is gone. */
static bool unload_all(void)
{
	static const char *const modules[] = {
		"g_zero", "usb_f_ss_lb", "libcomposite", "dummy_hcd", "udc-core", "usbcore",
		"usb-common",
	};
	char command[32];

	for (int i = 0; i < 30 && loaded("usbcore"); i++) {
		for (size_t m = 0; m < ARRAY_SIZE(modules); m++) {
			snprintf(command, sizeof(command), "rmmod %s", modules[m]);
			run(command);
		}
		if (loaded("usbcore"))
			usleep(100000);
	}
	return !loaded("usbcore");
}

static int watch(int fd, uint64_t mask, unsigned int id, unsigned int flags, uint64_t *handle)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_USB_NOTIFY, .flags = flags,
		.object = -1, .id = id, .mask = mask,
	};
	int r = wq_add(fd, &add);

	if (handle)
		*handle = add.handle;
	return r;
}

/* Everything until a record with this text is there; what comes after is left. */
static const char *until(struct wq *q, const char *last)
{
	static char text[1024];
	char one[128];
	struct wq_rec r;

	text[0] = 0;
	while (wq_next_wait(q, &r, wq_patience(10000)) == 1) {
		wq_tell_source(one, sizeof(one), &r, "");
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 text[0] ? ", " : "", one);
		if (!strcmp(one, last))
			return text;
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), " (no more: %s)", wq_why());
	return text;
}

/* The node of the gadget, which is device 2 or later of the bus. */
static int open_gadget(void)
{
	glob_t found;
	int fd = -1;

	for (int i = 0; i < 100 && fd < 0; i++) {
		if (glob("/dev/bus/usb/001/*", 0, NULL, &found) == 0) {
			if (found.gl_pathc > 1)
				fd = open(found.gl_pathv[found.gl_pathc - 1], O_RDWR | O_CLOEXEC);
			globfree(&found);
		}
		if (fd < 0)
			usleep(100000);
	}
	return fd;
}

FIXTURE(usb) {
	struct wq q;
	struct watch_queue_info info;
	bool errors;		/* the kernel tells of resets and errors */
};

FIXTURE_SETUP(usb)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_OK(wq_open(&self->q, 4));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	if (!(self->info.sources >> WATCH_TYPE_USB_NOTIFY & 1))
		SKIP(return, "this kernel has no hook for USB");
	self->errors = self->info.events[WATCH_TYPE_USB_NOTIFY] & 1 << NOTIFY_USB_DEVICE_RESET;
	if (run("modprobe dummy_hcd") || run("modprobe g_zero"))
		SKIP(return, "no dummy_hcd or g_zero");
	if (!unload_all())
		SKIP(return, "USB is in use");
}

FIXTURE_TEARDOWN(usb)
{
	wq_close(&self->q);
	unload_all();
}

TEST_F_TIMEOUT(usb, present, 240)
{
	unsigned int hooks = WATCH_HOOKS(self->info.hooks, WATCH_TYPE_USB_NOTIFY);

	EXPECT_EQ(self->errors ? WATCH_USB_ALL_EVENTS : 0xf,
		  self->info.events[WATCH_TYPE_USB_NOTIFY]);
	EXPECT_EQ(WATCH_HOOK_API | (self->errors ? WATCH_HOOK_PATCH : 0), hooks);
	/* Neither the module nor a watch needs usbcore. */
	EXPECT_FALSE(loaded("usbcore"));
	EXPECT_EQ(0, watch(self->q.fd, WATCH_USB_ALL_EVENTS, 1, 0, NULL));
	EXPECT_FALSE(loaded("usbcore"));
}

/* Set before usbcore is there, and used from the first bus to the last. */
TEST_F_TIMEOUT(usb, in_and_out, 240)
{
	struct wq_rec r;

	ASSERT_EQ(0, watch(self->q.fd, WATCH_USB_ALL_EVENTS, 1, 0, NULL));
	ASSERT_EQ(0, run("modprobe dummy_hcd"));
	EXPECT_STREQ("usb_bus_add dummy_hcd.0, usb_device_add usb1",
		     until(&self->q, "usb_device_add usb1"));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, run("modprobe g_zero"));
		ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(20000)));
		EXPECT_EQ(NOTIFY_USB_DEVICE_ADD, r.subtype);
		EXPECT_EQ(1, r.id);
		EXPECT_EQ(3, r.usb.name_len);
		EXPECT_EQ(0, memcmp(r.usb.name, "1-1", 3));
		EXPECT_EQ(0, r.usb.error);
		ASSERT_EQ(0, run("rmmod g_zero"));
		EXPECT_STREQ("usb_device_remove 1-1", until(&self->q, "usb_device_remove 1-1"));
	}
	ASSERT_EQ(0, run("rmmod dummy_hcd"));
	EXPECT_STREQ("usb_device_remove usb1, usb_bus_remove dummy_hcd.0",
		     until(&self->q, "usb_bus_remove dummy_hcd.0"));
	EXPECT_STREQ("", wq_story(&self->q));
}

/* Attached to a usbcore that is there already; what it has is not told again. */
TEST_F_TIMEOUT(usb, there_already, 240)
{
	uint64_t handle;

	ASSERT_EQ(0, run("modprobe dummy_hcd"));
	ASSERT_EQ(0, watch(self->q.fd, WATCH_USB_ALL_EVENTS, 1, 0, &handle));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, run("modprobe g_zero"));
	EXPECT_STREQ("usb_device_add 1-1", until(&self->q, "usb_device_add 1-1"));
	ASSERT_EQ(0, run("rmmod g_zero"));
	EXPECT_STREQ("usb_device_remove 1-1", until(&self->q, "usb_device_remove 1-1"));

	/* While there is a watch, usbcore is kept; a second after, it is not. */
	run("rmmod dummy_hcd");
	EXPECT_STREQ("usb_device_remove usb1, usb_bus_remove dummy_hcd.0",
		     until(&self->q, "usb_bus_remove dummy_hcd.0"));
	EXPECT_NE(0, run("rmmod usbcore"));
	ASSERT_EQ(0, wq_remove(self->q.fd, handle));
	EXPECT_TRUE(unload_all());
}

/* Resets the gadget until that fails. */
static int reset_forever(void *arg)
{
	int *fd = arg;

	while (ioctl(*fd, USBDEVFS_RESET, 0) == 0)
		;
	return 0;
}

/* Unplugs the gadget while it is being reset; true when that was told as an error. */
static bool fail_a_reset(struct wq *q, struct wq_rec *r)
{
	int connect = open("/sys/class/udc/dummy_udc.0/soft_connect", O_WRONLY);
	int fd = open_gadget(), got;
	pid_t child;

	if (connect < 0 || fd < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(reset_forever(&fd));
	close(fd);
	/* A reset takes tens of milliseconds, the time between two of them next to none. */
	got = wq_next_wait(q, r, wq_patience(5000));
	if (write(connect, "disconnect", 10) != 10)
		got = 0;
	close(connect);
	waitpid(child, NULL, 0);
	while (got == 1 && r->subtype == NOTIFY_USB_DEVICE_RESET)
		got = wq_next_wait(q, r, wq_patience(200));
	return got == 1;
}

TEST_F_TIMEOUT(usb, reset_and_error, 240)
{
	bool failed = false;
	struct wq_rec r;
	int fd;

	if (!self->errors)
		SKIP(return, "only on a kernel with patch 0010");
	ASSERT_EQ(0, run("modprobe dummy_hcd"));
	ASSERT_EQ(0, run("modprobe g_zero"));
	fd = open_gadget();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, watch(self->q.fd, 1 << NOTIFY_USB_DEVICE_RESET | 1 << NOTIFY_USB_DEVICE_ERROR,
			   1, 0, NULL));
	ASSERT_EQ(0, ioctl(fd, USBDEVFS_RESET, 0));
	EXPECT_STREQ("usb_device_reset#1 1-1", wq_story(&self->q));
	close(fd);

	for (int i = 0; i < 10 && !failed; i++) {
		if (i) {
			ASSERT_EQ(0, run("rmmod g_zero"));
			ASSERT_EQ(0, run("modprobe g_zero"));
		}
		failed = fail_a_reset(&self->q, &r);
	}
	ASSERT_TRUE(failed) TH_LOG("no reset of an unplugged device has failed");
	EXPECT_EQ(NOTIFY_USB_DEVICE_ERROR, r.subtype);
	EXPECT_EQ(3, r.usb.name_len);
	EXPECT_EQ(0, memcmp(r.usb.name, "1-1", 3));
	EXPECT_LT(0, r.usb.error);
	EXPECT_GT(4096, r.usb.error);
	EXPECT_STREQ("", wq_story(&self->q));
}

TEST_F_TIMEOUT(usb, masks, 240)
{
	uint64_t handle;

	ASSERT_EQ(0, watch(self->q.fd, 1 << NOTIFY_USB_BUS_ADD, 1, WATCH_ADD_ONESHOT, NULL));
	ASSERT_EQ(0, run("modprobe dummy_hcd"));
	EXPECT_STREQ("usb_bus_add#1 dummy_hcd.0, removal:oneshot#1", wq_story(&self->q));
	ASSERT_EQ(0, watch(self->q.fd, 1 << NOTIFY_USB_BUS_REMOVE, 2, 0, &handle));
	EXPECT_EQ(-EEXIST, watch(self->q.fd, 1, 2, 0, NULL));
	ASSERT_EQ(0, run("modprobe g_zero"));
	ASSERT_EQ(0, run("rmmod g_zero"));
	ASSERT_EQ(0, run("rmmod dummy_hcd"));
	EXPECT_STREQ("usb_bus_remove#2 dummy_hcd.0", wq_story(&self->q));
}

TEST_F(usb, refused)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_USB_NOTIFY, .object = -1, .mask = 1,
	}, bad;

#define REFUSED(error, field, value) do { \
	bad = add; \
	bad.field = value; \
	EXPECT_EQ(-(error), wq_add(self->q.fd, &bad)) TH_LOG(#field " = %#llx", \
							     (unsigned long long)bad.field); \
} while (0)
	REFUSED(EINVAL, mask, 0);
	REFUSED(EINVAL, mask, 0x40);
	REFUSED(EINVAL, object, 0);
	REFUSED(EINVAL, scope, 1);
	REFUSED(EINVAL, ignore_mask, 1);
	REFUSED(EINVAL, flags, WATCH_ADD_EVICTABLE);
	if (!self->errors)
		REFUSED(EOPNOTSUPP, mask, 1 << NOTIFY_USB_DEVICE_RESET);
}

static int unprivileged(void *arg)
{
	int *root = arg;
	struct wq q;

	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(watch(q.fd, 1, 1, 0, NULL) == -EPERM);
	CHILD_CHECK(watch(*root, 1, 1, 0, NULL) == -EPERM);
	return 0;
}

TEST_F(usb, rights)
{
	EXPECT_EQ(0, wq_child_nobody(unprivileged, &self->q.fd));
}

TEST_HARNESS_MAIN
