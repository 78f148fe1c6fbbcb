//! Records that look like most: one look at the front of a record says where it ends.
//!
//! Of a few dozen kinds of events all records of an extrinsic without topics are of one length, and these are nearly all
//! events of a chain. They are told here by a table of lengths; whatever else there is takes the plans of
//! [`super::events`], which say the same of these, only slower.

use crate::archive::bytes::Cursor;

use super::{
    scale,
    types::{Event, NodeId},
};

/// Bytes before the fields of an event of an extrinsic: phase, index of the extrinsic, pallet, event.
const BEFORE: usize = 7;
/// Phase of the events of an extrinsic.
const OF_EXTRINSIC: u8 = 0;
/// Count of topics of an event that has none, a compact 0.
const NO_TOPICS: u8 = 0;
/// Bytes of the fields of an uptime report: node, time, uptime.
const UPTIME: usize = 20;

/// What is known of the events of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quick {
    /// They are left to their plan.
    Planned,
    /// The rules do not read them, and any so many bytes are their fields.
    Passed(u16),
    /// The rules do not read them, and their fields are two compact integers and two bytes, each below the one here: every
    /// extrinsic that succeeds ends with an event that says its weight, class and whether it pays.
    Weighed([u8; 2]),
    /// They are uptime reports, whose fields are node (4 bytes), time and uptime (8 bytes each).
    Uptime,
}

/// What is known of the events of each kind; the default knows nothing of any.
#[derive(Clone, Debug, Default)]
pub struct QuickTable {
    /// By pallet index, then by event index.
    table: Vec<Quick>,
}

/// A record was taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// One that the rules do not read.
    Passed,
    /// One that they do.
    Read(Event),
}

impl QuickTable {
    /// Asks `of` about every pair of indices of pallet and event.
    pub fn new(of: impl Fn(u8, u8) -> Quick) -> QuickTable {
        let pairs = (0..=u8::MAX).flat_map(|pallet| (0..=u8::MAX).map(move |event| (pallet, event)));
        QuickTable { table: pairs.map(|(pallet, event)| of(pallet, event)).collect() }
    }

    /// Takes the record at the cursor if it is one of these; the cursor stays where it is if not.
    #[inline]
    pub fn take(&self, cursor: &mut Cursor<'_>) -> Option<Taken> {
        let rest = cursor.rest();
        let [OF_EXTRINSIC, _, _, _, _, pallet, event] = *rest.first_chunk::<BEFORE>()? else { return None };
        let quick = *self.table.get(usize::from(u16::from_be_bytes([pallet, event])))?;
        let length = match quick {
            Quick::Planned => return None,
            Quick::Weighed(below) => return weighed(cursor, below),
            Quick::Passed(length) => usize::from(length),
            Quick::Uptime => UPTIME,
        };
        let (record, _) = rest.split_at_checked(BEFORE + length + 1)?;
        let (NO_TOPICS, fields) = record.split_last().map(|(topics, before)| (*topics, before))? else {
            return None;
        };
        let taken = match quick {
            Quick::Uptime => Taken::Read(uptime(fields.get(BEFORE..)?)?),
            Quick::Passed(_) | Quick::Weighed(_) | Quick::Planned => Taken::Passed,
        };
        cursor.take(record.len()).ok()?;
        Some(taken)
    }
}

/// Takes a record whose fields are two compact integers and two bytes.
fn weighed(cursor: &mut Cursor<'_>, below: [u8; 2]) -> Option<Taken> {
    let mut at = *cursor;
    at.take(BEFORE).ok()?;
    scale::compact(&mut at).ok()?;
    scale::compact(&mut at).ok()?;
    let [first, second, topics] = at.array().ok()?;
    let [first_below, second_below] = below;
    if first >= first_below || second >= second_below || topics != NO_TOPICS {
        return None;
    }
    *cursor = at;
    Some(Taken::Passed)
}

/// An uptime report of its fields.
fn uptime(fields: &[u8]) -> Option<Event> {
    let (node, fields) = fields.split_first_chunk()?;
    let (now, fields) = fields.split_first_chunk()?;
    let (uptime, _) = fields.split_first_chunk()?;
    let node = NodeId::from_le_bytes(*node);
    Some(Event::NodeUptimeReported {
        node,
        now: u64::from_le_bytes(*now),
        uptime: u64::from_le_bytes(*uptime),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> QuickTable {
        QuickTable::new(|pallet, event| match (pallet, event) {
            (1, 2) => Quick::Passed(3),
            (1, 255) => Quick::Passed(0),
            (9, 0) => Quick::Uptime,
            (0, 0) => Quick::Weighed([3, 2]),
            _ => Quick::Planned,
        })
    }

    fn record(pallet: u8, event: u8, fields: &[u8], topics: u8) -> Vec<u8> {
        [&[0, 7, 1, 0, 0, pallet, event], fields, &[topics]].concat()
    }

    #[test]
    fn records_are_taken_up_to_their_last_byte() {
        let table = table();
        let mut fields = 9u32.to_le_bytes().to_vec();
        fields.extend([5u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat());
        // 63 in one byte, 64 in two; class 2 of 3, and it pays.
        let weight = record(0, 0, &[63 << 2, 1, 1, 2, 1], 0);
        let passed = [record(1, 2, &[1, 2, 3], 0), weight, record(1, 255, &[], 0)].concat();
        let all = [passed, record(9, 0, &fields, 0), vec![42]].concat();
        let mut cursor = Cursor::new(&all);
        for _ in 0..3 {
            assert_eq!(table.take(&mut cursor), Some(Taken::Passed));
        }
        let report = Event::NodeUptimeReported { node: 9, now: 5, uptime: u64::MAX };
        assert_eq!(table.take(&mut cursor), Some(Taken::Read(report)));
        assert_eq!(cursor.rest(), [42]);
    }

    #[test]
    fn all_others_are_left_where_they_are() {
        let table = table();
        let mut finalization = record(1, 2, &[1, 2, 3], 0);
        finalization[0] = 1;
        let whole = record(1, 2, &[1, 2, 3], 0);
        // A class, or whether it pays, that there is not; an integer that is longer than it has to be.
        let weights = [[4, 4, 3, 0], [4, 4, 0, 2], [1, 0, 4, 0]].map(|fields| record(0, 0, &fields, 0));
        let others = [finalization, record(1, 2, &[1, 2, 3], 4), record(3, 3, &[1], 0), Vec::new()];
        let others = others.into_iter().chain(weights);
        let weight = record(0, 0, &[4, 4, 0, 0], 0);
        let wholes = [whole, weight];
        let truncated =
            wholes.iter().flat_map(|whole| (0..whole.len()).map(|length| whole[..length].to_vec()));
        for bytes in others.chain(truncated) {
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(table.take(&mut cursor), None, "{bytes:?}");
            assert_eq!(cursor.position(), 0);
        }
    }
}
