// SPDX-License-Identifier: GPL-2.0

//! Windows: the places between two steps where another task may come in.
//!
//! A race that is described in words is tested by stopping one side just there. `hook!(S, Pin)`
//! marks such a place; it calls `Subscriber::hook`, which only the subscriber of the tests
//! implements, so nothing happens to real watches even while tests run. Without CONFIG_KUNIT it is
//! nothing at all.

/// Where a test can come in between.
#[cfg(CONFIG_KUNIT)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Window {
    /// An object is ending: before each of its watches is killed. Inside SRCU.
    Ending,
    /// All watches of an ending object are dead. Any context.
    Ended,
    /// The place of a new mark was looked for; its list is not locked yet.
    Place,
    /// A mark of a dead watch is about to be let go by it.
    Retire,
    /// The last reference of a mark was seen to be the last; its list is not locked yet.
    LastPut,
    /// The count of a connector has reached zero; its object was not told yet.
    Unneeded,
    /// A walk is about to pin the mark it stands on. Inside SRCU.
    Pin,
    /// A new connector is about to be put into its slot or table.
    Publish,
    /// A connector that was in a slot or table is about to be freed.
    FreeBox,
    /// Number of windows.
    Count,
}

/// Marks a `Window` of the watches of type `$subscriber`.
macro_rules! hook {
    ($subscriber:ty, $window:ident) => {
        #[cfg(CONFIG_KUNIT)]
        <$subscriber as $crate::mark::Subscriber>::hook($crate::mark::hooks::Window::$window);
    };
}
pub(super) use hook;
