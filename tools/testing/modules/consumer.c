// SPDX-License-Identifier: GPL-2.0
/*
 * See consumer.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "consumer.h"

static int module_fd = -1;
static char text[200];

struct wq *open_queue(uint32_t pages)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = pages };
	struct wq *wq;

	return wq_open(&wq, &opts) ? NULL : wq;
}

static const char *check(const struct watch_notification *n, struct tally *t)
{
	struct wqt_record r;
	uint32_t bytes = wq_length(n), i;

	if (bytes < sizeof(r))
		return NULL;
	memcpy(&r, n, sizeof(r));
	if (r.producer >= PRODUCERS)
		return "a record of a producer that does not exist";
	if (r.seq < t->next[r.producer]) {
		snprintf(text, sizeof(text), "record %u of producer %u after %u", r.seq,
			 r.producer, t->next[r.producer] - 1);
		return text;
	}
	for (i = sizeof(r); i < bytes; i++) {
		if (((const unsigned char *)n)[i] != WQT_PATTERN(r.producer, r.seq, i)) {
			snprintf(text, sizeof(text), "byte %u of %u of record %u of producer %u is wrong",
				 i, bytes, r.seq, r.producer);
			return text;
		}
	}
	t->next[r.producer] = r.seq + 1;
	t->from[r.producer]++;
	return NULL;
}

const char *take(struct wq *wq, struct tally *t)
{
	const struct watch_notification *n;
	const char *wrong = NULL;

	while (!wrong && (n = wq_next(wq)) != NULL) {
		uint32_t id = n->info >> WATCH_INFO_ID__SHIFT;

		if (n->type == WQT_TYPE) {
			t->records++;
			t->info = n->info;
			t->subtype = n->subtype;
			t->slots = wq_length(n) >> WATCH_LENGTH_SHIFT;
			if (t->removals[id])
				wrong = "a record behind the REMOVAL of its watch";
			else
				wrong = check(n, t);
		} else if (n->type == WATCH_TYPE_META && n->subtype == WATCH_META_LOSS_NOTIFICATION) {
			t->lost += ((const struct watch_loss_notification *)n)->count;
		} else if (n->type == WATCH_TYPE_META && n->subtype == WATCH_META_REMOVAL_NOTIFICATION) {
			t->reason = ((const struct watch_removal_notification *)n)->reason;
			if (t->removals[id]++)
				wrong = "a second REMOVAL of one watch";
		} else {
			wrong = "a record of an unknown type";
		}
		if (wq_position(wq) - wq->released > (wq->mask + 1) / 4)
			wq_advance(wq);
	}
	wq_advance(wq);
	if (!wrong && wq->error)
		wrong = "the ring is corrupt";
	return wrong;
}

const char *sums(struct wq *wq, const struct tally *t, uint64_t posted)
{
	struct watch_queue_info info;

	if (wq_info(wq, 0, &info))
		return "GET_INFO failed";
	if (info.posted == posted && info.posted == info.delivered + info.lost &&
	    info.delivered == t->records && info.lost == t->lost)
		return NULL;
	snprintf(text, sizeof(text),
		 "posted %llu; kernel: posted %llu, delivered %llu, lost %llu; ring: %llu records, %llu lost",
		 (unsigned long long)posted, (unsigned long long)info.posted,
		 (unsigned long long)info.delivered, (unsigned long long)info.lost,
		 (unsigned long long)t->records, (unsigned long long)t->lost);
	return text;
}

static int call(unsigned long cmd, void *arg)
{
	if (module_fd < 0)
		module_fd = open("/dev/wq_context_test", O_RDWR | O_CLOEXEC);
	return module_fd >= 0 && ioctl(module_fd, cmd, arg) == 0 ? 0 : -errno;
}

void module_close(void)
{
	close(module_fd);
	module_fd = -1;
}

int watch(int fd, uint32_t list, uint64_t id, uint32_t info_id)
{
	struct wqt_watch w = { .fd = fd, .list = list, .id = id, .info_id = info_id };

	return call(WQT_WATCH, &w);
}

int unwatch(int fd, uint32_t list, uint64_t id)
{
	struct wqt_watch w = { .fd = fd, .list = list, .id = id };

	return call(WQT_UNWATCH, &w);
}

int post_raw(struct wqt_post *p)
{
	return call(WQT_POST, p);
}

int post(uint32_t context, uint32_t list, uint64_t id, uint32_t producer, uint32_t first,
	 uint32_t count, uint32_t slots)
{
	struct wqt_post p = {
		.context = context, .list = list, .id = id, .type = WQT_TYPE,
		.info = slots << WATCH_LENGTH_SHIFT, .producer = producer,
		.first = first, .count = count, .batch = 16,
	};

	return post_raw(&p);
}

int end_list(uint32_t context, uint32_t list)
{
	struct wqt_end e = { .context = context, .list = list };

	return call(WQT_END, &e);
}

struct wqt_stats stats(void)
{
	struct wqt_stats s = { .errors = ~0ull };

	call(WQT_STATS, &s);
	return s;
}

const char *context_name(uint32_t context)
{
	static const char *const names[] = {
		[WQT_PROCESS] = "process", [WQT_IRQS_OFF] = "interrupts off",
		[WQT_RAW_LOCK] = "raw lock", [WQT_PI_LOCK] = "pi_lock", [WQT_TIMER] = "timer",
		[WQT_BH_WORK] = "BH work", [WQT_HRTIMER_SOFT] = "soft hrtimer",
		[WQT_HRTIMER_HARD] = "hard hrtimer", [WQT_IRQ_WORK] = "irq_work",
		[WQT_RCU_CALLBACK] = "RCU callback",
	};

	return context < WQT_CONTEXTS ? names[context] : "?";
}

int load(const char *name)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

unsigned int scaled(unsigned int n)
{
	static int debug = -1;

	if (debug < 0)
		debug = access("/proc/lockdep", F_OK) == 0;
	return debug && n > 10 ? n / 10 : n;
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

void *sleep_for_records(void *arg)
{
	struct sleeper *s = arg;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct pollfd pfd = { .fd = wq_fd(s->wq), .events = POLLIN };
	int ep = -1, idle = 0;

	if (s->edge) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(ep, EPOLL_CTL_ADD, wq_fd(s->wq), &event);
	}
	for (;;) {
		uint64_t had = s->tally->records + s->tally->lost, since = now_ms();
		int n = s->edge ? epoll_wait(ep, &event, 1, 1000) : poll(&pfd, 1, 1000);
		bool long_sleep = now_ms() - since >= 1000;

		s->wrong = take(s->wq, s->tally);
		if (s->wrong || s->tally->records + s->tally->lost >= s->want)
			break;
		if (long_sleep && (n || s->tally->records + s->tally->lost != had)) {
			s->wrong = "slept for a second beside a record";
			break;
		}
		idle = n ? 0 : idle + 1;
		if (idle == 60) {
			s->wrong = "no record came for a minute";
			break;
		}
	}
	close(ep);
	return NULL;
}
