// SPDX-License-Identifier: GPL-2.0
/*
 * SET_FILTER: what is refused, what passes. Events of the 13 FS subtypes are what this
 * test can make; larger subtypes and foreign types are judged here by the entries that
 * must not let an FS event through, and by the host tests of the same code by value.
 */
#include "wq_test.h"
#include "kselftest_harness.h"

/* A filter with room for more entries than are allowed. */
struct filter {
	union {
		struct watch_notification_filter head;
		struct {
			uint32_t nr, reserved;
			struct watch_notification_type_filter e[WATCH_FILTER_MAX + 2];
		};
	};
};

static void all_subtypes(struct watch_notification_type_filter *e, uint32_t type)
{
	memset(e, 0, sizeof(*e));
	e->type = type;
	memset(e->subtype_filter, 0xff, sizeof(e->subtype_filter));
}

static void one_subtype(struct watch_notification_type_filter *e, uint32_t type, unsigned int bit)
{
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->subtype_filter[bit / 32] = 1u << bit % 32;
}

FIXTURE(filter) {
	struct wq q;
	struct filter f;
	int poke;
};

FIXTURE_SETUP(filter)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	memset(&self->f, 0, sizeof(self->f));
	self->f.nr = 1;
	all_subtypes(&self->f.e[0], WATCH_TYPE_FS_NOTIFY);
	self->poke = wq_poke_open("f");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY | WATCH_FS_ATTRIB, 0, 0x5a, 0, 0));
}

FIXTURE_TEARDOWN(filter)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* Whether a MODIFY record of the fixture's watch passes now. */
static bool passes(struct wq *q, int poke)
{
	wq_poke(poke);
	return wq_drain(q) == 1;
}

#define SET(errno_or_0) EXPECT_EQ(errno_or_0, wq_filter(self->q.fd, &self->f))
#define PASSES(yes) EXPECT_EQ(yes, passes(&self->q, self->poke))

/*
 * 1 to 16 entries, whatever types they have: one bound for all.
 * TRAPS: B34
 */
TEST_F(filter, number_of_entries)
{
	static const uint32_t wrong[] = { 0, 17, 18, 255, 256, 1u << 16, 1u << 31, 0xffffffff };

	for (int i = 0; i < WATCH_FILTER_MAX + 2; i++)
		all_subtypes(&self->f.e[i], WATCH_TYPE_FS_NOTIFY);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->f.nr = wrong[i];
		EXPECT_EQ(-EINVAL, wq_filter(self->q.fd, &self->f)) TH_LOG("%u entries", wrong[i]);
	}
	for (uint32_t n = 1; n <= WATCH_FILTER_MAX; n++) {
		self->f.nr = n;
		EXPECT_EQ(0, wq_filter(self->q.fd, &self->f)) TH_LOG("%u entries", n);
	}
	PASSES(true);
}

/*
 * 16 entries of each type at the borders of any bitmap that an implementation might keep.
 * TRAPS: B34, B36
 */
TEST_F(filter, types_at_borders)
{
	static const uint32_t types[] = { 7, 31, 32, 63, 64, 127, 128, 129, 255, 256, 1023, 1024,
		1025, 0x7fffff, 0x800000, 0xfffffe, 0xffffff, 0x1000000, 0x1000006, 0x80000006,
		0xffffffff };

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		self->f.nr = WATCH_FILTER_MAX;
		for (int i = 0; i < WATCH_FILTER_MAX; i++)
			all_subtypes(&self->f.e[i], types[t]);
		EXPECT_EQ(0, wq_filter(self->q.fd, &self->f)) TH_LOG("type %#x", types[t]);
		EXPECT_FALSE(passes(&self->q, self->poke)) TH_LOG("type %#x", types[t]);
		/* The last of 16 counts as much as the first. */
		all_subtypes(&self->f.e[15], WATCH_TYPE_FS_NOTIFY);
		EXPECT_EQ(0, wq_filter(self->q.fd, &self->f)) TH_LOG("type %#x", types[t]);
		EXPECT_TRUE(passes(&self->q, self->poke)) TH_LOG("type %#x", types[t]);
	}
}

/* What makes a filter invalid, in the first entry and in the last, and that the old one stays. */
TEST_F(filter, refused)
{
	one_subtype(&self->f.e[0], WATCH_TYPE_FS_NOTIFY, NOTIFY_FS_ATTRIB);
	SET(0);
	PASSES(false);

	for (int at = 0; at < WATCH_FILTER_MAX; at += WATCH_FILTER_MAX - 1) {
		self->f.nr = WATCH_FILTER_MAX;
		for (int i = 0; i < WATCH_FILTER_MAX; i++)
			all_subtypes(&self->f.e[i], WATCH_TYPE_FS_NOTIFY);

		self->f.e[at].info_filter = WATCH_INFO_FLAG_0;
		SET(-EINVAL);
		self->f.e[at].info_mask = WATCH_INFO_FLAG_1;
		SET(-EINVAL);
		self->f.e[at].info_filter = 0;
		for (int bit = 0; bit < 32; bit++) {
			self->f.e[at].info_mask = 1u << bit;
			EXPECT_EQ(WATCH_INFO_LENGTH >> bit & 1 ? -EINVAL : 0,
				  wq_filter(self->q.fd, &self->f)) TH_LOG("info_mask bit %d", bit);
			self->f.e[at].info_filter = 0;
		}
		self->f.e[at].info_mask = 0;
		/* Unknown types are judged like all others before they are left out. */
		self->f.e[at].type = 4711;
		self->f.e[at].info_mask = WATCH_INFO_LENGTH;
		SET(-EINVAL);
	}
	self->f.nr = 1;
	all_subtypes(&self->f.e[0], WATCH_TYPE_FS_NOTIFY);
	one_subtype(&self->f.e[0], WATCH_TYPE_FS_NOTIFY, NOTIFY_FS_ATTRIB);
	SET(0);
	self->f.e[0].subtype_filter[0] = ~0u;
	self->f.reserved = 1;
	SET(-EINVAL);
	self->f.reserved = 0x80000000;
	SET(-EINVAL);
	PASSES(false) TH_LOG("a refused filter must leave the old one in place");
}

/* Pointers that cannot be read, wholly or at the end. */
TEST_F(filter, bad_pointers)
{
	const size_t page = wq_page();
	struct filter *at_end;
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	EXPECT_EQ(-EFAULT, wq_filter(self->q.fd, (void *)1));
	EXPECT_EQ(-EFAULT, wq_filter(self->q.fd, p + page));
	EXPECT_EQ(-EFAULT, wq_filter(self->q.fd, p + page - 4));
	EXPECT_EQ(-EFAULT, wq_filter(self->q.fd, (void *)-8));
	/* One entry fits in front of the hole, two do not. */
	at_end = (void *)(p + page - 8 - sizeof(self->f.e[0]));
	at_end->nr = 1;
	at_end->reserved = 0;
	all_subtypes(&at_end->e[0], WATCH_TYPE_FS_NOTIFY);
	EXPECT_EQ(0, wq_filter(self->q.fd, at_end));
	at_end->nr = 2;
	EXPECT_EQ(-EFAULT, wq_filter(self->q.fd, at_end));
	PASSES(true);
	/* Unaligned is fine. */
	memcpy(p + 1, &self->f, 8 + sizeof(self->f.e[0]));
	EXPECT_EQ(0, wq_filter(self->q.fd, p + 1));
	PASSES(true);
}

/*
 * All 256 subtypes have a bit of their own: the bits of 33, 63, 65, 255 … do not stand
 * for the small subtypes that they would alias with. MODIFY is subtype 1.
 * TRAPS: B35
 */
TEST_F(filter, subtypes)
{
	for (unsigned int bit = 0; bit < 256; bit++) {
		one_subtype(&self->f.e[0], WATCH_TYPE_FS_NOTIFY, bit);
		SET(0);
		EXPECT_EQ(bit == NOTIFY_FS_MODIFY, passes(&self->q, self->poke))
			TH_LOG("subtype bit %u", bit);
	}
	static const unsigned int table[] = { 31, 32, 63, 255 };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		all_subtypes(&self->f.e[0], WATCH_TYPE_FS_NOTIFY);
		self->f.e[0].subtype_filter[table[i] / 32] &= ~(1u << table[i] % 32);
		SET(0);
		EXPECT_TRUE(passes(&self->q, self->poke)) TH_LOG("all subtypes but %u", table[i]);
	}
	all_subtypes(&self->f.e[0], WATCH_TYPE_FS_NOTIFY);
	self->f.e[0].subtype_filter[0] &= ~(1u << NOTIFY_FS_MODIFY);
	SET(0);
	PASSES(false);
}

/* Every known type lets pass only its own; entries are alternatives. */
TEST_F(filter, types)
{
	for (uint32_t type = 0; type < WATCH_TYPE___NR; type++) {
		all_subtypes(&self->f.e[0], type);
		SET(0);
		EXPECT_EQ(type == WATCH_TYPE_FS_NOTIFY, passes(&self->q, self->poke))
			TH_LOG("type %u", type);
	}
	self->f.nr = 2;
	one_subtype(&self->f.e[0], WATCH_TYPE_FS_NOTIFY, NOTIFY_FS_ATTRIB);
	one_subtype(&self->f.e[1], WATCH_TYPE_FS_NOTIFY, NOTIFY_FS_MODIFY);
	SET(0);
	PASSES(true);
}

/* The watch's id and the type's flags can be filtered on; IN_SUBTREE is clear for the file itself. */
TEST_F(filter, info)
{
	static const struct {
		uint32_t filter, mask;
		bool pass;
	} table[] = {
		{ 0, 0, true },
		{ 0x5a000000, WATCH_INFO_ID, true },
		{ 0x5b000000, WATCH_INFO_ID, false },
		{ 0, WATCH_INFO_ID, false },
		{ 0x50000000, 0xf0000000, true },
		{ 0, WATCH_INFO_IN_SUBTREE, true },
		{ WATCH_INFO_IN_SUBTREE, WATCH_INFO_IN_SUBTREE, false },
		{ 0, WATCH_INFO_TYPE_FLAGS, true },
		{ WATCH_INFO_FLAG_0, WATCH_INFO_FLAG_0, false },
		{ 0, WATCH_INFO_RECURSIVE, true },
		{ 0x5a000000, ~WATCH_INFO_LENGTH, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		self->f.e[0].info_filter = table[i].filter;
		self->f.e[0].info_mask = table[i].mask;
		SET(0);
		EXPECT_EQ(table[i].pass, passes(&self->q, self->poke))
			TH_LOG("filter %#x, mask %#x", table[i].filter, table[i].mask);
	}
}

/*
 * Filters see info before OVERRUN and ENOMEM are added: a program that wants records without
 * them still gets the first one after a loss.
 */
TEST_F(filter, overrun_is_not_seen)
{
	struct wq_rec r;
	int got;

	self->f.e[0].info_mask = WATCH_INFO_OVERRUN | WATCH_INFO_ENOMEM;
	SET(0);
	for (int i = 0; i < 200; i++)
		wq_poke(self->poke);
	while ((got = wq_next(&self->q, &r)) == 1)
		;
	ASSERT_EQ(0, got) TH_LOG("%s", wq_why());
	wq_poke(self->poke);
	do {
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	} while (r.type == WATCH_TYPE_META);
	EXPECT_EQ(WATCH_INFO_OVERRUN, r.info & WATCH_INFO_OVERRUN);
}

/*
 * A filter of unknown types only is taken, and passes nothing but META records.
 * TRAPS: B37
 */
TEST_F(filter, only_unknown_types)
{
	all_subtypes(&self->f.e[0], 7);
	all_subtypes(&self->f.e[1], 0x7fffff);
	self->f.nr = 2;
	SET(0);
	PASSES(false);
	EXPECT_EQ(0, wq_remove_all(self->q.fd, 0));
	EXPECT_STREQ("removal:removed#90", wq_story(&self->q));
}

/* NULL takes the filter away, also when there is none. */
TEST_F(filter, removed_by_null)
{
	EXPECT_EQ(0, wq_filter(self->q.fd, NULL));
	all_subtypes(&self->f.e[0], WATCH_TYPE_KEY_NOTIFY);
	SET(0);
	PASSES(false);
	EXPECT_EQ(0, wq_filter(self->q.fd, NULL));
	PASSES(true);
}

/* A filter may be set before the size, and is in force from the first event. */
TEST_F(filter, before_size)
{
	struct wq q;

	ASSERT_OK(wq_open_only(&q));
	one_subtype(&self->f.e[0], WATCH_TYPE_FS_NOTIFY, NOTIFY_FS_ATTRIB);
	EXPECT_EQ(0, wq_filter(q.fd, &self->f));
	ASSERT_OK(wq_map(&q, 1));
	ASSERT_NE(0, wq_watch(q.fd, "f", WATCH_FS_MODIFY | WATCH_FS_ATTRIB, 0, 0, 0, 0));
	wq_poke(self->poke);
	EXPECT_EQ(0, fchmod(self->poke, 0600));
	EXPECT_STREQ("attrib", wq_story(&q));
	wq_close(&q);
}

/* What is filtered is counted, and is neither posted nor lost. */
TEST_F(filter, counted)
{
	struct watch_queue_info info;

	all_subtypes(&self->f.e[0], WATCH_TYPE_KEY_NOTIFY);
	SET(0);
	for (int i = 0; i < 5; i++)
		wq_poke(self->poke);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(5, info.filtered);
	EXPECT_EQ(0, info.posted);
	EXPECT_EQ(0, info.lost);
	EXPECT_EQ(0, wq_filter(self->q.fd, NULL));
	wq_poke(self->poke);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(5, info.filtered);
	EXPECT_EQ(1, info.posted);
}

TEST_HARNESS_MAIN
