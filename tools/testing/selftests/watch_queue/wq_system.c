// SPDX-License-Identifier: GPL-2.0
/*
 * What tests see of the system around the device and do to it: small files such as those of
 * /proc and /sys, the parameters of the module and what it uses of the kernel, namespaces.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "wq_test.h"

#define PARAMETERS "/sys/module/watch_queue_dev/parameters/"

long wq_get(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	long n;

	text[0] = 0;
	if (fd < 0)
		return -1;
	n = read(fd, text, len - 1);
	error = errno;
	if (n >= 0)
		text[n] = 0;
	close(fd);
	errno = error;
	return n;
}

bool wq_put(const char *path, const char *text)
{
	ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), error;
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, len) == len;
	error = errno;
	close(fd);
	errno = error;
	return good;
}

const char *wq_fdinfo(int fd)
{
	static __thread char text[8192];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	wq_get(path, text, sizeof(text));
	return text;
}

long wq_slab_objects(const char *cache)
{
	char line[512], name[64];
	long n, found = -1;
	FILE *f;

	snprintf(line, sizeof(line), "/sys/kernel/slab/%s/shrink", cache);
	f = wq_put(line, "1") ? fopen("/proc/slabinfo", "re") : NULL;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &n) == 2 && !strcmp(name, cache))
			found = n;
	if (f)
		fclose(f);
	return found;
}

bool wq_get_parameter(const char *name, char value[WQ_VALUE])
{
	char path[128];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	return wq_get(path, value, WQ_VALUE) > 0;
}

bool wq_set_parameter(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	return wq_put(path, value);
}

long wq_keyctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

int wq_add_key(const char *type, const char *name, int ring)
{
	bool payload = strcmp(type, "keyring");

	return syscall(SYS_add_key, type, name, payload ? "x" : NULL, payload ? 1 : 0, ring);
}

static bool parameter_is_set(const char *name)
{
	char value[WQ_VALUE];

	return wq_get_parameter(name, value) && value[0] == 'Y';
}

/* Whether the kernel has a symbol, by what it says of itself. */
static bool kernel_has(const char *symbol)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	bool there = false;
	char line[512], *name;

	while (f && !there && fgets(line, sizeof(line), f)) {
		name = strrchr(line, ' ');
		there = name && !strncmp(name + 1, symbol, strlen(symbol)) &&
			name[1 + strlen(symbol)] == '\n';
	}
	if (f)
		fclose(f);
	return there;
}

bool wq_patches_in_use(void)
{
	static int known;

	if (!known)
		known = parameter_is_set("use_patches") &&
			kernel_has("__tracepoint_mnt_setattr") ? 1 : 2;
	return known == 1;
}

bool wq_probes_in_use(void)
{
	return parameter_is_set("probes") &&
	       kernel_has("register_fprobe_syms");
}

int wq_own_mounts(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ? -1 : 0;
}

int wq_become_root_inside(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %d 1", getuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -1;
	/* Else the maps are not ours to write. */
	prctl(PR_SET_DUMPABLE, 1);
	return wq_put("/proc/self/uid_map", map) ? 0 : -1;
}
