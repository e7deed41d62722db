// SPDX-License-Identifier: GPL-2.0
/*
 * How often a function of the kernel is called, as its function tracer tells. For what a test can see
 * in no other way and must not guess from the time it takes: that something expensive is not done.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "wq_test.h"

bool wq_trace_begin(const char *function, bool own)
{
	char pid[16] = " ";

	if (own)
		snprintf(pid, sizeof(pid), "%d", getpid());
	return mkdir("trace", 0755) == 0 && mount("trace", "trace", "tracefs", 0, NULL) == 0 &&
	       wq_put("trace/set_ftrace_filter", function) && wq_put("trace/set_ftrace_pid", pid) &&
	       wq_put("trace/current_tracer", "function") && wq_put("trace/tracing_on", "1");
}

void wq_trace_forget(void)
{
	wq_put("trace/trace", "");
}

int wq_trace_count(const char *call)
{
	char line[512];
	int n = 0;
	FILE *f;

	f = fopen("trace/trace", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, call);
	fclose(f);
	return n;
}

void wq_trace_end(void)
{
	wq_put("trace/current_tracer", "nop");
	wq_put("trace/set_ftrace_pid", " ");
	wq_put("trace/set_ftrace_filter", " ");
	umount2("trace", MNT_DETACH);
}
