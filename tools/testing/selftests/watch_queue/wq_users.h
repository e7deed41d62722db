/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Users in user namespaces, as containers have them: a namespace with a range of user ids, and
 * processes ("agents") that act for one user each, on request, and keep what they open.
 */
#ifndef WQ_USERS_H
#define WQ_USERS_H

#include <sys/types.h>

/*
 * A new user namespace in the namespace "in" (-1: that of the caller), made by the user "owner" of that
 * one with RLIMIT_MEMLOCK at so many pages (-1: as it is). Its user 0 is the owner, and 1 to 99 (to 9 in a
 * namespace in another one) are users of "in" from "first" on, and so are its groups. A descriptor that
 * keeps it, or -1. The caller is root.
 */
int wq_user_ns(int in, uid_t owner, uid_t first, long memlock_pages);

struct wq_agent {
	pid_t pid;
	int sock;
};

/* Begins an agent for a user of a namespace (-1: that of the caller); 0 or -1. The caller is root. */
int wq_agent_begin(struct wq_agent *a, int ns, uid_t uid);
void wq_agent_end(struct wq_agent *a);

/*
 * What an agent does. Each gives 0 or more, or -errno. Queues are numbered from 0; one that was closed
 * gives its number to the next. wq_agent_watch() watches one more pipe each time, and the pipes are closed.
 */
int wq_agent_open(struct wq_agent *a);
int wq_agent_close(struct wq_agent *a, int queue);
int wq_agent_size(struct wq_agent *a, int queue, int pages);
int wq_agent_watch(struct wq_agent *a, int queue);
int wq_agent_remove_all(struct wq_agent *a, int queue);

#endif
