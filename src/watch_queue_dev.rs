// SPDX-License-Identifier: GPL-2.0

//! watch_queue: kernel events through one mmap()'ed ring per open `/dev/watch_queue`.
//!
//! The root of the module: what exists for its whole life, in the order in which it goes. Read
//! `Documentation/` first; then [`mark`] (which watch sees what), [`queue`] and [`ring`] (how it
//! gets to user space), [`source`] (where it comes from), [`device`] (what user space can ask for),
//! and [`rust`] (what the kernel crate does not have).

#![crate_name = "watch_queue_dev"]

pub(crate) mod abi;
pub(crate) mod device;
pub(crate) mod mark;
pub(crate) mod queue;
pub(crate) mod ring;
#[path = "../rust/lib.rs"]
pub(crate) mod rust;
pub(crate) mod source;

use crate::rust::prelude::*;
use crate::{
    mark::Context,
    queue::{
        ending::Endings,
        limits::Users,
        release::Releases,
        watch::Watch,
        Queue, //
    },
    rust::{
        device::misc_device::{
            FileOperations,
            PollDeviceRegistration, //
        },
        params,
        sync::{
            global::{
                Global,
                GlobalGuard, //
            },
            workqueue::{
                OwnedQueue,
                WQ_MEM_RECLAIM,
                WQ_UNBOUND, //
            },
        },
    },
    source::{
        fs,
        Fs,
        Sources, //
    },
};
use kernel::InPlaceModule;

module! {
    type: WatchQueueDev,
    name: "watch_queue_dev",
    authors: ["watch_queue developers"],
    description: "Kernel events through one mmap()'ed ring per open /dev/watch_queue",
    license: "GPL",
}

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no mark is left.
pub(crate) static MARKS: Global<Context<Watch>> = unsafe { Global::new() };

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no watch is left.
pub(crate) static FS: Global<Fs> = unsafe { Global::new() };

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no watch is left.
pub(crate) static SOURCES: Global<Sources> = unsafe { Global::new() };

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no watch is left.
pub(crate) static RELEASES: Global<Releases> = unsafe { Global::new() };

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no watch is left.
pub(crate) static ENDINGS: Global<Endings> = unsafe { Global::new() };

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no queue is left.
pub(crate) static WORK: Global<Arc<OwnedQueue>> = unsafe { Global::new() };

// SAFETY: `WatchQueueDev::init` initialises it, and keeps the guard until no queue is left.
pub(crate) static USERS: Global<Users> = unsafe { Global::new() };

/// The file operations of `/dev/watch_queue`.
pub(crate) static FOPS: FileOperations<Queue> = FileOperations::new();

/// What the module consists of, in the order in which it goes. When it goes, no file is open: each
/// holds a reference on the module. A source is set up before the device through which it can be
/// asked for, and goes after the last queue that it could post to.
#[pin_data(PinnedDrop)]
struct WatchQueueDev {
    #[pin]
    device: PollDeviceRegistration<Queue>,
    sources: GlobalGuard<Sources>,
    fs: GlobalGuard<Fs>,
    last_marks: LastMarks,
    marks: GlobalGuard<Context<Watch>>,
    releases: GlobalGuard<Releases>,
    endings: GlobalGuard<Endings>,
    users: GlobalGuard<Users>,
    work: GlobalGuard<Arc<OwnedQueue>>,
}

/// Waits for the marks that were let go of by callbacks of fsnotify. It goes behind `fs`, whose end
/// waits for the callbacks.
struct LastMarks;

impl Drop for LastMarks {
    fn drop(&mut self) {
        MARKS.get().flush();
    }
}

impl InPlaceModule for WatchQueueDev {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            params::limit_watches_by_memory(fs::bytes_per_watch());
            let queue = OwnedQueue::new(c"watch_queue", WQ_UNBOUND | WQ_MEM_RECLAIM)?;
            let queue = Arc::new(queue, GFP_KERNEL)?;
            let marks = MARKS.init(Context::new(queue.clone(), c"watch_queue_mark"))?;
            let releases = RELEASES.init(Releases::new(queue.clone()))?;
            let endings = ENDINGS.init(Endings::new(queue.clone()))?;
            let fs = FS.init(Fs::new(queue.clone()))?;
            if !FS.get().lsm().present() {
                pr_info!(
                    "this kernel does not let modules ask LSMs about watches; no such rules\n"
                );
            }
            let sources = SOURCES.init(Sources::new(&queue))?;
            let users = USERS.init(Users::new())?;
            let work = WORK.init(Ok::<_, Error>(queue))?;
            // If the last one fails, what is there goes in the order from behind, which is that of the
            // fields.
            Ok(try_pin_init!(Self {
                work,
                users,
                endings,
                releases,
                marks,
                last_marks: LastMarks,
                fs,
                sources,
                // Last: the device may be opened at once.
                device <- PollDeviceRegistration::new(c"watch_queue", 0o666, &FOPS),
            }? Error))
        })
    }
}

#[pinned_drop]
impl PinnedDrop for WatchQueueDev {
    fn drop(self: Pin<&mut Self>) {
        // Queues have ended with their files, but some of their watches may wait for their end, and
        // those that were killed from elsewhere may still be with the reaper. After this, no watch and
        // no mark lives; `fs` then waits for the kernel marks.
        ENDINGS.get().flush();
        MARKS.get().flush();
    }
}
