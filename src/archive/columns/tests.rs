//! Columns give back the bytes that went in, whatever they are, and what is no section is refused.

use std::sync::Arc;

use proptest::{prelude::*, strategy::ValueTree};

use super::{record::put_count, *};
use crate::archive::{Block, Span};

/// A made-up runtime: the index of the event says how it is laid out.
#[derive(Debug)]
struct Made;

const FIXED: [&[u8]; 9] =
    [&[], &[4], &[4, 8, 8], &[32, 16], &[8, 1, 16], &[3, 4], &[8, 8, 8, 8], &[32, 32, 16, 16], &[4, 4, 2]];

impl EventShapes for Made {
    fn widths(&self, pallet: u8, event: u8) -> Option<&[u8]> {
        if pallet > 3 { None } else { FIXED.get(usize::from(event)).copied() }
    }

    /// A byte that says how many follow.
    fn length(&self, _: u8, event: u8, bytes: &[u8]) -> Option<usize> {
        let length = usize::from(*bytes.first()?) + 1;
        (event < 12 && bytes.len() >= length).then_some(length)
    }
}

/// Columns of blocks, which have the same runtime from beginning to end, or change it at the third.
fn section(first: u32, blocks: &[Block], spans: usize) -> Option<Vec<u8>> {
    let shapes: Arc<dyn EventShapes> = Arc::new(Made);
    let spans: Vec<_> = [0, 2].into_iter().take(spans).map(|start| (start, Arc::clone(&shapes))).collect();
    encode(first, &blocks.iter().cloned().collect(), &spans).unwrap()
}

/// The spans of those columns.
fn span_list(first: u32, count: usize) -> Vec<Span> {
    [0, 2].into_iter().take(count).map(|start| Span { first: first + start, metadata: [0; 32] }).collect()
}

/// Reads a section of columns of blocks and looks at it.
fn opened<T>(
    first: u32,
    blocks: &[Block],
    spans: usize,
    section: &[u8],
    look: impl FnOnce(&Columns<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let layout = Layout::parse(section, blocks.len(), spans)?;
    let times_ms: Vec<u64> = blocks.iter().map(|b| b.time_ms).collect();
    let spans = span_list(first, spans);
    look(&Columns { layout: &layout, section, first, times_ms: &times_ms, spans: &spans })
}

fn decoded(first: u32, blocks: &[Block], spans: usize, section: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let (raw, ends) = opened(first, blocks, spans, section, |columns| columns.raw())?;
    let starts = std::iter::once(0).chain(ends.iter().copied());
    Ok(starts.zip(&ends).map(|(start, end)| raw[start..*end].to_vec()).collect())
}

fn blocks(events: Vec<Vec<u8>>, first: u64) -> Vec<Block> {
    let block = |(height, events): (u64, Vec<u8>)| Block {
        state_root: [0; 32],
        extrinsics_root: [0; 32],
        digest: vec![],
        time_ms: 1_700_000_000_000 + 6_000 * height,
        events,
    };
    (first..).zip(events).map(block).collect()
}

/// Few different bytes, so that values and keys repeat.
fn fields(event: u8, pallet: u8) -> BoxedStrategy<Vec<u8>> {
    let byte = prop_oneof![4 => 0u8..3, 1 => any::<u8>()];
    match FIXED.get(usize::from(event)) {
        Some(widths) if pallet <= 3 => {
            let length = widths.iter().map(|w| usize::from(*w)).sum::<usize>();
            proptest::collection::vec(byte, length).boxed()
        }
        _ => proptest::collection::vec(byte, 0..6)
            .prop_map(|rest| [&[u8::try_from(rest.len()).unwrap()], rest.as_slice()].concat())
            .boxed(),
    }
}

fn record() -> impl Strategy<Value = Vec<u8>> {
    let phase = prop_oneof![
        4 => (0u32..4).prop_map(|i| [&[0][..], &i.to_le_bytes()].concat()),
        1 => any::<u32>().prop_map(|i| [&[0][..], &i.to_le_bytes()].concat()),
        1 => Just(vec![1]),
        1 => Just(vec![2]),
    ];
    let event = (0u8..5, 0u8..12).prop_flat_map(|(pallet, event)| {
        fields(event, pallet).prop_map(move |f| [&[pallet, event], &f[..]].concat())
    });
    let topics = prop_oneof![6 => Just(0usize), 1 => 1usize..3].prop_map(|count| {
        let mut topics = vec![u8::try_from(count << 2).unwrap()];
        topics.resize(1 + TOPIC * count, 7);
        topics
    });
    (phase, event, topics).prop_map(|(phase, event, topics)| [phase, event, topics].concat())
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(record(), 0..70).prop_map(|records| {
        let mut value = Vec::new();
        put_count(u32::try_from(records.len()).unwrap(), &mut value);
        value.extend(records.concat());
        value
    })
}

/// A few blocks with everything in them, for tests that change bytes.
fn sample() -> Vec<Block> {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let values = proptest::collection::vec(value(), 4).new_tree(&mut runner).unwrap().current();
    blocks(values, 100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn raw_events_come_back_to_the_last_byte(
        values in proptest::collection::vec(value(), 1..6),
        first in 1u32..2,
        spans in 1usize..3,
    ) {
        let blocks = blocks(values, u64::from(first));
        if let Some(section) = section(first, &blocks, spans) {
            let decoded = decoded(first, &blocks, spans, &section).unwrap();
            prop_assert!(decoded.iter().eq(blocks.iter().map(|b| &b.events)));
            prop_assert_eq!(canonical(&section, first, &blocks, spans), Ok(()));
        }
    }

    #[test]
    fn what_is_no_section_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let blocks = blocks(vec![vec![0]; 3], 1);
        let _ = decoded(1, &blocks, 1, &bytes);
    }
}

/// What a check of an archive does with a section.
fn canonical(section: &[u8], first: u32, blocks: &[Block], spans: usize) -> Result<(), String> {
    opened(first, blocks, spans, section, |columns| columns.check())
}

#[test]
fn genesis_has_no_value_and_other_blocks_without_events_have_one() {
    let blocks = blocks(vec![vec![], vec![0], vec![4, 1, 0, 0, 0]], 0);
    let section = section(0, &blocks, 1).unwrap();
    let decoded = decoded(0, &blocks, 1, &section).unwrap();
    assert!(decoded.iter().eq(blocks.iter().map(|b| &b.events)));
}

#[test]
fn values_that_are_no_lists_of_records_are_not_taken_apart() {
    let not = [
        vec![4],                // a record that is not there
        vec![4, 3, 0, 0, 0],    // another phase
        vec![4, 1, 0, 200, 0],  // an event that the runtime has not
        vec![4, 1, 0, 0, 0, 0], // a byte left over
        vec![1, 0],             // a count that is longer than it has to be
        vec![4, 1, 0, 0, 4, 0], // a topic that is cut short
    ];
    for value in not {
        assert_eq!(section(5, &blocks(vec![value.clone()], 5), 1), None, "{value:?}");
    }
}

#[test]
fn reports_cost_little_more_than_who_sends_them() {
    // Uptime reports: a node, the time of the block, the uptime.
    let value = |height: u64| {
        let time = 1_700_000_000 + 6 * height;
        let mut value = vec![];
        put_count(5, &mut value);
        for node in 0..5u64 {
            let node = (node * 7 + height) % 50;
            value.extend([0]);
            value.extend(1u32.to_le_bytes());
            value.extend([1, 2]);
            value.extend(u32::try_from(node).unwrap().to_le_bytes());
            value.extend(time.to_le_bytes());
            value.extend((time - 1_600_000_000 - 1_000 * node).to_le_bytes());
            value.push(0);
        }
        value
    };
    let blocks = blocks((1..=1_000).map(value).collect(), 1);
    let section = section(1, &blocks, 1).unwrap();
    // A token, the place of the key, and four bytes for the first uptime of a node, which make planes of all.
    assert!(section.len() < 5_000 * 7, "{}", section.len());
    let mut zeros = section.iter().filter(|byte| **byte == 0).count();
    zeros -= section.len() - 5_000 * 6;
    assert!(zeros > 5_000 * 3, "{zeros}");
    opened(1, &blocks, 1, &section, |columns| {
        let picked = columns.pick(|_| Want::Places);
        let rows = picked.rows(0).unwrap();
        let only_counted = columns.pick(|_| Want::Counts);
        assert_eq!(format!("{:?}", only_counted.rows(0).unwrap()), format!("{rows:?}"));
        assert_eq!((picked.at(0).len(), rows.len(), rows.keys().unwrap().values.len()), (5_000, 5_000, 50));
        for (row, at) in picked.at(0).iter().enumerate() {
            let time = 1_700_000_000 + 6 * (u64::from(at.place) + 1);
            let node = rows.keys().unwrap().of(row).unwrap();
            assert_eq!(rows.numbers(1).unwrap()[row], time);
            assert_eq!(rows.numbers(2).unwrap()[row], time - 1_600_000_000 - 1_000 * node);
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn events_that_are_counted_are_those_that_are_picked() {
    let blocks = sample();
    let section = section(100, &blocks, 2).unwrap();
    opened(100, &blocks, 2, &section, |columns| {
        let all = columns.pick(|_| Want::Places);
        let kinds = u8::try_from(columns.kinds().len()).unwrap();
        assert!(kinds > 3);
        for counted in 0..kinds {
            let picked = columns.pick(|kind| match kind % 3 {
                _ if kind == counted => Want::Counts,
                0 => Want::Nothing,
                _ => Want::Places,
            });
            let in_block =
                |place: usize| all.at(counted).iter().filter(|at| at.place as usize == place).count();
            let counts: Vec<usize> = (0..blocks.len()).map(in_block).collect();
            assert_eq!(
                picked.counts(counted).iter().map(|count| *count as usize).collect::<Vec<_>>(),
                counts
            );
            for kind in (0..kinds).filter(|kind| *kind != counted) {
                let before = |order| all.at(counted).iter().filter(|at| at.order < order).count();
                let places = all.at(kind).iter().map(|at| (at.place, at.order, before(at.order)));
                let wanted = picked.at(kind).iter().map(|at| (at.place, at.order, at.counted as usize));
                let expected: Vec<_> = places.filter(|_| kind % 3 > 0).collect();
                assert_eq!(wanted.collect::<Vec<_>>(), expected, "kind {kind}");
                assert!(picked.counts(kind).is_empty());
            }
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn every_truncation_is_refused_and_no_flipped_bit_gives_the_same_events() {
    let blocks = sample();
    let section = section(100, &blocks, 2).unwrap();
    let events: Vec<_> = blocks.iter().map(|b| b.events.clone()).collect();
    assert_eq!(decoded(100, &blocks, 2, &section).as_ref(), Ok(&events));
    for length in 0..section.len() {
        assert!(decoded(100, &blocks, 2, &section[..length]).is_err(), "{length}");
    }
    for at in 0..section.len() {
        for bit in [1, 0x80] {
            let mut other = section.clone();
            other[at] ^= bit;
            // The digest of the body refuses all of them. Where the events would be the same, the check does, too.
            if decoded(100, &blocks, 2, &other).is_ok_and(|decoded| decoded == events) {
                assert!(canonical(&other, 100, &blocks, 2).is_err(), "byte {at}");
            }
        }
    }
}
