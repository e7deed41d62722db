// SPDX-License-Identifier: GPL-2.0

//! The KEY source: what happens to keys and keyrings.
//!
//! A key is known by its address, and no reference to it is held: the watch on a key ends with the
//! key. Rights are checked when a watch is added, for the opener of the queue and for the caller.
//!
//! The hooks are two tracepoints, which a patch adds, or with `probes=1` probes on the functions
//! that change keys. They fire in process context, with the key's locks held, so posts wake
//! through irq_work.

use super::{
    add::{
        in_table,
        plain_mask, //
    },
    hook::{
        Attach,
        Hook, //
    },
    means,
    post::post,
    Added,
    Offer,
    Request, //
};
use crate::{
    mark::{
        Subscriber,
        Table, //
    },
    queue::{
        watch::{
            Reason,
            Watch, //
        },
        Queue, //
    },
    ring::record::{
        kind,
        word, //
    },
    rust::{
        device::key::{
            Key as KernelKey,
            KeyEvents,
            KeyRef, //
        },
        hooks::{
            fprobe,
            tracepoint::{
                self,
                Tracepoint, //
            },
        },
        sync::workqueue::OwnedQueue,
        task::cred::with_creds_of, //
    },
};
use kernel::{
    fs::File,
    prelude::*,
    sync::Arc, //
};

/// INSTANTIATED to SETATTR.
const ALL_EVENTS: u32 = 0xff;

/// The state of the source.
pub(crate) struct Key {
    // Dropped first: then nothing looks into the table any more.
    hook: Arc<Hook<Means>>,
    watched: Arc<Table<Watch>>,
}

/// By which means the source hears of keys.
enum Means {
    /// `key_notify` and `key_destroy`.
    Tracepoints([Tracepoint; 2]),
    /// Functions, probed.
    Probes(fprobe::key::Probes),
    /// None.
    Nothing,
}

/// A means in use; it is kept to be dropped.
enum Attached {
    Tracepoints { _two: [tracepoint::Attached; 2] },
    Probes { _all: fprobe::key::AttachedAll },
}

impl Means {
    /// What this kernel has. Process context.
    fn find() -> Self {
        let notify = tracepoint::key::notify::<Key>().find();
        let destroy = tracepoint::key::destroy::<Key>().find();
        if let (Some(notify), Some(destroy)) = (notify, destroy) {
            return Self::Tracepoints([notify, destroy]);
        }
        let probes = fprobe::allowed().then(fprobe::key::Probes::find::<Key>);
        match probes {
            Some(Ok(probes)) => Self::Probes(probes),
            _ => Self::Nothing,
        }
    }
}

impl Attach for Means {
    type Attached = Attached;

    fn attach(&self) -> Result<Attached> {
        match self {
            Self::Tracepoints([notify, destroy]) => {
                // In this order: nothing may be seen of a key whose end is not.
                let destroy = destroy.attach()?;
                Ok(Attached::Tracepoints {
                    _two: [notify.attach()?, destroy],
                })
            }
            Self::Probes(probes) => Ok(Attached::Probes {
                _all: probes.attach()?,
            }),
            Self::Nothing => Err(EOPNOTSUPP),
        }
    }
}

impl Key {
    /// Looks for the hooks. Process context.
    pub(crate) fn new(queue: Arc<OwnedQueue>) -> Result<Self> {
        Ok(Self {
            hook: Hook::new(Means::find(), queue)?,
            watched: Table::new()?,
        })
    }

    /// What the source gives on this kernel.
    pub(super) fn offer(&self) -> Offer {
        match self.hook.what() {
            Means::Tracepoints(_) => Offer {
                events: ALL_EVENTS,
                means: means::TRACEPOINT | means::PATCH,
            },
            Means::Probes(_) => Offer {
                events: ALL_EVENTS,
                means: means::FPROBE,
            },
            Means::Nothing => Offer::NOTHING,
        }
    }
}

/// Adds a watch on a key or keyring, or changes the mask of the one that is there.
///
/// EINVAL: impossible arguments, or no such special key. EOPNOTSUPP: this kernel has no hook. ENOKEY,
/// EKEYEXPIRED, EKEYREVOKED: no such key, or no longer. EACCES: opener or caller may not view it. And
/// what [`in_table`] gives.
pub(super) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let this = crate::KEY.get();
    let mask = plain_mask(request, ALL_EVENTS, this.offer().events)?;
    // A special id is the caller's; the opener is asked about the key that it stands for.
    let key = KeyRef::lookup_for_view(request.object)?;
    let again = with_creds_of(file, || KeyRef::lookup_for_view(key.serial()))?;
    if again.address() != key.address() {
        return Err(ENOKEY);
    }
    let lease = this.hook.lease()?;
    // The reference keeps the key until the watch is there.
    in_table(queue, request, mask, &this.watched, key.address(), lease)
}

impl KeyEvents for Key {
    fn changed(key: &KernelKey, subtype: u32, aux: u32) {
        let reader = Watch::context().read();
        let list = crate::KEY.get().watched.get(&reader, key.address());
        if list.is_some() {
            let body = [word(key.serial() as u32, aux)];
            post(&reader, [list], kind::KEY, subtype, &body, &[]);
        }
    }

    fn destroyed(key: &KernelKey) {
        let watched = &crate::KEY.get().watched;
        watched.end(key.address(), Reason::ObjectGone);
    }
}
