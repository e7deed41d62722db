// SPDX-License-Identifier: GPL-2.0

//! The words of a record: its header, and the bodies that the queue itself writes.
//!
//! The layout is that of `include/uapi/linux/watch_queue_dev.h`; the kselftest `abi_test` and the host
//! tests compare both. A word is one slot, in the byte order of the machine: the record's first
//! 32-bit field is in its low half on little-endian machines.

/// Bits and fields of the `info` word of a record.
pub(crate) mod info {
    /// Events were lost before this record.
    pub(crate) const OVERRUN: u32 = 0x0000_0001;
    /// The change was recursive.
    pub(crate) const RECURSIVE: u32 = 0x0000_0004;
    /// Length in bytes, in place.
    pub(crate) const LENGTH: u32 = 0x0000_01f8;
    /// Not the watched object itself.
    pub(crate) const IN_SUBTREE: u32 = 0x0000_0200;
    /// First flag whose meaning depends on the type.
    pub(crate) const FLAG_0: u32 = 0x0001_0000;
    /// The watch's id.
    pub(crate) const ID: u32 = 0xff00_0000;
    /// Where the watch's id begins.
    pub(crate) const ID_SHIFT: u32 = 24;
}

/// Types of records.
pub(crate) mod kind {
    /// About the queue itself.
    pub(crate) const META: u32 = 0;
    /// Mounts of a namespace.
    pub(crate) const MOUNT: u32 = 1;
    /// File systems.
    pub(crate) const SB: u32 = 2;
    /// Keys and keyrings.
    pub(crate) const KEY: u32 = 3;
    /// Errors of block devices.
    pub(crate) const BLOCK: u32 = 4;
    /// USB devices and buses.
    pub(crate) const USB: u32 = 5;
    /// Files and directories.
    pub(crate) const FS: u32 = 6;
    /// Number of types that this ABI knows; those of other modules begin at [`FOREIGN_FIRST`].
    pub(crate) const NR: u32 = 7;
    /// First type of other modules.
    pub(crate) const FOREIGN_FIRST: u32 = 0x80_0000;
    /// Largest type: the field has 24 bits.
    pub(crate) const MAX: u32 = 0xff_ffff;
}

/// Subtypes of META records.
pub(crate) mod meta {
    /// Step over it.
    pub(crate) const SKIP: u32 = 0;
    /// A watch ended.
    pub(crate) const REMOVAL: u32 = 1;
    /// Events were lost.
    pub(crate) const LOSS: u32 = 2;
    /// Requests for permission were decided without an answer.
    pub(crate) const UNANSWERED: u32 = 3;
}

/// Length of a REMOVAL record in slots.
pub(crate) const REMOVAL_SLOTS: u32 = 4;

/// Length of an UNANSWERED record in slots.
pub(crate) const UNANSWERED_SLOTS: u32 = 4;

/// Length of a LOSS record in slots.
pub(crate) const LOSS_SLOTS: u32 = 3;

/// Room kept free for one LOSS record where it costs most: with a SKIP record before it (two
/// slots at most, since three would hold it) and the header stepped over.
pub(crate) const LOSS_RESERVE: u32 = (LOSS_SLOTS - 1) + super::HEADER_SLOTS + LOSS_SLOTS;

/// Two 32-bit fields as one slot, the first in memory first.
#[inline]
pub(crate) const fn word(first: u32, second: u32) -> u64 {
    if cfg!(target_endian = "little") {
        first as u64 | (second as u64) << 32
    } else {
        (first as u64) << 32 | second as u64
    }
}

/// The first word of a record: `kind` (24 bits) and `subtype` (8 bits) in the first half, `flags`
/// and the length of `slots` in the second.
///
/// `flags` must leave the length field alone; what it has there is dropped.
#[inline]
pub(crate) const fn head_word(kind: u32, subtype: u32, flags: u32, slots: u32) -> u64 {
    let first = if cfg!(target_endian = "little") {
        (kind & kind::MAX) | (subtype & 0xff) << 24
    } else {
        (kind & kind::MAX) << 8 | (subtype & 0xff)
    };
    word(
        first,
        (flags & !info::LENGTH) | ((slots << 3) & info::LENGTH),
    )
}

/// What makes a record behind its first word, when it is certain that there will be one. Asked for
/// each part late, so that little has to be kept until then.
pub(crate) trait Body<'n> {
    /// What the words are made as.
    type Words: AsRef<[u64]>;

    /// How many words there will be before the name.
    fn count(&self) -> usize;

    /// The name behind them, if there is one.
    fn name(&self) -> &'n [u8];

    /// Makes the words; `name` is [`Self::name`].
    fn words(self, name: &[u8]) -> Self::Words;
}

/// A [`Body`] that is there already.
pub(crate) struct Ready<'a> {
    /// Its words.
    pub(crate) words: &'a [u64],
    /// Its name.
    pub(crate) name: &'a [u8],
}

impl<'a> Body<'a> for Ready<'a> {
    type Words = &'a [u64];

    #[inline(always)]
    fn count(&self) -> usize {
        self.words.len()
    }

    #[inline(always)]
    fn name(&self) -> &'a [u8] {
        self.name
    }

    #[inline(always)]
    fn words(self, _name: &[u8]) -> &'a [u64] {
        self.words
    }
}

/// Length of a record in slots: its first word, `fixed` more words, and a name, which is followed by
/// at least one NUL if there is one.
#[inline]
pub(crate) fn slots(fixed: usize, name: &[u8]) -> u32 {
    let name = if name.is_empty() {
        0
    } else {
        name.len() / 8 + 1
    };
    (fixed as u32).wrapping_add(name as u32).wrapping_add(1)
}

/// Calls `put` with each word of a record: `first`, then `fixed`, then those of the name, which end
/// with at least one NUL.
#[inline(always)]
pub(crate) fn for_each_word(first: u64, fixed: &[u64], name: &[u8], mut put: impl FnMut(u64)) {
    put(first);
    for &word in fixed {
        put(word);
    }
    let Some((word, mut rest)) = name.split_first_chunk::<8>() else {
        if !name.is_empty() {
            put(short_name(name));
        }
        return;
    };
    put(u64::from_ne_bytes(*word));
    // Few names are longer than 15 bytes: the loop is not worth a word for them.
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        put(u64::from_ne_bytes(*word));
        rest = behind;
    }
    put(last_word(name));
}

/// A name of less than eight bytes as one word, padded with zeros.
#[inline]
fn short_name(name: &[u8]) -> u64 {
    let mut padded = [0; 8];
    for (to, from) in padded.iter_mut().zip(name) {
        *to = *from;
    }
    u64::from_ne_bytes(padded)
}

/// The bytes of a name that are behind its whole words, as one word, padded with zeros.
///
/// The last eight bytes of the name hold them at their end, so they need not be gathered.
#[inline]
fn last_word(name: &[u8]) -> u64 {
    let last = name.last_chunk().copied().unwrap_or_default();
    // The bytes before them go out in two steps, because all eight may have to: by one bit and by the
    // rest, 63 minus the bits that stay.
    let rest = !(8 * name.len() as u32);
    if cfg!(target_endian = "little") {
        (u64::from_le_bytes(last) >> 1).wrapping_shr(rest)
    } else {
        (u64::from_be_bytes(last) << 1).wrapping_shl(rest)
    }
}

/// A SKIP record that covers `slots` slots; only its first word is written.
pub(crate) const fn skip_word(slots: u32) -> u64 {
    head_word(kind::META, meta::SKIP, 0, slots)
}

/// The ring's header.
pub(crate) const fn header_words(
    head: u32,
    tail: u32,
    mask: u32,
) -> [u64; super::HEADER_SLOTS as usize] {
    [
        skip_word(super::HEADER_SLOTS),
        word(head, tail),
        word(mask, 0),
    ]
}

/// The last record of a watch.
pub(crate) fn removal(
    id: u8,
    handle: u64,
    cookie: u64,
    reason: u32,
) -> [u64; REMOVAL_SLOTS as usize] {
    let flags = u32::from(id) << info::ID_SHIFT;
    [
        head_word(kind::META, meta::REMOVAL, flags, REMOVAL_SLOTS),
        handle,
        cookie,
        word(reason, 0),
    ]
}

/// Says that `count` records were lost here; `cookie` is that of the only watch that lost them, or
/// `None` when there were several.
pub(crate) fn loss(count: u64, cookie: Option<u64>) -> [u64; LOSS_SLOTS as usize] {
    let many = if cookie.is_some() { 0 } else { info::FLAG_0 };
    [
        head_word(kind::META, meta::LOSS, info::OVERRUN | many, LOSS_SLOTS),
        count,
        cookie.unwrap_or(0),
    ]
}

/// Says that `count` requests were decided without an answer: the one with the id `request`, for
/// `reason`, with `error` (0: allowed); or several, and then all three are 0.
pub(crate) fn unanswered(
    request: u64,
    count: u64,
    reason: u32,
    error: u32,
) -> [u64; UNANSWERED_SLOTS as usize] {
    [
        head_word(kind::META, meta::UNANSWERED, 0, UNANSWERED_SLOTS),
        request,
        count,
        word(reason, error),
    ]
}
