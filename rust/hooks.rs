// SPDX-License-Identifier: GPL-2.0

//! Hooks for events that no interface tells: tracepoints, probes on functions, symbols found by
//! name.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`fprobe`] | probes on functions | process; handlers: see there |
//! | [`symbol`] | functions that only a patched kernel exports | process |
//! | [`tracepoint`] | probes on tracepoints | process; handlers: see there |

pub(crate) mod fprobe;
pub(crate) mod symbol;
pub(crate) mod tracepoint;
