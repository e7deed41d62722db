// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The C library on a ring in ordinary memory: order and release of records, wrap, names, and
 * errors for contents that cannot be right. Also compiled for 32 bits and, the header part,
 * as C++. Prints TAP.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#define SLOTS	128

static int failures, tests;

#define CHECK(cond) do { \
	if (!(cond)) { \
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
		failed = 1; \
	} \
} while (0)

/* The memory of a ring, and the head that the "kernel" keeps for itself. */
struct fake {
	uint64_t slots[SLOTS];
	uint32_t head;
	struct wq wq;
};

static uint32_t *words(struct fake *fake)
{
	return (uint32_t *)fake->slots;
}

static void put_head(struct fake *fake, uint32_t head)
{
	__atomic_store_n(words(fake) + 2, head, __ATOMIC_RELEASE);
}

static uint32_t tail(struct fake *fake)
{
	return __atomic_load_n(words(fake) + 3, __ATOMIC_ACQUIRE);
}

static void setup(struct fake *fake, uint32_t start)
{
	memset(fake, 0, sizeof(*fake));
	words(fake)[1] = 3 << WATCH_LENGTH_SHIFT;
	words(fake)[3] = start;
	words(fake)[4] = SLOTS - 1;
	fake->head = start;
	put_head(fake, start);
	if (wq_attach(&fake->wq, fake->slots, SLOTS))
		abort();
}

/* Writes a record's header at a position; returns the slot. */
static uint32_t *put(struct fake *fake, uint32_t position, uint32_t word0, uint32_t slots)
{
	uint32_t *slot = words(fake) + 2 * (position & (SLOTS - 1));

	slot[0] = word0;
	slot[1] = slots << WATCH_LENGTH_SHIFT;
	return slot;
}

/* Posts a record as the kernel does: never across the end, past the header. */
static uint32_t *post(struct fake *fake, uint32_t word0, uint32_t slots)
{
	uint32_t index = fake->head & (SLOTS - 1), *slot;

	if (index && index + slots > SLOTS) {
		put(fake, fake->head, 0, SLOTS - index);
		fake->head += SLOTS - index;
		index = 0;
	}
	if (index == 0)
		fake->head += 3;
	slot = put(fake, fake->head, word0, slots);
	fake->head += slots;
	put_head(fake, fake->head);
	return slot;
}

static struct fs_notification *post_fs(struct fake *fake, uint32_t slots, const char *name)
{
	struct fs_notification *fs;

	fs = (struct fs_notification *)post(fake, WATCH_TYPE_FS_NOTIFY | 8u << 24, slots);
	memset(&fs->watch + 1, 0, slots * 8 - 8);
	if (name) {
		fs->name_off = sizeof(*fs);
		fs->name_len = strlen(name);
		memcpy((char *)fs + fs->name_off, name, fs->name_len + 1u);
	}
	return fs;
}

static int test_order_and_release(void)
{
	const struct watch_notification *a, *b;
	struct fake fake;
	int failed = 0;

	setup(&fake, 3);
	CHECK(!wq_next(&fake.wq) && fake.wq.error == 0);
	post_fs(&fake, 8, "one");
	post_fs(&fake, 6, NULL);
	a = wq_next(&fake.wq);
	b = wq_next(&fake.wq);
	CHECK(a && b && !wq_next(&fake.wq));
	CHECK(a && wq_fs(a) && !strcmp(wq_fs_name(wq_fs(a)), "one") && wq_length(a) == 64);
	CHECK(a && wq_subtype(a) == NOTIFY_FS_CREATE && !wq_loss(a) && !wq_removal(a));
	CHECK(b && wq_fs(b) && !wq_fs_name(wq_fs(b)));
	CHECK(tail(&fake) == 3);
	wq_advance(&fake.wq);
	CHECK(tail(&fake) == 17);
	return failed;
}

static int test_wrap(void)
{
	struct fake fake;
	int failed = 0;

	for (uint32_t start = 3; start < SLOTS; start++) {
		for (uint32_t slots = 1; slots <= 63; slots++) {
			const struct watch_notification *record;

			/* Positions wrap, too. */
			setup(&fake, start - SLOTS);
			post(&fake, 0x800000, slots);
			record = wq_next(&fake.wq);
			CHECK(record && wq_length(record) == slots * 8);
			CHECK(record && wq_type(record) == 0x800000);
			CHECK(!wq_next(&fake.wq) && !fake.wq.error);
			wq_advance(&fake.wq);
			CHECK(tail(&fake) == fake.head);
		}
	}
	return failed;
}

static int test_bad_lengths(void)
{
	static const struct { uint32_t position, slots, head; } cases[] = {
		{ 3, 0, 13 },	/* empty */
		{ 3, 11, 13 },	/* past head */
		{ SLOTS - 4, 5, SLOTS + 16 },	/* past the end of the ring */
		{ SLOTS, 63, SLOTS + 16 },
	};
	struct fake fake;
	int failed = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		setup(&fake, cases[i].position);
		put(&fake, cases[i].position, 0x800000, cases[i].slots);
		put_head(&fake, cases[i].head);
		for (int twice = 0; twice < 2; twice++)
			CHECK(!wq_next(&fake.wq) && fake.wq.error == -EBADMSG);
		CHECK(wq_resync(&fake.wq) == 0 && tail(&fake) == cases[i].head);
		CHECK(!wq_next(&fake.wq) && fake.wq.error == 0);
	}
	return failed;
}

static int test_bad_head(void)
{
	static const uint32_t heads[] = { 2, 3 + SLOTS + 1, UINT32_MAX, 0x80000000 };
	struct fake fake;
	int failed = 0;

	setup(&fake, 3);
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		put_head(&fake, heads[i]);
		CHECK(!wq_next(&fake.wq) && fake.wq.error == -EBADMSG);
		CHECK(wq_resync(&fake.wq) == -EBADMSG);
	}
	put_head(&fake, 3);
	CHECK(!wq_next(&fake.wq) && fake.wq.error == 0);
	return failed;
}

static int test_bad_names(void)
{
	static const uint16_t bad[][2] = { { 1, 1 }, { 47, 1 }, { 48, 16 }, { 64, 0 },
					   { 65535, 65535 }, { 48, 65535 }, { 48, 3 } };
	const struct watch_notification *record;
	struct fake fake;
	int failed = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fs_notification *fs;

		setup(&fake, 3);
		fs = post_fs(&fake, 8, "abcd");
		fs->name_off = bad[i][0];
		fs->name_len = bad[i][1];
		record = wq_next(&fake.wq);
		CHECK(record && wq_fs(record) && !wq_fs_name(wq_fs(record)));
	}
	setup(&fake, 3);
	post(&fake, WATCH_TYPE_FS_NOTIFY, 5);
	record = wq_next(&fake.wq);
	CHECK(record && !wq_fs(record));
	return failed;
}

static int test_meta(void)
{
	const struct watch_notification *record;
	struct fake fake;
	uint32_t *slot;
	int failed = 0;

	setup(&fake, 3);
	slot = post(&fake, 2u << 24, 3);
	((struct watch_loss_notification *)slot)->count = 12;
	slot = post(&fake, 1u << 24, 4);
	((struct watch_removal_notification *)slot)->reason = WATCH_REMOVAL_UNMOUNT;
	post(&fake, 2u << 24, 2);
	post(&fake, 1u << 24, 3);
	record = wq_next(&fake.wq);
	CHECK(record && wq_loss(record) && wq_loss(record)->count == 12 && !wq_removal(record));
	record = wq_next(&fake.wq);
	CHECK(record && wq_removal(record) && !wq_loss(record));
	CHECK(record && wq_removal(record)->reason == WATCH_REMOVAL_UNMOUNT);
	record = wq_next(&fake.wq);
	CHECK(record && !wq_loss(record));
	record = wq_next(&fake.wq);
	CHECK(record && !wq_removal(record));
	return failed;
}

static int test_questions(void)
{
	static const unsigned int subtypes[] = { 16, 17, 18, 20 }, others[] = { 5, 19, 21, 80 };
	const struct watch_notification *r;
	struct fake fake;
	uint32_t *slot;
	int failed = 0;

	setup(&fake, 3);
	for (int i = 0; i < 4; i++) {
		slot = post(&fake, WATCH_TYPE_FS_NOTIFY | subtypes[i] << 24, 10);
		((struct fs_permission_notification *)slot)->request = 7 + i;
		r = wq_next(&fake.wq);
		CHECK(r && wq_fs(r) && wq_question(r) && wq_question(r)->request == 7u + i);
		post(&fake, WATCH_TYPE_FS_NOTIFY | others[i] << 24, 10);
		r = wq_next(&fake.wq);
		CHECK(r && wq_fs(r) && !wq_question(r));
		wq_advance(&fake.wq);
	}
	post(&fake, WATCH_TYPE_FS_NOTIFY | 16u << 24, 9);
	r = wq_next(&fake.wq);
	CHECK(r && wq_fs(r) && !wq_question(r));
	slot = post(&fake, 3u << 24, 4);
	((struct watch_unanswered_notification *)slot)->count = 2;
	r = wq_next(&fake.wq);
	CHECK(r && wq_unanswered(r) && wq_unanswered(r)->count == 2 && !wq_removal(r));
	post(&fake, 3u << 24, 3);
	r = wq_next(&fake.wq);
	CHECK(r && !wq_unanswered(r) && !wq_question(r));
	return failed;
}

static int test_sources(void)
{
	const struct watch_notification *r;
	struct usb_notification *usb;
	uint32_t length = 0;
	const char *name;
	struct fake fake;
	int failed = 0;

	setup(&fake, 3);
	post(&fake, WATCH_TYPE_MOUNT_NOTIFY, 4);
	post(&fake, WATCH_TYPE_MOUNT_NOTIFY, 3);
	post(&fake, WATCH_TYPE_SB_NOTIFY, 2);
	post(&fake, WATCH_TYPE_SB_NOTIFY | 1u << 24, 7);
	post(&fake, WATCH_TYPE_SB_NOTIFY | 1u << 24, 6);
	post(&fake, WATCH_TYPE_SB_NOTIFY | 2u << 24, 4);
	post(&fake, WATCH_TYPE_KEY_NOTIFY, 2);
	post(&fake, WATCH_TYPE_BLOCK_NOTIFY, 3);
	post(&fake, WATCH_TYPE_BLOCK_NOTIFY, 2);
	usb = (struct usb_notification *)post(&fake, WATCH_TYPE_USB_NOTIFY, 3);
	usb->name_len = 7;
	memcpy(usb->name, "1-1.2:0", 7);
	usb = (struct usb_notification *)post(&fake, WATCH_TYPE_USB_NOTIFY, 3);
	usb->name_len = 8;
	post(&fake, WATCH_TYPE_USB_NOTIFY, 2);
	r = wq_next(&fake.wq);
	CHECK(r && wq_mount(r) && !wq_sb(r) && !wq_key(r) && !wq_block(r) && !wq_fs(r));
	r = wq_next(&fake.wq);
	CHECK(r && !wq_mount(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_sb(r) && !wq_sb_error(r) && !wq_sb_quota(r) && !wq_mount(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_sb_error(r) && !wq_sb_quota(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_sb(r) && !wq_sb_error(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_sb_quota(r) && !wq_sb_error(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_key(r) && !wq_block(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_block(r) && !wq_key(r));
	r = wq_next(&fake.wq);
	CHECK(r && !wq_block(r));
	r = wq_next(&fake.wq);
	CHECK(r && wq_usb(r) && !wq_block(r));
	name = r ? wq_usb_name(wq_usb(r), &length) : NULL;
	CHECK(name && length == 7 && !memcmp(name, "1-1.2:0", 7));
	r = wq_next(&fake.wq);
	CHECK(r && wq_usb(r) && !wq_usb_name(wq_usb(r), &length));
	r = wq_next(&fake.wq);
	CHECK(r && !wq_usb(r));
	return failed;
}

struct seen {
	struct fake *fake;
	int count, stop_at;
};

static int count(void *ctx, const struct watch_notification *record)
{
	struct seen *seen = ctx;

	(void)record;
	return ++seen->count == seen->stop_at ? -ECANCELED : 7;
}

static int test_consume(void)
{
	struct fake fake;
	struct seen seen = { &fake, 0, 0 };
	int failed = 0;

	setup(&fake, 3);
	CHECK(wq_consume(&fake.wq) == -EINVAL);
	fake.wq.fn = count;
	fake.wq.ctx = &seen;
	CHECK(wq_consume(&fake.wq) == 0);
	for (int i = 0; i < 8; i++)
		post_fs(&fake, 6, NULL);
	CHECK(wq_consume_n(&fake.wq, 2) == 2 && tail(&fake) == 15);
	seen.stop_at = 4;
	CHECK(wq_consume(&fake.wq) == -ECANCELED && seen.count == 4 && tail(&fake) == 27);
	CHECK(wq_consume(&fake.wq) == 4 && tail(&fake) == fake.head);
	put_head(&fake, fake.head + SLOTS + 1);
	CHECK(wq_consume(&fake.wq) == -EBADMSG && seen.count == 8);
	return failed;
}

static int test_attach(void)
{
	static const uint32_t bad[] = { 0, 1, 4, 48, 1u << 31 };
	struct fake fake;
	int failed = 0;

	setup(&fake, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(wq_attach(&fake.wq, fake.slots, bad[i]) == -EINVAL);
	CHECK(wq_attach(&fake.wq, fake.slots, SLOTS / 2) == -EBADMSG);
	return failed;
}

static int test_open(void)
{
	struct { struct wq_opts known; long later; } more = { { .sz = sizeof(more) }, 0 };
	struct wq_opts opts = { .sz = sizeof(opts), .device = "/dev/null/none" };
	struct wq *wq = (struct wq *)&opts;
	int failed = 0;

	CHECK(wq_open(&wq, &opts) == -ENOTDIR && !wq);
	opts.device = "/dev/null";
	CHECK(wq_open(&wq, &opts) == -ENOTTY && !wq);
	more.known.device = "/dev/null";
	CHECK(wq_open(&wq, &more.known) == -ENOTTY);
	more.later = 1;
	CHECK(wq_open(&wq, &more.known) == -EINVAL);
	opts.sz = 1;
	CHECK(wq_open(&wq, &opts) == -EINVAL);
	wq_close(NULL);
	return failed;
}

static int test_names(void)
{
	static const uint32_t counts[] = { 4, 7, 4, 8, 10, 6, 17 };
	const char *name;
	int failed = 0;

	for (uint32_t type = 0; type < 8; type++) {
		uint32_t count = 0;

		for (uint32_t subtype = 0; subtype < 256; subtype++)
			count += wq_event_name(type, subtype) ? 1 : 0;
		CHECK(count == (type < 7 ? counts[type] : 0));
	}
	name = wq_event_name(WATCH_TYPE_FS_NOTIFY, NOTIFY_FS_MOVED_TO);
	CHECK(name && !strcmp(name, "moved_to"));
	name = wq_event_name(WATCH_TYPE_BLOCK_NOTIFY, NOTIFY_BLOCK_ERROR_IO);
	CHECK(name && !strcmp(name, "io"));
	CHECK(!wq_event_name(WATCH_TYPE_FOREIGN_FIRST, 0) && !wq_event_name(UINT32_MAX, UINT32_MAX));
	return failed;
}

static int test_adopt(void)
{
	int null = open("/dev/null", O_RDWR), failed = 0;
	struct wq *wq = (struct wq *)&failed;

	CHECK(wq_adopt(&wq, -1, NULL) == -EBADF && !wq);
	CHECK(wq_adopt(&wq, null, NULL) == -ENOTTY && !wq);
	/* It is still open: the caller's. */
	CHECK(close(null) == 0);
	return failed;
}

static void run(const char *name, int (*test)(void))
{
	int failed = test();

	failures += failed;
	printf("%sok %d %s\n", failed ? "not " : "", ++tests, name);
}

int main(void)
{
	printf("TAP version 13\n");
	run("order_and_release", test_order_and_release);
	run("wrap", test_wrap);
	run("bad_lengths", test_bad_lengths);
	run("bad_head", test_bad_head);
	run("bad_names", test_bad_names);
	run("meta", test_meta);
	run("questions", test_questions);
	run("sources", test_sources);
	run("consume", test_consume);
	run("attach", test_attach);
	run("open", test_open);
	run("names", test_names);
	run("adopt", test_adopt);
	printf("1..%d\n", tests);
	return failures != 0;
}
