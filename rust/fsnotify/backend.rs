// SPDX-License-Identifier: GPL-2.0

//! A backend of the kernel's fsnotify: groups, and marks that are part of an object of ours.
//!
//! A mark is a field of the object that it leads to ([`HasKernelMark`]), one allocation
//! with one lifetime: it is freed by fsnotify's `free_mark` only, after a grace
//! period of its own SRCU. The group is the module's, not a queue's; fan-out to queues happens
//! above. Used by `crate::source::fs`. What an event says is in [`crate::rust::fsnotify::event`], how a mask
//! is changed in [`crate::rust::fsnotify::mask`].
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use super::{
    event::Event,
    mark::HasKernelMark,
    objects::Objects,
    place::{
        Class,
        Place, //
    },
    section::Section, //
};
use crate::rust::compat;
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    mm::kmem_cache::KmemCache,
    sync::{
        stack::Stack,
        workqueue::{
            new_delayed_job,
            DelayedJob,
            Job,
            OwnedQueue, //
        },
    },
};
use core::{
    marker::PhantomData,
    ptr::{self}, //
};
use kernel::{
    error::{
        from_err_ptr,
        to_result, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// In a mask: the mark keeps its inode in memory. On other objects than inodes a backend may give it a
/// meaning of its own; once it is set there, it stays, too. To fsnotify the bit means nothing on marks of
/// ours; it belongs to dnotify.
pub(crate) const PIN: u32 = bindings::FS_DN_MULTISHOT;

/// What a backend does.
pub(crate) trait Backend: Sized + Send + Sync + 'static {
    /// What its marks lead to.
    type Object: HasKernelMark;

    /// Something happened, or is about to. `objects` are those that one of this backend's groups has
    /// on what it happens to. An error refuses what is about to happen; it is looked at only for
    /// events that ask for permission. Process context, inside fsnotify's SRCU section; the file
    /// system's locks may be held, so nothing here may wait for them.
    fn event(event: &Event<'_>, objects: Objects<'_, Self>) -> Result;

    /// As [`Self::event`], for groups of the classes that are asked for permission; an error refuses
    /// what is about to happen. The section may be left, to wait for user space.
    fn ask(_event: &Event<'_>, _section: &mut Section<'_, Self>) -> Result {
        Ok(())
    }

    /// The mark is being destroyed, by us or because what it is on is dying. Once per mark, process
    /// context; may be inside memory reclaim; may still be running when `fsnotify_destroy_mark()`
    /// has returned elsewhere.
    fn freeing(object: &Self::Object);

    /// Where its objects are allocated. Outlives them.
    fn cache() -> &'static KmemCache<Self::Object>;

    /// How many kernel marks of this backend live.
    fn live() -> &'static Atomic<usize>;
}

/// A group of a backend. Dropping it waits until all its marks are freed.
///
/// # Invariants
///
/// `raw` is a group that was made with the operations of `B`, and we own a reference.
#[pin_data(PinnedDrop)]
pub(crate) struct Group<B: Backend> {
    raw: NonNull<bindings::fsnotify_group>,
    #[pin]
    retired: DelayedJob<Retired<B>>,
}

// SAFETY: fsnotify allows groups to be used by any thread.
unsafe impl<B: Backend> Send for Group<B> {}
// SAFETY: fsnotify allows groups to be used by any thread, by several at once.
unsafe impl<B: Backend> Sync for Group<B> {}

/// Objects whose mark is to be destroyed and put, from a workqueue, because both may sleep.
struct Retired<B: Backend> {
    group: NonNull<bindings::fsnotify_group>,
    objects: Stack<B::Object>,
}

// SAFETY: fsnotify allows groups to be used by any thread, and objects are `Send` and `Sync`.
unsafe impl<B: Backend> Send for Retired<B> {}
// SAFETY: fsnotify allows groups to be used by any thread, and objects are `Sync`.
unsafe impl<B: Backend> Sync for Retired<B> {}

impl<B: Backend> Job for Retired<B> {
    fn run(job: &DelayedJob<Self>) {
        let mut chain = job.objects.take();
        while let Some(object) = chain.next() {
            // INVARIANT: `retire` pushed it, which took back the reference that was kept.
            let mark = MarkHold::<B>(object, PhantomData);
            // SAFETY: The hold keeps the mark; it is of this group, which outlives the job.
            unsafe { bindings::fsnotify_destroy_mark(mark.raw(), job.group.as_ptr()) };
            drop(mark);
        }
    }
}

impl<B: Backend> Group<B> {
    const OPS: bindings::fsnotify_ops = bindings::fsnotify_ops {
        handle_event: Some(Self::handle_event),
        handle_inode_event: None,
        free_group_priv: None,
        freeing_mark: Some(Self::freeing_mark),
        free_event: None,
        free_mark: Some(Self::free_mark),
    };

    /// For the classes that are asked.
    const ASKING_OPS: bindings::fsnotify_ops = bindings::fsnotify_ops {
        handle_event: Some(Self::handle_question),
        ..Self::OPS
    };

    /// A group of a class. ENOMEM.
    pub(crate) fn new(class: Class, queue: Arc<OwnedQueue>) -> impl PinInit<Self, Error> {
        // A failure behind this leaks nothing: the initialiser of the job cannot fail.
        pin_init::pin_init_scope(move || {
            let ops = match class {
                Class::Notify => &Self::OPS,
                Class::Content | Class::PreContent => &Self::ASKING_OPS,
            };
            // SAFETY: The operations are a promoted constant, so they outlive every group.
            let raw = from_err_ptr(unsafe { bindings::fsnotify_alloc_group(ops, 0) })?;
            let raw = NonNull::new(raw).ok_or(ENOMEM)?;
            // The numbers of the classes are those of `enum fsnotify_group_prio`.
            // SAFETY: The group is valid, and nothing else has it yet.
            unsafe { (*raw.as_ptr()).priority = class as bindings::fsnotify_group_prio };
            let retired = Retired {
                group: raw,
                objects: Stack::new(),
            };
            // INVARIANT: Made with our operations; the reference is ours.
            Ok(try_pin_init!(Self {
                raw,
                retired <- new_delayed_job!(retired, queue, "wq_fsnotify_retire"),
            }? Error))
        })
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::fsnotify_group {
        self.raw.as_ptr()
    }

    /// A new object with an initialised mark that is on nothing yet. Sleeps. ENOMEM, and what
    /// `init` gives.
    pub(crate) fn alloc(&self, init: impl PinInit<B::Object, Error>) -> Result<MarkHold<B>> {
        let cache = B::cache();
        let object = NonNull::from(cache.alloc()?).cast::<B::Object>();
        // SAFETY: The cache gave memory for one object, which does not move until it is freed.
        if let Err(e) = unsafe { compat::pinned_init(object.as_ptr(), init) } {
            // SAFETY: It came from there, and nothing in it was left initialised.
            unsafe { cache.free(object) };
            return Err(e);
        }
        B::live().fetch_add(1, Relaxed);
        // SAFETY: The object was just initialised.
        let mark = unsafe { object.as_ref() }.kernel_mark().mark.get();
        // SAFETY: The mark is memory of a valid object, the group is valid.
        unsafe { bindings::fsnotify_init_mark(mark, self.as_ptr()) };
        // INVARIANT: `fsnotify_init_mark` sets the count to one for us.
        Ok(MarkHold(object, PhantomData))
    }

    /// Puts the mark on `place`. The loser of a race for it drops a mark that was on nothing: the
    /// counts that umount waits for belong to fsnotify's own connector, and it gives them back
    /// itself.
    ///
    /// EEXIST when this group has one there; ENOENT when the object is dying; ENOMEM. Sleeps;
    /// allocations are NOFS. To be called once per mark. `mask` is what it will want; the caller then says
    /// so with [`Self::update_mask`], before which a mark on a directory hears of nothing.
    pub(crate) fn add(&self, mark: &MarkHold<B>, place: Place<'_>, mask: u32) -> Result {
        let raw = mark.raw();
        // SAFETY: Valid, and nothing else has the mark yet.
        unsafe { (*raw).mask = Self::first_mask(place.is_dir(), mask) };
        if mask & PIN == 0 {
            // SAFETY: The mark was just initialised, and nothing else has it yet.
            unsafe { (*raw).flags |= bindings::FSNOTIFY_MARK_FLAG_NO_IREF };
        }
        // SAFETY: The mark is initialised; the place is valid, by its invariants.
        to_result(unsafe { bindings::fsnotify_add_mark(raw, place.object(), place.kind(), 0) })
    }

    /// The object that this group has on `place`, if its mark is attached. Takes spinlocks only.
    pub(crate) fn find(&self, place: Place<'_>) -> Option<MarkHold<B>> {
        // SAFETY: The place is valid, by its invariants.
        let mark =
            unsafe { bindings::fsnotify_find_mark(place.object(), place.kind(), self.as_ptr()) };
        let mark = NonNull::new(mark)?;
        // SAFETY: All marks of the group are in objects of `B`.
        let object = unsafe { B::Object::object(mark) };
        // INVARIANT: fsnotify gave us a reference.
        Some(MarkHold(object, PhantomData))
    }

    /// Ends the mark: detaches it and tells [`Backend::freeing`]. Idempotent. Sleeps; no lock of
    /// ours may be held.
    pub(crate) fn destroy(&self, mark: &MarkHold<B>) {
        // SAFETY: The hold keeps the mark; it is of this group.
        unsafe { bindings::fsnotify_destroy_mark(mark.raw(), self.as_ptr()) };
    }

    /// Takes back the reference that [`MarkHold::keep`] gave up; ends and puts the mark from the
    /// workqueue. Whatever that lets go of, a deleted file with all its data perhaps, goes there
    /// (the job that puts it holds no lock and is in no read section).
    ///
    /// Nothing happens when none was kept. Any context but NMI.
    pub(crate) fn retire(&self, object: &B::Object) {
        if object.kernel_mark().state.take_down() {
            // SAFETY: The reference keeps the object until the job puts it; the link is used for
            // this only, and once, because the flag was raised for the last time.
            unsafe { self.retired.objects.push(NonNull::from(object)) };
            self.retired.queue(0);
        }
    }

    /// # Safety
    ///
    /// Called by fsnotify for a group of this backend.
    unsafe extern "C" fn handle_event(
        _group: *mut bindings::fsnotify_group,
        mask: u32,
        data: *const c_void,
        data_type: c_int,
        dir: *mut bindings::inode,
        name: *const bindings::qstr,
        _cookie: u32,
        iter: *mut bindings::fsnotify_iter_info,
    ) -> c_int {
        // SAFETY: These are the arguments of one call, which outlives `event`.
        let event = unsafe { Event::new(mask, data, data_type, dir, name) };
        // SAFETY: fsnotify's iterator is valid for the call.
        let iter = unsafe { &*iter };
        // SAFETY: It is that of this call, which is for a group of `B`.
        let objects = unsafe { Objects::new(iter) };
        match B::event(&event, objects) {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Called by fsnotify for a group of this backend.
    unsafe extern "C" fn handle_question(
        _group: *mut bindings::fsnotify_group,
        mask: u32,
        data: *const c_void,
        data_type: c_int,
        dir: *mut bindings::inode,
        name: *const bindings::qstr,
        _cookie: u32,
        iter: *mut bindings::fsnotify_iter_info,
    ) -> c_int {
        let Some(iter) = NonNull::new(iter) else {
            return 0;
        };
        // SAFETY: These are the arguments of one call, which outlives `event`.
        let event = unsafe { Event::new(mask, data, data_type, dir, name) };
        // SAFETY: This is the call that the iterator belongs to.
        let mut section = unsafe { Section::new(iter) };
        match B::ask(&event, &mut section) {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Called by fsnotify for a mark of this backend.
    unsafe extern "C" fn freeing_mark(
        mark: *mut bindings::fsnotify_mark,
        _group: *mut bindings::fsnotify_group,
    ) {
        if let Some(mark) = NonNull::new(mark) {
            // SAFETY: The mark is in an object of `B`.
            let object = unsafe { B::Object::object(mark) };
            // SAFETY: The caller has a reference, or SRCU.
            B::freeing(unsafe { object.as_ref() });
        }
    }

    /// # Safety
    ///
    /// Called by fsnotify for a mark of this backend that cannot be reached any more.
    unsafe extern "C" fn free_mark(mark: *mut bindings::fsnotify_mark) {
        if let Some(mark) = NonNull::new(mark) {
            // SAFETY: The mark is in an object of `B`.
            let object = unsafe { B::Object::object(mark) };
            // SAFETY: `alloc` made the object; fsnotify calls this once, last.
            unsafe { ptr::drop_in_place(object.as_ptr()) };
            // SAFETY: It came from this cache and was just dropped.
            unsafe { B::cache().free(object) };
        }
        // Release: the free comes before the module sees the count.
        B::live().fetch_sub(1, Release);
    }
}

#[pinned_drop]
impl<B: Backend> PinnedDrop for Group<B> {
    fn drop(self: Pin<&mut Self>) {
        self.retired.flush();
        // The caller has destroyed every mark; what remains is on its way through fsnotify's
        // reaper, which calls `free_mark` after a grace period.
        while B::live().load(Acquire) != 0 {
            // SAFETY: May be called at any time in process context.
            unsafe { bindings::fsnotify_wait_marks_destroyed() };
            fsleep(Delta::from_millis(1));
        }
        // The reaper's work function may still be returning through our `free_mark`.
        // SAFETY: It may be called at any time in process context, which a drop of a group needs.
        unsafe { bindings::fsnotify_wait_marks_destroyed() };
        // SAFETY: By the type invariants, the reference is ours.
        unsafe { bindings::fsnotify_put_group(self.as_ptr()) };
    }
}

/// A reference to a mark, and so to its object. Dropping it may free the object or unpin an inode:
/// process context, no locks. Made by [`Group::alloc`] and [`Group::find`].
///
/// # Invariants
///
/// The object is valid, its mark initialised, and one of the mark's references is ours.
pub(crate) struct MarkHold<B: Backend>(NonNull<B::Object>, PhantomData<B>);

// SAFETY: Marks may be used and put by any thread.
unsafe impl<B: Backend> Send for MarkHold<B> {}
// SAFETY: Marks may be used by any thread, by several at once.
unsafe impl<B: Backend> Sync for MarkHold<B> {}

impl<B: Backend> MarkHold<B> {
    fn raw(&self) -> *mut bindings::fsnotify_mark {
        self.kernel_mark().mark.get()
    }

    /// Leaves the reference with the object, until [`Group::retire`].
    pub(crate) fn keep(self) {
        let old = self.kernel_mark().state.raise();
        debug_assert!(!old);
        // INVARIANT: The reference is the one that the flag stands for.
        core::mem::forget(self);
    }
}

impl<B: Backend> core::ops::Deref for MarkHold<B> {
    type Target = B::Object;

    fn deref(&self) -> &B::Object {
        // SAFETY: By the type invariants.
        unsafe { self.0.as_ref() }
    }
}

impl<B: Backend> Drop for MarkHold<B> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::fsnotify_put_mark(self.raw()) };
    }
}
