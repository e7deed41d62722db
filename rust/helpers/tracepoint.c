// SPDX-License-Identifier: GPL-2.0
/* Tracepoints, for rust/hooks/tracepoint.rs; on a kernel without them, none is found. */

#include <linux/errno.h>
#include <linux/tracepoint.h>

void wqd_kernel_tracepoints(void (*fct)(struct tracepoint *tp, void *priv), void *priv)
{
#ifdef CONFIG_TRACEPOINTS
	for_each_kernel_tracepoint(fct, priv);
#endif
}

int wqd_tracepoint_probe_register(struct tracepoint *tp, void *probe)
{
#ifdef CONFIG_TRACEPOINTS
	return tracepoint_probe_register(tp, probe, NULL);
#else
	return -EOPNOTSUPP;
#endif
}

void wqd_tracepoint_probe_unregister(struct tracepoint *tp, void *probe)
{
#ifdef CONFIG_TRACEPOINTS
	tracepoint_probe_unregister(tp, probe, NULL);
	tracepoint_synchronize_unregister();
#endif
}
