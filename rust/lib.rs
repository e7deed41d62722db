// SPDX-License-Identifier: GPL-2.0

//! What this module needs of the kernel and the `kernel` crate does not have.
//!
//! Each file is one abstraction, written so that it could move into the crate as it is: it says
//! what it wraps, keeps its invariants, and tells in which contexts it may be used. `unsafe` and
//! `bindings` belong here; the layers above do without, but for a few named places.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`arc_fifo`] | list of `Arc`s, linked through themselves | the owner's lock |
//! | [`bindings`] | generated: the kernel crate's, fsnotify, our C helpers | |
//! | [`block`] | failed operations of block devices | any |
//! | [`cred`] | rights of the opener and of the caller | process |
//! | [`dcache`] | places in the tree of a file system | any that takes spinlocks |
//! | [`exit_hook`] | a job that runs when a process has exited | process |
//! | [`file_handle`] | what names a file for ever | process |
//! | [`fprobe`] | probes on functions | process; handlers: see there |
//! | [`fsnotify`], [`fsnotify_event`], [`fsnotify_place`] | groups, marks, events, places of the fsnotify backend | see there |
//! | [`fsnotify_section`] | leaving fsnotify's read section to wait | process |
//! | [`global`] | values from module init to module exit | any |
//! | [`handle_table`] | table by 64-bit handle | process, the owner's lock |
//! | [`held_path`] | a path that is kept for a while | process |
//! | [`irq_work`] | something to be done in a moment, without locks | queue: any |
//! | [`key`] | keys and keyrings | process |
//! | [`kernel_mark`] | an fsnotify mark inside the object it leads to | any |
//! | [`kmem_cache`] | slab caches with a name | process; free: any |
//! | [`memlock`] | `RLIMIT_MEMLOCK` by user | process |
//! | [`misc_device`] | misc device with poll and mode | process |
//! | [`mount_ns`] | mount namespaces: own, or of a descriptor | process |
//! | [`nofs`] | allocate without entering file systems | process |
//! | [`optional`] | what only a patched kernel exports | see there |
//! | [`params`] | module parameters that may be changed | any |
//! | [`path`] | path and inode of a descriptor | process |
//! | [`pid`] | process ids as seen in a namespace, processes | any |
//! | [`producer`] | what other modules call | see there |
//! | [`ratelimit`] | messages that programs can provoke | any |
//! | [`raw_spinlock`] | raw spinlock, interrupts off | any but NMI |
//! | [`ring_memory`] | pages shared by the kernel and a program | process |
//! | [`ring_slots`] | the slots in such pages, as the producer writes them | the ring lock |
//! | [`srcu_fast`] | SRCU with cheap readers | read: any |
//! | [`stack`] | lock-free stack for reapers | push: any |
//! | [`text`] | names and paths, put together on the stack | any |
//! | [`tracepoint`] | probes on tracepoints | process; handlers: see there |
//! | [`superblock`] | what happens to superblocks beside fsnotify | any |
//! | [`uaccess`] | structures that grow, from and to user space | process |
//! | [`usb`] | USB devices and buses | process |
//! | [`user_ns`] | user namespaces and who made them | process |
//! | [`wait_queue`] | what poll(2) and others wait on | any but NMI, no raw lock |
//! | [`workqueue`] | own workqueues, embedded jobs | queue: any but NMI |

pub(crate) mod arc_fifo;
pub(crate) mod bindings;
pub(crate) mod block;
pub(crate) mod cred;
pub(crate) mod dcache;
pub(crate) mod exit_hook;
pub(crate) mod file_handle;
pub(crate) mod fprobe;
pub(crate) mod fsnotify;
pub(crate) mod fsnotify_event;
pub(crate) mod fsnotify_objects;
pub(crate) mod fsnotify_place;
pub(crate) mod fsnotify_section;
pub(crate) mod global;
pub(crate) mod handle_table;
pub(crate) mod held_path;
pub(crate) mod irq_work;
pub(crate) mod kernel_mark;
pub(crate) mod key;
pub(crate) mod kmem_cache;
pub(crate) mod memlock;
pub(crate) mod misc_device;
pub(crate) mod mount_ns;
pub(crate) mod nofs;
pub(crate) mod optional;
pub(crate) mod params;
pub(crate) mod path;
pub(crate) mod pid;
pub(crate) mod producer;
pub(crate) mod ratelimit;
pub(crate) mod raw_spinlock;
pub(crate) mod ring_memory;
pub(crate) mod ring_slots;
pub(crate) mod srcu_fast;
pub(crate) mod stack;
pub(crate) mod superblock;
pub(crate) mod text;
pub(crate) mod tracepoint;
pub(crate) mod uaccess;
pub(crate) mod usb;
pub(crate) mod user_ns;
pub(crate) mod wait_queue;
pub(crate) mod workqueue;
