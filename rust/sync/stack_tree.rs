// SPDX-License-Identifier: GPL-2.0

//! Numbered values that stay where they are, on the stacks of tasks that sleep, in trees by number.
//!
//! What is known of a task that waits need not be allocated: the task's stack has it for as long as
//! the task waits. So a wait cannot fail for want of memory, and making a task wait costs no
//! memory. A [`Node`] is pinned and takes itself out when it goes; it is looked for under the lock
//! of the [`StackTree`], under which it also goes.
//!
//! Each has two rows, both in the order of the numbers; a node is in one of them. Used by `queue/`
//! for questions.
//!
//! C header: [`include/linux/rbtree.h`](srctree/include/linux/rbtree.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    ptr::{self}, //
};
use kernel::{
    new_spinlock,
    sync::{
        lock::{
            spinlock::SpinLockBackend,
            Guard, //
        },
        SpinLock, //
    },
    types::Opaque, //
};

/// One of the two rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// The first.
    First = 0,
    /// The second.
    Second = 1,
}

const ROWS: usize = 2;

/// A numbered value, to be pinned on the stack of a task.
///
/// # Invariants
///
/// `place` is used under the lock of `tree` while that is set. The node is in a row of `tree`, the one
/// that its place names, exactly while `tree` is set; only the thread that has the node changes that.
#[pin_data(PinnedDrop)]
pub(crate) struct Node<P: Sync, S: Unpin> {
    #[pin]
    place: Opaque<Place>,
    tree: UnsafeCell<Option<Arc<StackTree<P, S>>>>,
    #[pin]
    value: P,
    #[pin]
    _pin: PhantomPinned,
}

#[repr(C)]
struct Place {
    // First: a pointer to it is one to its node.
    links: bindings::rb_node,
    number: u64,
    row: usize,
}

/// The rows.
///
/// # Invariants
///
/// Every link leads to the place of a [`Node`] that is alive and stays where it is.
pub(crate) struct Rows<P: Sync, S: Unpin> {
    roots: [bindings::rb_root; ROWS],
    _nodes: core::marker::PhantomData<*const Node<P, S>>,
}

// SAFETY: What is reached through the rows are shared references to values that are `Sync`, and the
// nodes' places, which are used under the lock.
unsafe impl<P: Sync, S: Unpin> Send for Rows<P, S> {}

struct Inner<P: Sync, S: Unpin> {
    rows: Rows<P, S>,
    state: S,
}

/// Two rows of nodes, and a state under the same lock.
#[pin_data]
pub(crate) struct StackTree<P: Sync, S: Unpin> {
    #[pin]
    inner: SpinLock<Inner<P, S>>,
}

/// The lock of a tree, held.
pub(crate) struct Locked<'t, P: Sync, S: Unpin> {
    tree: &'t Arc<StackTree<P, S>>,
    inner: Guard<'t, Inner<P, S>, SpinLockBackend>,
}

impl<P: Sync, S: Unpin> Node<P, S> {
    /// A node in no row.
    pub(crate) fn new(value: impl PinInit<P>) -> impl PinInit<Self> {
        // INVARIANT: In no tree.
        pin_init!(Self {
            place <- Opaque::ffi_init(|slot: *mut Place| {
                let place = Place {
                    links: bindings::rb_node::default(),
                    number: 0,
                    row: 0,
                };
                // SAFETY: `slot` is valid for writing.
                unsafe { slot.write(place) }
            }),
            tree: UnsafeCell::new(None),
            value <- value,
            _pin: PhantomPinned,
        })
    }

    /// The value.
    pub(crate) fn value(&self) -> &P {
        &self.value
    }

    /// The tree in which it is.
    fn tree(&self) -> Option<&Arc<StackTree<P, S>>> {
        // SAFETY: The node is not `Sync`, so only this thread uses the field, and no reference to it
        // is kept over a change: they are all in this file.
        unsafe { &*self.tree.get() }.as_ref()
    }

    fn set_tree(&self, tree: Option<Arc<StackTree<P, S>>>) {
        // SAFETY: The node is not `Sync`, so only this thread uses the field, and no reference to
        // it is kept over a change.
        let old = unsafe { ptr::replace(self.tree.get(), tree) };
        drop(old);
    }

    /// Takes it out of its row. True if it was in one.
    pub(crate) fn leave(&self, locked: &mut Locked<'_, P, S>) -> bool {
        if !self
            .tree()
            .is_some_and(|tree| Arc::ptr_eq(tree, locked.tree))
        {
            return false;
        }
        // SAFETY: By the invariants it is in a row of the tree that is locked.
        unsafe { locked.inner.rows.unlink(self.place.get()) };
        // INVARIANT: It was just taken out. The reference is not the last: the caller has another.
        self.set_tree(None);
        true
    }
}

#[pinned_drop]
impl<P: Sync, S: Unpin> PinnedDrop for Node<P, S> {
    fn drop(self: Pin<&mut Self>) {
        if let Some(tree) = self.tree().cloned() {
            self.leave(&mut StackTree::lock(&tree));
        }
    }
}

impl<P: Sync, S: Unpin> StackTree<P, S> {
    /// No nodes, and a state.
    pub(crate) fn new(state: S) -> impl PinInit<Self> {
        let inner = Inner {
            rows: Rows {
                roots: [bindings::rb_root::default(); ROWS],
                _nodes: core::marker::PhantomData,
            },
            state,
        };
        pin_init!(Self {
            inner <- new_spinlock!(inner, "stack_tree"),
        })
    }

    /// Takes the lock: a leaf, but for the locks that a wake-up takes. Process context.
    pub(crate) fn lock(this: &Arc<Self>) -> Locked<'_, P, S> {
        Locked {
            tree: this,
            inner: this.inner.lock(),
        }
    }
}

impl<P: Sync, S: Unpin> Locked<'_, P, S> {
    /// The rows and the state.
    pub(crate) fn parts(&mut self) -> (&mut Rows<P, S>, &mut S) {
        let inner = &mut *self.inner;
        (&mut inner.rows, &mut inner.state)
    }

    /// The state.
    pub(crate) fn state(&mut self) -> &mut S {
        &mut self.inner.state
    }

    /// Puts a node into a row, under a number that is in no row. False if it was in a tree already.
    pub(crate) fn enter(&mut self, node: Pin<&Node<P, S>>, row: Row, number: u64) -> bool {
        if node.tree().is_some() {
            return false;
        }
        // SAFETY: It is in no tree, so only this thread uses its place. It is pinned, so it stays
        // there until it is dropped, for which it leaves.
        unsafe { self.inner.rows.link(node.place.get(), row, number) };
        // INVARIANT: It was just put in.
        node.set_tree(Some(self.tree.clone()));
        true
    }

    /// Moves a node of this tree to a row, where it has the place of its number.
    pub(crate) fn shift(&mut self, node: &Node<P, S>, row: Row) {
        if node.tree().is_some_and(|tree| Arc::ptr_eq(tree, self.tree)) {
            // SAFETY: By its invariants it is in a row of the tree that is locked.
            unsafe { self.inner.rows.shift(node.place.get(), row) };
        }
    }
}

impl<P: Sync, S: Unpin> Rows<P, S> {
    fn root(&mut self, row: usize) -> &mut bindings::rb_root {
        let [first, second] = &mut self.roots;
        if row == Row::Second as usize {
            second
        } else {
            first
        }
    }

    /// The value of a node.
    ///
    /// # Safety
    ///
    /// `links` are those of a node in one of these rows.
    unsafe fn value(&self, links: NonNull<bindings::rb_node>) -> &P {
        let place = Opaque::<Place>::cast_from(links.as_ptr().cast());
        // SAFETY: The caller promises it; an `Opaque` has the address of what is in it.
        let node = unsafe { kernel::container_of!(place.cast_mut(), Node<P, S>, place) };
        // SAFETY: By the type invariants it is alive; the value is only ever shared.
        unsafe { &(*node).value }
    }

    /// # Safety
    ///
    /// As for [`Self::value`].
    unsafe fn number(links: NonNull<bindings::rb_node>) -> u64 {
        // SAFETY: The caller promises it; the links come first in a place.
        unsafe { (*links.as_ptr().cast::<Place>()).number }
    }

    /// The links with this number.
    fn find(&self, row: Row, number: u64) -> Option<NonNull<bindings::rb_node>> {
        let mut at = self.roots.get(row as usize)?.rb_node;
        while let Some(links) = NonNull::new(at) {
            // SAFETY: By the type invariants.
            let here = unsafe { Self::number(links) };
            if here == number {
                return Some(links);
            }
            // SAFETY: By the type invariants, what a row leads to is linked and so valid under the
            // lock.
            let node = unsafe { links.as_ref() };
            at = if number < here {
                node.rb_left
            } else {
                node.rb_right
            };
        }
        None
    }

    fn first_links(&self, row: Row) -> Option<NonNull<bindings::rb_node>> {
        let root = self.roots.get(row as usize)?;
        // SAFETY: By the type invariants, the root of a tree.
        NonNull::new(unsafe { bindings::rb_first(root) })
    }

    /// The value with this number.
    pub(crate) fn get(&self, row: Row, number: u64) -> Option<&P> {
        // SAFETY: It was found in a row.
        self.find(row, number)
            .map(|links| unsafe { self.value(links) })
    }

    /// The lowest number in a row.
    pub(crate) fn first_number(&self, row: Row) -> Option<u64> {
        // SAFETY: It was found in a row.
        self.first_links(row)
            .map(|links| unsafe { Self::number(links) })
    }

    /// Moves the first node of the second row to the first row, and gives its value.
    pub(crate) fn advance(&mut self) -> Option<&P> {
        let links = self.first_links(Row::Second)?;
        // SAFETY: It was found in a row.
        unsafe { self.shift(links.as_ptr().cast(), Row::First) };
        // SAFETY: It was found in a row, so that it is linked.
        Some(unsafe { self.value(links) })
    }

    /// All values of a row, in the order of their numbers.
    pub(crate) fn values(&self, row: Row) -> impl Iterator<Item = &P> {
        core::iter::successors(self.first_links(row), |links| {
            // SAFETY: It was found in a row.
            NonNull::new(unsafe { bindings::rb_next(links.as_ptr()) })
        })
        // SAFETY: It was found in a row, so that it is linked.
        .map(|links| unsafe { self.value(links) })
    }

    /// # Safety
    ///
    /// `place` is that of a pinned node in no row, which leaves before it is dropped, and nothing
    /// else uses it. The caller has the lock.
    unsafe fn link(&mut self, place: *mut Place, row: Row, number: u64) {
        // SAFETY: The caller promises it.
        unsafe { (*place).number = number };
        // SAFETY: The caller promises a valid place that is in no row, so that nothing else uses
        // it.
        unsafe { (*place).row = row as usize };
        let links = place.cast::<bindings::rb_node>();
        let root: *mut bindings::rb_root = self.root(row as usize);
        let mut parent = ptr::null_mut();
        // SAFETY: The root is valid.
        let mut child = unsafe { &raw mut (*root).rb_node };
        // SAFETY: The place of the root or of a child; both are valid by the type invariants.
        while let Some(at) = NonNull::new(unsafe { *child }) {
            parent = at.as_ptr();
            // SAFETY: By the type invariants.
            child = if number < unsafe { Self::number(at) } {
                // SAFETY: By the type invariants, a parent that was met in a row is linked and so
                // valid.
                unsafe { &raw mut (*parent).rb_left }
            } else {
                // SAFETY: By the type invariants, a parent that was met in a row is linked and so
                // valid.
                unsafe { &raw mut (*parent).rb_right }
            };
        }
        // INVARIANT: The caller vouches for the node.
        //
        // SAFETY: `child` is a null link of `parent`, or of the root if there is none.
        unsafe { bindings::rb_link_node(links, parent, child) };
        // SAFETY: It was just linked.
        unsafe { bindings::rb_insert_color(links, root) };
    }

    /// # Safety
    ///
    /// `place` is that of a node in one of these rows. The caller has the lock.
    unsafe fn unlink(&mut self, place: *mut Place) {
        // SAFETY: The caller promises it.
        let root: *mut bindings::rb_root = self.root(unsafe { (*place).row });
        // SAFETY: The caller promises that the place is linked; it is in the row that it names.
        unsafe { bindings::rb_erase(place.cast(), root) };
    }

    /// # Safety
    ///
    /// As for [`Self::unlink`].
    unsafe fn shift(&mut self, place: *mut Place, row: Row) {
        // SAFETY: The caller promises it.
        let number = unsafe { (*place).number };
        // SAFETY: The caller promises that the place is linked.
        unsafe { self.unlink(place) };
        // SAFETY: The place was just taken out, and the caller promises that it stays where it is.
        unsafe { self.link(place, row, number) };
    }
}
