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
    hook::Attach,
    ops::{
        means,
        Listed,
        Offer,
        Request,
        Source, //
    },
    post::post, //
};
use crate::rust::prelude::*;
use crate::{
    mark::Subscriber,
    queue::watch::Watch,
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
        task::cred::with_creds_of, //
    },
};
use kernel::fs::File;

/// The source.
pub(super) struct Key;

/// By which means the source hears of keys.
pub(super) enum Means {
    /// `key_notify` and `key_destroy`.
    Tracepoints([Tracepoint; 2]),
    /// Functions, probed.
    Probes(fprobe::key::Probes),
    /// None.
    Nothing,
}

/// A means in use; it is kept to be dropped.
pub(super) enum Attached {
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

impl Source for Key {
    /// INSTANTIATED to SETATTR.
    const EVENTS: u32 = 0xff;
    type Hooks = Means;
    // The reference keeps the key until the watch is there.
    type Object = KeyRef;

    fn hooks() -> Means {
        Means::find()
    }

    fn offer(hooks: &Means) -> Offer {
        match hooks {
            Means::Tracepoints(_) => Offer {
                events: Self::EVENTS,
                means: means::TRACEPOINT | means::PATCH,
            },
            Means::Probes(_) => Offer {
                events: Self::EVENTS,
                means: means::FPROBE,
            },
            Means::Nothing => Offer::NOTHING,
        }
    }

    /// A key or keyring.
    ///
    /// EINVAL: no such special key. ENOKEY, EKEYEXPIRED, EKEYREVOKED: no such key, or no longer. EACCES:
    /// opener or caller may not view it.
    fn find(file: &File, request: &Request) -> Result<KeyRef> {
        // A special id is the caller's; the opener is asked about the key that it stands for.
        let key = KeyRef::lookup_for_view(request.object)?;
        let again = with_creds_of(file, || KeyRef::lookup_for_view(key.serial()))?;
        if again.address() != key.address() {
            return Err(ENOKEY);
        }
        Ok(key)
    }

    fn number(key: &KeyRef) -> u64 {
        key.address()
    }
}

impl KeyEvents for Key {
    fn changed(key: &KernelKey, subtype: u32, aux: u32) {
        let reader = Watch::context().read();
        let list = Self::state().list(&reader, key.address());
        if list.is_some() {
            let body = [word(key.serial() as u32, aux)];
            post(&reader, [list], kind::KEY, subtype, &body, &[]);
        }
    }

    fn destroyed(key: &KernelKey) {
        Self::state().end(key.address());
    }
}
