// SPDX-License-Identifier: GPL-2.0
/*
 * Starts the client of 2019 (client2019.c, as C and as C++, of this program's word size),
 * makes file events for it, and checks what it says it has seen: old clients get along
 * with records, lengths and META records that did not exist in 2019.
 */
#include <libgen.h>
#include <limits.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(client) {
	int fd;			/* the queue */
	FILE *said;		/* the client's stdout */
	pid_t pid;
	char line[256];
};

FIXTURE_VARIANT(client) {
	const char *name;
};

FIXTURE_VARIANT_ADD(client, c) { .name = "client2019" };
FIXTURE_VARIANT_ADD(client, cpp) { .name = "client2019_cpp" };

FIXTURE_SETUP(client)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("d", 0755));
	self->fd = open(WQ_DEVICE, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(client)
{
	if (self->said)
		fclose(self->said);
	close(self->fd);
	wq_tmpdir_leave();
}

/* Starts the client that lies beside this program, to see count records. */
static FILE *start(const char *name, int fd, const char *filter, long count, pid_t *pid)
{
	char self_path[PATH_MAX] = "", path[PATH_MAX + 32], number[16], total[16];
	int out[2];

	if (readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) < 0 || pipe(out))
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", dirname(self_path), name);
	snprintf(number, sizeof(number), "%d", fd);
	snprintf(total, sizeof(total), "%ld", count);
	*pid = fork();
	if (*pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execl(path, path, number, filter, total, NULL);
		perror(path);
		_exit(127);
	}
	close(out[1]);
	return fdopen(out[0], "r");
}

#define START(filter, count) do { \
	self->said = start(variant->name, self->fd, filter, count, &self->pid); \
	ASSERT_NE(NULL, (void *)self->said); \
	ASSERT_NE(NULL, fgets(self->line, sizeof(self->line), self->said)) TH_LOG("no client"); \
	ASSERT_STREQ("ready\n", self->line); \
} while (0)

/* The client's next line. */
#define SAYS(text) do { \
	ASSERT_NE(NULL, fgets(self->line, sizeof(self->line), self->said)); \
	EXPECT_STREQ(text "\n", self->line); \
} while (0)

#define ENDS_WELL() do { \
	int status_ = -1; \
	EXPECT_EQ(NULL, fgets(self->line, sizeof(self->line), self->said)); \
	EXPECT_EQ(self->pid, waitpid(self->pid, &status_, 0)); \
	EXPECT_EQ(0, status_); \
} while (0)

/*
 * The sequence of a file's life; our records are of type 6, unknown in 2019.
 * TRAPS: B38, B40
 */
TEST_F(client, sequence)
{
	START("none", 4);
	ASSERT_NE(0, wq_watch(self->fd, "d", WATCH_FS_CREATE | WATCH_FS_CLOSE_WRITE | WATCH_FS_DELETE,
			      WATCH_SCOPE_CHILDREN, 1, 0, 0));
	ASSERT_OK(wq_touch("d/a"));
	EXPECT_EQ(0, unlink("d/a"));
	SAYS("type 6 subtype 8 id 1, 56 bytes");
	SAYS("type 6 subtype 3 id 1, 56 bytes");
	SAYS("type 6 subtype 9 id 1, 56 bytes");
	EXPECT_EQ(0, wq_remove_all(self->fd, 0));
	SAYS("removal 1");
	/* It goes on after a watch has ended. */
	ASSERT_NE(0, wq_watch(self->fd, "d", WATCH_FS_CREATE, 0, 200, 0, 0));
	ASSERT_OK(wq_touch("d/a name of 31 bytes, to be exact!"));
	SAYS("type 6 subtype 8 id 200, 88 bytes");
	ENDS_WELL();
}

/*
 * The filter of 2019, with the info word in it.
 * TRAPS: B35, B38
 */
TEST_F(client, filter)
{
	START("filter", 2);
	ASSERT_NE(0, wq_watch(self->fd, "d", WATCH_FS_CREATE | WATCH_FS_DELETE, 0, 1, 0, 0));
	ASSERT_NE(0, wq_watch(self->fd, ".", WATCH_FS_CREATE | WATCH_FS_DELETE, 0, 2, 0, 0));
	ASSERT_OK(wq_touch("d/a"));
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, unlink("d/a"));
	ASSERT_OK(wq_touch("d/a"));
	SAYS("type 6 subtype 8 id 1, 56 bytes");
	SAYS("type 6 subtype 8 id 1, 56 bytes");
	ENDS_WELL();
}

/*
 * Many times round the ring, with names of all lengths: the client steps over SKIP
 * records and the header by their lengths, and misses nothing while it keeps up.
 * TRAPS: B1, B2
 */
TEST_F_TIMEOUT(client, round_and_round, 120)
{
	const long count = wq_scaled(2000);
	char path[300], want[64];
	int names[255];

	START("none", count);
	for (int i = 0; i < 255; i++) {
		memcpy(path, "d/", 2);
		memset(path + 2, 'x', i + 1);
		path[3 + i] = 0;
		names[i] = wq_poke_open(path);
		ASSERT_LE(0, names[i]);
	}
	ASSERT_NE(0, wq_watch(self->fd, "d", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 1, 0, 0));
	for (long i = 0; i < count; i++) {
		int len = 1 + i * 7 % 255;

		wq_poke(names[len - 1]);
		snprintf(want, sizeof(want), "type 6 subtype 1 id 1, %d bytes\n",
			 (48 + len + 1 + 7) / 8 * 8);
		ASSERT_NE(NULL, fgets(self->line, sizeof(self->line), self->said));
		ASSERT_STREQ(want, self->line) TH_LOG("record %ld", i);
	}
	ENDS_WELL();
	for (int i = 0; i < 255; i++)
		close(names[i]);
}

/* An overrun: LOSS is unknown in 2019 and stepped over, OVERRUN is known. */
TEST_F(client, overrun)
{
	int poke = wq_poke_open("d/f");
	long posted = 0;

	START("none", 400);
	ASSERT_NE(0, wq_watch(self->fd, "d/f", WATCH_FS_MODIFY, 0, 1, 0, 0));
	/* Stopped, it cannot keep up. */
	kill(self->pid, SIGSTOP);
	usleep(20000);
	for (; posted < 500; posted++)
		wq_poke(poke);
	kill(self->pid, SIGCONT);
	do {
		wq_poke(poke);
		ASSERT_NE(NULL, fgets(self->line, sizeof(self->line), self->said));
	} while (!strstr(self->line, "overrun") && posted++ < 2000);
	EXPECT_STREQ("type 6 subtype 1 id 1, 48 bytes, overrun\n", self->line);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	EXPECT_OK(wq_check_sums(self->fd));
	close(poke);
}

TEST_HARNESS_MAIN
