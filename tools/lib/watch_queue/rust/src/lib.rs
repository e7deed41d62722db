// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel events through one ring that is shared with the kernel.
//!
//! An open `/dev/watch_queue` is a queue: watches say which events it gets, and the events arrive
//! as records in a ring of memory that the kernel writes and the program reads, without a system
//! call per event. This crate opens queues, sets watches and reads records; it checks every length
//! and offset that it finds in the shared memory before it uses it.
//!
//! A queue has two halves. [`Control`] sets watches and filters; it can be cloned and used from any
//! thread. [`Ring`] is the one consumer; it can move to another thread, but there is only one.
//!
//! ```no_run
//! use watch_queue::{Events, Kind, Queue, Scope, Watch};
//!
//! # fn main() -> std::io::Result<()> {
//! let (control, mut ring) = Queue::builder().open()?;
//! control.add(&Watch::path("/tmp").scope(Scope::Children).events(Events::MUTATIONS))?;
//! loop {
//!     while let Some(record) = ring.next()? {
//!         match record.kind()? {
//!             Kind::Fs(fs) => println!("{:?} {:?}", fs.event(), fs.name()),
//!             Kind::Loss(loss) => println!("{} events were lost: look again", loss.count),
//!             Kind::Removal(removal) => println!("watch ended: {:?}", removal.reason),
//!             _ => {}
//!         }
//!     }
//!     ring.wait(None)?;
//! }
//! # }
//! ```
//!
//! # Trust
//!
//! Nothing that the ring holds can make this crate read outside the ring, loop without end on old
//! records or panic: what cannot be right is reported as an [`std::io::Error`] that carries a
//! [`Corrupt`]. Names are handed out as slices of the shared memory, without a copy. The kernel
//! does not touch a record until the consumer has gone past it; another process could, if the
//! program passed the queue's descriptor on to it. Pass it only to processes that you trust as
//! much as your own.
//!
//! # After fork()
//!
//! The kernel does not give the ring to children: only the process that opened the queue reads it. In a
//! child, reading and waiting fail with [`NotConnected`](std::io::ErrorKind::NotConnected) and dropping
//! the ring does nothing to the parent's; [`Control`] works, because it only asks the kernel. A child that is
//! to go on alone opens a queue of its own, so a daemon opens its queue after its last `fork()`.

// The fake ring of the tests names the crate as other programs do.
#[cfg(test)]
extern crate self as watch_queue;

mod builder;
mod consumer;
mod control;
mod error;
mod events;
mod filter;
mod fork;
mod fs_event;
mod permission;
mod record;
mod ring;
mod sources;
mod sys;
mod watch;

pub mod abi;

pub use builder::{Builder, Queue};
pub use consumer::Consumer;
pub use control::{Control, Handle, Info};
pub use error::Corrupt;
pub use events::Events;
pub use filter::{Entry, Filter};
pub use fs_event::FsEvent;
pub use permission::{Answer, Cause, Question, Questions, RequestId, Unanswered};
pub use record::{Kind, Loss, Reason, Record, Removal};
pub use ring::Ring;
pub use sources::{BlockEvent, KeyEvent, UsbEvent};
pub use sources::{FileSystemError, QuotaWarning, SuperblockChange, SuperblockEvent};
pub use sources::{MountChange, MountEvent};
pub use watch::{Scope, Watch, WatchFlags};
