// SPDX-License-Identifier: GPL-2.0

//! The filter at its limits and, at random, against the plain reference.

use crate::{
    fuzz::check_filter,
    module::queue::filter::{BadFilter, Filter, ENTRY_WORDS, MAX_ENTRIES},
    reference::FilterText,
    ring::record::{info, kind},
};
use proptest::prelude::*;

/// Types around every limit that was or is one.
const KINDS: [u32; 10] = [0, 1, 6, 7, 127, 128, 1023, 1024, 0x80_0000, (1 << 24) - 1];
/// Subtypes in the first and last bit of a word, and of all words.
const SUBTYPES: [u8; 7] = [0, 31, 32, 63, 64, 254, 255];

/// An entry that lets one subtype pass, whatever `info` is.
fn entry(kind: u32, subtype: u8) -> [u32; ENTRY_WORDS] {
    let mut words = [0; ENTRY_WORDS];
    words[0] = kind;
    words[3 + usize::from(subtype) / 32] = 1 << (subtype % 32);
    words
}

fn filter(entries: &[[u32; ENTRY_WORDS]]) -> Result<Filter, BadFilter> {
    let mut filter = Filter::new();
    entries.iter().try_for_each(|entry| filter.push(entry))?;
    Ok(filter)
}

// TRAPS: B34
#[test]
fn there_are_1_to_16_entries_b34() {
    for (count, expected) in [
        (0, Err(BadFilter::Count)),
        (1, Ok(1)),
        (16, Ok(16)),
        (17, Err(BadFilter::Count)),
        (u32::MAX, Err(BadFilter::Count)),
    ] {
        assert_eq!(Filter::count(count, 0), expected);
        assert_eq!(Filter::count(count, 1), Err(BadFilter::Reserved));
    }
    // Even if the count were believed: the seventeenth entry is refused, not stored.
    let mut filter = Filter::new();
    for _ in 0..MAX_ENTRIES {
        assert_eq!(filter.push(&entry(kind::FS, 0)), Ok(()));
    }
    assert_eq!(filter.push(&entry(kind::FS, 1)), Err(BadFilter::Count));
    assert!(filter.passes(kind::FS, 0, 0) && !filter.passes(kind::FS, 1, 0));
}

// TRAPS: B34, B36
#[test]
fn every_type_in_every_entry_is_within_bounds_b34_b36() {
    for of in KINDS.into_iter().chain([1 << 24, u32::MAX]) {
        let entries = [entry(of, 1); MAX_ENTRIES];
        let filter = filter(&entries).expect("sixteen good entries");
        for posted in KINDS {
            let known = !(kind::NR..kind::FOREIGN_FIRST).contains(&posted);
            let expected = posted == kind::META || (known && posted == of);
            assert_eq!(
                filter.passes(posted, 1, 0),
                expected,
                "{posted} by a filter for {of}"
            );
        }
    }
}

// TRAPS: B35
#[test]
fn each_of_256_subtypes_has_a_bit_of_its_own_b35() {
    for of in SUBTYPES {
        let filter = filter(&[entry(kind::FS, of)]).expect("a good entry");
        for posted in 0..=255 {
            assert_eq!(
                filter.passes(kind::FS, posted, 0),
                posted == of,
                "{posted} by {of}"
            );
        }
    }
}

// TRAPS: B37
#[test]
fn a_filter_of_unknown_types_passes_nothing_but_meta_b37() {
    let filter = filter(&[[7, 0, 0, !0, !0, !0, !0, !0, !0, !0, !0]]).expect("a good entry");
    for posted in KINDS {
        for subtype in SUBTYPES {
            assert_eq!(filter.passes(posted, subtype, 0), posted == kind::META);
        }
    }
}

#[test]
fn an_entry_that_nothing_can_match_is_refused_even_for_unknown_types() {
    for of in KINDS {
        let with = |info_filter, info_mask| {
            let mut words = entry(of, 0);
            (words[1], words[2]) = (info_filter, info_mask);
            filter(&[words]).err()
        };
        assert_eq!(with(info::FLAG_0, 0), Some(BadFilter::Unmatchable));
        for bit in 0..32 {
            let refused = info::LENGTH & 1 << bit != 0;
            assert_eq!(
                with(0, 1 << bit),
                refused.then_some(BadFilter::Length),
                "bit {bit}"
            );
        }
    }
}

#[test]
fn info_must_agree_where_the_mask_says() {
    let mut words = entry(kind::FS, 0);
    (words[1], words[2]) = (0x0300_0000, info::ID | info::IN_SUBTREE);
    let filter = filter(&[words]).expect("a good entry");
    assert!(filter.passes(kind::FS, 0, 0x0300_0000 | info::OVERRUN | info::LENGTH));
    assert!(!filter.passes(kind::FS, 0, 0x0300_0000 | info::IN_SUBTREE));
    assert!(!filter.passes(kind::FS, 0, 0x0100_0000));
}

/// Numbers near the limits as often as any others.
fn words() -> impl Strategy<Value = [u32; ENTRY_WORDS]> {
    let kind = prop_oneof![proptest::sample::select(KINDS.to_vec()), any::<u32>()];
    let mask = prop_oneof![
        Just(0),
        Just(!info::LENGTH),
        any::<u32>().prop_map(|m| m & !info::LENGTH),
        any::<u32>()
    ];
    let subtypes = proptest::array::uniform8(prop_oneof![Just(0), Just(!0), any::<u32>()]);
    (kind, any::<u32>(), mask, any::<bool>(), subtypes).prop_map(
        |(kind, info, mask, cut, subtypes)| {
            let mut words = [0; ENTRY_WORDS];
            (words[0], words[1], words[2]) = (kind, if cut { info & mask } else { info }, mask);
            words[3..].copy_from_slice(&subtypes);
            words
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    // TRAPS: B34, B35, B36, B37
    #[test]
    fn any_filter_agrees_with_the_reference(
        entries in proptest::collection::vec(words(), 1..=MAX_ENTRIES),
        records in proptest::collection::vec((0..MAX_ENTRIES, any::<u8>(), any::<u32>()), 32),
    ) {
        let text = FilterText { nr_filters: entries.len() as u32, reserved: 0, entries: &entries };
        let mut records = records.into_iter();
        check_filter(&text, || {
            let (n, subtype, noise) = records.next()?;
            let [kind, info_filter, info_mask, ..] = entries[n % entries.len()];
            // Agrees with some entry as often as not.
            let info = if noise & 1 == 0 { info_filter | (noise & !info_mask) } else { noise };
            Some((kind & kind::MAX, subtype, info))
        });
    }
}
