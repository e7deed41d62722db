// SPDX-License-Identifier: GPL-2.0

//! The filter of a queue: which records pass.
//!
//! `core` only, so that the host tests and the fuzzer run the same source. A filter is parsed once,
//! from the words that user space gave, into a table of fixed size; one function knows all bounds
//! (there is no second loop with other limits, and no bitmap of types). A record passes when some
//! entry has its type, has its subtype's bit, and agrees on `info`.

use crate::ring::record::{
    info,
    kind, //
};

/// Most entries that a filter may have.
pub(crate) const MAX_ENTRIES: usize = 16;

/// Number of 32-bit words in an entry as user space gives it: type, info_filter, info_mask and
/// eight words of subtype bits.
pub(crate) const ENTRY_WORDS: usize = 11;

/// Why a filter was refused; user space gets EINVAL for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadFilter {
    /// No entry, or more than [`MAX_ENTRIES`].
    Count,
    /// The reserved word is not zero.
    Reserved,
    /// `info_filter` has bits outside `info_mask`: nothing could ever pass.
    Unmatchable,
    /// `info_mask` touches the length.
    Length,
}

#[derive(Clone, Copy)]
struct Entry {
    kind: u32,
    info_filter: u32,
    info_mask: u32,
    subtypes: [u32; 8],
}

/// A parsed filter.
///
/// # Invariants
///
/// `len <= MAX_ENTRIES`.
pub(crate) struct Filter {
    len: usize,
    entries: [Entry; MAX_ENTRIES],
}

impl Filter {
    /// How many entries follow the two leading words of a filter.
    pub(crate) fn count(nr_filters: u32, reserved: u32) -> Result<usize, BadFilter> {
        if reserved != 0 {
            return Err(BadFilter::Reserved);
        }
        match nr_filters as usize {
            n @ 1..=MAX_ENTRIES => Ok(n),
            _ => Err(BadFilter::Count),
        }
    }

    /// A filter that nothing passes but META records, to be filled by [`Self::push`].
    pub(crate) fn new() -> Self {
        const NONE: Entry = Entry {
            kind: 0,
            info_filter: 0,
            info_mask: 0,
            subtypes: [0; 8],
        };
        // INVARIANT: 0 is not above the limit.
        Self {
            len: 0,
            entries: [NONE; MAX_ENTRIES],
        }
    }

    /// Adds one entry.
    ///
    /// Types that this kernel does not know are checked like all others and then left out; a filter
    /// of which nothing is left passes nothing.
    pub(crate) fn push(&mut self, words: &[u32; ENTRY_WORDS]) -> Result<(), BadFilter> {
        let [kind, info_filter, info_mask, subtypes @ ..] = *words;
        if info_filter & !info_mask != 0 {
            return Err(BadFilter::Unmatchable);
        }
        if info_mask & info::LENGTH != 0 {
            return Err(BadFilter::Length);
        }
        if kind < kind::NR || (kind::FOREIGN_FIRST..=kind::MAX).contains(&kind) {
            let slot = self.entries.get_mut(self.len).ok_or(BadFilter::Count)?;
            *slot = Entry {
                kind,
                info_filter,
                info_mask,
                subtypes,
            };
            // INVARIANT: there was a slot at `len`, so `len + 1` is at most the number of slots.
            self.len += 1;
        }
        Ok(())
    }

    /// Whether a record passes.
    ///
    /// `subtype` is the record's 8-bit field, so its word is one of the eight (no index is larger
    /// than its array, whatever type or subtype is posted).
    #[inline]
    pub(crate) fn passes(&self, kind: u32, subtype: u8, info: u32) -> bool {
        if kind == kind::META {
            return true;
        }
        let word = usize::from(subtype >> 5);
        let bit = 1u32 << (subtype & 31);
        self.entries.iter().take(self.len).any(|e| {
            e.kind == kind
                && e.subtypes.get(word).is_some_and(|w| w & bit != 0)
                && info & e.info_mask == e.info_filter
        })
    }
}
