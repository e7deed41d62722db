// SPDX-License-Identifier: GPL-2.0
/* The states that limit messages, for rust/ratelimit.rs. */

#include <linux/ratelimit.h>

/* Ten lines in five seconds, for all messages together that any user can provoke. */
static DEFINE_RATELIMIT_STATE(wqd_ratelimit_state, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);
/* As many for those about listeners: a user must not be able to hide them behind the others. */
static DEFINE_RATELIMIT_STATE(wqd_ratelimit_listeners, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

bool wqd_ratelimit(void)
{
	return ___ratelimit(&wqd_ratelimit_state, "watch_queue_dev");
}

bool wqd_ratelimit_listener(void)
{
	return ___ratelimit(&wqd_ratelimit_listeners, "watch_queue_dev");
}
