// SPDX-License-Identifier: MIT OR Apache-2.0

//! Filters: which records the kernel lets into the ring.

use crate::abi;
use crate::Events;

/// A filter, made of up to [`abi::FILTER_MAX`] entries. A record passes when one of them lets it.
///
/// ```
/// use watch_queue::{abi, Entry, Events, Filter};
///
/// // Creations and deletions of files, and all key events of watches with the id 7.
/// let filter = Filter::new()
///     .entry(Entry::fs(Events::CREATE | Events::DELETE))
///     .entry(Entry::of(abi::TYPE_KEY).id(7));
/// assert_eq!(filter.entries().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing is filtered before `Control::set_filter`"]
pub struct Filter {
    entries: Vec<Entry>,
}

/// One entry of a filter: a type, some of its subtypes, and what `info` must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an entry does nothing before it is part of a filter"]
pub struct Entry {
    type_: u32,
    info_filter: u32,
    info_mask: u32,
    subtypes: [u32; 8],
}

impl Filter {
    /// A filter without entries, which the kernel refuses: add at least one.
    pub fn new() -> Self {
        Filter::default()
    }

    /// Adds an entry.
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// The entries, in the order they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// `struct watch_notification_filter` as words.
    ///
    /// The first word is the number of entries that follow, whatever that is, so that the kernel
    /// never reads past the end.
    pub(crate) fn words(&self) -> Vec<u32> {
        let count = u32::try_from(self.entries.len()).expect("entries fit in memory many times");
        let mut words = vec![count, 0];
        for entry in &self.entries {
            words.extend([entry.type_, entry.info_filter, entry.info_mask]);
            words.extend(entry.subtypes);
        }
        words
    }
}

impl Entry {
    /// Lets every record of a type pass, which is one of [`abi`]'s `TYPE_` numbers or that of
    /// another kernel module.
    pub fn of(type_: u32) -> Self {
        Entry {
            type_,
            info_filter: 0,
            info_mask: 0,
            subtypes: [u32::MAX; 8],
        }
    }

    /// Lets file events pass.
    pub fn fs(events: Events) -> Self {
        Entry::of(abi::TYPE_FS).subtypes((0..64).filter(|bit| events.bits() & (1 << bit) != 0))
    }

    /// Lets only these subtypes pass.
    pub fn subtypes(mut self, subtypes: impl IntoIterator<Item = u8>) -> Self {
        self.subtypes = [0; 8];
        for subtype in subtypes {
            self.subtypes[usize::from(subtype / 32)] |= 1 << (subtype % 32);
        }
        self
    }

    /// Demands that the bits `mask` of a record's `info` are those of `wanted`, beside what was
    /// demanded before.
    pub fn info(mut self, mask: u32, wanted: u32) -> Self {
        self.info_mask |= mask;
        self.info_filter = (self.info_filter & !mask) | wanted;
        self
    }

    /// Demands the watch's id.
    pub fn id(self, id: u8) -> Self {
        self.info(abi::INFO_ID, u32::from(id) << abi::INFO_ID_SHIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_struct_of_the_header() {
        let entry = Entry::of(abi::TYPE_USB)
            .subtypes([0, 31, 32, 63, 255])
            .id(7);
        let words = Filter::new().entry(entry).words();
        let mut wanted = vec![1, 0, 5, 7 << 24, 0xff00_0000];
        wanted.extend([0x8000_0001, 0x8000_0001, 0, 0, 0, 0, 0, 0x8000_0000]);
        assert_eq!(words, wanted);
    }

    #[test]
    fn fs_events_become_subtypes() {
        let entry = Entry::fs(Events::CREATE | Events::ACCESS | Events::OPEN_EXEC);
        assert_eq!(entry.subtypes, [0x1101, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn an_empty_filter_says_so() {
        assert_eq!(Filter::new().words(), [0, 0]);
    }

    #[test]
    fn later_demands_on_the_same_bits_replace_earlier_ones() {
        let entry = Entry::of(0)
            .id(0xff)
            .info(abi::INFO_IN_SUBTREE, abi::INFO_IN_SUBTREE)
            .id(1);
        assert_eq!(entry.info_mask, abi::INFO_ID | abi::INFO_IN_SUBTREE);
        assert_eq!(entry.info_filter, 1 << 24 | abi::INFO_IN_SUBTREE);
    }
}
