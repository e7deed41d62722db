// SPDX-License-Identifier: GPL-2.0

//! Locks, RCU, waiting, work, and what is shared without a lock.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`arc_fifo`] | list of `Arc`s, linked through themselves | the owner's lock |
//! | [`bit_lock`] | a sleeping lock and a flag in one word | process; the flag: any |
//! | [`global`] | values from module init to module exit | any |
//! | [`handle_table`] | table by 64-bit handle | process, the owner's lock |
//! | [`irq_work`] | something to be done in a moment, without locks | queue: any |
//! | [`pointer_map`] | numbers to pointers | look-up: any but NMI; changes: process |
//! | [`raw_spinlock`] | raw spinlock, interrupts off | any but NMI |
//! | [`srcu_fast`] | SRCU with cheap readers | read: any |
//! | [`stack`] | lock-free stack for reapers | push: any |
//! | [`stack_tree`] | numbered values on the stacks of tasks that wait | process |
//! | [`wait_queue`] | what poll(2) and others wait on | any but NMI, no raw lock |
//! | [`workqueue`] | own workqueues, embedded jobs | queue: any but NMI |

pub(crate) mod arc_fifo;
pub(crate) mod bit_lock;
pub(crate) mod global;
pub(crate) mod handle_table;
pub(crate) mod irq_work;
pub(crate) mod pointer_map;
pub(crate) mod raw_spinlock;
pub(crate) mod srcu_fast;
pub(crate) mod stack;
pub(crate) mod stack_tree;
pub(crate) mod wait_queue;
pub(crate) mod workqueue;
