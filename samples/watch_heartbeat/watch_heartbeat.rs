// SPDX-License-Identifier: GPL-2.0

//! Sample in Rust of a module that posts events of its own to `/dev/watch_queue`.
//!
//! A timer beats ten times a second, in a hard interrupt; who watches `/dev/watch_heartbeat` gets a
//! record for each beat. Documentation/producer.rst explains it; `watch_heartbeat.h` beside this
//! file is for user space, `watch_queue.rs` is the API.

mod watch_queue;

use crate::watch_queue::{
    Queue,
    WatchList, //
};
use kernel::{
    fs::File,
    impl_has_hr_timer,
    ioctl::_IOW,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc,
        ArcBorrow, //
    },
    time::{
        hrtimer::{
            ArcHrTimerHandle,
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerExpires,
            HrTimerPointer,
            HrTimerRestart,
            RelativeHardMode, //
        },
        Delta,
        Instant,
        Monotonic, //
    },
    uaccess::UserSlice, //
};

module! {
    type: Heartbeat,
    name: "watch_heartbeat",
    authors: ["watch_queue developers"],
    description: "Sample: a record through /dev/watch_queue ten times a second",
    license: "GPL",
}

/// Of its records.
const WATCH_TYPE_HEARTBEAT_NOTIFY: u32 = 0x80_0002;

/// `struct watch_heartbeat`.
type Request = [u32; 2];

const WATCH_HEARTBEAT: u32 = _IOW::<Request>('|' as u32, 0xb1);

/// Between two beats.
const INTERVAL: Delta = Delta::from_millis(100);

kernel::sync::global_lock! {
    // SAFETY: Initialised by `Heartbeat::init`, before the device exists.
    unsafe(uninit) static HEART: Mutex<Option<Arc<Heart>>> = None;
}

/// What beats, and can be watched.
#[pin_data]
struct Heart {
    #[pin]
    timer: HrTimer<Self>,
    #[pin]
    watchers: WatchList,
    beats: Atomic<u64>,
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Heart {
        mode: RelativeHardMode<Monotonic>, field: self.timer
    }
}

impl HrTimerCallback for Heart {
    type Pointer<'a> = Arc<Self>;

    fn run(this: ArcBorrow<'_, Self>, mut ctx: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        let beat = this.beats.fetch_add(1, Relaxed);
        let body = [beat, Instant::<Monotonic>::now().as_nanos() as u64];
        // The type is one for modules, so it does not fail.
        let _ = this.watchers.post(WATCH_TYPE_HEARTBEAT_NOTIFY, 0, &body, 0);
        ctx.forward_now(INTERVAL);
        HrTimerRestart::Restart
    }
}

/// An open file; it has no state.
struct Device;

#[vtable]
impl MiscDevice for Device {
    type Ptr = KBox<Self>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<KBox<Self>> {
        Ok(KBox::new(Self, GFP_KERNEL)?)
    }

    fn ioctl(_this: &Self, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        if cmd != WATCH_HEARTBEAT {
            return Err(ENOTTY);
        }
        let [fd, id] = UserSlice::new(UserPtr::from_addr(arg), size_of::<Request>())
            .reader()
            .read::<Request>()?;
        let id = u8::try_from(id).map_err(|_| EINVAL)?;
        let queue = Queue::from_fd(fd as i32)?;
        let heart = HEART.lock().clone().ok_or(ENODEV)?;
        heart.watchers.add(&queue, id, 0)?;
        Ok(0)
    }
}

/// The module. Fields go in this order: nobody comes any more, then the timer stops, and with its
/// reference to the heart the list ends: each watcher gets his REMOVAL.
#[pin_data(PinnedDrop)]
struct Heartbeat {
    #[pin]
    device: MiscDeviceRegistration<Device>,
    pulse: ArcHrTimerHandle<Heart>,
}

impl kernel::InPlaceModule for Heartbeat {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            // SAFETY: Called once.
            unsafe { HEART.init() };
            let heart = Arc::pin_init(
                pin_init!(Heart {
                    timer <- HrTimer::new(),
                    watchers <- WatchList::new(),
                    beats: Atomic::new(0),
                }),
                GFP_KERNEL,
            )?;
            let options = MiscDeviceOptions {
                name: c"watch_heartbeat",
            };
            Ok(try_pin_init!(Self {
                pulse: heart.clone().start(INTERVAL),
                device <- MiscDeviceRegistration::register(options),
                // Last, so that nothing is left behind when that fails.
                _: {
                    *HEART.lock() = Some(heart);
                },
            }? Error))
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Heartbeat {
    fn drop(self: Pin<&mut Self>) {
        // The device is not open: each open file has a reference on the module.
        let heart = HEART.lock().take();
        drop(heart);
    }
}
