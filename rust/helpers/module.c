// SPDX-License-Identifier: GPL-2.0
/* Whether a module is on its way out. */

#include <linux/module.h>

bool wqd_module_is_live(struct module *mod)
{
	return !mod || module_is_live(mod);
}
