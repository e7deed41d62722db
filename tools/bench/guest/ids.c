// SPDX-License-Identifier: GPL-2.0
/*
 * Many ids of one queue in one list of another module: what one more costs, an event of the first, and
 * the end of all. It is the list of wq_context_test, a module of the tests, that is told to post and to
 * end with interrupts off.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../testing/modules/wq_context_test.h"
#include "neighbours.h"

#define MANY	16000
#define TIMES	16

static int module;

static void add_id(int queue, uint64_t id)
{
	struct wqt_watch watch = { .fd = queue, .list = 0, .id = id };

	if (ioctl(module, WQT_WATCH, &watch))
		die("adding id %llu", (unsigned long long)id);
}

static void post(void)
{
	struct wqt_post post = {
		.context = WQT_IRQS_OFF, .list = 0, .id = 1, .type = WQT_TYPE, .info = 2 << 3,
		.count = 1, .batch = 1,
	};

	if (ioctl(module, WQT_POST, &post))
		die("posting");
}

static void measure(struct listener *l, unsigned int have)
{
	struct samples samples = { 0 };

	for (unsigned int i = 0; i < TIMES; i++) {
		uint64_t start = ticks();

		add_id(l->fd, have + 1 + i);
		sample(&samples, ticks() - start - ticks_cost);
	}
	report(&samples, 1, "neighbours.ids.%u.add", have);
	for (unsigned int i = 0; i < TIMES; i++) {
		uint64_t start = ticks();

		post();
		sample(&samples, ticks() - start - ticks_cost);
	}
	report(&samples, 1, "neighbours.ids.%u.post", have);
	if (peer_wq.drain(l) != TIMES)
		die("records of ids");
}

void measure_ids(bool quick)
{
	struct wqt_end end = { .context = WQT_IRQS_OFF, .list = 0 };
	struct listener l;
	uint64_t start;

	(void)quick;
	module = open("/dev/wq_context_test", O_RDWR);
	if (module < 0)
		die("/dev/wq_context_test");
	open_queue(&l);
	add_id(l.fd, 1);
	measure(&l, 1);
	for (unsigned int i = TIMES + 2; i <= MANY; i++)
		add_id(l.fd, i);
	measure(&l, MANY);
	start = ticks();
	if (ioctl(module, WQT_END, &end))
		die("the end of a list");
	report_once((double)(ticks() - start), "neighbours.ids.%u.end", MANY);
	peer_wq.close(&l);
	close(module);
}
