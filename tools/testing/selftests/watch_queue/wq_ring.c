// SPDX-License-Identifier: GPL-2.0
/*
 * The consumer of wq_test.h: takes records out of the ring and believes nothing. Each
 * record's length, padding, reserved fields, flags and place are checked against the
 * contract before a test sees it; what the ring's header holds is checked every time.
 */
#include <stdarg.h>

#include "wq_test.h"

static char why[256];

static int bad(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return -1;
}

const char *wq_why(void)
{
	return why;
}

uint32_t wq_head(const struct wq *q)
{
	return __atomic_load_n(&q->ring->meta.head, __ATOMIC_ACQUIRE);
}

void wq_publish(struct wq *q, uint32_t tail)
{
	q->tail = tail;
	__atomic_store_n(&q->ring->meta.tail, tail, __ATOMIC_RELEASE);
}

const char *wq_check_header(const struct wq *q)
{
	const struct watch_queue_buffer *b = q->ring;

	if (b->meta.watch.type != WATCH_TYPE_META ||
	    b->meta.watch.subtype != WATCH_META_SKIP_NOTIFICATION)
		return "the header no longer looks like a SKIP record";
	if (b->meta.watch.info != WQ_HEADER_SLOTS << WATCH_LENGTH_SHIFT)
		return "the header's info is not its length of 3 slots";
	if (b->meta.mask != q->slots - 1)
		return "the header's mask is not the number of slots - 1";
	if (b->meta.__reserved)
		return "the header's reserved word is not 0";
	return wq_ok;
}

static bool all_zero(const unsigned char *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

/* A part of a record that has an offset and a length, or neither. */
struct part {
	size_t off, len;
};

/*
 * Handle and name of a record follow its fixed part, each from the next full slot on, in
 * any order, with zeros between.
 */
static int check_parts(const struct wq_rec *r, size_t fixed, struct part first, struct part second)
{
	size_t bytes = r->slots * WQ_SLOT, end = fixed;

	if (first.off > second.off) {
		struct part t = first;

		first = second;
		second = t;
	}
	for (int i = 0; i < 2; i++) {
		struct part p = i ? second : first;

		if (!p.len)
			continue;
		if (p.off < end || p.off - end >= WQ_SLOT || p.off % WQ_SLOT)
			return bad("part at %zu, where the last one ended at %zu", p.off, end);
		if (p.off + p.len > bytes)
			return bad("part at %zu of %zu bytes does not fit in %zu", p.off, p.len,
				   bytes);
		if (!all_zero(r->raw + end, p.off - end))
			return bad("bytes before the part at %zu are not zero", p.off);
		end = p.off + p.len;
	}
	if (bytes - end >= WQ_SLOT)
		return bad("%zu bytes of padding", bytes - end);
	if (!all_zero(r->raw + end, bytes - end))
		return bad("padding is not zero");
	return 1;
}

static int check_name(const struct wq *q, struct wq_rec *r)
{
	const struct fs_notification *fs = &r->fs;

	r->name[0] = 0;
	if (!fs->name_off != !fs->name_len)
		return bad("name offset without length, or length without offset");
	if (!fs->name_len)
		return 1;
	if (fs->name_off + fs->name_len + 1u > r->slots * WQ_SLOT)
		return bad("name at %u of %u bytes does not fit", fs->name_off, fs->name_len);
	memcpy(r->name, r->raw + fs->name_off, fs->name_len + 1);
	if (strlen(r->name) != fs->name_len)
		return bad("name of %u bytes is '%s'", fs->name_len, r->name);
	if (!q->paths && (fs->name_len > 255 || strchr(r->name, '/')))
		return bad("the name '%s' is a path", r->name);
	if (r->name[0] == '/' || r->name[fs->name_len - 1] == '/' || strstr(r->name, "//"))
		return bad("'%s' is no relative path", r->name);
	return 1;
}

static int check_fs(const struct wq *q, struct wq_rec *r)
{
	const struct fs_notification *fs = &r->fs;
	const bool asks = r->subtype < 32 && (1ull << r->subtype & WATCH_FS_ALL_PERM);
	const uint32_t flags = WATCH_INFO_OVERRUN | WATCH_INFO_ENOMEM | WATCH_INFO_LENGTH |
			       WATCH_INFO_IN_SUBTREE | NOTIFY_FS_IS_DIR | WATCH_INFO_ID |
			       (q->paths ? NOTIFY_FS_TRUNCATED : 0) |
			       (q->paths || asks ? NOTIFY_FS_NO_PLACE : 0);
	const size_t fixed = asks ? sizeof(r->perm) : sizeof(*fs);
	const uint64_t known = (asks ? WATCH_FS_ALL_PERM : WATCH_FS_ALL_EVENTS) | WATCH_FS_ISDIR;
	struct part name, handle;

	if (r->slots * WQ_SLOT < fixed)
		return bad("FS record of %u slots, shorter than its struct", r->slots);
	if (!asks && r->subtype > NOTIFY_FS_OPEN_EXEC)
		return bad("FS record of subtype %u", r->subtype);
	if (r->info & ~flags)
		return bad("FS record with unknown bits in info %08x", r->info);
	if (!(fs->mask >> r->subtype & 1))
		return bad("subtype %u is not in the record's mask %08x", r->subtype, fs->mask);
	if (fs->mask & ~(uint32_t)known)
		return bad("unknown bits in mask %08x", fs->mask);
	if (!(fs->mask & WATCH_FS_ISDIR) != !(r->info & NOTIFY_FS_IS_DIR))
		return bad("IS_DIR in info %08x and mask %08x differ", r->info, fs->mask);
	if (!fs->rename_cookie !=
	    !(fs->mask & (uint32_t)WATCH_FS_MOVE))
		return bad("rename cookie %u with mask %08x", fs->rename_cookie, fs->mask);
	if (!fs->handle_off != !fs->handle_len || (fs->handle_len && fs->handle_len < 8))
		return bad("handle at %u of %u bytes", fs->handle_off, fs->handle_len);
	if (asks && !r->perm.request != !r->perm.deadline)
		return bad("request without deadline, or deadline without request");
	if (asks && r->subtype != NOTIFY_FS_PRE_ACCESS && (r->perm.pos || r->perm.count))
		return bad("a range in a record of subtype %u", r->subtype);
	if (check_name(q, r) < 0)
		return -1;
	/* A NUL belongs to the name. */
	name = (struct part){ fs->name_off, fs->name_len ? fs->name_len + 1 : 0 };
	handle = (struct part){ fs->handle_off, fs->handle_len };
	return check_parts(r, fixed, name, handle);
}

static int check_meta(const struct wq_rec *r)
{
	const uint32_t plain = WATCH_INFO_LENGTH | WATCH_INFO_ID;

	switch (r->subtype) {
	case WATCH_META_REMOVAL_NOTIFICATION:
		if (r->slots != sizeof(r->removal) / WQ_SLOT)
			return bad("REMOVAL of %u slots", r->slots);
		if (r->removal.__reserved)
			return bad("reserved word of REMOVAL is not 0");
		if (r->removal.reason > WATCH_REMOVAL_SOURCE_GONE)
			return bad("REMOVAL with reason %u", r->removal.reason);
		if (!r->removal.handle)
			return bad("REMOVAL with handle 0");
		if (r->info & ~plain)
			return bad("REMOVAL with info %08x", r->info);
		return 1;
	case WATCH_META_LOSS_NOTIFICATION:
		if (r->slots != sizeof(r->loss) / WQ_SLOT)
			return bad("LOSS of %u slots", r->slots);
		if (!(r->info & WATCH_INFO_OVERRUN))
			return bad("LOSS without OVERRUN, info %08x", r->info);
		if (r->info & ~(plain | WATCH_INFO_OVERRUN | WATCH_INFO_ENOMEM | WATCH_LOSS_MANY))
			return bad("LOSS with info %08x", r->info);
		if (!r->loss.count)
			return bad("LOSS of no record");
		if ((r->info & WATCH_LOSS_MANY) && r->loss.cookie)
			return bad("LOSS of many watches names one");
		return 1;
	case WATCH_META_UNANSWERED_NOTIFICATION:
		if (r->slots != sizeof(r->unanswered) / WQ_SLOT)
			return bad("UNANSWERED of %u slots", r->slots);
		if (r->info & ~WATCH_INFO_LENGTH)
			return bad("UNANSWERED with info %08x", r->info);
		if (r->unanswered.reason > WATCH_UNANSWERED_KILLED || !r->unanswered.count)
			return bad("UNANSWERED of %llu requests for reason %u",
				   (unsigned long long)r->unanswered.count, r->unanswered.reason);
		if (!r->unanswered.reason && (r->unanswered.request || r->unanswered.error))
			return bad("UNANSWERED of several requests names one");
		return 1;
	}
	return bad("META record of subtype %u", r->subtype);
}

/* Checks a SKIP at index; it is the header, or fills the rest of the ring. */
static int check_skip(const struct wq *q, const struct watch_notification *n,
		      uint32_t index, uint32_t slots)
{
	if (n->info != slots << WATCH_LENGTH_SHIFT)
		return bad("SKIP with info %08x", n->info);
	if (index == 0 ? slots != WQ_HEADER_SLOTS : index + slots != q->slots)
		return bad("SKIP of %u slots at index %u", slots, index);
	return 0;
}

int wq_next(struct wq *q, struct wq_rec *r)
{
	const char *e = wq_check_header(q);

	if (e != wq_ok)
		return bad("%s", e);
	for (;;) {
		uint32_t head = wq_head(q), used = head - q->tail;
		uint32_t index = q->tail & (q->slots - 1);
		struct watch_notification n;

		if (!used)
			return 0;
		if (used > q->slots)
			return bad("head %u is %u slots before tail %u", head, used, q->tail);
		if (index == 1 || index == 2)
			return bad("the record at %u begins inside the header", q->tail);
		memcpy(&n, &q->ring->slots[index], sizeof(n));
		r->slots = (n.info & WATCH_INFO_LENGTH) >> WATCH_LENGTH_SHIFT;
		if (!r->slots || r->slots > used)
			return bad("record of %u slots where %u are used", r->slots, used);
		if (index + r->slots > q->slots)
			return bad("record of %u slots at %u crosses the end", r->slots, index);
		if (n.type == WATCH_TYPE_META && n.subtype == WATCH_META_SKIP_NOTIFICATION) {
			if (check_skip(q, &n, index, r->slots))
				return -1;
			wq_publish(q, q->tail + r->slots);
			continue;
		}
		if (index < WQ_HEADER_SLOTS)
			return bad("a record at index %u overwrites the header", index);
		memcpy(r->raw, &q->ring->slots[index], r->slots * WQ_SLOT);
		r->type = n.type;
		r->subtype = n.subtype;
		r->info = n.info;
		r->id = n.info >> WATCH_INFO_ID__SHIFT;
		r->index = index;
		wq_publish(q, q->tail + r->slots);
		if (r->type == WATCH_TYPE_META)
			return check_meta(r);
		if (r->type == WATCH_TYPE_FS_NOTIFY)
			return check_fs(q, r);
		e = wq_check_source(r);
		return e == wq_ok ? 1 : bad("type %u subtype %u: %s", r->type, r->subtype, e);
	}
}

int wq_next_wait(struct wq *q, struct wq_rec *r, int ms)
{
	uint64_t until = wq_now_ms() + ms;
	int got;

	while ((got = wq_next(q, r)) == 0) {
		uint64_t now = wq_now_ms();

		if (now >= until)
			return 0;
		if (wq_poll(q->fd, until - now) & POLLERR)
			return bad("POLLERR while waiting for a record");
	}
	return got;
}

long wq_drain(struct wq *q)
{
	struct wq_rec r;
	long n = 0;
	int got;

	while ((got = wq_next(q, &r)) == 1)
		n++;
	return got < 0 ? -1 : n;
}

const char *wq_event_name(unsigned int subtype)
{
	static const char *const names[] = {
		"access", "modify", "attrib", "close_write", "close_nowrite", "open",
		"moved_from", "moved_to", "create", "delete", "delete_self", "move_self",
		"open_exec", NULL, NULL, NULL, "open_perm", "access_perm", "open_exec_perm", NULL,
		"pre_access",
	};

	if (subtype >= sizeof(names) / sizeof(names[0]) || !names[subtype])
		return "unknown";
	return names[subtype];
}

static int tell(char *buf, size_t len, const struct wq_rec *r)
{
	static const char *const reasons[] = {
		"removed", "oneshot", "object_gone", "unmount", "evicted", "shutdown",
		"source_gone",
	};
	static const char *const causes[] = {
		"several", "timeout", "listener", "shutdown", "not_asked", "killed",
	};
	char id[16] = "";

	if (r->id)
		snprintf(id, sizeof(id), "#%u", r->id);
	if (r->type == WATCH_TYPE_META && r->subtype == WATCH_META_LOSS_NOTIFICATION)
		return snprintf(buf, len, "loss:%llu", (unsigned long long)r->loss.count);
	if (r->type == WATCH_TYPE_META && r->subtype == WATCH_META_UNANSWERED_NOTIFICATION)
		return snprintf(buf, len, "unanswered:%s:%llu", causes[r->unanswered.reason],
				(unsigned long long)r->unanswered.count);
	if (r->type == WATCH_TYPE_META)
		return snprintf(buf, len, "removal:%s%s", reasons[r->removal.reason], id);
	if (r->type != WATCH_TYPE_FS_NOTIFY)
		return wq_tell_source(buf, len, r, id);
	return snprintf(buf, len, "%s%s%s%s%s%s%s%s", wq_event_name(r->subtype),
			r->info & NOTIFY_FS_IS_DIR ? "/" : "",
			r->info & WATCH_INFO_IN_SUBTREE ? "+" : "", id,
			r->name[0] ? " " : "", r->name,
			r->info & NOTIFY_FS_TRUNCATED ? "~" : "",
			r->info & NOTIFY_FS_NO_PLACE ? "!" : "");
}

const char *wq_story(struct wq *q)
{
	static char text[16384];
	size_t used = 0;
	struct wq_rec r;
	int got;

	text[0] = 0;
	while ((got = wq_next(q, &r)) == 1 && used < sizeof(text) - 600) {
		if (used)
			used += snprintf(text + used, sizeof(text) - used, ", ");
		used += tell(text + used, sizeof(text) - used, &r);
	}
	if (got < 0)
		snprintf(text + used, sizeof(text) - used, "%sBAD %s", used ? ", " : "", why);
	return text;
}
