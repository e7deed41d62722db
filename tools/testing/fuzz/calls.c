// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzzer can do: one function for each kind of call, with arguments that are good
 * most of the time. fuzz.c decides which comes when.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/watch_queue_dev.h>

#include "fuzz.h"

uint64_t rnd(struct state *s)
{
	/* splitmix64: small, and every seed is a good one. */
	uint64_t z = (s->rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

unsigned int below(struct state *s, unsigned int n)
{
	return rnd(s) % n;
}

/* Mostly small numbers, now and then one at an edge or with random bits. */
static uint64_t number(struct state *s)
{
	static const uint64_t edge[] = {
		0, 1, 2, 3, 7, 8, 16, 17, 255, 256, 4095, 4096, 0x1f8, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, INT64_MAX, UINT64_MAX,
	};

	switch (below(s, 4)) {
	case 0:
		return edge[below(s, sizeof(edge) / sizeof(edge[0]))];
	case 1:
		return rnd(s);
	default:
		return below(s, 40);
	}
}

static int *any_fd(struct state *s)
{
	return &s->fd[below(s, NQUEUES)];
}

static void file_name(struct state *s, char *buf, size_t size)
{
	snprintf(buf, size, "%s/f%u", s->dir, below(s, NFILES));
}

/* A pointer for an ioctl: usually good, sometimes none, sometimes at the end of a page. */
static void *pointer(struct state *s, void *good, size_t size)
{
	switch (below(s, 16)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(uintptr_t)rnd(s);
	case 2: {
		char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED)
			return good;
		munmap(page + 4096, 4096);
		size = size > 64 ? 64 : size;
		memcpy(page + 4096 - size, good, size);
		/* Leaks a page for each; the process does not live long. */
		return page + 4096 - size;
	}
	default:
		return good;
	}
}

static void do_open(struct state *s)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_PATH };
	int *fd = any_fd(s);

	if (*fd >= 0)
		close(*fd);
	*fd = open("/dev/watch_queue", flags[below(s, 6)] | O_CLOEXEC);
}

static void do_size(struct state *s)
{
	unsigned long n = below(s, 3) ? 1UL << below(s, 5) : number(s);

	ioctl(*any_fd(s), IOC_WATCH_QUEUE_SET_SIZE, n);
}

static void do_filter(struct state *s)
{
	static __thread uint32_t words[2 + 20 * 11];
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = number(s);
	if (below(s, 4)) {
		words[0] = 1 + below(s, WATCH_FILTER_MAX);
		words[1] = 0;
		for (i = 0; i < WATCH_FILTER_MAX; i++) {
			uint32_t *entry = words + 2 + i * 11;

			entry[0] = below(s, 8);
			entry[2] = rnd(s) & ~WATCH_INFO_LENGTH;
			entry[1] &= entry[2];
		}
	}
	ioctl(*any_fd(s), IOC_WATCH_QUEUE_SET_FILTER, pointer(s, words, sizeof(words)));
}

void do_add(struct state *s)
{
	char name[96];
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY,
		.scope = below(s, WATCH_SCOPE_SB + 2),
		.flags = below(s, 2) ? 0 : rnd(s) & (2 * WATCH_ADD_PATH - 1),
		.object = -1, .id = below(s, 256), .mask = rnd(s) & WATCH_FS_ALL_EVENTS,
		.cookie = rnd(s),
	};
	int object;

	file_name(s, name, sizeof(name));
	object = open(below(s, 2) ? name : s->dir, O_PATH | O_CLOEXEC);
	add.object = object;
	if (!below(s, 4))
		add.ignore_mask = rnd(s) & WATCH_FS_ALL_EVENTS;
	switch (below(s, 12)) {
	case 0:
		add.size = number(s);
		break;
	case 1:
		add.type = number(s);
		break;
	case 2:
		add.scope = number(s);
		break;
	case 3:
		add.flags = number(s);
		break;
	case 4:
		add.object = number(s);
		break;
	case 5:
		add.mask = number(s);
		break;
	}
	ioctl(*any_fd(s), IOC_WATCH_QUEUE_ADD_WATCH, pointer(s, &add, sizeof(add)));
	if (object >= 0)
		close(object);
}

static void do_remove(struct state *s)
{
	struct watch_queue_remove arg = {
		.size = below(s, 8) ? sizeof(arg) : number(s),
		.flags = below(s, 3) ? 0 : number(s),
		.handle = below(s, 2) ? below(s, 60) : number(s),
		.type = below(s, 3) ? 0 : number(s),
	};

	ioctl(*any_fd(s), IOC_WATCH_QUEUE_REMOVE_WATCH, pointer(s, &arg, sizeof(arg)));
}

static void do_info(struct state *s)
{
	struct watch_queue_info info = {
		.size = below(s, 4) ? sizeof(info) : number(s),
		.handle = below(s, 3) ? 0 : number(s),
	};
	char path[64], buf[512];
	int fd;

	ioctl(*any_fd(s), IOC_WATCH_QUEUE_GET_INFO, pointer(s, &info, sizeof(info)));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", *any_fd(s));
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
	}
}

void do_map(struct state *s)
{
	struct map *map = &s->map[below(s, NMAPS)];
	int prot = below(s, 4) ? PROT_READ | PROT_WRITE : (int)below(s, 8);
	int flags = below(s, 6) ? MAP_SHARED : MAP_PRIVATE;
	off_t off = below(s, 8) ? 0 : (off_t)(number(s) << 12);
	void *base;

	if (map->base)
		munmap(map->base, map->len);
	map->base = NULL;
	map->len = (1UL + below(s, 16)) << 12;
	base = mmap(NULL, map->len, prot, flags, *any_fd(s), off);
	if (base != MAP_FAILED)
		map->base = base;
}

static void do_remap(struct state *s)
{
	struct map *map = &s->map[below(s, NMAPS)];
	void *base;

	if (!map->base)
		return;
	switch (below(s, 5)) {
	case 0:
		base = mremap(map->base, map->len, map->len * 2, MREMAP_MAYMOVE);
		if (base != MAP_FAILED) {
			map->base = base;
			map->len *= 2;
		}
		break;
	case 1:
		mprotect(map->base, map->len, below(s, 8));
		break;
	case 2:
		madvise(map->base, map->len, below(s, 26));
		break;
	case 3:
		msync(map->base, map->len, MS_SYNC);
		break;
	case 4:
		/* Splits the mapping. */
		munmap(map->base, 4096);
		map->base = map->len > 4096 ? map->base + 4096 : NULL;
		map->len -= 4096;
		break;
	}
}

/* Writes anything anywhere in a ring: what the kernel must not care about. */
static void do_scribble(struct state *s)
{
	struct map *map = &s->map[below(s, NMAPS)];
	int sink[2];
	uint32_t word = number(s);

	if (!map->base || map->len < 4096)
		return;
	/* By a system call, so that a page that is not there is EFAULT and not a signal. */
	if (pipe2(sink, O_CLOEXEC))
		return;
	if (write(sink[1], &word, sizeof(word)) == sizeof(word)) {
		size_t at = below(s, 3) ? 4 * below(s, 6) : 4 * below(s, 1024);

		if (read(sink[0], map->base + at, sizeof(word)) < 0)
			errno = 0;
	}
	close(sink[0]);
	close(sink[1]);
}

/* Consumes like a program that follows the rules, if the header makes sense. */
static void do_consume(struct state *s)
{
	struct map *map = &s->map[below(s, NMAPS)];
	int sink[2];
	uint32_t head;

	if (!map->base || pipe2(sink, O_CLOEXEC))
		return;
	if (write(sink[1], map->base + 8, 4) == 4 && read(sink[0], &head, 4) == 4 &&
	    write(sink[1], &head, 4) == 4 && read(sink[0], map->base + 12, 4) < 0)
		errno = 0;
	close(sink[0]);
	close(sink[1]);
}

static void do_poll(struct state *s)
{
	struct pollfd p[2] = {
		{ .fd = *any_fd(s), .events = below(s, 0x40) },
		{ .fd = *any_fd(s), .events = POLLIN },
	};
	struct epoll_event ev = { .events = EPOLLIN | (below(s, 2) ? EPOLLET : 0) };
	int ep;

	poll(p, 2, below(s, 4) ? 0 : 1);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		return;
	epoll_ctl(ep, EPOLL_CTL_ADD, *any_fd(s), &ev);
	epoll_wait(ep, &ev, 1, 0);
	close(ep);
}

static void do_dup(struct state *s)
{
	int *to = any_fd(s), from = *any_fd(s);
	int pair[2];
	char data = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &data, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (below(s, 2)) {
		if (*to >= 0)
			close(*to);
		*to = fcntl(from, F_DUPFD_CLOEXEC, 3);
		return;
	}
	/* Sent to nobody: the socket's death is then the last close. */
	if (from < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &from, sizeof(int));
	sendmsg(pair[0], &msg, MSG_DONTWAIT);
	close(pair[0]);
	close(pair[1]);
}

void do_files(struct state *s)
{
	char a[96], b[96];
	int fd;

	file_name(s, a, sizeof(a));
	file_name(s, b, sizeof(b));
	switch (below(s, 9)) {
	case 0:
		rename(a, b);
		break;
	case 1:
		unlink(a);
		break;
	case 2:
		link(a, b);
		break;
	case 3:
		chmod(a, 0600 | below(s, 0100));
		break;
	case 4:
		truncate(a, below(s, 100));
		break;
	case 5:
		mkdir(a, 0700);
		break;
	case 6:
		rmdir(a);
		break;
	default:
		fd = open(a, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		if (write(fd, a, 1 + below(s, 10)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
			errno = 0;
		close(fd);
	}
}

static void do_close(struct state *s)
{
	int *fd = any_fd(s);

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void forget(struct state *s)
{
	for (int i = 0; i < NMAPS; i++) {
		if (s->map[i].base)
			munmap(s->map[i].base, s->map[i].len);
		s->map[i].base = NULL;
	}
	for (int i = 0; i < NQUEUES; i++) {
		if (s->fd[i] >= 0)
			close(s->fd[i]);
		s->fd[i] = -1;
	}
}

static void do_odd(struct state *s)
{
	char c = 0;

	switch (below(s, 6)) {
	case 0:
		if (read(*any_fd(s), &c, 1) < 0)
			errno = 0;
		break;
	case 1:
		if (write(*any_fd(s), &c, 1) < 0)
			errno = 0;
		break;
	case 2:
		lseek(*any_fd(s), number(s), below(s, 5));
		break;
	case 3:
		ioctl(*any_fd(s), number(s), number(s));
		break;
	case 4:
		ioctl(*any_fd(s), _IO('W', 0x60 + below(s, 16)), number(s));
		break;
	case 5:
		if (!below(s, 8))
			ioctl(*any_fd(s), IOC_WATCH_QUEUE_SHUTDOWN, 0);
		break;
	}
}

void (*const often[])(struct state *s) = {
	do_open, do_size, do_filter, do_add, do_add, do_add, do_remove, do_info,
	do_map, do_remap, do_scribble, do_consume, do_poll, do_dup, do_files, do_files,
	do_files, do_files, do_close, do_odd,
};

const unsigned int nr_often = sizeof(often) / sizeof(often[0]);
