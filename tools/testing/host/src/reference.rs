// SPDX-License-Identifier: GPL-2.0

//! What the document says, written once more and as plainly as possible, to compare with: where a
//! record goes, which tail can be, what a filter lets through. No arithmetic is shared with the
//! module; where the module computes, this walks slot by slot.

use crate::ring::{producer::Refused, HEADER_SLOTS};

/// Number of slots that a record of `len` slots takes when the head is at `head`: from there to
/// its end at the first place where it lies between the header and the end of the ring.
pub(crate) fn cost(size: u32, head: u32, len: u32) -> u32 {
    let mut skipped = 0;
    loop {
        let index = head.wrapping_add(skipped) % size;
        if index >= HEADER_SLOTS && index + len <= size {
            return skipped + len;
        }
        skipped += 1;
    }
}

/// Whether records of these lengths fit, one after the other, and what to say if not.
pub(crate) fn fits(
    size: u32,
    head: u32,
    tail: u32,
    lens: &[u32],
    reserve: u32,
) -> Result<(), Refused> {
    let used = head.wrapping_sub(tail);
    let in_header = tail % size == 1 || tail % size == 2;
    if used > size || in_header {
        return Err(Refused::BadTail);
    }
    let mut total = u64::from(used) + u64::from(reserve);
    let mut at = head;
    for &len in lens {
        let cost = cost(size, at, len);
        at = at.wrapping_add(cost);
        total += u64::from(cost);
    }
    if total > u64::from(size) {
        return Err(Refused::Full);
    }
    Ok(())
}

/// The slots of a name: its bytes, then NULs, one at least, up to the end of a slot. No slots for
/// no name.
pub(crate) fn name_words(name: &[u8]) -> Vec<u64> {
    let mut bytes = name.to_vec();
    while !name.is_empty() && (bytes.len() == name.len() || !bytes.len().is_multiple_of(8)) {
        bytes.push(0);
    }
    bytes
        .chunks(8)
        .map(|chunk| u64::from_ne_bytes(chunk.try_into().expect("whole slots")))
        .collect()
}

/// What a filter says about itself and about records, read straight from the words that user space
/// gives: two leading ones, then eleven per entry.
pub(crate) struct FilterText<'a> {
    pub(crate) nr_filters: u32,
    pub(crate) reserved: u32,
    pub(crate) entries: &'a [[u32; 11]],
}

impl FilterText<'_> {
    /// Whether SET_FILTER accepts it. There are as many entries as it says.
    pub(crate) fn is_good(&self) -> bool {
        (1..=16).contains(&self.nr_filters)
            && self.reserved == 0
            && self.entries.iter().all(|entry| {
                let [_, info_filter, info_mask, ..] = *entry;
                info_filter | info_mask == info_mask && info_mask & 0x1f8 == 0
            })
    }

    /// Whether a record passes.
    pub(crate) fn passes(&self, kind: u32, subtype: u8, info: u32) -> bool {
        let known = kind < 7 || (0x80_0000..0x100_0000).contains(&kind);
        kind == 0
            || known
                && self.entries.iter().any(|entry| {
                    let [of_kind, info_filter, info_mask, subtypes @ ..] = *entry;
                    let bits: Vec<bool> = (0..256)
                        .map(|n| subtypes[n / 32] >> (n % 32) & 1 == 1)
                        .collect();
                    of_kind == kind && bits[usize::from(subtype)] && info & info_mask == info_filter
                })
    }
}
