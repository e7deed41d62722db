/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few declarations of QEMU's plugin interface (version 4: QEMU 9.1 and later) that the plugins here
 * need, because distributions seldom ship its header.
 */
#ifndef WQ_BENCH_QEMU_H
#define WQ_BENCH_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned int, void *),
					    int flags, void *userdata);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));

typedef uint32_t qemu_plugin_meminfo_t;
#define QEMU_PLUGIN_MEM_R	1
#define QEMU_PLUGIN_MEM_W	2

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int, qemu_plugin_meminfo_t, uint64_t, void *),
				      int flags, int rw, void *userdata);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);

#endif
