// SPDX-License-Identifier: GPL-2.0
/* Probes on functions, for rust/hooks/fprobe.rs; without CONFIG_FPROBE none can be attached. */

#include <linux/errno.h>
#include <linux/fprobe.h>

int wqd_register_fprobe_syms(struct fprobe *fp, const char **syms, int num)
{
	return register_fprobe_syms(fp, syms, num);
}

void wqd_unregister_fprobe(struct fprobe *fp)
{
	unregister_fprobe(fp);
}

unsigned long wqd_ftrace_regs_get_argument(struct ftrace_regs *fregs, unsigned int n)
{
#ifdef CONFIG_FPROBE
	return ftrace_regs_get_argument(fregs, n);
#else
	return 0;
#endif
}

unsigned long wqd_ftrace_regs_get_return_value(struct ftrace_regs *fregs)
{
#ifdef CONFIG_FPROBE
	return ftrace_regs_get_return_value(fregs);
#else
	return 0;
#endif
}

bool wqd_have_fprobe(void)
{
	return IS_ENABLED(CONFIG_FPROBE);
}
