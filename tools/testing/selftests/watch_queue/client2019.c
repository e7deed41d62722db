// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer as one could write it from the document of the 2019 proposal, and from that
 * alone: it sizes and maps the queue, sets a filter, polls, and walks the ring by record
 * lengths. It knows the types of 2019; what it does not know, META records too, it steps
 * over. Compiled as C and as C++, for 64 and 32 bits; client_test.c starts it.
 *
 *   client2019 FD none|filter COUNT
 *
 * FD is an open queue (2019 had system calls that set watches on a descriptor; here the
 * parent sets them). It says "ready" on stdout when watches may be set, then one line per
 * record, and ends after COUNT records of any type but META.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/watch_queue.h>

#define BUF_SIZE 4	/* pages */

static int failed(const char *what)
{
	perror(what);
	return 1;
}

/* Lets pass mount, key and superblock records, and those of type 6 and subtype 8. */
static int set_filter(int fd)
{
	static const unsigned int types[] = {
		WATCH_TYPE_MOUNT_NOTIFY, WATCH_TYPE_SB_NOTIFY, WATCH_TYPE_KEY_NOTIFY, 6,
	};
	const unsigned int nr = sizeof(types) / sizeof(types[0]);
	struct watch_notification_filter *filter;
	unsigned int i;
	int r;

	filter = (struct watch_notification_filter *)calloc(1, sizeof(*filter) +
							       nr * sizeof(filter->filters[0]));
	if (!filter)
		return -1;
	filter->nr_filters = nr;
	filter->__reserved = 0;
	for (i = 0; i < nr; i++) {
		filter->filters[i].type = types[i];
		filter->filters[i].info_mask = WATCH_INFO_ID;
		filter->filters[i].info_filter = 0x01000000;
		filter->filters[i].subtype_filter[0] = types[i] == 6 ? 1u << 8 : ~0u;
	}
	r = ioctl(fd, IOC_WATCH_QUEUE_SET_FILTER, filter);
	free(filter);
	return r;
}

static void saw(const struct watch_notification *n)
{
	unsigned int length = n->info & WATCH_INFO_LENGTH;

	switch (n->type) {
	case WATCH_TYPE_META:
		if (n->subtype == WATCH_META_REMOVAL_NOTIFICATION)
			printf("removal %u\n", (n->info & WATCH_INFO_ID) >> WATCH_INFO_ID__SHIFT);
		break;
	case WATCH_TYPE_MOUNT_NOTIFY:
		printf("mount %u on %u\n", ((const struct mount_notification *)n)->changed_mount,
		       ((const struct mount_notification *)n)->triggered_on);
		break;
	case WATCH_TYPE_KEY_NOTIFY:
		printf("key %u\n", ((const struct key_notification *)n)->key_id);
		break;
	case WATCH_TYPE_SB_NOTIFY:
		printf("superblock %llu\n",
		       (unsigned long long)((const struct superblock_notification *)n)->sb_id);
		break;
	default:
		printf("type %u subtype %u id %u, %u bytes%s\n", n->type, n->subtype,
		       (n->info & WATCH_INFO_ID) >> WATCH_INFO_ID__SHIFT, length,
		       n->info & WATCH_INFO_OVERRUN ? ", overrun" : "");
		break;
	}
}

static int consume(int fd, struct watch_queue_buffer *buf, long count)
{
	unsigned int mask = buf->meta.mask;

	while (count > 0) {
		struct pollfd p;
		unsigned int head, tail;

		p.fd = fd;
		p.events = POLLIN | POLLERR;
		p.revents = 0;
		if (poll(&p, 1, 60000) != 1 || p.revents & POLLERR)
			return failed("poll");
		while (head = __atomic_load_n(&buf->meta.head, __ATOMIC_ACQUIRE),
		       tail = buf->meta.tail,
		       tail != head) {
			struct watch_notification *n = &buf->slots[tail & mask];

			if ((n->info & WATCH_INFO_LENGTH) == 0)
				return failed("record without length");
			saw(n);
			if (n->type != WATCH_TYPE_META)
				count--;
			tail += (n->info & WATCH_INFO_LENGTH) >> WATCH_LENGTH_SHIFT;
			__atomic_store_n(&buf->meta.tail, tail, __ATOMIC_RELEASE);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct watch_queue_buffer *buf;
	void *map;
	int fd, r;

	if (argc != 4) {
		fprintf(stderr, "usage: client2019 FD none|filter COUNT\n");
		return 2;
	}
	fd = atoi(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ioctl(fd, IOC_WATCH_QUEUE_SET_SIZE, BUF_SIZE) == -1)
		return failed("IOC_WATCH_QUEUE_SET_SIZE");
	map = mmap(NULL, BUF_SIZE * sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return failed("mmap");
	buf = (struct watch_queue_buffer *)map;
	if (strcmp(argv[2], "filter") == 0)
		r = set_filter(fd);
	else
		r = ioctl(fd, IOC_WATCH_QUEUE_SET_FILTER, NULL);
	if (r == -1)
		return failed("IOC_WATCH_QUEUE_SET_FILTER");
	puts("ready");
	return consume(fd, buf, atol(argv[3]));
}
