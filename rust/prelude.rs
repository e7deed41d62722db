// SPDX-License-Identifier: GPL-2.0

//! What nearly every file of the module uses: `use crate::rust::prelude::*`.
//!
//! The kernel crate's prelude, what is shared without a lock, and the error codes that a series of kernels
//! may lack.

pub(crate) use super::compat::{
    EBADSLT,
    EDQUOT,
    ENOBUFS,
    ENOKEY,
    EOPNOTSUPP,
    ESHUTDOWN, //
};
pub(crate) use core::ptr::NonNull;
pub(crate) use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
        Arc, //
    }, //
};
