// SPDX-License-Identifier: GPL-2.0

//! What `queue/ring.rs` uses of the kernel and of the module's `rust/`, in plain Rust.
//!
//! Everything runs on one thread here, because in the module it runs under the ring lock.

pub(crate) mod watch;

/// Where the module puts the claims of watches that ended; there are none here.
pub(crate) struct Releases;

pub(crate) static RELEASES: Releases = Releases;

impl Releases {
    pub(crate) fn get(&self) -> &Self {
        self
    }

    pub(crate) fn push(&self, claim: std::convert::Infallible) {
        match claim {}
    }
}

/// Of the module's `rust/`.
pub(crate) mod rust {
    /// What every file has.
    pub(crate) mod prelude {
        pub(crate) use std::rc::Rc as Arc;
        pub(crate) type KBox<T> = Box<T>;
    }

    /// Of its `sync/`.
    pub(crate) mod sync {
        /// A first-in first-out list.
        pub(crate) mod arc_fifo {
            use crate::rust::prelude::Arc;
            use std::collections::VecDeque;

            pub(crate) struct ArcFifo<T>(VecDeque<Arc<T>>);

            impl<T> ArcFifo<T> {
                pub(crate) fn new() -> Self {
                    Self(VecDeque::new())
                }

                pub(crate) fn is_empty(&self) -> bool {
                    self.0.is_empty()
                }

                pub(crate) fn first(&self) -> Option<&T> {
                    self.0.front().map(|item| &**item)
                }

                /// Refuses what is in a list already, as the original does.
                pub(crate) fn push(&mut self, item: Arc<T>) -> Result<(), Arc<T>> {
                    if self.0.iter().any(|other| Arc::ptr_eq(other, &item)) {
                        return Err(item);
                    }
                    self.0.push_back(item);
                    Ok(())
                }

                pub(crate) fn pop(&mut self) -> Option<Arc<T>> {
                    self.0.pop_front()
                }
            }
        }
    }

    /// Of its `mm/`.
    pub(crate) mod mm {
        /// The memory that the producer writes.
        pub(crate) mod ring_slots {
            pub(crate) use crate::memory::Memory as RingSlots;
        }
    }
}
