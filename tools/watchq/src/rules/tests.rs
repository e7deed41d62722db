// SPDX-License-Identifier: GPL-2.0

//! What rules decide, and what is said of those that are wrong.

use super::*;

fn wrong(text: &str) -> (usize, String) {
    Rules::parse(text).unwrap_err()
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = Rules::parse(
        "# keys are nobody's business\n\
         allow open /srv/public/**   # but these\n\n\
         deny  open,exec **/*.key EACCES\n\
         deny  exec /srv/*/tool\n\
         deny  read \"/srv/with space\" EIO\n",
    )
    .unwrap();
    let open = |path: &str| rules.decide(Questions::OPEN, Some(path.as_bytes()));
    assert_eq!(open("/srv/public/a/b.key"), Answer::Allow);
    assert_eq!(open("/srv/b.key"), Answer::Deny(13));
    assert_eq!(open("/srv/b.keys"), Answer::Allow);
    assert_eq!(
        rules.decide(Questions::OPEN_EXEC, Some(b"/srv/x/tool")),
        Answer::Deny(0)
    );
    assert_eq!(
        rules.decide(Questions::OPEN_EXEC, Some(b"/srv/x/y/tool")),
        Answer::Allow
    );
    assert_eq!(
        rules.decide(Questions::ACCESS, Some(b"/srv/with space")),
        Answer::Deny(5)
    );
    assert_eq!(open("/srv/with space"), Answer::Allow);
    assert_eq!(
        rules.questions(),
        Questions::OPEN | Questions::OPEN_EXEC | Questions::ACCESS
    );
}

#[test]
fn a_path_that_is_not_known_is_denied() {
    let rules = Rules::parse("allow any **").unwrap();
    assert_eq!(rules.decide(Questions::OPEN, None), Answer::Deny(0));
    assert_eq!(rules.decide(Questions::OPEN, Some(b"/a")), Answer::Allow);
}

/// The choice of a path must not be able to keep the answer waiting.
#[test]
fn many_stars_take_no_time() {
    let rule = format!("deny open /{}b\n", "a*".repeat(50));
    let rules = Rules::parse(&rule.repeat(20)).unwrap();
    let path = format!("/{}", "a".repeat(4000));
    let begun = std::time::Instant::now();
    assert!(rules.first(Questions::OPEN, path.as_bytes()).is_none());
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn the_example_of_the_help_protects_what_it_names() {
    let rules = Rules::parse(
        "allow open       /srv/public/**\n\
         deny  open,exec  /srv/**/*.key   EACCES\n",
    )
    .unwrap();
    let open = |path: &str| rules.decide(Questions::OPEN, Some(path.as_bytes()));
    assert_eq!(open("/srv/top.key"), Answer::Deny(13));
    assert_eq!(open("/srv/a/b/deep.key"), Answer::Deny(13));
    assert_eq!(open("/srv/public/x.key"), Answer::Allow);
    assert_eq!(open("/srv/notes"), Answer::Allow);
}

#[test]
fn rules_that_reach_nothing_that_is_guarded_are_known() {
    let rules = Rules::parse(
        "deny open /srv/a\ndeny open /srv/**\ndeny open /var/run/x\n\
         deny open **/x\ndeny open /sr*/y\n",
    )
    .unwrap();
    let idle = |guarded: &[&str]| {
        let guarded: Vec<_> = guarded.iter().map(PathBuf::from).collect();
        rules
            .idle(&guarded)
            .map(|rule| rule.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(idle(&["/srv"]), [3]);
    assert_eq!(idle(&["/srv/b"]), [1, 3]);
    assert_eq!(idle(&["/run", "/"]), [0; 0]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, part) in [
        ("alow open /a", 1, "'alow' is neither"),
        ("\n\nallow open", 3, "three words"),
        ("deny peek /a", 1, "'peek' is none of open"),
        ("deny open, /a", 1, "'' is none of open"),
        ("deny open /a ENOENT", 1, "'ENOENT' is none of EPERM"),
        ("deny open /a EIO twice", 1, "'twice' is too much"),
        ("allow open /a EIO", 1, "'EIO' is too much after allow"),
        ("deny open \"/a b", 1, "not closed"),
        ("allow open /a\n\ndeny open *.key", 3, "can never match"),
        ("deny open /a/b**", 1, "alone between slashes"),
    ] {
        let (at, message) = wrong(text);
        assert_eq!(at, line, "{text}");
        assert!(message.contains(part), "{text}: {message}");
    }
}
