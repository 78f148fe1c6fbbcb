//! Typed events out of event columns: only the kinds that the rules read are looked at row by row.
//!
//! Nothing is taken on trust that a replay of the raw events would not. Every kind must be an event of the runtime that
//! produced its block. Fields of fixed length must have that of the runtime; of fields that are not taken apart, every
//! distinct value must decode to its last byte. Whatever is not so is left to the raw events, which decide.

use super::{Source, decode::Sink};
use crate::{
    archive::{
        ChunkBody,
        columns::{Columns, Kind, Rows},
    },
    chain::{FixedFields, Interest, Runtime, Scratch},
};

/// How the rows of a wanted kind are read, and which one is next.
struct Reader<'a> {
    rows: Rows<'a>,
    next: usize,
    reading: Reading<'a>,
}

enum Reading<'a> {
    /// The columns are node, time and uptime.
    Uptime,
    /// The fields are put together again and read as those of any event.
    Fields(&'a Kind, &'a Runtime),
}

/// Gives the events of a chunk that the rules read to `sink`, in the order of the chain. None if the columns are not as
/// the runtimes say, or not as this module needs them.
pub fn read(source: &Source, chunk: &ChunkBody, columns: &Columns<'_>, sink: &mut Sink) -> Option<()> {
    let runtimes: Vec<&Runtime> =
        chunk.spans().iter().map(|span| source.runtime(&span.metadata).ok()).collect::<Option<_>>()?;
    let mut scratch = Scratch::default();
    let mut wanted = Vec::new();
    for kind in columns.kinds() {
        let runtime = *runtimes.get(usize::from(kind.span))?;
        wanted.push(is_wanted(columns, kind, runtime, &mut scratch)?);
    }
    let spans_agree = chunk.spans().len() == 1 || in_their_spans(chunk, columns);
    let pooled = columns.kinds().iter().zip(&wanted).any(|(kind, wanted)| *wanted && kind.is_pooled());
    if !spans_agree || pooled {
        return None;
    }
    let picked = columns.pick(|kind| {
        let place = columns.kinds().iter().position(|k| std::ptr::eq(k, kind));
        place.and_then(|place| wanted.get(place)).copied().unwrap_or_default()
    });
    let mut readers: Vec<Option<Reader<'_>>> = Vec::new();
    for (place, (kind, wanted)) in (0u8..).zip(columns.kinds().iter().zip(&wanted)) {
        readers.push(match wanted {
            false => None,
            true => {
                let runtime = *runtimes.get(usize::from(kind.span))?;
                let uptime = runtime.interest(kind.pallet, kind.event) == Some(Interest::Uptime);
                let typed = uptime && kind.widths.as_deref() == Some(&[4, 8, 8]);
                let reading = if typed { Reading::Uptime } else { Reading::Fields(kind, runtime) };
                Some(Reader { rows: picked.rows(place).ok()?, next: 0, reading })
            }
        });
    }
    let mut fields = Vec::new();
    for at in picked.order() {
        let reader = readers.get_mut(usize::from(at.kind))?.as_mut()?;
        let row = reader.next;
        reader.next += 1;
        let height = chunk.first().checked_add(at.place)?;
        if !sink.counts(height) {
            continue;
        }
        match reader.reading {
            Reading::Uptime => {
                let number = |field| reader.rows.numbers(field)?.get(row).copied();
                let node = u32::try_from(number(0)?).ok()?;
                sink.report(height, node, number(1)?, number(2)?);
            }
            Reading::Fields(kind, runtime) => {
                fields.clear();
                reader.rows.encode(row, &mut fields)?;
                let event = runtime.event(kind.pallet, kind.event, &fields, &mut scratch).ok()?;
                if let Some(event) = event {
                    let time_ms = columns.time_ms(at.place)?;
                    sink.event(height, time_ms, event);
                }
            }
        }
    }
    Some(())
}

/// Whether the rows of a kind have to be looked at. None if it is not as the runtime says.
fn is_wanted(columns: &Columns<'_>, kind: &Kind, runtime: &Runtime, scratch: &mut Scratch) -> Option<bool> {
    if runtime.interest(kind.pallet, kind.event)? != Interest::None {
        return Some(true);
    }
    match &kind.widths {
        Some(widths) => {
            let fixed = runtime.fixed(kind.pallet, kind.event)?;
            let length: usize = widths.iter().map(|width| usize::from(*width)).sum();
            let as_said = fixed.length == length && tags_are_known(columns, kind, widths, &fixed)?;
            as_said.then_some(false)
        }
        None => {
            for fields in columns.distinct(kind).ok()? {
                runtime.event(kind.pallet, kind.event, fields, scratch).ok()?;
            }
            Some(false)
        }
    }
}

/// Whether the bytes that may not have any value have one that they may. None if they are not columns of their own.
fn tags_are_known(
    columns: &Columns<'_>,
    kind: &Kind,
    widths: &[u8],
    fixed: &FixedFields<'_>,
) -> Option<bool> {
    if fixed.tags.is_empty() {
        return Some(true);
    }
    for (offset, known) in &fixed.tags {
        let start = |field: &usize| {
            widths.iter().take(*field).map(|width| usize::from(*width)).sum::<usize>() == *offset
        };
        let field = (0..widths.len()).find(start)?;
        let bytes = columns.bytes(kind, field)?;
        if !bytes.iter().all(|byte| known.get(usize::from(*byte)) == Some(&true)) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether every event is of the runtime that its block has.
fn in_their_spans(chunk: &ChunkBody, columns: &Columns<'_>) -> bool {
    let span_of = |place: u32| {
        let height = chunk.first().saturating_add(place);
        chunk.spans().iter().rposition(|span| span.first <= height)
    };
    let kinds = columns.kinds();
    let mut known: (Option<u32>, Option<usize>) = (None, None);
    columns.pick(|_| true).order().iter().all(|at| {
        if known.0 != Some(at.place) {
            known = (Some(at.place), span_of(at.place));
        }
        kinds.get(usize::from(at.kind)).map(|kind| usize::from(kind.span)) == known.1
    })
}
