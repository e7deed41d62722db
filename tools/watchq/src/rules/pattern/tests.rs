// SPDX-License-Identifier: GPL-2.0

//! What patterns match, and which are refused.

use super::*;

fn matches(pattern: &str, path: &[u8]) -> bool {
    let set = globset::GlobSetBuilder::new()
        .add(parse(pattern).unwrap())
        .build()
        .unwrap();
    set.is_match_candidate(&globset::Candidate::from_bytes(path))
}

#[test]
fn stars_question_marks_brackets_and_braces() {
    for (pattern, path, fits) in [
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/.b", true),
        ("/a/*", "/a/b/c", false),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/a", false),
        ("/a/**", "/ab", false),
        ("/a/?.c", "/a/x.c", true),
        ("/a/?.c", "/a//.c", false),
        ("/a?b", "/a/b", false),
        ("**", "/", true),
        ("**", "/a/b", true),
        ("/a*b*c", "/a-b-b-c", true),
        ("/a*b*c", "/a-b-b", false),
        ("/a*c", "/a/c", false),
        // Any number of directories, also none.
        ("/a/**/*.c", "/a/b/c/d.c", true),
        ("/a/**/*.c", "/a/d.c", true),
        ("/a/**/d", "/a/d", true),
        ("/a/**/d", "/ad", false),
        ("/a/**/**/d", "/a/d", true),
        ("**/d", "/d", true),
        ("**/d", "/x/y/d", true),
        ("**/d", "/x/yd", false),
        // Short for the same.
        ("/a/**.c", "/a/d.c", true),
        ("/a/**.c", "/a/b/d.c", true),
        ("/a/**.c", "/a/b/.c", true),
        ("/a/**.c", "/a/b/d.cc", false),
        ("**.c", "/a/d.c", true),
        ("/a/[bc]", "/a/b", true),
        ("/a/[!bc]", "/a/b", false),
        ("/a/[!bc]", "/a/d", true),
        ("/a[!b]c", "/a/c", false),
        ("/a[^b]c", "/a/c", false),
        ("/a[!]b]c", "/a/c", false),
        ("/a[!]b]c", "/axc", true),
        ("/a[!-b]c", "/a/c", false),
        ("/a[!-b]c", "/a-c", false),
        ("/a[!b-]c", "/a/c", false),
        ("/a/[]x]", "/a/]", true),
        ("/a/[a-z]9", "/a/q9", true),
        ("/{a,b}/*.{key,pem}", "/b/x.pem", true),
        ("/{a,b}/*.{key,pem}", "/c/x.pem", false),
        ("/a/\\*", "/a/*", true),
        ("/a/\\*", "/a/b", false),
        ("/a/\\**", "/a/*x", true),
        ("/a/\\[x", "/a/[x", true),
        ("/A", "/a", false),
    ] {
        assert_eq!(matches(pattern, path.as_bytes()), fits, "{pattern} {path}");
    }
    assert!(matches("/a/*.key", b"/a/\xff\n.key"));
}

#[test]
fn what_is_not_understood_or_can_never_match_is_refused() {
    for (pattern, why) in [
        ("*.key", "paths are absolute"),
        ("srv/x", "paths are absolute"),
        ("", "paths are absolute"),
        ("{/a,/b}/x", "paths are absolute"),
        ("/a//b", "no path has //"),
        ("/a/./b", "no path has /./"),
        ("/a/../b", "no path has /../"),
        ("/a/..", "no path ends with /.."),
        ("/a/.", "no path ends with /."),
        ("/a/", "no path ends with a slash"),
        ("/a/**/", "no path ends with a slash"),
        ("/a\0b", "NUL"),
        ("/a/***", "no ***"),
        ("/a/b**", "alone between slashes"),
        ("/a/b**c", "alone between slashes"),
        ("/a/{**/b,c}", "alone between slashes"),
        ("/a/[b", "not closed"),
        ("/a/[]", "not closed"),
        ("/a/[z-a]", "range"),
        ("/a[+/]b", "has a slash"),
        ("/a[+-9]b", "has a slash"),
        ("/a/{b,c", "{"),
        ("/a/b}", "}"),
        ("/a\\", "\\"),
    ] {
        let message = parse(pattern).unwrap_err();
        assert!(message.contains(why), "{pattern}: {message}");
    }
    let long = format!("/{}", "x".repeat(256));
    assert!(parse(&long).unwrap_err().contains("no name is so long"));
    parse("/").unwrap();
}

#[test]
fn the_beginning_is_what_all_matches_have() {
    for (pattern, wanted) in [
        ("/a/b", "/a/b"),
        ("/a/*.c", "/a/"),
        ("**/x", ""),
        ("/a\\b", "/a"),
    ] {
        assert_eq!(prefix(pattern), wanted);
    }
}
