// SPDX-License-Identifier: GPL-2.0
/* The state that limits messages, for rust/ratelimit.rs. */

#include <linux/ratelimit.h>

/* Ten lines in five seconds, for all messages of the module together. */
static DEFINE_RATELIMIT_STATE(wqd_ratelimit_state, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

bool wqd_ratelimit(void)
{
	return ___ratelimit(&wqd_ratelimit_state, "watch_queue_dev");
}
