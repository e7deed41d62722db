// SPDX-License-Identifier: GPL-2.0

//! The JSON output: one object per line. What stands here is an interface to scripts; members may
//! be added, but those that are there stay.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::Serialize;

use crate::event::{reason_words, Below, FileEvent, Item, Lost};
use crate::names;
use crate::source::{SourceEvent, Value};
use crate::watched::Watched;

#[derive(Serialize)]
struct Line<'a> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    File {
        #[serde(flatten)]
        path: Text<'a>,
        #[serde(flatten)]
        name: Option<Text<'a>>,
        /// The path is not known; there is "below" instead, what is watched.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        truncated: bool,
        is_dir: bool,
        inode: u64,
        dev: u32,
        pid: u32,
        #[serde(skip_serializing_if = "is_zero")]
        rename_cookie: u32,
    },
    Source {
        source: &'a str,
        #[serde(flatten)]
        watched: Text<'a>,
        #[serde(flatten)]
        fields: BTreeMap<Cow<'a, str>, Field<'a>>,
    },
    Loss {
        count: u64,
        #[serde(flatten)]
        path: Option<Text<'a>>,
        memory: bool,
    },
    Removal {
        #[serde(flatten)]
        path: Text<'a>,
        reason: &'static str,
    },
}

/// What a field of a source's event holds.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Number(u64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

/// A path or a name as text, and as bytes when it is not UTF-8.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Text<'a> {
    Path {
        path: Cow<'a, str>,
    },
    PathBytes {
        path: String,
        path_bytes: Vec<u8>,
    },
    Below {
        below: &'a str,
    },
    BelowBytes {
        below: String,
        below_bytes: &'a [u8],
    },
    Name {
        name: &'a str,
    },
    NameBytes {
        name: String,
        name_bytes: &'a [u8],
    },
}

impl<'a> Text<'a> {
    fn path(watched: &'a Watched) -> Self {
        Text::path_of(watched.path.as_os_str().into())
    }

    /// A path.
    pub fn path_of(text: Cow<'a, OsStr>) -> Self {
        let text = match text {
            Cow::Borrowed(text) => text.to_str().map(Cow::Borrowed).ok_or(text.to_owned()),
            Cow::Owned(text) => text.into_string().map(Cow::Owned),
        };
        match text {
            Ok(path) => Text::Path { path },
            Err(text) => Text::PathBytes {
                path: text.to_string_lossy().into_owned(),
                path_bytes: text.into_vec(),
            },
        }
    }

    /// Something above what happened.
    pub fn below(text: &'a OsStr) -> Self {
        match text.to_str() {
            Some(below) => Text::Below { below },
            None => Text::BelowBytes {
                below: text.to_string_lossy().into_owned(),
                below_bytes: text.as_bytes(),
            },
        }
    }

    fn name(text: &'a OsStr) -> Self {
        match text.to_str() {
            Some(name) => Text::Name { name },
            None => Text::NameBytes {
                name: text.to_string_lossy().into_owned(),
                name_bytes: text.as_bytes(),
            },
        }
    }
}

/// Writes one line; an empty `time` is left out.
pub fn write(out: &mut impl Write, item: &Item<'_>, time: &str) -> io::Result<()> {
    let event;
    let (event, body) = match item {
        Item::File(file) => {
            event = names::of(file.event);
            (event.as_str(), file_body(file))
        }
        Item::Source(source) => (source.event, source_body(source)),
        Item::Lost(lost) => ("loss", loss_body(lost)),
        Item::Ended { watched, reason } => {
            let (_, reason) = reason_words(*reason);
            (
                "removal",
                Body::Removal {
                    path: Text::path(watched),
                    reason,
                },
            )
        }
    };
    let time = Some(time).filter(|time| !time.is_empty());
    serde_json::to_writer(&mut *out, &Line { event, time, body })?;
    out.write_all(b"\n")
}

fn file_body<'a>(file: &'a FileEvent<'a>) -> Body<'a> {
    let truncated = matches!(file.below, Below::Unknown);
    Body::File {
        path: match truncated {
            true => Text::below(file.watched.path.as_os_str()),
            false => Text::path_of(file.path()),
        },
        name: file.name.map(Text::name),
        truncated,
        is_dir: file.is_dir,
        inode: file.inode,
        dev: file.dev,
        pid: file.pid,
        rename_cookie: file.rename_cookie,
    }
}

fn source_body<'a>(event: &'a SourceEvent<'_>) -> Body<'a> {
    let mut fields = BTreeMap::new();
    for (name, value) in &event.fields {
        let field = match value {
            Value::Number(number) => Field::Number(*number),
            Value::Text(text) => Field::Text(text.to_string_lossy()),
        };
        fields.insert(Cow::Borrowed(*name), field);
        if let Value::Text(text) = value {
            if text.to_str().is_none() {
                let bytes = Field::Bytes(text.as_bytes());
                fields.insert(format!("{name}_bytes").into(), bytes);
            }
        }
    }
    Body::Source {
        source: event.source,
        watched: Text::path(event.watched),
        fields,
    }
}

fn loss_body<'a>(lost: &Lost<'a>) -> Body<'a> {
    Body::Loss {
        count: lost.count,
        path: lost.watched.map(Text::path),
        memory: lost.memory,
    }
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use watch_queue::{Events, Reason};

    use super::*;

    fn line(item: &Item<'_>, time: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, item, time).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn files() {
        let watched = Watched::example("/tmp/");
        let mut file = FileEvent {
            watched: &watched,
            below: Below::Here,
            name: Some(OsStr::new("quo\"te\n")),
            event: Events::CREATE,
            is_dir: false,
            inode: 7,
            dev: 2049,
            pid: 42,
            rename_cookie: 0,
        };
        let body = r#""is_dir":false,"inode":7,"dev":2049,"pid":42"#;
        assert_eq!(
            line(&Item::File(file.clone()), ""),
            format!(r#"{{"event":"create","path":"/tmp/","name":"quo\"te\n",{body}}}"#) + "\n"
        );
        file.event = Events::MOVED_TO;
        file.rename_cookie = 9;
        file.name = Some(OsStr::from_bytes(b"\xff"));
        assert_eq!(
            line(&Item::File(file.clone()), "12:00"),
            format!(
                r#"{{"event":"moved_to","time":"12:00","path":"/tmp/","name":"{}","name_bytes":[255],{body},"rename_cookie":9}}"#,
                '\u{fffd}'
            ) + "\n"
        );
        file.rename_cookie = 0;
        file.below = Below::Unknown;
        file.name = Some(OsStr::new("x"));
        assert_eq!(
            line(&Item::File(file.clone()), ""),
            format!(r#"{{"event":"moved_to","below":"/tmp/","name":"x","truncated":true,{body}}}"#)
                + "\n"
        );
        file.below = Below::In(std::path::Path::new("a/b"));
        file.name = None;
        file.event = Events::DELETE_SELF;
        assert_eq!(
            line(&Item::File(file), ""),
            format!(r#"{{"event":"delete_self","path":"/tmp/a/b/",{body}}}"#) + "\n"
        );
    }

    #[test]
    fn losses() {
        let watched = Watched::example("/tmp/");
        let one = Lost {
            count: 12,
            watched: Some(&watched),
            memory: false,
        };
        assert_eq!(
            line(&Item::Lost(one), ""),
            "{\"event\":\"loss\",\"count\":12,\"path\":\"/tmp/\",\"memory\":false}\n"
        );
        let many = Lost {
            count: u64::MAX,
            watched: None,
            memory: true,
        };
        assert_eq!(
            line(&Item::Lost(many), ""),
            "{\"event\":\"loss\",\"count\":18446744073709551615,\"memory\":true}\n"
        );
    }

    #[test]
    fn removals() {
        let watched = Watched::example("/tmp/");
        let item = Item::Ended {
            watched: &watched,
            reason: Reason::Unmount,
        };
        assert_eq!(
            line(&item, ""),
            "{\"event\":\"removal\",\"path\":\"/tmp/\",\"reason\":\"unmount\"}\n"
        );
    }
}
