// SPDX-License-Identifier: GPL-2.0

//! Names of file events, those of inotifywait in lower case, for options and for output.

use watch_queue::Events;

/// Names of single events, in the order of their bits.
const SINGLE: [(&str, Events); 13] = [
    ("access", Events::ACCESS),
    ("modify", Events::MODIFY),
    ("attrib", Events::ATTRIB),
    ("close_write", Events::CLOSE_WRITE),
    ("close_nowrite", Events::CLOSE_NOWRITE),
    ("open", Events::OPEN),
    ("moved_from", Events::MOVED_FROM),
    ("moved_to", Events::MOVED_TO),
    ("create", Events::CREATE),
    ("delete", Events::DELETE),
    ("delete_self", Events::DELETE_SELF),
    ("move_self", Events::MOVE_SELF),
    ("open_exec", Events::OPEN_EXEC),
];

/// What --follow tells of a path; bits that the kernel does not have, which has 32.
pub const APPEARED: Events = Events::from_bits_retain(1 << 61);
pub const REPLACED: Events = Events::from_bits_retain(1 << 62);
pub const GONE: Events = Events::from_bits_retain(1 << 63);

/// Their names, for output only.
const FOLLOWED: [(&str, Events); 3] = [
    ("appeared", APPEARED),
    ("replaced", REPLACED),
    ("gone", GONE),
];

/// Names of sets of events, for options only.
const SETS: [(&str, Events); 4] = [
    ("close", Events::CLOSE),
    ("move", Events::MOVE),
    ("mutations", Events::MUTATIONS),
    ("all", Events::all()),
];

/// The events of a list of names with commas between them.
pub fn parse_list(list: &str) -> Result<Events, String> {
    list.split(',').map(parse).collect()
}

fn parse(name: &str) -> Result<Events, String> {
    let lower = name.to_ascii_lowercase();
    let known = SINGLE.iter().chain(&SETS);
    let found = known.clone().find(|(known, _)| *known == lower);
    found.map(|(_, events)| *events).ok_or_else(|| {
        let names: Vec<_> = known.map(|(name, _)| *name).collect();
        format!("there is no event '{name}'; there are {}", names.join(", "))
    })
}

/// The name of one event.
pub fn of(event: Events) -> String {
    let mut known = SINGLE.iter().chain(&FOLLOWED);
    match known.find(|(_, known)| *known == event) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("event_{}", event.bits().trailing_zeros()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_name_and_is_found_by_it() {
        for event in Events::all().iter() {
            // Sets come along with single events when iterating; `of` is for single ones.
            if event.bits().is_power_of_two() {
                assert_eq!(parse(&of(event)), Ok(event));
            }
        }
        assert_eq!(
            SINGLE.iter().map(|s| s.1).collect::<Events>(),
            Events::all()
        );
    }

    #[test]
    fn lists_are_unions_in_any_case() {
        assert_eq!(
            parse_list("create,DELETE"),
            Ok(Events::CREATE | Events::DELETE)
        );
        assert_eq!(parse_list("move,close"), Ok(Events::MOVE | Events::CLOSE));
    }

    #[test]
    fn unknown_names_are_named() {
        for list in ["creat", "create,", "", "create,,delete", "create delete"] {
            assert!(
                parse_list(list)
                    .unwrap_err()
                    .contains("there is no event '"),
                "{list}"
            );
        }
    }

    #[test]
    fn events_of_later_kernels_have_a_number() {
        assert_eq!(of(Events::from_bits_retain(1 << 20)), "event_20");
    }
}
