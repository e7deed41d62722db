// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the consumer reports when the shared memory holds something that cannot be right.
//!
//! Used by the consumer and by the parsers of record bodies, always inside an [`io::Error`].

use std::error::Error;
use std::fmt;
use std::io;

/// The ring does not hold what the kernel writes.
///
/// Found in an [`io::Error`] of kind [`io::ErrorKind::InvalidData`]; get it back with
/// `error.get_ref().and_then(|e| e.downcast_ref::<Corrupt>())`. Something else in this process, or
/// a process that shares the descriptor, has written to the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Corrupt {
    /// The ring's header does not describe a ring of the size that was mapped.
    Header {
        /// The mask that the header holds.
        mask: u32,
        /// The number of slots that are mapped.
        slots: u32,
    },
    /// The distance between head and the reading position is larger than the ring.
    Head {
        /// The head that was found.
        head: u32,
        /// The position up to which records were read.
        position: u32,
    },
    /// A record is empty, goes past head, or goes past the end of the ring.
    Length {
        /// The record's position.
        position: u32,
        /// The record's length in slots.
        slots: u32,
    },
    /// A record's body is too short for its type, or its name or handle lies outside the record.
    Body {
        /// The record's type.
        type_: u32,
        /// The record's subtype.
        subtype: u8,
        /// The record's length in bytes.
        length: usize,
    },
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ring is corrupt: ")?;
        match *self {
            Corrupt::Header { mask, slots } => {
                write!(
                    f,
                    "its header has mask {mask:#x}, but {slots} slots are mapped"
                )
            }
            Corrupt::Head { head, position } => {
                write!(f, "head {head} is out of reach of position {position}")
            }
            Corrupt::Length { position, slots } => {
                write!(
                    f,
                    "the record at position {position} cannot have {slots} slots"
                )
            }
            Corrupt::Body {
                type_,
                subtype,
                length,
            } => {
                write!(
                    f,
                    "a record of type {type_}/{subtype} has a bad body of {length} bytes"
                )
            }
        }
    }
}

impl Error for Corrupt {}

impl From<Corrupt> for io::Error {
    // Cold: keeps the construction of errors out of the paths that read records.
    #[cold]
    fn from(corrupt: Corrupt) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, corrupt)
    }
}
