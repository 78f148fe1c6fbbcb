//! Typed events out of event columns: only the kinds that the rules read are looked at row by row.
//!
//! Nothing is taken on trust that a replay of the raw events would not. Every kind must be an event of the runtime that
//! produced its block. Fields of fixed length must have that of the runtime; of fields that are not taken apart, every
//! distinct value must decode to its last byte. Whatever is not so is left to the raw events, which decide.

use super::{
    Piece, Source,
    decode::{Other, Report, Sink},
};
use crate::{
    archive::{
        ChunkBody,
        columns::{Buffers, Columns, Kind, Picked, Want},
    },
    chain::{
        FixedFields, Interest, Runtime, Scratch,
        types::{Event, NodeId, NruConsumption, UptimeReport},
    },
};

/// How the rows of a wanted kind are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The columns are node, time and uptime.
    Uptime,
    /// The columns are contract, time, window and traffic.
    Nru,
    /// The fields are put together again and read as those of any event.
    Fields,
}

/// Gives the uptime reports of a chunk to the shards of their nodes, and all other events that the rules read back, in the
/// order of the chain. None if the columns are not as the runtimes say, or not as this module needs them.
pub fn read(
    source: &Source,
    piece: &Piece,
    chunk: &ChunkBody,
    columns: &Columns<'_>,
    buffers: &mut Buffers,
    shards: &mut [Vec<Report>],
) -> Option<Vec<Other>> {
    let runtimes: Vec<&Runtime> =
        chunk.spans().iter().map(|span| source.runtime(&span.metadata).ok()).collect::<Option<_>>()?;
    let mut scratch = Scratch::default();
    // For each kind that is wanted its place, itself, its runtime, and how it is read.
    let mut wanted = Vec::new();
    for (place, kind) in (0..=u8::MAX).zip(columns.kinds()) {
        let runtime = *runtimes.get(usize::from(kind.span))?;
        if is_wanted(columns, kind, runtime, &mut scratch)? {
            wanted.push((place, kind, runtime, reading(kind, runtime)));
        }
    }
    let spans_agree = chunk.spans().len() == 1 || columns.in_their_spans();
    if !spans_agree || wanted.iter().any(|(_, kind, ..)| kind.is_pooled()) {
        return None;
    }
    // There are as many reports as everything else together, or more, so that only how many a block has is looked at. A
    // chunk of more than one runtime may have several kinds of them: these are sorted.
    let mut of_uptime = wanted.iter().filter(|(.., reading)| *reading == Reading::Uptime);
    let counted = of_uptime.next().filter(|_| of_uptime.next().is_none()).map(|(place, ..)| *place);
    let picked = columns.pick(|place| match wanted.iter().any(|(wanted, ..)| *wanted == place) {
        true if counted == Some(place) => Want::Counts,
        true => Want::Places,
        false => Want::Nothing,
    });
    let mut sink = Sink::new(piece, shards, counted.is_some());
    for (place, kind, runtime, reading) in wanted {
        let rows = Rows { columns, picked: &picked, place, first: chunk.first() };
        match reading {
            Reading::Uptime if counted.is_some() => rows.reports(piece, buffers, &mut sink)?,
            Reading::Uptime => rows.uptime(&mut sink)?,
            Reading::Nru => rows.nru(&mut sink)?,
            Reading::Fields => rows.fields(kind, runtime, &mut scratch, &mut sink)?,
        }
    }
    Some(sink.finish())
}

fn reading(kind: &Kind, runtime: &Runtime) -> Reading {
    match (runtime.interest(kind.pallet, kind.event), kind.widths.as_deref()) {
        (Some(Interest::Uptime), Some([4, 8, 8])) => Reading::Uptime,
        (Some(Interest::Nru), Some([8, 8, 8, 8])) => Reading::Nru,
        _ => Reading::Fields,
    }
}

/// The rows of a wanted kind.
#[derive(Clone, Copy, Debug)]
struct Rows<'a> {
    columns: &'a Columns<'a>,
    picked: &'a Picked<'a>,
    /// Which kind.
    place: u8,
    /// Height of the first block of the chunk.
    first: u32,
}

impl Rows<'_> {
    /// Gives uptime reports that were counted to their shards.
    fn reports(self, piece: &Piece, buffers: &mut Buffers, sink: &mut Sink<'_>) -> Option<()> {
        let all = self.picked.rows_with(self.place, buffers).ok()?;
        let keys = all.keys()?;
        let nodes: Vec<(NodeId, usize)> = keys
            .values
            .iter()
            .map(|key| u32::try_from(*key).ok().map(|node| (node, sink.shard(node))))
            .collect::<Option<_>>()?;
        let mut rows = (0u32..).zip(&keys.places).zip(all.numbers(1)?).zip(all.numbers(2)?);
        for (block, count) in (self.first..=u32::MAX).zip(self.picked.counts(self.place)) {
            let rows = rows.by_ref().take(usize::try_from(*count).ok()?);
            // Genesis has no events.
            if !(piece.first..=piece.last).contains(&block) {
                rows.for_each(drop);
                continue;
            }
            for (((order, key), now), uptime) in rows {
                let (node, shard) = *nodes.get(usize::try_from(*key).ok()?)?;
                let report = UptimeReport { node, block, now: *now, uptime: *uptime };
                sink.reports(shard)?.push(Report { order, report });
            }
        }
        all.recycle(buffers);
        Some(())
    }

    /// Gives events to the sink: for each row what `event` makes of its number.
    fn events(
        self,
        sink: &mut Sink<'_>,
        mut event: impl FnMut(usize) -> Option<Option<Event>>,
    ) -> Option<()> {
        for (row, at) in self.picked.at(self.place).iter().enumerate() {
            let block = self.first.checked_add(at.place)?;
            if sink.counts(block)
                && let Some(event) = event(row)?
            {
                sink.event(at.order, at.counted, block, self.columns.time_ms(at.place)?, event)?;
            }
        }
        Some(())
    }

    fn uptime(self, sink: &mut Sink<'_>) -> Option<()> {
        let rows = self.picked.rows(self.place).ok()?;
        let (keys, now, uptime) = (rows.keys()?, rows.numbers(1)?, rows.numbers(2)?);
        self.events(sink, |row| {
            let node = u32::try_from(keys.of(row)?).ok()?;
            Some(Some(Event::NodeUptimeReported { node, now: *now.get(row)?, uptime: *uptime.get(row)? }))
        })
    }

    fn nru(self, sink: &mut Sink<'_>) -> Option<()> {
        let rows = self.picked.rows(self.place).ok()?;
        let keys = rows.keys()?;
        let (timestamps, windows, traffic) = (rows.numbers(1)?, rows.numbers(2)?, rows.numbers(3)?);
        self.events(sink, |row| {
            Some(Some(Event::NruConsumptionReportReceived(NruConsumption {
                contract_id: keys.of(row)?,
                timestamp: *timestamps.get(row)?,
                window: *windows.get(row)?,
                nru: *traffic.get(row)?,
            })))
        })
    }

    fn fields(
        self,
        kind: &Kind,
        runtime: &Runtime,
        scratch: &mut Scratch,
        sink: &mut Sink<'_>,
    ) -> Option<()> {
        let rows = self.picked.rows(self.place).ok()?;
        let mut fields = Vec::new();
        self.events(sink, |row| {
            fields.clear();
            rows.encode(row, &mut fields)?;
            runtime.event(kind.pallet, kind.event, &fields, scratch).ok()
        })
    }
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
