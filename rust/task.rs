// SPDX-License-Identifier: GPL-2.0

//! Tasks: rights, process ids, the exit of a process.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`cred`] | rights of the opener and of the caller | process |
//! | [`exit_hook`] | a job that runs when a process has exited | process |
//! | [`pid`] | process ids as seen in a namespace, processes | any |
//! | [`user_ns`] | user namespaces and their owners | any |

pub(crate) mod cred;
pub(crate) mod exit_hook;
pub(crate) mod pid;
pub(crate) mod user_ns;
