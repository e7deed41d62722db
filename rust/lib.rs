// SPDX-License-Identifier: GPL-2.0

//! What this module needs of the kernel and the `kernel` crate does not have.
//!
//! Each file is one abstraction, written so that it could move into the crate as it is: it says
//! what it wraps, keeps its invariants, and tells in which contexts it may be used. `unsafe` and
//! `bindings` belong here; the layers above do without, but for a few named places.
//!
//! | folder or file | what |
//! |---|---|
//! | [`bindings`] | generated: the kernel crate's, fsnotify, our C helpers |
//! | [`compat`] | what differs between the series of kernels that the module is built for |
//! | [`device`] | devices and other things that are watched: the misc device itself, block and USB devices, keys |
//! | [`fs`] | the VFS: paths, the tree of names, mounts, superblocks |
//! | [`fsnotify`] | a backend of fsnotify in a module: groups, marks, events, and waiting for user space in one |
//! | [`hooks`] | hooks for events that no interface tells: tracepoints, probes on functions, symbols found by name |
//! | [`mm`] | memory: slab caches, the pages of a ring, what they are charged to, copies from and to user space |
//! | [`params`] | module parameters that may be changed |
//! | [`prelude`] | what nearly every file uses |
//! | [`producer`] | what other modules call |
//! | [`ratelimit`] | messages that programs can provoke |
//! | [`sync`] | locks, RCU, waiting, work, and what is shared without a lock |
//! | [`task`] | tasks: rights, process ids, the exit of a process |

pub(crate) mod bindings;
pub(crate) mod compat;
pub(crate) mod device;
pub(crate) mod fs;
pub(crate) mod fsnotify;
pub(crate) mod hooks;
pub(crate) mod mm;
pub(crate) mod params;
pub(crate) mod prelude;
pub(crate) mod producer;
pub(crate) mod ratelimit;
pub(crate) mod sync;
pub(crate) mod task;
