// SPDX-License-Identifier: GPL-2.0
/*
 * Well-behaved queues: the threads share them, add, update, find and remove watches, swap
 * filters and read records, and now and then one ends a queue, accounts for every
 * record of it and opens a new one in its place.
 */
#include "book.h"

#define QUEUES		4u
#define PATIENCE_MS	30000

struct queue {
	pthread_rwlock_t life;		/* for writing: it ends and begins */
	pthread_mutex_t reader;		/* the thread that consumes */
	struct wq wq;
	struct book book;
};

static struct queue queue[QUEUES];
static atomic_uint serials;

static void begin(struct queue *q, struct rng *r)
{
	const char *e = wq_open(&q->wq, chance(r, 70) ? 1 : 1u << rnd(r, 4));

	if (e != wq_ok)
		fail("a new queue: %s", e);
	q->wq.paths = true;
	book_begin(&q->book, atomic_fetch_add(&serials, 1) + 1);
	count(C_QUEUES, 1);
}

void queues_setup(void)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct rng r;

		rng_init(&r, i, 1000);
		pthread_rwlock_init(&queue[i].life, NULL);
		pthread_mutex_init(&queue[i].reader, NULL);
		pthread_mutex_init(&queue[i].book.lock, NULL);
		begin(&queue[i], &r);
	}
}

/* Reads what is there, at most max records; false when the ring broke its contract. */
static bool consume(struct queue *q, unsigned int max)
{
	struct wq_rec rec;
	int got = 0;

	pthread_mutex_lock(&q->reader);
	while (max-- && (got = wq_next(&q->wq, &rec)) == 1)
		book_record(&q->book, &rec);
	if (got < 0)
		fail("queue %u: %s", q->book.serial, wq_why());
	pthread_mutex_unlock(&q->reader);
	return got >= 0;
}

static void info(struct queue *q, struct watch_queue_info *i)
{
	int e = wq_info(q->wq.fd, 0, i);

	if (e)
		fail("GET_INFO: %s", strerror(-e));
	if (i->posted != i->delivered + i->lost)
		fail("queue %u: posted %llu is not delivered %llu + lost %llu", q->book.serial,
		     (unsigned long long)i->posted, (unsigned long long)i->delivered,
		     (unsigned long long)i->lost);
}

/* Ends all watches, reads until everything has come, and judges the whole life. */
static void end(struct queue *q, struct rng *r)
{
	uint64_t from = wq_now_ms();
	struct watch_queue_info i;
	int e;

	q->book.shut = chance(r, 40);
	if (q->book.shut)
		e = wq_shutdown(q->wq.fd);
	else
		e = wq_remove_all(q->wq.fd, 0);
	if (e)
		fail("the end of queue %u: %s", q->book.serial, strerror(-e));
	for (;;) {
		info(q, &i);
		if (!consume(q, ~0u) || book_complete(&q->book, &i))
			break;
		if (wq_now_ms() - from > PATIENCE_MS) {
			book_explain(&q->book, &i);
			break;
		}
		usleep(2000);
	}
	book_close(&q->book);
	/* What is mapped keeps the queue, what is open too; so either may be the last. */
	if (chance(r, 50)) {
		close(q->wq.fd);
		q->wq.fd = -1;
	}
	wq_close(&q->wq);
}

void queues_teardown(struct rng *r)
{
	for (unsigned int i = 0; i < QUEUES; i++)
		end(&queue[i], r);
}

/* Events that a watch of this kind can have. */
static uint64_t some_mask(struct rng *r, const struct entry *e)
{
	const uint64_t through_mount = WATCH_FS_ACCESS | WATCH_FS_MODIFY | WATCH_FS_CLOSE |
				       WATCH_FS_OPEN;
	uint64_t mask;

	switch (e->type) {
	case WATCH_TYPE_MOUNT_NOTIFY:
		return 1u << NOTIFY_MOUNT_NEW_MOUNT | 1u << NOTIFY_MOUNT_UNMOUNT | rnd(r, 0x80);
	case WATCH_TYPE_SB_NOTIFY:
		return 1u << NOTIFY_SUPERBLOCK_READONLY | rnd(r, 8);
	case WATCH_TYPE_KEY_NOTIFY:
		return 1 + rnd(r, 0xff);
	}
	if (e->scope == WATCH_SCOPE_MOUNT) {
		mask = rnd(r, 0x2000) & through_mount;
		return mask ? mask : through_mount;
	}
	switch (rnd(r, 4)) {
	case 0:
		return WATCH_FS_ALL_EVENTS;
	case 1:
		return WATCH_FS_MUTATIONS;
	default:
		return ((uint64_t)rnd(r, 0x1fff) + 1) & WATCH_FS_ALL_EVENTS;
	}
}

/* What ADD_WATCH may answer here, besides success. */
static void check_add_error(int e, bool update, uint32_t type)
{
	if (e == -EEXIST && !update)
		return;
	if (e == -EINVAL && update)	/* another thread's watch is on the object by now */
		return;
	if (type == WATCH_TYPE_KEY_NOTIFY && (e == -ENOKEY || e == -EKEYREVOKED))
		return;
	/* EDQUOT: all subtrees of a file system count together, those of the wild process too. */
	if (e != -ENOENT && e != -ENOTDIR && e != -EDQUOT)
		fail("%s: %s", update ? "update" : "add", strerror(-e));
}

/* What ADD_WATCH takes as object; false if it is not there. */
static bool object_of(const struct entry *e, int *object)
{
	switch (e->type) {
	case WATCH_TYPE_MOUNT_NOTIFY:
		*object = -1;
		return true;
	case WATCH_TYPE_KEY_NOTIFY:
		*object = keys_find(e->path);
		return *object != 0;
	default:
		*object = open(e->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
		return *object >= 0;
	}
}

static void call(struct queue *q, struct entry *e, uint64_t mask, uint64_t ignore, uint32_t how)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = e->type, .scope = e->scope,
		.flags = e->flags | how, .id = e->id, .mask = mask, .ignore_mask = ignore,
		.cookie = book_cookie(&q->book, e),
	};
	int error;

	if (!book_call(&q->book, e, mask))
		return;
	if (!object_of(e, &add.object)) {
		book_called(&q->book, e, 0);
		return;
	}
	error = wq_add(q->wq.fd, &add);
	if (e->type == WATCH_TYPE_FS_NOTIFY || e->type == WATCH_TYPE_SB_NOTIFY)
		close(add.object);
	book_called(&q->book, e, error ? 0 : add.handle);
	if (error)
		check_add_error(error, how, e->type);
	else
		count(how ? C_UPDATE : C_ADD, 1);
	count(C_WIDE, !error && e->scope >= WATCH_SCOPE_SUBTREE);
}

static void choose_scope(struct entry *e, struct rng *r)
{
	struct stat st;

	e->flags |= chance(r, 10) ? WATCH_ADD_EXCL_UNLINK : 0;
	e->flags |= chance(r, 10) ? WATCH_ADD_IGNORE_SURV : 0;
	e->flags |= chance(r, 10) ? WATCH_ADD_PATH : 0;
	e->flags |= chance(r, 10) ? WATCH_ADD_FILE_HANDLE : 0;
	if (chance(r, 20)) {
		e->scope = WATCH_SCOPE_MOUNT + rnd(r, 2);
		return;
	}
	if (stat(e->path, &st) == 0 && S_ISDIR(st.st_mode) && chance(r, 80))
		e->scope = chance(r, 60) ? WATCH_SCOPE_CHILDREN : WATCH_SCOPE_SUBTREE;
	if (e->scope != WATCH_SCOPE_SUBTREE && chance(r, 40))
		e->flags |= WATCH_ADD_EVICTABLE;
}

static uint64_t some_ignore(struct rng *r, const struct entry *e)
{
	return e->type == WATCH_TYPE_FS_NOTIFY && chance(r, 20) ? some_mask(r, e) : 0;
}

static void add(struct queue *q, struct rng *r)
{
	struct entry *e = book_new(&q->book);

	doing("add");
	if (!e)
		return;
	pthread_mutex_lock(&q->book.lock);
	files_random_path(r, e->path, sizeof(e->path));
	e->id = rnd(r, 256);
	e->flags = chance(r, 25) ? WATCH_ADD_ONESHOT : 0;
	e->type = chance(r, 85) ? WATCH_TYPE_FS_NOTIFY : WATCH_TYPE_MOUNT_NOTIFY + rnd(r, 3);
	if (e->type == WATCH_TYPE_FS_NOTIFY)
		choose_scope(e, r);
	else if (e->type == WATCH_TYPE_KEY_NOTIFY)
		keys_random_name(r, e->path, sizeof(e->path));
	pthread_mutex_unlock(&q->book.lock);
	call(q, e, some_mask(r, e), some_ignore(r, e), 0);
}

static void update(struct queue *q, struct rng *r)
{
	struct entry *e = book_any(&q->book, r);

	doing("update");
	if (e && e->path[0])
		call(q, e, some_mask(r, e), some_ignore(r, e),
		     chance(r, 50) ? WATCH_ADD_UPDATE : WATCH_ADD_MASK_ADD);
}

static void remove_one(struct queue *q, struct rng *r)
{
	struct watch_queue_info i;
	struct entry *e;
	uint64_t handle = book_any_handle(&q->book, r, &e);
	int error;

	doing("remove");
	if (!handle)
		return;
	error = wq_remove(q->wq.fd, handle);
	if (error && error != -ENOENT)
		fail("remove: %s", strerror(-error));
	count(C_REMOVE, !error);
	/* Whichever thread ended it: it has ended. */
	error = wq_remove(q->wq.fd, handle);
	if (error != -ENOENT)
		fail("remove of a removed watch: %s", strerror(-error));
	error = wq_info(q->wq.fd, handle, &i);
	if (error != -ENOENT)
		fail("GET_INFO of a removed watch: %s", strerror(-error));
}

static void find(struct queue *q, struct rng *r)
{
	struct watch_queue_info i;
	struct entry *e;
	uint64_t handle = book_any_handle(&q->book, r, &e);
	int error;

	doing("find");
	if (!handle)
		return;
	error = wq_info(q->wq.fd, handle, &i);
	if (error == -ENOENT)
		return;
	count(C_FIND, 1);
	if (error)
		fail("GET_INFO of a watch: %s", strerror(-error));
	else if (i.cookie != book_cookie(&q->book, e) || i.id != e->id ||
		 i.type != e->type || i.posted != i.delivered + i.lost)
		fail("GET_INFO of watch %#llx: cookie %#llx, id %u, type %u, %llu posted, %llu delivered, %llu lost",
		     (unsigned long long)handle, (unsigned long long)i.cookie, i.id, i.type,
		     (unsigned long long)i.posted, (unsigned long long)i.delivered,
		     (unsigned long long)i.lost);
}

static void filter(struct queue *q, struct rng *r)
{
	struct {
		struct watch_notification_filter f;
		struct watch_notification_type_filter type[2];
	} f = { .f = { .nr_filters = 2 } };
	int e;

	doing("filter");
	f.type[0].type = WATCH_TYPE_FS_NOTIFY;
	f.type[0].subtype_filter[0] = chance(r, 50) ? ~0u : rnd(r, 0x2000);
	f.type[1].type = WATCH_TYPE_MOUNT_NOTIFY + rnd(r, 3);
	f.type[1].subtype_filter[0] = ~0u;
	e = wq_filter(q->wq.fd, chance(r, 50) ? NULL : &f);
	if (e)
		fail("SET_FILTER: %s", strerror(-e));
	count(C_FILTER, 1);
}

static void look(struct queue *q, struct rng *r)
{
	struct watch_queue_info i;

	doing("look");
	info(q, &i);
	wq_poll(q->wq.fd, rnd(r, 3));
	if (!*wq_fdinfo(q->wq.fd))
		fail("fdinfo: %m");
}

static void renew(struct queue *q, struct rng *r)
{
	doing("end of a queue");
	pthread_rwlock_wrlock(&q->life);
	end(q, r);
	begin(q, r);
	pthread_rwlock_unlock(&q->life);
}

void queues_act(struct rng *r)
{
	struct queue *q = &queue[rnd(r, QUEUES)];
	uint32_t what = rnd(r, 1000);

	if (what < 4 || q->book.used >= ENTRIES) {
		renew(q, r);
		return;
	}
	doing("wait for a queue");
	pthread_rwlock_rdlock(&q->life);
	if (what < 300) {
		add(q, r);
	} else if (what < 400) {
		update(q, r);
	} else if (what < 550) {
		remove_one(q, r);
	} else if (what < 560) {
		doing("remove all");
		if (wq_remove_all(q->wq.fd, chance(r, 50) ? 0 : WATCH_TYPE_MOUNT_NOTIFY + rnd(r, 6)))
			fail("REMOVE_ALL: %m");
		count(C_REMOVE_ALL, 1);
	} else if (what < 640) {
		find(q, r);
	} else if (what < 670) {
		filter(q, r);
	} else if (what < 700) {
		look(q, r);
	} else if (what < 800) {
		/* Too rarely for small rings, so that they run over. */
		doing("consume");
		consume(q, 1 + rnd(r, 60));
	}
	pthread_rwlock_unlock(&q->life);
}
