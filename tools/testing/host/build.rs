// SPDX-License-Identifier: GPL-2.0

//! Compiles `abi/words.c`, which makes records from the C header, for the tests of their layout.

fn main() {
    let header = "../../../include/uapi";
    println!("cargo::rerun-if-changed=abi/words.c");
    println!("cargo::rerun-if-changed={header}/linux/watch_queue_dev.h");
    cc::Build::new()
        .file("abi/words.c")
        .include(header)
        .extra_warnings(true)
        .compile("watch_queue_words");
}
