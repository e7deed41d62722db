// SPDX-License-Identifier: GPL-2.0
/*
 * What each operation on files tells each scope, beside what inotify tells: the rows of
 * rows.def, run one by one on tmpfs and on ext4. The same rows are the table of
 * Documentation/behaviour.rst, so that a kernel that behaves differently fails here before
 * a document is wrong.
 *
 * Each row has new queues and a new folder fs/d. inotify and the scope CHILDREN watch fs/d,
 * SUBTREE, SB and MOUNT fs, OBJECT the file fs/d/f. How stories read: wq_test.h.
 *
 *   ROWS_SHOW=1 rows_test	prints what is told, as rows.def has it, instead of failing
 */
#include <sys/inotify.h>

#include "wq_test.h"
#include "rows_ops.h"
#include "kselftest_harness.h"

enum { ANY, EXT4 };		/* where a row is run */
#define SAME "="		/* what inotify is told */
enum { CHILDREN, SUBTREE, SB, MOUNT, OBJECT, WATCHES };

static const struct row {
	const char *name;
	int where;
	rows_op prepare, act;
	const char *inotify, *told[WATCHES];
} rows[] = {
#define ROW(name, where, prepare, act, inotify, ...) \
	{ name, where, rows_##prepare, rows_##act, inotify, { __VA_ARGS__ } },
#include "rows.def"
#undef ROW
};

static const struct {
	const char *name, *at;
	unsigned int scope;
	uint64_t mask;
} watches[WATCHES] = {
	[CHILDREN] = { "CHILDREN", "fs/d", WATCH_SCOPE_CHILDREN, WATCH_FS_ALL_EVENTS },
	[SUBTREE] = { "SUBTREE", "fs", WATCH_SCOPE_SUBTREE, WATCH_FS_ALL_EVENTS },
	[SB] = { "SB", "fs", WATCH_SCOPE_SB, WATCH_FS_ALL_EVENTS },
	[MOUNT] = { "MOUNT", "fs", WATCH_SCOPE_MOUNT, WATCH_FS_ACCESS | WATCH_FS_MODIFY | WATCH_FS_CLOSE |
		    WATCH_FS_OPEN | WATCH_FS_OPEN_EXEC },
	[OBJECT] = { "OBJECT", "fs/d/f", WATCH_SCOPE_OBJECT, WATCH_FS_ALL_EVENTS },
};

/* A file without a name is called by its inode: "#14" becomes "#N". */
static void number(char *text)
{
	char *to = text;

	for (const char *from = text; *from; ) {
		*to++ = *from;
		if (*from++ == '#' && *from >= '0' && *from <= '9') {
			from += strspn(from, "0123456789");
			*to++ = 'N';
		}
	}
	*to = 0;
}

/* Drains an inotify descriptor into the text that wq_story() would make of it. */
static const char *inotify_story(int fd)
{
	static char text[4096], room[4096] __attribute__((aligned(8)));
	size_t used = 0;
	ssize_t n;

	text[0] = 0;
	while ((n = read(fd, room, sizeof(room))) > 0)
		for (char *at = room; at < room + n; ) {
			const struct inotify_event *e = (void *)at;

			at += sizeof(*e) + e->len;
			for (unsigned int bit = 0; bit < 16; bit++)
				if (e->mask & (1u << bit))
					used += snprintf(text + used, sizeof(text) - used, "%s%s%s%s%s%s",
							 used ? ", " : "",
							 bit == 15 ? "ignored" : wq_event_name(bit),
							 e->mask & IN_ISDIR ? "/" : "", e->len ? "+" : "",
							 e->len ? " " : "", e->len ? e->name : "");
		}
	number(text);
	return text;
}

FIXTURE(rows) {
	struct wq q[WATCHES];
	int inotify;
};

FIXTURE_VARIANT(rows) {
	const char *fs;
	int where;
};

FIXTURE_VARIANT_ADD(rows, tmpfs) { "tmpfs", ANY };
FIXTURE_VARIANT_ADD(rows, ext4) { "ext4", EXT4 };

FIXTURE_SETUP(rows)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", variant->fs);
}

FIXTURE_TEARDOWN(rows)
{
	rows_close();
	wq_tmpdir_leave();
}

/* Watches from everywhere, and forgets what was told until now. */
static const char *watch(int inotify, struct wq q[WATCHES])
{
	if (inotify_add_watch(inotify, "fs/d", IN_ALL_EVENTS) < 0)
		return "no inotify";
	for (int i = 0; i < WATCHES; i++) {
		const char *e = wq_open(&q[i], 4);

		if (e != wq_ok)
			return e;
		if (!wq_watch(q[i].fd, watches[i].at, watches[i].mask, watches[i].scope,
			      WQ_ANY_ID, 0, 0))
			return watches[i].name;
	}
	return wq_ok;
}

TEST_F_TIMEOUT(rows, told, 100)
{
	bool show = getenv("ROWS_SHOW");

	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		const struct row *row = &rows[n];
		char inotify[4096];

		if (row->where == EXT4 && variant->where != EXT4)
			continue;
		ASSERT_TRUE(rows_lay());
		ASSERT_EQ(0, row->prepare()) TH_LOG("%s: not prepared: errno %d", row->name, errno);
		self->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		ASSERT_OK(watch(self->inotify, self->q));
		EXPECT_EQ(0, row->act()) TH_LOG("%s: errno %d", row->name, errno);
		strcpy(inotify, inotify_story(self->inotify));
		if (show)
			printf("#SHOW %s|%s|%s", variant->fs, row->name, inotify);
		else
			EXPECT_STREQ(row->inotify, inotify) TH_LOG("%s: inotify", row->name);
		for (int i = 0; i < WATCHES; i++) {
			char story[4096];
			const char *wanted = strcmp(row->told[i], SAME) ? row->told[i] : row->inotify;

			snprintf(story, sizeof(story), "%s", wq_story(&self->q[i]));
			number(story);
			if (show)
				printf("|%s", story);
			else
				EXPECT_STREQ(wanted, story) TH_LOG("%s: %s", row->name, watches[i].name);
			wq_close(&self->q[i]);
		}
		if (show)
			printf("\n");
		close(self->inotify);
	}
}

TEST_HARNESS_MAIN
