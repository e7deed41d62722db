// SPDX-License-Identifier: GPL-2.0
/*
 * What a kernel without Rust has not, for a module that brings the crates of Rust along
 * (WQ_SELF_CONTAINED in Kbuild): the kernel crate's own helpers, and text that Rust has formatted. The
 * crate prints by the format %pA, which only a kernel with Rust knows; its calls of _printk() and
 * seq_printf() are led here by the linker (--wrap).
 */
#include "../rust/helpers/helpers.c"

#include <linux/printk.h>
#include <linux/seq_file.h>

/* The kernel crate's: formats `args` and gives its end, which may be behind `end`. */
char *rust_fmt_argument(char *buf, char *end, const void *args);

int __real__printk(const char *fmt, ...);
int __wrap__printk(const char *fmt, ...);
void __wrap_seq_printf(struct seq_file *m, const char *fmt, ...);

/* "LEVEL%s: %pA" or "LEVEL%pA" of the crate, or any format without %pA. */
int __wrap__printk(const char *fmt, ...)
{
	const char *name = NULL;
	char text[256], *end;
	va_list args;
	int ret;

	va_start(args, fmt);
	if (!strstr(fmt, "%pA")) {
		ret = vprintk(fmt, args);
	} else {
		if (strstr(fmt, "%s: "))
			name = va_arg(args, const char *);
		end = rust_fmt_argument(text, text + sizeof(text), va_arg(args, const void *));
		end = min(end, text + sizeof(text));
		ret = __real__printk("%.2s%s%s%.*s", fmt, name ?: "", name ? ": " : "",
				     (int)(end - text), text);
	}
	va_end(args);
	return ret;
}

/* "%pA" of the crate, or any format without it. What does not fit makes the file's buffer grow. */
void __wrap_seq_printf(struct seq_file *m, const char *fmt, ...)
{
	va_list args;
	char *end;

	va_start(args, fmt);
	if (strcmp(fmt, "%pA")) {
		seq_vprintf(m, fmt, args);
	} else if (m->count < m->size) {
		end = rust_fmt_argument(m->buf + m->count, m->buf + m->size, va_arg(args, const void *));
		m->count = min_t(size_t, end - m->buf, m->size);
	}
	va_end(args);
}
