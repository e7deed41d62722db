// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of wq_test.h that have nothing to do with the ring: opening, ioctls,
 * temporary folders, children, time. The consumer is in wq_ring.c.
 */
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include "wq_test.h"

const char wq_ok[] = "ok";
static char why_open[160];

static const char *failed(const char *what)
{
	snprintf(why_open, sizeof(why_open), "%s: %s", what, strerror(errno));
	return why_open;
}

bool wq_have_threads(void)
{
	int word = 0;

	return syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0;
}

size_t wq_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

static int result(int r)
{
	return r < 0 ? -errno : r;
}

int wq_size(int fd, unsigned long pages)
{
	return result(ioctl(fd, IOC_WATCH_QUEUE_SET_SIZE, pages));
}

int wq_filter(int fd, const void *filter)
{
	return result(ioctl(fd, IOC_WATCH_QUEUE_SET_FILTER, filter));
}

int wq_add(int fd, struct watch_queue_add *add)
{
	return result(ioctl(fd, IOC_WATCH_QUEUE_ADD_WATCH, add));
}

int wq_remove(int fd, uint64_t handle)
{
	struct watch_queue_remove rm = { .size = sizeof(rm), .handle = handle };

	return result(ioctl(fd, IOC_WATCH_QUEUE_REMOVE_WATCH, &rm));
}

int wq_remove_all(int fd, uint32_t type)
{
	struct watch_queue_remove rm = {
		.size = sizeof(rm), .flags = WATCH_REMOVE_ALL, .type = type,
	};

	return result(ioctl(fd, IOC_WATCH_QUEUE_REMOVE_WATCH, &rm));
}

int wq_info(int fd, uint64_t handle, struct watch_queue_info *info)
{
	memset(info, 0xee, sizeof(*info));
	info->size = sizeof(*info);
	info->handle = handle;
	return result(ioctl(fd, IOC_WATCH_QUEUE_GET_INFO, info));
}

int wq_shutdown(int fd)
{
	return result(ioctl(fd, IOC_WATCH_QUEUE_SHUTDOWN, 0));
}

uint64_t wq_watch(int fd, const char *path, uint64_t mask, unsigned int scope,
		  unsigned int id, uint64_t cookie, unsigned int flags)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = scope,
		.flags = flags, .id = id, .mask = mask, .cookie = cookie,
	};
	int r;

	add.object = open(path, O_PATH | O_CLOEXEC);
	if (add.object < 0)
		return 0;
	r = wq_add(fd, &add);
	close(add.object);
	errno = -r;
	return r < 0 ? 0 : add.handle;
}

unsigned int wq_scope_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? WATCH_SCOPE_CHILDREN :
							     WATCH_SCOPE_OBJECT;
}

const char *wq_open_only(struct wq *q)
{
	memset(q, 0, sizeof(*q));
	q->fd = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);
	return q->fd < 0 ? failed("open " WQ_DEVICE) : wq_ok;
}

const char *wq_map(struct wq *q, unsigned int pages)
{
	int r = wq_size(q->fd, pages);

	if (r < 0) {
		errno = -r;
		return failed("SET_SIZE");
	}
	q->bytes = pages * wq_page();
	q->ring = mmap(NULL, q->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, q->fd, 0);
	if (q->ring == MAP_FAILED) {
		q->ring = NULL;
		return failed("mmap of the ring");
	}
	q->slots = q->bytes / WQ_SLOT;
	q->tail = q->ring->meta.tail;
	return q->tail == WQ_HEADER_SLOTS ? wq_ok : "a new ring's tail is not 3";
}

const char *wq_open(struct wq *q, unsigned int pages)
{
	const char *e = wq_open_only(q);

	return e == wq_ok ? wq_map(q, pages) : e;
}

void wq_close(struct wq *q)
{
	if (q->ring)
		munmap(q->ring, q->bytes);
	if (q->fd > 0)
		close(q->fd);
	q->ring = NULL;
	q->fd = -1;
}

const char *wq_check_sums(int fd)
{
	struct watch_queue_info info;
	int r = wq_info(fd, 0, &info);

	if (r < 0) {
		errno = -r;
		return failed("GET_INFO");
	}
	if (info.posted == info.delivered + info.lost)
		return wq_ok;
	snprintf(why_open, sizeof(why_open), "posted %llu is not delivered %llu + lost %llu",
		 (unsigned long long)info.posted, (unsigned long long)info.delivered,
		 (unsigned long long)info.lost);
	return why_open;
}

short wq_poll(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDNORM };
	int r;

	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	return r < 0 ? POLLNVAL : p.revents;
}

static char tmpdir[PATH_MAX];

int wq_temp_path(char *buf, size_t len)
{
	const char *base = getenv("TMPDIR");

	if (!base) {
		base = "/tmp";
		mkdir(base, 01777);
	}
	return snprintf(buf, len, "%s/wq.XXXXXX", base);
}

const char *wq_tmpdir_enter(void)
{
	wq_temp_path(tmpdir, sizeof(tmpdir));
	if (!mkdtemp(tmpdir))
		return failed("mkdtemp");
	if (chmod(tmpdir, 0755) || chdir(tmpdir))
		return failed("chdir to the temporary folder");
	return wq_ok;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void wq_tmpdir_leave(void)
{
	if (!tmpdir[0])
		return;
	if (chdir("/") == 0)
		nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	tmpdir[0] = 0;
}

const char *wq_touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return failed(path);
	close(fd);
	return wq_ok;
}

int wq_poke_open(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
}

void wq_poke(int fd)
{
	if (pwrite(fd, "x", 1, 0) != 1) {
		perror("# wq_poke");
		abort();
	}
}

int wq_poke_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	if (fd < 0)
		return -1;
	wq_poke(fd);
	close(fd);
	return 0;
}

static int in_child(int (*fn)(void *), void *arg, bool nobody)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (nobody && (setgroups(0, NULL) || setgid(WQ_NOBODY) || setuid(WQ_NOBODY)))
			_exit(99);
		_exit(fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int wq_child(int (*fn)(void *), void *arg)
{
	return in_child(fn, arg, false);
}

int wq_child_nobody(int (*fn)(void *), void *arg)
{
	return in_child(fn, arg, true);
}

/* Percent. A kernel that calls itself a debug kernel is slow, and checks more in less. */
static long scale(void)
{
	const char *s = getenv("WQ_SCALE");
	struct utsname name;

	if (s && atol(s) > 0)
		return atol(s);
	return uname(&name) == 0 && strstr(name.release, "debug") ? 10 : 100;
}

long wq_scaled(long n)
{
	n = n * scale() / 100;
	return n > 0 ? n : 1;
}

int wq_patience(int ms)
{
	long slower = 100 / scale();

	return ms * (slower < 1 ? 1 : slower > 20 ? 20 : slower);
}

uint64_t wq_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}
