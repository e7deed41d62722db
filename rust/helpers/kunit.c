// SPDX-License-Identifier: GPL-2.0
/* Contexts that only C can make, for the KUnit suites of rust/. */

#include <linux/irqflags.h>
#include <linux/preempt.h>

/* For the KUnit tests of rust/. */
#if IS_ENABLED(CONFIG_KUNIT)
bool wqd_irqs_disabled(void)
{
	return irqs_disabled();
}

bool wqd_in_hardirq(void)
{
	return in_hardirq();
}
#endif
