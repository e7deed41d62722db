// SPDX-License-Identifier: GPL-2.0

//! `/dev/watch_queue`: the file operations, and what each ioctl does.
//!
//! Arguments are copied once and checked completely before anything is changed. The queue does the
//! work.

mod permission;

use crate::rust::prelude::*;
use crate::{
    abi,
    queue::{
        ending,
        fill::Watermark,
        filter::{
            Filter,
            ENTRY_WORDS, //
        },
        watch::Reason,
        Opener,
        Queue, //
    },
    ring::{
        record::kind,
        SLOT_BYTES, //
    },
    rust::{
        device::misc_device::{
            opened_for_writing,
            PollDevice, //
        },
        hooks::fprobe,
        mm::uaccess::{
            read_struct,
            write_struct, //
        },
        params,
        sync::wait_queue::WaitQueue,
        task::user_ns::UserNamespace, //
        task::{
            cred::{
                capable_quietly,
                Capability, //
            },
            pid::{
                PidNs,
                Process, //
            },
        },
    },
    source::{
        self,
        fs, //
    },
};
use kernel::{
    fs::File,
    mm::virt::VmaNew,
    seq_file::SeqFile,
    sync::ArcBorrow,
    time::msecs_to_jiffies,
    uaccess::UserSlice, //
};

impl PollDevice for Queue {
    fn open(file: &File) -> Result<Arc<Self>> {
        let opener = Opener {
            pid_ns: PidNs::of_current()?,
            // The opener asks for nothing here that could be denied.
            sees_all: capable_quietly(UserNamespace::init(), Capability::SYS_ADMIN),
            process: Process::current()?,
        };
        let user = crate::USERS.get().enter(file.cred())?;
        Arc::pin_init(Queue::new(opener, user), GFP_KERNEL_ACCOUNT)
    }

    fn release(this: Arc<Self>, _file: &File) {
        Queue::release(&this);
    }

    fn ioctl(this: ArcBorrow<'_, Self>, file: &File, cmd: u32, arg: usize) -> Result<isize> {
        let changes = match cmd {
            abi::SET_SIZE
            | abi::SET_FILTER
            | abi::ADD_WATCH
            | abi::REMOVE_WATCH
            | abi::SHUTDOWN
            | abi::SET_WATERMARK
            | abi::RESPOND
            | abi::OPEN_TARGET
            | abi::SET_PERMISSION => true,
            abi::GET_INFO => false,
            _ => return Err(ENOTTY),
        };
        // A descriptor that is only read from can never store a tail.
        if changes && !opened_for_writing(file) {
            return Err(EBADF);
        }
        // A SHUTDOWN that was interrupted goes on.
        let goes_on = cmd == abi::SHUTDOWN && this.watch_count() != 0;
        if changes && this.ended() && !goes_on {
            return Err(ESHUTDOWN);
        }
        match cmd {
            abi::SET_SIZE => set_size(&this, file, arg),
            abi::SET_FILTER => set_filter(&this, arg),
            abi::ADD_WATCH => add_watch(this.into(), file, arg),
            abi::REMOVE_WATCH => remove_watch(&this, arg),
            abi::GET_INFO => get_info(&this, arg),
            abi::SET_WATERMARK => set_watermark(&this, arg),
            abi::RESPOND => permission::respond(&this, arg),
            abi::OPEN_TARGET => return permission::open_target(&this, file, arg),
            abi::SET_PERMISSION => permission::set_permission(&this, file, arg),
            _ => shutdown(&this, arg),
        }
        .map(|()| 0)
    }

    fn mmap(this: ArcBorrow<'_, Self>, _file: &File, vma: &VmaNew) -> Result {
        this.map(vma)
    }

    fn wait_queue(&self) -> &WaitQueue {
        self.waiters()
    }

    fn poll(this: ArcBorrow<'_, Self>, _file: &File) -> u32 {
        Queue::poll(&this)
    }

    fn show_fdinfo(this: ArcBorrow<'_, Self>, seq: &SeqFile) {
        this.show(seq);
    }
}

fn set_size(queue: &Queue, file: &File, pages: usize) -> Result {
    let max = usize::try_from(params::max_pages()).unwrap_or(usize::MAX);
    queue.set_size(pages, max, |pages| queue.user().charge_ring(file, pages))
}

/// EFAULT; EINVAL for each of [`crate::queue::filter::BadFilter`]; ENOMEM.
fn set_filter(queue: &Queue, arg: usize) -> Result {
    if arg == 0 {
        queue.set_filter(None);
        return Ok(());
    }
    let user = UserPtr::from_addr(arg);
    let mut reader = UserSlice::new(user, 8).reader();
    let nr_filters = reader.read::<u32>()?;
    let reserved = reader.read::<u32>()?;
    let count = Filter::count(nr_filters, reserved).map_err(|_| EINVAL)?;

    let mut filter = KBox::new(Filter::new(), GFP_KERNEL_ACCOUNT)?;
    let entries = user.wrapping_byte_add(8);
    let mut reader = UserSlice::new(entries, count * ENTRY_WORDS * 4).reader();
    for _ in 0..count {
        let words = reader.read::<[u32; ENTRY_WORDS]>()?;
        filter.push(&words).map_err(|_| EINVAL)?;
    }
    queue.set_filter(Some(filter));
    Ok(())
}

/// EINVAL: unknown flags, an id above 255, a handle that is not 0. ENOBUFS: no ring yet, since then
/// every event would be lost. Everything else is the source's.
fn add_watch(queue: Arc<Queue>, file: &File, arg: usize) -> Result {
    let (mut add, user_size) = read_struct::<abi::Add>(arg, abi::ADD_MIN)?;
    if add.flags & !abi::flag::ALL != 0 || add.handle != 0 {
        return Err(EINVAL);
    }
    let id = u8::try_from(add.id).map_err(|_| EINVAL)?;
    if !queue.has_ring() {
        return Err(ENOBUFS);
    }
    let request = source::Request {
        kind: add.kind,
        scope: add.scope,
        flags: add.flags,
        object: add.object,
        id,
        mask: add.mask,
        ignore: add.ignore_mask,
        cookie: add.cookie,
    };
    let added = ending::retry(queue.user(), || source::add(&queue, file, &request))?;
    add.handle = added.handle;
    write_struct(arg, user_size, &add).inspect_err(|_| {
        // The caller could never name it. An update leaves the watch that was there.
        if added.new {
            let _ = queue.remove(added.handle);
        }
    })
}

/// EINVAL: unknown flags, a type without ALL, a handle with it. ENOENT: no such watch.
fn remove_watch(queue: &Queue, arg: usize) -> Result {
    let (remove, _) = read_struct::<abi::Remove>(arg, abi::REMOVE_MIN)?;
    if remove.flags & !abi::REMOVE_ALL != 0 || remove.reserved != 0 {
        return Err(EINVAL);
    }
    if remove.flags & abi::REMOVE_ALL == 0 {
        if remove.kind != 0 {
            return Err(EINVAL);
        }
        return queue.remove(remove.handle);
    }
    if remove.handle != 0 || remove.kind >= kind::NR {
        return Err(EINVAL);
    }
    queue.remove_all(remove.kind, Reason::Removed)
}

/// ENOENT: the handle names no live watch.
fn get_info(queue: &Queue, arg: usize) -> Result {
    let (asked, user_size) = read_struct::<abi::Info>(arg, abi::INFO_MIN)?;
    queue.settle();
    let mut features = 0;
    if crate::FS.get().lsm().present() {
        features |= abi::FEATURE_LSM;
    }
    if fprobe::allowed() {
        features |= abi::FEATURE_PROBES;
    }
    let (mut sources, mut hooks, mut events) = (0, 0, [0; 8]);
    for (kind, events) in (0..kind::NR).zip(&mut events) {
        let offer = source::offer(kind);
        if offer.events != 0 {
            sources |= 1 << kind;
        }
        hooks |= u64::from(offer.means) << (8 * kind);
        *events = offer.events;
    }
    if crate::FS.get().waits().is_some() {
        features |= abi::FEATURE_PERMISSION;
    }
    let asking = queue.permission_counters();
    let mut info = abi::Info {
        size: asked.size,
        abi_version: abi::VERSION,
        handle: asked.handle,
        features,
        sources,
        fs_scopes: fs::SCOPES,
        fs_mask: fs::events().into(),
        ring_slots: queue.ring_slots().into(),
        watches: queue.watch_count(),
        posted: 0,
        filtered: 0,
        delivered: 0,
        lost: 0,
        mask: 0,
        ignore_mask: 0,
        cookie: 0,
        id: 0,
        kind: 0,
        hooks,
        events,
        asked: asking.asked,
        allowed: asking.allowed,
        denied: asking.denied,
        timed_out: asking.timed_out,
        by_policy: asking.by_policy,
        killed: asking.killed,
        pending: asking.pending,
        not_asked: asking.not_asked,
        listener_gone: asking.listener_gone,
        shut_down: asking.shut_down,
        unplaced: queue.unplaced(),
    };
    let counters = if asked.handle == 0 {
        queue.counters()
    } else {
        let (watch, counters) = queue.watch_info(asked.handle)?;
        info.mask = watch.mask().into();
        info.ignore_mask = watch.ignore().into();
        info.cookie = watch.cookie();
        info.id = watch.spec().id.into();
        info.kind = watch.kind();
        counters
    };
    info.posted = counters.posted;
    info.filtered = counters.filtered;
    info.delivered = counters.delivered;
    info.lost = counters.lost;
    write_struct(arg, user_size, &info)
}

/// EINVAL: bytes that are more than the ring has, or a time above an hour. ENOBUFS: no ring yet.
fn set_watermark(queue: &Queue, arg: usize) -> Result {
    let (mark, _) = read_struct::<abi::Watermark>(arg, abi::WATERMARK_MIN)?;
    let slots = queue.ring_slots();
    if slots == 0 {
        return Err(ENOBUFS);
    }
    let filled = mark.bytes.div_ceil(SLOT_BYTES as u32);
    if filled > slots || mark.timeout_ms > abi::WATERMARK_MAX_MS {
        return Err(EINVAL);
    }
    let watermark = Watermark {
        records: mark.records,
        slots: filled,
        timed: mark.timeout_ms != 0,
    };
    let none = watermark.records == 0 && watermark.slots == 0 && !watermark.timed;
    queue.set_watermark(
        (!none).then_some(watermark),
        msecs_to_jiffies(mark.timeout_ms),
    );
    Ok(())
}

/// EINVAL unless the argument is 0.
fn shutdown(queue: &Queue, arg: usize) -> Result {
    if arg != 0 {
        return Err(EINVAL);
    }
    queue.shutdown()
}
