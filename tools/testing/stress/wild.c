// SPDX-License-Identifier: GPL-2.0
/*
 * A process that misuses queues, beside the well-behaved ones: its threads share eight
 * descriptor numbers without any lock, so that a queue is closed, replaced, duplicated or
 * sent through a socket while another thread is in an ioctl on it; rings are mapped and
 * unmapped while events arrive, tails are nonsense, children inherit everything. It asks for
 * permission, and answers at random if at all, so that its deadlines decide. Nobody counts
 * its records. Only the errors of its calls are judged: a documented one, whatever
 * happens. It is killed at the end, with everything open.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "stress.h"
#include "wq_permission.h"

#define FIRST		100		/* its descriptors are FIRST to FIRST + SLOTS - 1 */
#define SLOTS		8u
#define MAPS		3u
#define THREADS		2u

struct map {
	struct watch_queue_buffer *ring;
	size_t bytes;
};

struct wild {
	pthread_t thread;
	struct worker worker;
	struct map map[MAPS];
};

static uint64_t wild_seed;

static int slot(struct rng *r)
{
	return FIRST + rnd(r, SLOTS);
}

/* Every call may find that the descriptor has just gone. */
static void judge(const char *what, int result, const int *allowed)
{
	if (result >= 0 || result == -EBADF)
		return;
	for (; *allowed; allowed++)
		if (result == -*allowed)
			return;
	fail("wild: %s: %s", what, strerror(-result));
}

#define JUDGE(what, result, ...) judge(what, result, (const int[]){ __VA_ARGS__, 0 })

static void place(struct rng *r, int fd)
{
	if (fd < 0)
		return;
	dup2(fd, slot(r));
	close(fd);
}

static void new_queue(struct rng *r)
{
	int fd = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		fail("wild: open: %m");
		return;
	}
	JUDGE("SET_SIZE", wq_size(fd, 1u << rnd(r, 3)), ENOMEM);
	JUDGE("SET_PERMISSION",
	      wq_set_permission(fd, 1 + rnd(r, 30),
				chance(r, 80) ? WATCH_RESPONSE_ALLOW : WATCH_RESPONSE_DENY),
	      ENOMEM);
	place(r, fd);
}

static void add(struct rng *r, int fd)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = rnd(r, 5),
		.flags = rnd(r, 0x200), .id = rnd(r, 256),
		.mask = 1 + rnd(r, 0x1fff), .cookie = 1,
	};
	char path[64];

	if (add.scope == WATCH_SCOPE_MOUNT)
		add.mask = WATCH_FS_MODIFY;
	if (chance(r, add.scope == WATCH_SCOPE_SB ? 50 : 15))
		add.mask = WATCH_FS_OPEN_PERM;
	/* Most sets of flags are refused. */
	if (add.mask == WATCH_FS_OPEN_PERM && chance(r, 50))
		add.flags = 0;
	files_random_path(r, path, sizeof(path));
	add.object = open(path, O_PATH | O_CLOEXEC);
	if (add.object < 0)
		return;
	JUDGE("ADD_WATCH", wq_add(fd, &add), EEXIST, EINVAL, ENOENT, ENOTDIR, ESHUTDOWN, ENOBUFS,
	      EOPNOTSUPP, EDQUOT);
	close(add.object);
}

static void map(struct rng *r, struct wild *w)
{
	struct map *m = &w->map[rnd(r, MAPS)];

	if (m->ring) {
		munmap(m->ring, m->bytes);
		m->ring = NULL;
		return;
	}
	m->bytes = 4096u << rnd(r, 2);
	m->ring = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, slot(r), 0);
	if (m->ring != MAP_FAILED)
		return;
	m->ring = NULL;
	JUDGE("mmap", -errno, EINVAL);
}

static void hostile(struct rng *r, struct wild *w)
{
	struct map *m = &w->map[rnd(r, MAPS)];
	uint32_t head, tail;

	if (!m->ring)
		return;
	head = __atomic_load_n(&m->ring->meta.head, __ATOMIC_ACQUIRE);
	switch (rnd(r, 4)) {
	case 0:
		tail = head + 1 + rnd(r, 100);
		break;
	case 1:
		tail = rnd(r, ~0u);
		break;
	case 2:
		tail = head - rnd(r, 600);
		break;
	default:
		tail = head;
	}
	__atomic_store_n(&m->ring->meta.tail, tail, __ATOMIC_RELEASE);
	/* The header is ours to write, and nothing to the kernel. */
	if (chance(r, 10)) {
		uint32_t junk = rnd(r, ~0u);

		m->ring->meta.mask = junk;
		m->ring->meta.head = junk;
	}
}

/* Sends a queue through a socket pair, which is closed with it inside or after it came out. */
static void send_fd(struct rng *r)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2], fd = slot(r);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(pair[0], &msg, 0) == 1 && chance(r, 60)) {
		close(fd);
		if (recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) == 1 && msg.msg_controllen) {
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			place(r, fd);
		}
	}
	close(pair[0]);
	close(pair[1]);
}

/* A child that has all descriptors, and no mappings. */
static void child(struct rng *r)
{
	unsigned int us = rnd(r, 30000), kills = rnd(r, 2);
	pid_t pid = fork();

	if (pid == 0) {
		usleep(us);
		wq_remove_all(FIRST, 0);
		_exit(0);
	}
	if (pid < 0)
		return;
	if (kills)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void count_asked(int fd)
{
	struct watch_queue_info info;

	count(C_ASKED, wq_info(fd, 0, &info) == 0 && info.asked);
}

static void act(struct wild *w, struct rng *r)
{
	struct watch_queue_info info;
	int fd = slot(r);

	switch (rnd(r, 26)) {
	case 0: case 1: case 2:
		new_queue(r);
		break;
	case 3:
		count_asked(fd);
		close(fd);
		break;
	case 4:
		dup2(fd, slot(r));
		break;
	case 5:
		send_fd(r);
		break;
	case 6: case 7: case 8:
		map(r, w);
		break;
	case 9: case 10: case 11:
		hostile(r, w);
		break;
	case 12:
		count_asked(fd);
		JUDGE("SHUTDOWN", wq_shutdown(fd), ESHUTDOWN);
		break;
	case 13:
		JUDGE("SET_FILTER", wq_filter(fd, NULL), ESHUTDOWN);
		break;
	case 14:
		JUDGE("REMOVE_ALL", wq_remove_all(fd, 0), ESHUTDOWN);
		break;
	case 15:
		JUDGE("REMOVE", wq_remove(fd, 1 + rnd(r, 8)), ESHUTDOWN, ENOENT);
		break;
	case 16:
		JUDGE("GET_INFO", wq_info(fd, rnd(r, 4), &info), ENOENT);
		count_asked(fd);
		break;
	case 17:
		wq_poll(fd, rnd(r, 3));
		break;
	case 18:
		if (chance(r, 20))
			child(r);
		break;
	case 19:
		JUDGE("SET_SIZE", wq_size(fd, 1), EBUSY, ENOMEM, ESHUTDOWN);
		break;
	case 20:
		JUDGE("RESPOND", wq_respond(fd, 1 + rnd(r, 50), rnd(r, 3), 0), EINVAL, ENOENT, ESHUTDOWN);
		break;
	case 21: {
		int target = wq_open_target(fd, 1 + rnd(r, 50));

		JUDGE("OPEN_TARGET", target, ENOENT, ESHUTDOWN, EACCES, EPERM, EROFS);
		if (target >= 0)
			close(target);
		break;
	}
	default:
		add(r, fd);
	}
}

static void *loop(void *arg)
{
	struct wild *w = arg;

	me = &w->worker;
	rng_init(&me->rng, wild_seed, 2000 + me->number);
	for (;;)
		act(w, &me->rng);
	return NULL;
}

void wild_run(uint64_t seed)
{
	static struct wild wild[THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	wild_seed = seed;
	for (unsigned int i = 0; i < THREADS; i++) {
		wild[i].worker.number = i;
		if (pthread_create(&wild[i].thread, NULL, loop, &wild[i]))
			_exit(1);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(wild[i].thread, NULL);
	_exit(1);
}
