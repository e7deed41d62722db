// SPDX-License-Identifier: GPL-2.0
/*
 * Records as a C compiler lays them out from the header that user space includes, for
 * src/record_tests.rs, which compares them word by word with those that the module makes.
 */
#include <stdint.h>
#include <string.h>

#include <linux/watch_queue_dev.h>

/* One slot: the beginning of every record. */
uint64_t wq_words_head(uint32_t type, uint32_t subtype, uint32_t flags, uint32_t slots);
/* The ring's header: 3 slots. */
void wq_words_ring(uint32_t head, uint32_t tail, uint32_t mask, uint64_t *out);
/* 4 slots. */
void wq_words_removal(uint8_t id, uint64_t handle, uint64_t cookie, uint32_t reason, uint64_t *out);
/* 3 slots. */
void wq_words_loss(uint64_t count, uint64_t cookie, int many, uint64_t *out);
/* Number n of the table below; 0 behind its end. */
uint32_t wq_words_constant(uint32_t n);

_Static_assert(sizeof(struct watch_notification) == 8, "a slot has 8 bytes");
_Static_assert(sizeof(struct watch_queue_buffer) == 24, "the ring's header has 3 slots");
_Static_assert(sizeof(struct watch_removal_notification) == 32, "REMOVAL has 4 slots");
_Static_assert(sizeof(struct watch_loss_notification) == 24, "LOSS has 3 slots");

static struct watch_notification first(uint32_t type, uint32_t subtype, uint32_t flags, uint32_t bytes)
{
	struct watch_notification n;

	memset(&n, 0, sizeof(n));
	n.type = type;
	n.subtype = subtype;
	n.info = flags | ((bytes / 8) << WATCH_LENGTH_SHIFT);
	return n;
}

uint64_t wq_words_head(uint32_t type, uint32_t subtype, uint32_t flags, uint32_t slots)
{
	struct watch_notification n = first(type, subtype, flags, slots * 8);
	uint64_t word;

	memcpy(&word, &n, sizeof(word));
	return word;
}

void wq_words_ring(uint32_t head, uint32_t tail, uint32_t mask, uint64_t *out)
{
	struct watch_queue_buffer b;

	memset(&b, 0, sizeof(b));
	b.meta.watch = first(WATCH_TYPE_META, WATCH_META_SKIP_NOTIFICATION, 0, sizeof(b.meta));
	b.meta.head = head;
	b.meta.tail = tail;
	b.meta.mask = mask;
	memcpy(out, &b, sizeof(b));
}

void wq_words_removal(uint8_t id, uint64_t handle, uint64_t cookie, uint32_t reason, uint64_t *out)
{
	struct watch_removal_notification r;

	memset(&r, 0, sizeof(r));
	r.watch = first(WATCH_TYPE_META, WATCH_META_REMOVAL_NOTIFICATION,
			(uint32_t)id << WATCH_INFO_ID__SHIFT, sizeof(r));
	r.handle = handle;
	r.cookie = cookie;
	r.reason = reason;
	memcpy(out, &r, sizeof(r));
}

void wq_words_loss(uint64_t count, uint64_t cookie, int many, uint64_t *out)
{
	struct watch_loss_notification l;

	memset(&l, 0, sizeof(l));
	l.watch = first(WATCH_TYPE_META, WATCH_META_LOSS_NOTIFICATION,
			WATCH_INFO_OVERRUN | (many ? WATCH_LOSS_MANY : 0), sizeof(l));
	l.count = count;
	l.cookie = many ? 0 : cookie;
	memcpy(out, &l, sizeof(l));
}

uint32_t wq_words_constant(uint32_t n)
{
	static const uint32_t table[] = {
		WATCH_TYPE_META,
		WATCH_TYPE_FS_NOTIFY,
		WATCH_TYPE___NR,
		WATCH_TYPE_FOREIGN_FIRST,
		WATCH_TYPE_FOREIGN_LAST,
		WATCH_META_SKIP_NOTIFICATION,
		WATCH_META_REMOVAL_NOTIFICATION,
		WATCH_META_LOSS_NOTIFICATION,
		WATCH_INFO_OVERRUN,
		WATCH_INFO_LENGTH,
		WATCH_INFO_IN_SUBTREE,
		WATCH_INFO_FLAG_0,
		WATCH_INFO_ID__SHIFT,
		WATCH_FILTER_MAX,
		sizeof(struct watch_notification_type_filter) / sizeof(uint32_t),
	};

	return n < sizeof(table) / sizeof(table[0]) ? table[n] : 0;
}
