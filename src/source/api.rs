// SPDX-License-Identifier: GPL-2.0

//! The API for other modules that post events of their own.
//!
//! An object of such a module has a list, which is a [`Slot`]: empty, or leading by id to connectors
//! with the marks of its watches. A watch is identified by its queue and the id that the module
//! gave it. A watch of this kind has no mask: it gets what is posted with its id.
//!
//! The C side is in `crate::rust::producer`; Documentation/producer.rst is for its callers.

use super::post::each_watch;
use crate::rust::prelude::*;
use crate::{
    mark::{
        ConnectorRef,
        Entering,
        MarkRef,
        NotInserted,
        Slot,
        Subscriber, //
    },
    queue::{
        ending,
        ring::{
            Event,
            Records, //
        },
        watch::{
            Reason,
            Spec,
            Watch, //
        },
        Queue, //
    },
    ring::record::{
        info,
        kind, //
    },
    rust::{
        device::misc_device::{
            opened_for_reading,
            opened_for_writing, //
        },
        producer::{
            export_producer_api,
            Claim,
            ProducerApi,
            Record, //
        },
    },
};
use core::ptr;

/// The API.
struct Api;

export_producer_api!(Api);

impl ProducerApi for Api {
    type Queue = Queue;
    type Slot = Slot<Watch>;

    fn queue(fd: i32) -> Result<Arc<Queue>> {
        let file = crate::FOPS.open_file(fd)?;
        // A descriptor that is not open for both cannot consume.
        if !opened_for_reading(file.file()) || !opened_for_writing(file.file()) {
            return Err(EACCES);
        }
        Ok(file.private().into())
    }

    fn add(queue: Arc<Queue>, slot: &Slot<Watch>, claim: Arc<Claim>) -> Result {
        if claim.info_id() & !info::ID != 0 {
            return Err(EINVAL);
        }
        if queue.ended() {
            return Err(ENOENT);
        }
        if !queue.has_ring() {
            return Err(ENOBUFS);
        }
        let spec = Spec {
            // Its records have any of the types for modules; this one stands for all of them.
            kind: kind::FOREIGN_FIRST,
            scope: 0,
            flags: 0,
            id: (claim.info_id() >> info::ID_SHIFT) as u8,
            cookie: 0,
        };
        ending::retry(queue.user(), || {
            insert(&Watch::claimed(&queue, spec, claim.clone())?, slot)
        })
    }

    fn remove(queue: &Queue, slot: &Slot<Watch>, id: u64) -> Result {
        let mut handle = None;
        for_each(slot, id, |watch| {
            if ptr::eq(watch.queue(), queue) {
                handle = Some(watch.handle());
            }
        });
        // It may end meanwhile.
        queue.remove(handle.ok_or(EBADSLT)?).map_err(|_| EBADSLT)
    }

    fn end(slot: &Slot<Watch>, unloading: bool) -> Result {
        let any = {
            let reader = Watch::context().read();
            slot.any(&reader, |list| list.has_live())
        };
        slot.end(if unloading {
            Reason::SourceGone
        } else {
            Reason::ObjectGone
        });
        if any {
            Ok(())
        } else {
            Err(EBADSLT)
        }
    }

    fn post(slot: &Slot<Watch>, record: &Record, id: u64) {
        let records = [Records {
            kind: record.kind,
            subtypes: 1 << (record.subtype & 31),
            base: u32::from(record.subtype & !31),
            flags: record.flags,
            fixed: record.body(),
            name: &[],
        }];
        let event = Event { records: &records };
        for_each(slot, id, |watch| Queue::post_anywhere(watch, &event));
    }

    fn barrier() {
        Watch::context().flush_ends();
        crate::RELEASES.get().barrier();
    }
}

/// Calls `f` for every live watch with this id. Any context but NMI.
fn for_each(slot: &Slot<Watch>, id: u64, mut f: impl FnMut(&Arc<Watch>)) {
    let reader = Watch::context().read();
    each_watch(&reader, [slot.get(&reader, id)], |watch| {
        if watch.claimed_id() == Some(id) {
            f(watch);
        }
    });
}

/// Puts a new watch into its queue's table and into the list. ENOENT when one of them has ended
/// (each is looked at under the lock that ends it); EBUSY when the queue has such a watch here.
fn insert(watch: &Arc<Watch>, slot: &Slot<Watch>) -> Result {
    let mark = MarkRef::new(watch.clone(), 0)?;
    // Dropped after the guard, which is declared behind them: their drops may sleep and free.
    let connector: ConnectorRef<Watch>;
    let group = watch.group().lock();
    if watch.group().ended() {
        return Err(ENOENT);
    }
    connector = slot.connector(watch.claimed_id().ok_or(EINVAL)?)?;
    watch.charge()?;
    let mut entering = Entering::new(group, watch)?;
    entering.insert(&connector, mark).map_err(|why| match why {
        NotInserted::Exists | NotInserted::Full => EBUSY,
        NotInserted::Destroying => ENOENT,
    })?;
    entering.finish();
    Ok(())
}
