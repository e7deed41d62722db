# SPDX-License-Identifier: GPL-2.0
#
# What people type. `make` alone lists the targets. (The kernel's build reads Kbuild, not
# this file.)

# make KDIR=/path/to/built/kernel builds the module for that kernel.
ifneq ($(KDIR),)
export KDIR
.DEFAULT_GOAL := module
else
.DEFAULT_GOAL := help
endif
ifneq ($(LINUX_SRC),)
export LINUX_SRC
endif

CACHE := $(or $(WQ_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/watch_queue)

# Each line of help stands behind its target.
help: ## this list
	@echo "watch_queue: kernel events in one mmap()'ed ring"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make KDIR=DIR     build the module for a built kernel of your own (WQ_SELF_CONTAINED=1: one without Rust)"
	@echo "  PATCHES=0         the pinned kernel without the patches; see Documentation/kernel.rst"
	@echo "  LINUX_SRC=DIR     take the kernel's source from there; see tools/kernel/source"
	@echo
	@echo "What is downloaded and built for all checkouts is in $(CACHE)."

setup: ## toolchain, VM and both kernels: 30 minutes once, some 1.5 GB of packages
	tools/kernel/toolchain
	tools/vm/qemu >/dev/null
	tools/kernel/build release
	tools/kernel/build debug

module: ## build the module for the release kernel
	tools/kernel/module release

user: ## build watchq and libwq: what make install installs
	@tools/packages/install --build

install: export DESTDIR := $(DESTDIR)
install: export PREFIX := $(PREFIX)
install: export LIBDIR := $(LIBDIR)
install: ## install watchq, libwq and what belongs to them: make user && sudo make install PREFIX=/usr/local
	@tools/packages/install

deb: ## Debian packages of the module for DKMS, the library and watchq, in build/deb
	@tools/packages/deb

demo: ## boot a VM and watch files there: events as they come (KERNEL=patched: all of them)
	@tools/demo/run

demo-guard: ## decide who may open files, beside fanotify, with a listener that hangs
	@tools/demo/run --guard

shell: ## a shell in such a VM, with the module loaded and watchq in PATH
	@tools/demo/run --shell

test: ## host, kselftests on both kernels and some on the distribution's, KUnit, other modules
	@tools/testing/run

test-all: ## the same and all that takes longer: stress, faults, fuzzing, all kselftests on stock
	@tools/testing/run all

stress: ## stress in the VM: make stress SECONDS=1200 SEED=n
	@tools/testing/stress/run "$(or $(SECONDS),60)" "$(or $(SEED),1)" debug

fuzz: ## fuzz the device in the VM: make fuzz SECONDS=600 SEED=n
	@tools/testing/fuzz/run "$(or $(SECONDS),60)" "$(or $(SEED),1)" debug

flood: ## millions of records through the smallest and the largest ring: make flood RECORDS=10000000
	@tools/testing/flood/run "$(or $(RECORDS),1000000)"

fault: ## fail every allocation and copy of every call in turn
	@tools/testing/fault/run

bench: ## what an event costs, beside inotify, fanotify and others; 10 minutes
	@tools/bench/run

bench-check: ## whether our costs have grown since tools/bench/baseline.json
	@tools/bench/run --check

model: ## the ring against its model on the host: make model RECORDS=1000000000
	@bash -c '. tools/kernel/lib.sh; wq_toolchain; cd tools; export RUSTC; "$$CARGO" run -q --release --locked \
		-p watch-queue-host-tests --bin model -- RECORDS=$(or $(RECORDS),10000000)'

check: ## formatting, lints, style, documents
	@tools/check

traps: ## which known defects have a test, and which
	@tools/traps

in-tree: ## put the module into a kernel tree: make in-tree LINUX=DIR
	@tools/kernel/in-tree "$(LINUX)"

clean: ## remove build/ and what was built in the checkout
	rm -rf build target tools/target

distclean: clean ## also remove the downloads and kernels; they take 30 minutes to come back
	@[ ! -d "$(CACHE)" ] || { echo "removing $(CACHE):"; du -sh "$(CACHE)"/* | sed 's/^/  /'; }
	rm -rf "$(CACHE)"

# Nothing here names a file that make would build.
.PHONY: help setup module user install deb demo demo-guard shell test test-all check stress fuzz flood fault bench bench-check model traps in-tree clean distclean
