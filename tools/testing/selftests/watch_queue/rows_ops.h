/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations that rows_test runs, one for each row of rows.def. All work on files of the
 * folder "fs/d", which rows_lay() fills: f with 4096 bytes, g empty, l a symlink to f, sub a
 * folder. What an operation needs besides (an open file) the one before it in its row prepares.
 */
#ifndef ROWS_OPS_H
#define ROWS_OPS_H

#include <stdbool.h>

#define ROWS_D "fs/d/"

typedef int (*rows_op)(void);	/* 0, or -1 with errno */

bool rows_lay(void);		/* empties and fills fs/d */
void rows_close(void);		/* what the operations have left open */

int rows_nothing(void);
int rows_open_read(void);
int rows_open_write(void);
int rows_open_both(void);
int rows_open_end(void);
int rows_open_tmpfile(void);
int rows_close_it(void);
int rows_make(void);
int rows_make_truncate(void);
int rows_make_existing(void);
int rows_open_truncate(void);
int rows_open_missing(void);
int rows_open_path(void);
int rows_open_handle(void);
int rows_take_handle(void);
int rows_link_tmpfile(void);
int rows_open_linked_tmpfile(void);
int rows_write_some(void);
int rows_write_nothing(void);
int rows_read_some(void);
int rows_read_nothing(void);
int rows_read_end(void);
int rows_readv_end(void);
int rows_truncate_path(void);
int rows_truncate_same(void);
int rows_truncate_fd(void);
int rows_fallocate_plain(void);
int rows_fallocate_keep(void);
int rows_fallocate_punch(void);
int rows_fallocate_zero(void);
int rows_fallocate_collapse(void);
int rows_copy(void);
int rows_copy_end(void);
int rows_sendfile_(void);
int rows_splice_(void);
int rows_map_store(void);
int rows_map_read(void);
int rows_sync_fd(void);
int rows_lock_fd(void);
int rows_times_now(void);
int rows_times_access(void);
int rows_times_modify(void);
int rows_times_omit(void);
int rows_chmod_path(void);
int rows_chown_same(void);
int rows_xattr_set(void);
int rows_xattr_get(void);
int rows_xattr_remove(void);
int rows_xattr_have(void);
int rows_flags_same(void);
int rows_look(void);
int rows_run(void);
int rows_run_make(void);
int rows_link_(void);
int rows_unlink_name(void);
int rows_unlink_last(void);
int rows_close_unlinked(void);
int rows_rename_(void);
int rows_rename_over(void);
int rows_rename_twin(void);
int rows_exchange(void);
int rows_whiteout(void);
int rows_symlink_(void);
int rows_fifo(void);
int rows_mkdir_(void);
int rows_rmdir_(void);
int rows_list(void);
int rows_enter(void);
int rows_dup_close(void);

#endif
