// SPDX-License-Identifier: MIT OR Apache-2.0

//! Questions: tasks that wait until the program has said whether they may go on.
//!
//! A watch asks for them with [`Watch::ask`](crate::Watch::ask); they come as
//! [`Kind::Question`](crate::Kind::Question) and are answered by
//! [`Control::respond`](crate::Control::respond). What nobody answers is decided by the kernel at
//! its deadline and reported as [`Kind::Unanswered`](crate::Kind::Unanswered).

use std::io;
use std::time::Duration;

use bitflags::bitflags;

use crate::abi;
use crate::record::{u32_at, u64_at};
use crate::{FsEvent, Record};

bitflags! {
    /// What may be asked about.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Questions: u64 {
        /// Before a file or directory is opened.
        const OPEN = 1 << 16;
        /// Before a file is read, or a directory listed.
        const ACCESS = 1 << 17;
        /// Before a file is opened to be executed; [`Self::OPEN`] follows.
        const OPEN_EXEC = 1 << 18;
        /// Before a range of a file is read, written, mapped or cut off.
        const PRE_ACCESS = 1 << 20;
    }
}

/// Names a question; never used again for another, in any queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub(crate) u64);

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The task may go on.
    Allow,
    /// It gets this error number, one of EPERM, EIO, EAGAIN, EACCES, EBUSY, ETXTBSY, ENOSPC and
    /// EDQUOT; 0 is EPERM.
    Deny(u32),
}

/// A task that wants to do something and waits for the answer.
///
/// The getters read the ring, so use what you need and copy what is to outlive the record.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    fs: FsEvent<'a>,
    fixed: &'a [u8; abi::PERMISSION_FIXED_SIZE],
}

/// Questions that were decided without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unanswered {
    /// Which one; `None` when there are several, or when it could not be asked.
    pub request: Option<RequestId>,
    /// How many.
    pub count: u64,
    /// Why.
    pub cause: Cause,
    /// What the task got: 0 when it went on, else an error number.
    pub error: u32,
}

/// Why nobody's answer was waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Several questions, perhaps for several reasons.
    Several,
    /// The deadline came first.
    Timeout,
    /// The process that opened the queue has exited.
    Listener,
    /// The queue was shut down.
    Shutdown,
    /// There was no room in the ring, or no memory.
    NotAsked,
    /// The task was killed.
    Killed,
    /// A cause that this version of the crate does not know.
    Other(u32),
}

impl RequestId {
    /// The number that the kernel knows the question by.
    #[must_use]
    pub fn as_raw(self) -> u64 {
        self.0
    }

    fn from_raw(raw: u64) -> Option<Self> {
        (raw != 0).then_some(RequestId(raw))
    }
}

impl<'a> Question<'a> {
    /// Checks the body of an FS record whose subtype is that of a question.
    pub(crate) fn parse(record: Record<'a>) -> io::Result<Self> {
        let Some(fixed) = record
            .bytes()
            .first_chunk::<{ abi::PERMISSION_FIXED_SIZE }>()
        else {
            return Err(record.bad_body());
        };
        Ok(Question {
            fs: FsEvent::parse(record)?,
            fixed,
        })
    }

    /// What the task wants to do: one bit.
    #[must_use]
    pub fn what(&self) -> Questions {
        Questions::from_bits_retain(self.fs.event().bits())
    }

    /// To which file, by which process: as in other events.
    #[must_use]
    pub fn event(&self) -> FsEvent<'a> {
        self.fs
    }

    /// The question's name, for the answer; `None` when it was decided already, because the process
    /// that opened the queue has exited, or for lack of memory.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        RequestId::from_raw(u64_at(self.fixed, 48))
    }

    /// When it is decided without an answer, as `CLOCK_MONOTONIC` counts.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_nanos(u64_at(self.fixed, 56))
    }

    /// First byte and length of the range that is about to be accessed; the length is 0 when there
    /// is none, or the kernel does not know it.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        (u64_at(self.fixed, 64), u64_at(self.fixed, 72))
    }
}

impl Unanswered {
    pub(crate) fn parse(record: Record<'_>) -> io::Result<Self> {
        let body: &[u8; 32] = record
            .bytes()
            .first_chunk()
            .ok_or_else(|| record.bad_body())?;
        Ok(Unanswered {
            request: RequestId::from_raw(u64_at(body, 8)),
            count: u64_at(body, 16),
            cause: Cause::from_raw(u32_at(body, 24)),
            error: u32_at(body, 28),
        })
    }
}

impl Cause {
    fn from_raw(number: u32) -> Self {
        match number {
            0 => Cause::Several,
            1 => Cause::Timeout,
            2 => Cause::Listener,
            3 => Cause::Shutdown,
            4 => Cause::NotAsked,
            5 => Cause::Killed,
            other => Cause::Other(other),
        }
    }
}

impl Answer {
    /// Response and error of the kernel's structures.
    pub(crate) fn to_abi(self) -> (u32, u32) {
        match self {
            Answer::Allow => (abi::RESPONSE_ALLOW, 0),
            Answer::Deny(error) => (abi::RESPONSE_DENY, error),
        }
    }
}
