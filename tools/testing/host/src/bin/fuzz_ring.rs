// SPDX-License-Identifier: GPL-2.0

//! Fuzz target; see `watch_queue_host_tests::fuzz::ring` and `tools/testing/host/run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watch_queue_host_tests::fuzz::ring(data));
