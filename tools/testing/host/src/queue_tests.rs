// SPDX-License-Identifier: GPL-2.0

//! The state under the ring lock: what is lost and how that is told, the end of a watch, events
//! that belong together.

use crate::{
    consumer::{info as info_of, kind as kind_of, subtype as subtype_of},
    module::queue::{
        filter::{Filter, ENTRY_WORDS},
        host::{Counters, Queue, Records},
    },
    ring::record::{self, info, kind, meta},
    rust::prelude::Arc,
    shim::watch::{Reason, State, Watch},
};

const SIZE: u32 = 512;

fn watch(id: u8) -> Arc<Watch> {
    Arc::new(Watch::new(
        id,
        100 + u64::from(id),
        200 + u64::from(id),
        false,
    ))
}

fn records(subtypes: u32, fixed: &[u64]) -> Records<'_> {
    Records {
        kind: kind::FS,
        subtypes,
        base: 0,
        flags: 0,
        fixed,
        name: b"file",
    }
}

fn queue() -> Queue {
    Queue::new(SIZE, 0u32.wrapping_sub(SIZE).wrapping_add(3))
}

/// Takes everything out that is in the ring.
fn read(queue: &mut Queue) -> Vec<Vec<u64>> {
    std::iter::from_fn(|| queue.consumer.next().map(<[u64]>::to_vec)).collect()
}

fn is(record: &[u64], kind: u32, subtype: u32) -> bool {
    (kind_of(record[0]), subtype_of(record[0])) == (kind, subtype)
}

/// Posts until a record is lost; returns how many were not.
fn fill(queue: &mut Queue, watch: &Arc<Watch>) -> u64 {
    let before = queue.counters();
    while queue.counters().lost == before.lost {
        queue.post(watch, &[records(1, &[7])]);
    }
    queue.counters().delivered - before.delivered
}

// TRAPS: B9
#[test]
fn a_loss_is_told_without_a_further_event_with_its_count_and_cookie_b9() {
    let (mut queue, watch) = (queue(), watch(3));
    let written = fill(&mut queue, &watch);
    for _ in 0..9 {
        queue.post(&watch, &[records(0b11, &[7])]);
    }
    assert_eq!(
        queue.counters(),
        Counters {
            delivered: written,
            filtered: 0,
            lost: 19
        }
    );
    assert_eq!(watch.counters(), (written, 0, 19));
    // Asking is enough; the room for it was kept.
    assert_eq!(queue.poll(), Some(true));
    let all = read(&mut queue);
    assert_eq!(all.len() as u64, written + 1);
    assert_eq!(
        all[written as usize],
        record::loss(19, Some(watch.cookie()))
    );
    // The next record says so too; the one behind it does not.
    for overrun in [info::OVERRUN, 0] {
        queue.post(&watch, &[records(1, &[7])]);
        let next = read(&mut queue);
        assert_eq!(info_of(next[0][0]) & info::OVERRUN, overrun);
    }
    assert_eq!(queue.poll(), Some(false), "told once");
}

#[test]
fn requests_without_an_answer_are_told_one_by_one_while_there_is_room() {
    let mut queue = queue();
    assert!(queue.tell_unanswered(77, 1, 0));
    assert!(queue.tell_unanswered(78, 5, 4));
    let told = [
        record::unanswered(77, 1, 1, 0),
        record::unanswered(78, 1, 5, 4),
    ];
    assert_eq!(read(&mut queue), told);
    assert!(is(&told[0], kind::META, meta::UNANSWERED));
    assert_eq!(queue.counters(), Counters::default(), "META never counts");
}

#[test]
fn requests_that_find_no_room_are_told_together_behind_the_loss_and_before_removals() {
    let (mut queue, watch) = (queue(), watch(3));
    let written = fill(&mut queue, &watch) as usize;
    for request in 1..=5 {
        assert!(!queue.tell_unanswered(request, 4, 0), "no room");
    }
    assert!(queue.kill(&watch, Reason::Removed).is_some());
    assert_eq!(read(&mut queue).len(), written, "nothing slipped in");
    // One more, which has room, but not before those that wait.
    assert!(queue.tell_unanswered(6, 1, 0));
    let all = read(&mut queue);
    assert_eq!(all[0], record::loss(1, Some(watch.cookie())));
    assert_eq!(all[1], record::unanswered(0, 5, 0, 0));
    assert!(is(&all[2], kind::META, meta::REMOVAL));
    assert_eq!(all[3], record::unanswered(6, 1, 1, 0));
    assert_eq!(all.len(), 4);
    assert_eq!(queue.poll(), Some(false), "told once");
}

// TRAPS: B9
#[test]
fn a_post_tells_of_a_loss_only_beside_the_reserve_b9() {
    let (mut queue, watch) = (queue(), watch(1));
    fill(&mut queue, &watch);
    let head = queue.memory.head();
    for _ in 0..1000 {
        assert!(
            !queue.post(&watch, &[records(1, &[7])]),
            "a post took the reserve"
        );
    }
    assert_eq!(queue.memory.head(), head);
    assert!(queue.flush().is_some());
    assert_eq!(
        read(&mut queue).pop(),
        Some(record::loss(1001, Some(watch.cookie())).to_vec())
    );
}

// TRAPS: B9
#[test]
fn losses_of_several_watches_are_told_without_a_cookie_b9() {
    let (mut queue, watches) = (queue(), [watch(1), watch(2)]);
    fill(&mut queue, &watches[0]);
    queue.post(&watches[1], &[records(1, &[7])]);
    queue.post(&watches[0], &[records(1, &[7])]);
    assert!(queue.flush().is_some());
    assert_eq!(read(&mut queue).pop(), Some(record::loss(3, None).to_vec()));
    // Afterwards one watch alone is named again.
    fill(&mut queue, &watches[1]);
    assert!(queue.flush().is_some());
    assert_eq!(
        read(&mut queue).pop(),
        Some(record::loss(1, Some(202)).to_vec())
    );
}

#[test]
fn posted_is_delivered_and_lost_and_read_and_told() {
    let (mut queue, watches) = (queue(), [watch(1), watch(2), watch(3)]);
    let (mut posted, mut seen, mut told) = (0, 0, 0);
    for round in 0..20_000u64 {
        let subtypes = (round as u32 * 7) % 15 + 1;
        posted += u64::from(subtypes.count_ones());
        queue.post(
            &watches[round as usize % 3],
            &[records(subtypes, &[round; 9])],
        );
        if round % 61 == 0 || round == 19_999 {
            while queue.poll() == Some(true) {
                for record in read(&mut queue) {
                    match is(&record, kind::META, meta::LOSS) {
                        true => told += record[1],
                        false => seen += 1,
                    }
                }
            }
            let Counters {
                delivered, lost, ..
            } = queue.counters();
            assert_eq!((posted, seen, told), (delivered + lost, delivered, lost));
        }
    }
    assert!(told > 1000 && seen > 1000, "told {told}, seen {seen}");
    let sums = watches
        .iter()
        .map(|w| w.counters())
        .fold((0, 0), |a, w| (a.0 + w.0, a.1 + w.2));
    assert_eq!(sums, (seen, told));
}

// TRAPS: B10
#[test]
fn removal_comes_once_and_last_even_when_the_ring_is_full_b10() {
    for full in [false, true] {
        let (mut queue, watch) = (queue(), watch(9));
        match full {
            true => drop(fill(&mut queue, &watch)),
            false => drop(queue.post(&watch, &[records(1, &[7])])),
        }
        assert!(queue.kill(&watch, Reason::ObjectGone).is_some());
        assert!(
            queue.kill(&watch, Reason::Removed).is_none(),
            "it ends once"
        );
        assert_eq!(watch.state(), State::Dead);
        let before = queue.counters();
        assert!(!queue.post(&watch, &[records(1, &[7])]));
        assert_eq!(queue.counters(), before, "nothing of a dead watch counts");

        let mut all = Vec::new();
        while queue.poll() == Some(true) {
            all.append(&mut read(&mut queue));
        }
        let removal = record::removal(9, 109, 209, Reason::ObjectGone as u32);
        let loss = record::loss(1, Some(209));
        assert_eq!(
            all.iter()
                .filter(|r| is(r, kind::META, meta::REMOVAL))
                .count(),
            1
        );
        assert_eq!(all.pop(), Some(removal.to_vec()));
        if full {
            assert_eq!(
                all.pop(),
                Some(loss.to_vec()),
                "LOSS before what ended after it"
            );
        }
        assert!(all.iter().all(|r| is(r, kind::FS, 0)));
    }
}

#[test]
fn a_watch_that_is_withdrawn_has_a_removal_only_if_it_has_reported_something() {
    let (mut queue, silent, other) = (queue(), watch(3), watch(4));
    assert!(queue.withdraw(&silent).is_none());
    assert!(silent.is_told());
    assert!(!queue.post(&silent, &[records(1, &[7])]), "it is dead");
    assert!(read(&mut queue).is_empty());

    assert!(queue.post(&other, &[records(1, &[7])]));
    assert!(queue.withdraw(&other).is_some());
    assert!(queue.withdraw(&other).is_none(), "once");
    let all = read(&mut queue);
    assert_eq!(all.len(), 2);
    assert!(is(&all[1], kind::META, meta::REMOVAL));

    // What was lost needs an end, too, behind the LOSS.
    fill(&mut queue, &watch(5));
    let late = watch(6);
    queue.post(&late, &[records(1, &[7])]);
    assert!(queue.withdraw(&late).is_some());
    read(&mut queue);
    assert_eq!(queue.poll(), Some(true));
    let all = read(&mut queue);
    assert_eq!(all[0], record::loss(2, None));
    assert_eq!(all[1][1], late.handle_number());
    assert!(late.is_told());
}

// TRAPS: B10
#[test]
fn a_thousand_removals_wait_for_room_in_order_b10() {
    let mut queue = queue();
    fill(&mut queue, &watch(0));
    let watches: Vec<_> = (0..1000)
        .map(|n| Arc::new(Watch::new(1, n, 0, false)))
        .collect();
    for watch in &watches {
        assert!(queue.kill(watch, Reason::Removed).is_some());
    }
    assert!(watches.iter().all(|w| !w.is_told()), "they wait");
    let mut handles = Vec::new();
    while queue.poll() == Some(true) {
        let all = read(&mut queue);
        handles.extend(
            all.iter()
                .filter(|r| is(r, kind::META, meta::REMOVAL))
                .map(|r| r[1]),
        );
    }
    assert!(handles.into_iter().eq(0..1000));
    assert!(
        watches.iter().all(|w| Arc::strong_count(w) == 1),
        "a list still holds one"
    );
    assert!(watches.iter().all(|w| w.is_told()));
}

// TRAPS: B10
#[test]
fn removals_that_wait_are_written_in_pieces_and_no_event_overtakes_them_b10() {
    let (mut queue, other) = (Queue::new(4 * SIZE, 0), watch(2));
    let watches: Vec<_> = (0..1000)
        .map(|n| Arc::new(Watch::new(1, n, 0, false)))
        .collect();
    for watch in &watches {
        assert!(queue.kill(watch, Reason::Removed).is_some());
    }
    let written = read(&mut queue).len();
    assert!(written < 1000 - 2 * 64, "many wait");
    // A post writes some of them and has no turn itself.
    assert!(queue.post(&other, &[records(1, &[7])]));
    assert_eq!(queue.counters().lost, 1);
    let all = read(&mut queue);
    assert_eq!(all.len(), 64);
    assert_eq!(all[0][1], written as u64);
    // What was lost is told before the others.
    assert!(queue.flush().is_some());
    let all = read(&mut queue);
    assert_eq!(all[0], record::loss(1, Some(other.cookie())));
    assert_eq!(all.len(), 65);
    assert_eq!(all[1][1], written as u64 + 64);
    assert_eq!(queue.poll(), Some(true));
    let rest = read(&mut queue);
    assert_eq!(rest.len(), 1000 - written - 128);
    assert!(watches.iter().all(|w| w.is_told()));
    assert!(queue.post(&other, &[records(1, &[7])]));
    assert_eq!(queue.counters().lost, 1);
}

#[test]
fn a_one_shot_watch_ends_with_its_first_event_even_a_lost_one() {
    for full in [false, true] {
        let mut queue = queue();
        if full {
            fill(&mut queue, &watch(0));
        }
        let watch = Arc::new(Watch::new(4, 5, 6, true));
        assert!(queue.post(&watch, &[records(1, &[7])]));
        assert!(!queue.post(&watch, &[records(1, &[7])]));
        let mut all = Vec::new();
        while queue.poll() == Some(true) {
            all.append(&mut read(&mut queue));
        }
        let removal = record::removal(4, 5, 6, Reason::OneShot as u32);
        assert_eq!(all.pop(), Some(removal.to_vec()));
        let before = if full { meta::LOSS } else { 0 };
        let of = if full { kind::META } else { kind::FS };
        assert!(is(&all.pop().expect("what came before"), of, before));
    }
}

#[test]
fn a_rename_is_adjacent_and_whole_or_lost() {
    // Every fill level, one slot after the other.
    for used in 0..SIZE - 3 {
        let (mut queue, watch) = (queue(), watch(5));
        for _ in 0..used {
            queue.post(
                &watch,
                &[Records {
                    name: b"",
                    ..records(1, &[])
                }],
            );
        }
        let before = queue.counters();
        queue.post(
            &watch,
            &[records(1 << 6, &[1; 6]), records(1 << 7, &[2; 9])],
        );
        let after = queue.counters();
        let all: Vec<_> = {
            queue.poll();
            read(&mut queue)
        };
        let places: Vec<_> = (0..all.len())
            .filter(|&i| is(&all[i], kind::FS, 6) || is(&all[i], kind::FS, 7))
            .collect();
        match (after.delivered - before.delivered, after.lost - before.lost) {
            (2, 0) => {
                assert_eq!(
                    places,
                    [all.len() - 2, all.len() - 1],
                    "{used} slots in use"
                );
                assert!(is(&all[places[0]], kind::FS, 6));
            }
            (0, 2) => assert_eq!(places, [], "{used} slots in use"),
            other => panic!("(delivered, lost) {other:?} with {used} slots in use"),
        }
    }
}

#[test]
fn what_the_filter_takes_is_counted_apart_and_never_lost() {
    let (mut queue, watch) = (queue(), watch(1));
    let mut words = [0; ENTRY_WORDS];
    (words[0], words[3]) = (kind::FS, 0b100);
    let mut filter = Filter::new();
    filter.push(&words).expect("a good entry");
    queue.set_filter(Some(filter));
    assert!(!queue.post(&watch, &[records(0b1011, &[7])]));
    assert!(queue.post(&watch, &[records(0b1111, &[7])]));
    assert_eq!(
        queue.counters(),
        Counters {
            delivered: 1,
            filtered: 6,
            lost: 0
        }
    );
    assert_eq!(watch.counters(), (1, 6, 0));
    assert!(is(&read(&mut queue)[0], kind::FS, 2));
    queue.set_filter(None);
    assert!(queue.post(&watch, &[records(0b1011, &[7])]));
    assert_eq!(read(&mut queue).len(), 3);
}
