// SPDX-License-Identifier: GPL-2.0

//! The path patterns of rules. `globset` matches them; here they are read, and those are refused that
//! could never match a path as the kernel tells it: a rule that does nothing would look like protection.
//!
//! `?`, `*`, `[...]` and `{...}` are as in a shell, none of them goes past a slash, and a backslash takes
//! away what the next character means. `**` alone between slashes is any number of directories, also none;
//! where it begins a name, it stands for `**/*`.

use globset::{Glob, GlobBuilder};

/// Longest name that a file system lets a file have.
const NAME_MAX: usize = 255;

/// Makes a matcher of a pattern; or says what is wrong with it.
pub fn parse(pattern: &str) -> Result<Glob, String> {
    let never = |why: &str| Err(format!("'{pattern}' can never match: {why}"));
    if !pattern.starts_with('/') && !pattern.starts_with("**") {
        return never("paths are absolute, so begin with / or **/");
    }
    if pattern.contains('\0') {
        return never("no path has a NUL");
    }
    for part in ["//", "/./", "/../"] {
        if pattern.contains(part) {
            return never(&format!("no path has {part} in it"));
        }
    }
    for end in ["/.", "/.."] {
        if pattern.ends_with(end) {
            return never(&format!("no path ends with {end}"));
        }
    }
    if pattern.len() > 1 && pattern.ends_with('/') {
        return never("no path ends with a slash; /** behind a name is all that is below it");
    }
    let plain = |name: &&str| !name.contains(['*', '[', '{', '\\']);
    if pattern
        .split('/')
        .filter(plain)
        .any(|name| name.len() > NAME_MAX)
    {
        return never("no name is so long");
    }
    let text = expand(pattern)?;
    let glob = GlobBuilder::new(&text)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| format!("'{pattern}': {}", error.kind()))?;
    Ok(glob)
}

/// The literal beginning of a pattern: every path that it matches begins so.
pub fn prefix(pattern: &str) -> &str {
    let end = pattern.find(['*', '?', '[', '{', '\\']);
    pattern.get(..end.unwrap_or(pattern.len())).unwrap_or("")
}

/// Writes out each `**` that begins a name, and refuses those that globset would take for a `*`.
fn expand(pattern: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let stars = rest.len() - rest.trim_start_matches('*').len();
        match c {
            '\\' => {
                let length = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                let (escape, behind) = rest.split_at(length);
                text.push_str(escape);
                rest = behind;
                continue;
            }
            '[' => {
                let class = class(rest).ok_or("a [ is not closed by ]; \\[ is the character")?;
                if class.contains('/') || spans_slash(class) {
                    return Err(format!("{class} has a slash, which brackets never match"));
                }
                text.push_str(
                    &never_slash(class)
                        .ok_or_else(|| format!("{class}: a - stands at one end only"))?,
                );
                rest = rest.get(class.len()..).unwrap_or("");
                continue;
            }
            '*' if stars > 2 => return Err("there is no *** in patterns".into()),
            '*' if stars == 2 => {
                let behind = rest.get(2..).unwrap_or("");
                let begins = text.is_empty() || text.ends_with('/');
                match behind {
                    _ if !begins => {
                        return Err("** goes alone between slashes, or begins a name".into())
                    }
                    "" => text.push_str("**"),
                    _ if behind.starts_with('/') => text.push_str("**"),
                    _ => text.push_str("**/*"),
                }
                rest = behind;
                continue;
            }
            _ => text.push(c),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or("");
    }
    Ok(text)
}

/// The brackets that a text begins with. A ] is one of the characters where it is the first of them.
fn class(text: &str) -> Option<&str> {
    let inside = text.get(1..)?;
    let first = inside.trim_start_matches(['!', '^']);
    let skipped = inside.len() - first.len() + usize::from(first.starts_with(']'));
    let end = inside.get(skipped..)?.find(']')?;
    text.get(..1 + skipped + end + 1)
}

/// The same brackets so that they never match a slash: for globset, what is *not* in them may be one.
/// `None` where no slash can be added without making a range.
fn never_slash(class: &str) -> Option<String> {
    let Some(body) = class
        .strip_prefix("[!")
        .or_else(|| class.strip_prefix("[^"))
    else {
        return Some(class.into());
    };
    if !body.starts_with([']', '-']) {
        return Some(format!("[!/{body}"));
    }
    let inside = body
        .strip_suffix(']')
        .filter(|inside| !inside.ends_with('-'))?;
    Some(format!("[!{inside}/]"))
}

/// Whether brackets have a range with the slash in it.
fn spans_slash(class: &str) -> bool {
    let inside = class
        .strip_prefix("[!")
        .or_else(|| class.strip_prefix("[^"));
    let characters: Vec<char> = inside
        .or_else(|| class.strip_prefix('['))
        .unwrap_or("")
        .chars()
        .collect();
    characters
        .windows(3)
        .any(|range| matches!(range, [from, '-', to] if ('/' > *from) && ('/' < *to) && *to != ']'))
}

#[cfg(test)]
mod tests;
