// SPDX-License-Identifier: GPL-2.0

//! The ring: where the next record goes, and what a record looks like.
//!
//! Pure arithmetic and layout, `core` only, so that the host tests (`tools/testing/host`) run the
//! very same source against a model. [`producer`] decides where records go and writes them through
//! [`Slots`]; [`record`] builds their words. Used by `crate::queue`, which adds the lock, the
//! counters and the filter.

pub(crate) mod producer;
pub(crate) mod record;

/// Number of bytes in a slot.
pub(crate) const SLOT_BYTES: usize = 8;

/// Slots that the ring's own header takes: record header, head, tail, mask, reserved.
///
/// The length is that of the whole header, and `header_words` writes exactly so many words, so no
/// event can land on `mask`.
pub(crate) const HEADER_SLOTS: u32 = 3;

/// Longest record, in slots: the length field has six bits.
pub(crate) const MAX_RECORD_SLOTS: u32 = 63;

/// The memory of a ring, as its producer may touch it.
///
/// The indices are plain slot numbers, always smaller than the size that the producer was made
/// with. Everything behind this trait can be changed by user space at any moment; so nothing that
/// is stored is ever read back, except `tail`, which is validated.
pub(crate) trait Slots {
    /// Stores one word into slot `index`.
    fn store(&mut self, index: u32, word: u64);

    /// Stores a record into the slots from `index` on; all of them, [`record::slots`], are inside the
    /// ring.
    #[inline]
    fn store_record(&mut self, index: u32, first: u64, fixed: &[u64], name: &[u8]) {
        let mut index = index;
        record::for_each_word(first, fixed, name, |word| {
            self.store(index, word);
            index = index.wrapping_add(1);
        });
    }

    /// Loads the index that user space has consumed up to (acquire: the consumer's reads of the
    /// slots that it gives back come before our writes to them).
    fn load_tail(&self) -> u32;

    /// As [`Self::load_tail`], but not before all CPUs can see the head that was published last: a
    /// full barrier lies between.
    fn load_tail_after_publish(&self) -> u32 {
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        self.load_tail()
    }

    /// Makes everything before `head` visible to user space (release).
    fn publish_head(&mut self, head: u32);
}
