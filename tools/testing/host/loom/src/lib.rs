// SPDX-License-Identifier: GPL-2.0

//! What can happen between a producer and a consumer on two CPUs: loom runs every interleaving, and
//! every order of memory operations that the orderings allow.
//!
//! The module's own producer (`src/ring.rs` and its children) writes through [`memory::View`] over
//! loom's atomics; [`records`] looks at what the consumer sees, [`wakeups`] at when it sleeps. Each
//! rule that matters has a negative control: without it, loom must find a failure. Compiled with
//! `RUSTFLAGS="--cfg loom"` only; `tools/testing/host/loom/run` does it.
#![cfg(all(test, loom))]

mod memory;
mod records;
mod wakeups;

pub(crate) use module::ring;

/// The module's files, which the kernel's own rustfmt and clippy look after.
#[path = "../../../../../src"]
#[allow(dead_code, clippy::all)]
mod module {
    #[rustfmt::skip]
    pub(crate) mod ring;
}
