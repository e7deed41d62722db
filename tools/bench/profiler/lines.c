// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that says what instructions do not: which cache lines the guest's kernel stores to,
 * and how many of its instructions are locked, while the guest's program says so. It executes
 * "xchg %bx, %bx" before and behind each operation, which it makes in two tasks by turns, and
 * "xchg %cx, %cx" when it has made enough of them. Then this appends a section to the file of its
 * argument out=:
 *
 *	operations N
 *	took COUNT			locked instructions, for each operation
 *	line ADDRESS EVEN ODD		operations of either task that have stored to it
 *	store ADDRESS PC COUNT		by which instruction
 *	locked PC COUNT
 *
 * A line that both tasks store to is one that two CPUs would pull to and fro, unless it belongs to a CPU:
 * what the kernel reaches through %gs does, and all between the first and the last such page of two
 * megabytes, and the entry area. Such lines are left out here, and so are those that only a few
 * operations store to.
 *
 * tools/bench/lines builds and uses it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

/* A table from a key to what is counted for it. */
struct entry {
	uint64_t key, other;	/* a line, a page, a PC; of a pair also the line */
	uint64_t count[2];	/* for even and odd operations */
	uint64_t last;		/* operation that was counted last */
	struct entry *next;
};

#define BUCKETS	65536
static struct entry *lines[BUCKETS], *stores[BUCKETS], *locked[BUCKETS], *pages[BUCKETS];
static bool counting;
static uint64_t operations;
static unsigned int took[4096];	/* locked instructions, by operation */
static char out[4096];

static struct entry *find(struct entry **table, uint64_t key, uint64_t other)
{
	uint64_t hash = key * 31 + other;
	struct entry **bucket = &table[(hash ^ hash >> 16) % BUCKETS], *e;

	for (e = *bucket; e; e = e->next)
		if (e->key == key && e->other == other)
			return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		abort();
	e->key = key;
	e->other = other;
	e->next = *bucket;
	*bucket = e;
	return e;
}

static void stored(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *pc)
{
	struct entry *line;

	(void)cpu;
	(void)info;
	if (!counting || !(address >> 63))
		return;
	line = find(lines, address >> 6, 0);
	if (line->last != operations) {
		line->last = operations;
		line->count[operations % 2]++;
	}
	find(stores, (uint64_t)(uintptr_t)pc, address >> 6)->count[0]++;
}

/* Since the machine was switched on. */
static void through_gs(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *pc)
{
	static uint64_t last;

	(void)cpu;
	(void)info;
	(void)pc;
	if (address >> 12 == last || !(address >> 63))
		return;
	last = address >> 12;
	find(pages, last, 0);
}

static void ran_locked(unsigned int cpu, void *entry)
{
	(void)cpu;
	if (counting) {
		((struct entry *)entry)->count[0]++;
		took[operations % (sizeof(took) / sizeof(took[0]))]++;
	}
}

static void toggle(unsigned int cpu, void *nothing)
{
	(void)cpu;
	(void)nothing;
	counting = !counting;
	if (counting)
		operations++;
}

/* The kernel maps its stacks for the entry from user space here, for each CPU. */
#define ENTRY_AREA	(0xfffffe0000000000 >> 39)

static bool of_cpu(uint64_t line)
{
	uint64_t page = line >> 6, area = page >> 9;
	bool below = false, above = false;

	if (line >> (39 - 6) == ENTRY_AREA)
		return true;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = pages[i]; e; e = e->next) {
			below |= e->key >> 9 == area && e->key <= page;
			above |= e->key >> 9 == area && e->key >= page;
		}
	}
	return below && above;
}

static void forget(struct entry **table)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (table[i]) {
			struct entry *e = table[i];

			table[i] = e->next;
			free(e);
		}
	}
}

/* Lines that at least half of the operations of both tasks have stored to. */
static bool shared(uint64_t key)
{
	struct entry *line = find(lines, key, 0);

	return 4 * line->count[0] >= operations && 4 * line->count[1] >= operations && !of_cpu(key);
}

static void write_lines(FILE *file)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = lines[i]; e; e = e->next)
			if (shared(e->key))
				fprintf(file, "line %" PRIx64 " %" PRIu64 " %" PRIu64 "\n", e->key << 6,
					e->count[0], e->count[1]);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = stores[i]; e; e = e->next)
			if (shared(e->other))
				fprintf(file, "store %" PRIx64 " %" PRIx64 " %" PRIu64 "\n",
					e->other << 6, e->key, e->count[0]);
}

static void write_section(unsigned int cpu, void *nothing)
{
	FILE *file = fopen(out, "a");

	(void)cpu;
	(void)nothing;
	if (!file)
		return;
	fprintf(file, "operations %" PRIu64 "\n", operations);
	for (uint64_t i = 1; i <= operations && i < sizeof(took) / sizeof(took[0]); i++)
		fprintf(file, "took %u\n", took[i]);
	memset(took, 0, sizeof(took));
	write_lines(file);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = locked[i]; e; e = e->next) {
			if (e->count[0])
				fprintf(file, "locked %" PRIx64 " %" PRIu64 "\n", e->key, e->count[0]);
			e->count[0] = 0;
		}
	fclose(file);
	forget(lines);
	forget(stores);
	operations = 0;
}

/* An instruction's prefixes: whether it is locked, which an exchange with memory always is; uses %gs. */
static void look(const uint8_t *code, size_t n, bool *is_locked, bool *gs)
{
	size_t i = 0;

	*is_locked = false;
	*gs = false;
	for (; i < n && strchr("\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65\x66\x67", code[i]) && code[i]; i++) {
		*is_locked |= code[i] == 0xf0;
		*gs |= code[i] == 0x65;
	}
	if (i < n && (code[i] & 0xf0) == 0x40)
		i++;
	if (i + 1 < n && (code[i] & 0xfe) == 0x86 && code[i + 1] >> 6 != 3)
		*is_locked = true;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const uint8_t operation[] = { 0x66, 0x87, 0xdb }, section[] = { 0x66, 0x87, 0xc9 };
	uint8_t code[16];

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		size_t n = qemu_plugin_insn_data(insn, code, sizeof(code));
		void *pc = (void *)(uintptr_t)address;
		bool is_locked, gs;

		if (address >> 63) {
			look(code, n, &is_locked, &gs);
			if (is_locked)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, ran_locked, 0,
								       find(locked, address, 0));
			if (gs)
				qemu_plugin_register_vcpu_mem_cb(insn, through_gs, 0,
								 QEMU_PLUGIN_MEM_R | QEMU_PLUGIN_MEM_W, pc);
			else
				qemu_plugin_register_vcpu_mem_cb(insn, stored, 0, QEMU_PLUGIN_MEM_W, pc);
		} else if (n == sizeof(operation) && memcmp(code, operation, n) == 0) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, toggle, 0, NULL);
		} else if (n == sizeof(section) && memcmp(code, section, n) == 0) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, write_section, 0, NULL);
		}
	}
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) || strlen(argv[0] + 4) >= sizeof(out)) {
		fprintf(stderr, "lines: say out=FILE\n");
		return 1;
	}
	strcpy(out, argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
