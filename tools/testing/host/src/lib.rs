// SPDX-License-Identifier: GPL-2.0

//! Tests of the module's ring, queue state and filter on the host.
//!
//! [`module`] includes the kernel module's own files, so what is tested here is what runs there:
//! `ring.rs`, `queue/fill.rs` and `queue/filter.rs` need nothing but `core`; `queue/ring.rs` finds
//! what it needs of `rust/` in [`shim`]. Unit and property tests are in the `*_tests` modules,
//! [`model`] streams as many records as one likes and [`fuzz`] has what the fuzz targets do with
//! their input. `tools/testing/host/run` runs it all.

mod checker;
mod consumer;
pub mod fuzz;
mod memory;
pub mod model;
mod reference;
mod shim;

pub(crate) use module::ring;
pub(crate) use shim::{rust, RELEASES};

/// The module's files, which the kernel's own rustfmt and clippy look after.
#[path = "../../../../src"]
#[allow(dead_code, unused_imports, clippy::all)]
mod module {
    #[rustfmt::skip]
    pub(crate) mod ring;

    pub(crate) mod queue {
        #[rustfmt::skip]
        pub(crate) mod fill;
        #[rustfmt::skip]
        pub(crate) mod filter;
        #[rustfmt::skip]
        pub(crate) mod ring;

        /// Inside, because the state under the ring lock is visible to the queue's files only.
        #[path = "../../tools/testing/host/src/queue.rs"]
        pub(crate) mod host;

        pub(crate) use crate::shim::watch;
    }
}

#[cfg(test)]
mod fill_tests;
#[cfg(test)]
mod filter_tests;
#[cfg(test)]
mod producer_tests;
#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod record_tests;
