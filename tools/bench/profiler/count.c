// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts how often each instruction of the guest's kernel runs while
 * the guest's program says so: it executes "xchg %bx, %bx", which does nothing else, before
 * and behind what is of interest. Then it writes "ADDRESS COUNT" lines to the file of its
 * argument out=. tools/bench/profile builds and uses it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

struct counter {
	uint64_t address, count;
	struct counter *next;
};

#define BUCKETS	65536
static struct counter *buckets[BUCKETS];
static bool counting;
static char out[4096];

static struct counter *counter_of(uint64_t address)
{
	struct counter **bucket = &buckets[(address ^ address >> 16) % BUCKETS], *c;

	for (c = *bucket; c; c = c->next)
		if (c->address == address)
			return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->address = address;
	c->next = *bucket;
	*bucket = c;
	return c;
}

static void ran(unsigned int cpu, void *counter)
{
	(void)cpu;
	if (counting)
		((struct counter *)counter)->count++;
}

/* Each time, because the machine's end may be a sudden one. */
static void write_counts(void)
{
	FILE *file = fopen(out, "w");

	if (!file)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct counter *c = buckets[i]; c; c = c->next)
			if (c->count)
				fprintf(file, "%" PRIx64 " %" PRIu64 "\n", c->address, c->count);
	fclose(file);
}

static void toggle(unsigned int cpu, void *nothing)
{
	(void)cpu;
	(void)nothing;
	counting = !counting;
	if (!counting)
		write_counts();
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const uint8_t marker[] = { 0x66, 0x87, 0xdb };
	uint8_t code[sizeof(marker)];

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		if (address >> 63)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, ran, 0, counter_of(address));
		else if (qemu_plugin_insn_data(insn, code, sizeof(code)) == sizeof(code) &&
			 memcmp(code, marker, sizeof(code)) == 0)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, toggle, 0, NULL);
	}
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) || strlen(argv[0] + 4) >= sizeof(out)) {
		fprintf(stderr, "count: say out=FILE\n");
		return 1;
	}
	strcpy(out, argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
