// SPDX-License-Identifier: MIT OR Apache-2.0
// The inline functions compile as C++17, and the library links from there.
#include <watch_queue/wq.h>

int main()
{
	struct wq *queue = nullptr;
	struct wq_opts opts = {};

	opts.sz = sizeof(opts);
	opts.device = "/dev/null";
	if (wq_open(&queue, &opts) != -ENOTTY)
		return 1;
	if (!queue)
		return 0;
	while (const struct watch_notification *record = wq_next(queue)) {
		const struct fs_notification *fs = wq_fs(record);

		if ((fs && wq_fs_name(fs)) || wq_loss(record) || wq_removal(record))
			wq_advance(queue);
	}
	return 1;
}
