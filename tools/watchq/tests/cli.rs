// SPDX-License-Identifier: GPL-2.0

//! The program as scripts see it: exit statuses, messages, and what needs no kernel module.
#![allow(missing_docs)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn watchq(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchq"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Asserts status 1, nothing on stdout, and all of `parts` on stderr.
fn fails(args: &[&str], parts: &[&str]) {
    let output = watchq(args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{args:?}");
    for part in parts {
        assert!(
            stderr.contains(part),
            "{args:?}: {part} is not in: {stderr}"
        );
    }
}

#[test]
fn wrong_usage_is_status_1_not_that_of_a_timeout() {
    fails(&[], &["Usage: watchq"]);
    fails(&["monitor"], &["<PATH>"]);
    fails(&["monitor", "-r", "--scope", "sb", "/tmp"], &["--scope"]);
    fails(&["monitor", "--scope", "all", "/tmp"], &["subtree"]);
    fails(&["monitr", "/tmp"], &["monitr", "monitor"]);
    fails(&["monitor", "--jsn", "/tmp"], &["--jsn", "--json"]);
    fails(
        &["monitor", "--json", "--format", "%f", "/tmp"],
        &["--json", "--format"],
    );
}

#[test]
fn a_rule_file_that_is_wrong_is_named_with_its_line() {
    let rules = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong.rules");
    let path = rules.to_str().expect("UTF-8");
    std::fs::write(&rules, "# fine\nallow open /a\ndeny opn /b\n").expect("it can be written");
    fails(
        &["guard", "--rules", path, "/tmp"],
        &["wrong.rules:3: 'opn' is none of open", "  -> "],
    );
    std::fs::write(&rules, "# nothing\n").expect("it can be written");
    fails(&["guard", "--rules", path, "/tmp"], &["has no rule"]);
    fails(
        &["guard", "--rules", "/no/such", "/tmp"],
        &["/no/such: cannot be read"],
    );
    fails(&["guard", "/tmp"], &["--rules"]);
}

#[test]
fn wrong_values_are_named() {
    fails(
        &["monitor", "-e", "create,foo", "/tmp"],
        &["'foo'", "close_write"],
    );
    fails(&["monitor", "-t", "soon", "/tmp"], &["not a number"]);
    fails(&["monitor", "--key", "@x"], &["@x", "serial number"]);
    // The value of an option that may be without one needs the sign.
    fails(&["monitor", "--mount", "--jsn"], &["--jsn"]);
    fails(
        &["monitor", "--timeout=-1", "/tmp"],
        &["-1", "not a possible"],
    );
    fails(&["monitor", "--format", "%q", "/tmp"], &["%q", "%w"]);
    fails(&["monitor", "--format", "%T", "/tmp"], &["--timefmt"]);
    fails(&["monitor", "--timefmt", "%!", "/tmp"], &["--timefmt"]);
}

#[test]
fn help_and_version_are_no_errors() {
    for args in [&["--help"][..], &["--version"], &["monitor", "--help"]] {
        let output = watchq(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(text(&output.stdout).contains("watchq"), "{args:?}");
    }
    let help = text(&watchq(&["monitor", "--help"]).stdout);
    for part in [
        "Exit status",
        "Watches established",
        "name_bytes",
        "--once",
        "delete_self",
    ] {
        assert!(help.contains(part), "{part}");
    }
}

#[test]
fn a_missing_module_is_explained() {
    if Path::new("/dev/watch_queue").exists() {
        return; // the kernel's tests run the rest
    }
    for args in [&["info"][..], &["monitor", "/tmp"]] {
        fails(args, &["/dev/watch_queue is missing", "-> load it"]);
    }
}

#[test]
fn the_manual_page_has_every_option() {
    let page = text(&watchq(&["generate", "man"]).stdout);
    assert!(page.starts_with(".ie") || page.starts_with(".TH"), "{page}");
    let plain = page.replace('\\', "");
    for part in [
        ".TH watchq 1",
        "--event",
        "--timeout",
        "--timefmt",
        "WATCHQ INFO",
        "Exit status",
    ] {
        assert!(plain.contains(part), "{part} is not in: {page}");
    }
    assert!(
        plain.contains("fBwatchq monitorfR ["),
        "the synopsis names the command: {page}"
    );
    assert!(!plain.contains("generate"), "hidden commands stay hidden");
}

#[test]
fn completions_know_the_options() {
    for shell in ["bash", "fish", "zsh"] {
        assert!(
            text(&watchq(&["generate", shell]).stdout).contains("timefmt"),
            "{shell}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let output = Command::new(env!("CARGO_BIN_EXE_watchq"))
        .args(["generate", "man"])
        .stdout(write)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}
