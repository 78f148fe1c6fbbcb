//! Event records: a value of `System.Events` is a SCALE list of `phase, event, topics`.

use parity_scale_codec::{Compact, Decode, Encode};

use super::{EventShapes, TOPIC};
use crate::archive::bytes::Cursor;

/// Where in a block an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The extrinsic of this index.
    ApplyExtrinsic(u32),
    /// The end of the block.
    Finalization,
    /// The beginning of the block.
    Initialization,
}

/// An event record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Place of the runtime span that it belongs to.
    pub span: u8,
    /// Where in its block it came from.
    pub phase: Phase,
    /// Index of the pallet.
    pub pallet: u8,
    /// Index of the event in the pallet.
    pub event: u8,
    /// Its fields.
    pub fields: &'a [u8],
    /// Its topics, 32 bytes each.
    pub topics: &'a [u8],
}

/// A compact count in its shortest form.
fn count(cursor: &mut Cursor<'_>) -> Option<u32> {
    let mut rest = cursor.rest();
    let count = Compact::<u32>::decode(&mut rest).ok()?.0;
    let length = cursor.rest().len().checked_sub(rest.len())?;
    cursor.take(length).ok()?;
    Some(count)
}

/// Appends a compact count.
pub(super) fn put_count(count: u32, out: &mut Vec<u8>) {
    Compact(count).encode_to(out);
}

/// Takes a value of `System.Events` apart; gives each record with the widths of its fields. None if it is not such a
/// value, or `sink` does not want a record.
pub(in crate::archive) fn split(
    value: &[u8],
    span: u8,
    shapes: &dyn EventShapes,
    mut sink: impl FnMut(&Record<'_>, Option<&[u8]>) -> Option<()>,
) -> Option<()> {
    let mut cursor = Cursor::new(value);
    for _ in 0..count(&mut cursor)? {
        let phase = match cursor.u8().ok()? {
            0 => Phase::ApplyExtrinsic(cursor.u32().ok()?),
            1 => Phase::Finalization,
            2 => Phase::Initialization,
            _ => return None,
        };
        let [pallet, event] = cursor.array().ok()?;
        let widths = shapes.widths(pallet, event);
        let length = match widths {
            Some(widths) => widths.iter().map(|w| usize::from(*w)).sum(),
            None => shapes.length(pallet, event, cursor.rest())?,
        };
        let fields = cursor.take(length).ok()?;
        let topics = usize::try_from(count(&mut cursor)?).ok()?.checked_mul(TOPIC)?;
        let topics = cursor.take(topics).ok()?;
        sink(&Record { span, phase, pallet, event, fields, topics }, widths)?;
    }
    cursor.rest().is_empty().then_some(())
}

/// Appends a record as the chain stores it.
pub(super) fn put(record: &Record<'_>, out: &mut Vec<u8>) {
    match record.phase {
        Phase::ApplyExtrinsic(index) => {
            out.push(0);
            out.extend_from_slice(&index.to_le_bytes());
        }
        Phase::Finalization => out.push(1),
        Phase::Initialization => out.push(2),
    }
    out.extend_from_slice(&[record.pallet, record.event]);
    out.extend_from_slice(record.fields);
    put_count(u32::try_from(record.topics.len() / TOPIC).unwrap_or(u32::MAX), out);
    out.extend_from_slice(record.topics);
}
