// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of rows_ops.h: system calls and nothing else, so that what is told is
 * told of them. Used by rows_test.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/fs.h>
#include <dirent.h>
#include <unistd.h>

#include "rows_ops.h"

#define F ROWS_D "f"
#define G ROWS_D "g"
#define H ROWS_D "h"
#define SIZE 4096

static int fd = -1, other = -1;
static char bytes[SIZE];
static union {
	struct file_handle h;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
} handle;

void rows_close(void)
{
	close(fd);
	close(other);
	fd = -1;
	other = -1;
}

bool rows_lay(void)
{
	static const char *const names[] = { F, G, H, ROWS_D "l", ROWS_D "sub" };
	bool good;

	rows_close();
	for (int i = 0; i < 5; i++)
		if (unlink(names[i]))
			rmdir(names[i]);
	rmdir("fs/d");
	if (mkdir("fs/d", 0755) || mkdir(ROWS_D "sub", 0755))
		return false;
	fd = open(F, O_WRONLY | O_CREAT, 0644);
	other = open(G, O_WRONLY | O_CREAT, 0644);
	good = write(fd, bytes, SIZE) == SIZE && other >= 0 && !symlink("f", ROWS_D "l");
	rows_close();
	return good;
}

static int opened(const char *path, int flags)
{
	fd = open(path, flags, 0644);
	return fd < 0 ? -1 : 0;
}

/* A call that must fail in one way. */
static int fails(long result, int error)
{
	return result == -1 && errno == error ? 0 : -1;
}

/* A call that must give exactly so much. */
static int gives(long result, long wanted)
{
	return result == wanted ? 0 : -1;
}

int rows_nothing(void) { return 0; }
int rows_open_read(void) { return opened(F, O_RDONLY); }
int rows_open_write(void) { return opened(F, O_WRONLY); }
int rows_open_both(void)
{
	other = open(G, O_RDWR);
	return other < 0 ? -1 : opened(F, O_RDWR);
}

int rows_open_end(void) { return rows_open_both() || lseek(fd, 0, SEEK_END) < 0 ? -1 : 0; }
int rows_open_tmpfile(void) { return opened("fs/d", O_RDWR | O_TMPFILE); }
int rows_close_it(void)
{
	int result = close(fd);

	fd = -1;
	return result;
}

int rows_make(void) { return opened(H, O_WRONLY | O_CREAT | O_EXCL); }
int rows_make_truncate(void) { return opened(H, O_WRONLY | O_CREAT | O_TRUNC); }
int rows_make_existing(void) { return fails(open(F, O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST); }
int rows_open_truncate(void) { return opened(G, O_WRONLY | O_TRUNC); }
int rows_open_missing(void) { return fails(open(H, O_RDONLY), ENOENT); }
int rows_open_path(void) { return opened(F, O_PATH) || rows_close_it(); }

int rows_take_handle(void)
{
	int id;

	handle.h.handle_bytes = MAX_HANDLE_SZ;
	other = open("fs", O_RDONLY | O_DIRECTORY);
	return other < 0 ? -1 : name_to_handle_at(AT_FDCWD, F, &handle.h, &id, 0);
}

int rows_open_handle(void)
{
	fd = open_by_handle_at(other, &handle.h, O_RDONLY);
	return fd < 0 ? -1 : 0;
}

int rows_link_tmpfile(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, H, AT_SYMLINK_FOLLOW);
}

int rows_open_linked_tmpfile(void) { return rows_open_tmpfile() || rows_link_tmpfile(); }

int rows_write_some(void) { return gives(write(fd, "x", 1), 1); }
int rows_write_nothing(void) { return gives(write(fd, "x", 0), 0); }
int rows_read_some(void) { return gives(read(fd, bytes, 1), 1); }
int rows_read_nothing(void) { return gives(read(fd, bytes, 0), 0); }
int rows_read_end(void) { return gives(pread(fd, bytes, 1, SIZE), 0); }
int rows_readv_end(void)
{
	struct iovec v = { bytes, 1 };

	return gives(preadv(fd, &v, 1, SIZE), 0);
}

int rows_truncate_path(void) { return truncate(F, 10); }
int rows_truncate_same(void) { return truncate(F, SIZE); }
int rows_truncate_fd(void) { return ftruncate(fd, 10); }
int rows_fallocate_plain(void) { return fallocate(fd, 0, 0, 2 * SIZE); }
int rows_fallocate_keep(void) { return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * SIZE); }
int rows_fallocate_punch(void)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE);
}

int rows_fallocate_zero(void) { return fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, SIZE); }
int rows_fallocate_collapse(void)
{
	return ftruncate(fd, 4 * SIZE) || fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, SIZE) ? -1 : 0;
}

int rows_copy(void) { return gives(copy_file_range(fd, NULL, other, NULL, 10, 0), 10); }
int rows_copy_end(void) { return gives(copy_file_range(fd, NULL, other, NULL, 10, 0), 0); }
int rows_sendfile_(void) { return gives(sendfile(other, fd, NULL, 10), 10); }
int rows_splice_(void)
{
	int ends[2], result;

	if (pipe(ends))
		return -1;
	result = splice(fd, NULL, ends[1], NULL, 10, 0) == 10 &&
		 splice(ends[0], NULL, other, NULL, 10, 0) == 10 ? 0 : -1;
	close(ends[0]);
	close(ends[1]);
	return result;
}

int rows_map_store(void)
{
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -1;
	map[0] = 'x';
	return msync(map, SIZE, MS_SYNC) || munmap(map, SIZE) ? -1 : 0;
}

int rows_map_read(void)
{
	volatile char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -1;
	bytes[0] = map[0];
	return munmap((void *)map, SIZE);
}

int rows_sync_fd(void) { return fsync(fd) || fdatasync(fd) || syncfs(fd) ? -1 : 0; }
int rows_lock_fd(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return flock(fd, LOCK_EX) || fcntl(fd, F_SETLK, &lock) ? -1 : 0;
}

static int times(long access, long modify)
{
	struct timespec t[2] = { { 1, access }, { 1, modify } };

	return utimensat(AT_FDCWD, F, t, 0);
}

int rows_times_now(void) { return times(UTIME_NOW, UTIME_NOW); }
int rows_times_access(void) { return times(0, UTIME_OMIT); }
int rows_times_modify(void) { return times(UTIME_OMIT, 0); }
int rows_times_omit(void) { return times(UTIME_OMIT, UTIME_OMIT); }
int rows_chmod_path(void) { return chmod(F, 0600); }
int rows_chown_same(void) { return chown(F, -1, -1); }
int rows_xattr_set(void) { return setxattr(F, "trusted.x", "y", 1, 0); }
int rows_xattr_have(void) { return rows_xattr_set(); }
int rows_xattr_get(void)
{
	return getxattr(F, "trusted.x", bytes, 1) == 1 && listxattr(F, bytes, SIZE) > 0 ? 0 : -1;
}

int rows_xattr_remove(void) { return removexattr(F, "trusted.x"); }
int rows_flags_same(void)
{
	int flags;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) || ioctl(fd, FS_IOC_SETFLAGS, &flags) ? -1 : 0;
}

int rows_look(void)
{
	struct stat st;

	return stat(F, &st) || access(F, R_OK) || readlink(ROWS_D "l", bytes, SIZE) != 1 ? -1 : 0;
}

/* A script whose interpreter reads nothing. */
int rows_run_make(void)
{
	static const char text[] = "#!/bin/true\n";

	if (opened(F, O_WRONLY | O_TRUNC) || write(fd, text, sizeof(text) - 1) < 0 || fchmod(fd, 0755))
		return -1;
	return rows_close_it();
}

int rows_run(void)
{
	int status = -1;
	pid_t pid = vfork();

	if (!pid) {
		execl(F, F, NULL);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && !status ? 0 : -1;
}

int rows_link_(void) { return link(F, H); }
int rows_unlink_name(void) { return unlink(H); }
int rows_unlink_last(void) { return unlink(F); }
int rows_close_unlinked(void)
{
	return !unlink(F) && write(fd, "x", 1) == 1 && !rows_close_it() ? 0 : -1;
}

static int renamed(const char *from, const char *to, int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

int rows_rename_(void) { return renamed(F, H, 0); }
int rows_rename_over(void) { return renamed(F, G, 0); }
int rows_rename_twin(void) { return renamed(F, H, 0); }
int rows_exchange(void) { return renamed(F, G, RENAME_EXCHANGE); }
int rows_whiteout(void) { return renamed(F, H, RENAME_WHITEOUT); }

int rows_symlink_(void) { return symlink("f", H); }
int rows_fifo(void) { return mkfifo(H, 0644); }
int rows_mkdir_(void) { return mkdir(H, 0755); }
int rows_rmdir_(void) { return rmdir(ROWS_D "sub"); }
int rows_list(void)
{
	DIR *dir = opendir("fs/d");

	if (!dir)
		return -1;
	while (readdir(dir))
		;
	return closedir(dir);
}

int rows_enter(void)
{
	int here = open(".", O_RDONLY | O_DIRECTORY), result;

	result = chdir("fs/d/sub") || fchdir(here) ? -1 : 0;
	close(here);
	return result;
}

int rows_dup_close(void) { return close(dup(fd)); }
