//! Puts event records into columns.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ACCOUNT, AMOUNT, Columns, EventShapes, MAX_FIELDS, MAX_TOKENS, OPAQUE, TOPIC, Token, numbers,
    numbers::Context,
    phase_code,
    pool::PoolBuilder,
    record::{Phase, Record, split},
};
use crate::archive::{Blocks, Result};

/// The column of one field.
#[derive(Debug)]
enum Field {
    /// Numbers of 4 or 8 bytes.
    Numbers(u8, Vec<u64>),
    /// Values of other lengths, one after the other.
    Bytes(usize, Vec<u8>),
    /// Values that go into a pool of the chunk.
    Pooled,
}

/// All events of one kind.
#[derive(Debug)]
struct Rows {
    id: (u8, u8, u8),
    /// Lengths of the fields; none if they are not taken apart.
    widths: Option<Vec<u8>>,
    fields: Vec<Field>,
    opaque: PoolBuilder,
    /// Places of the blocks of the rows.
    places: Vec<usize>,
}

/// Columns that are being filled.
#[derive(Debug, Default)]
pub(in crate::archive) struct Builder {
    kinds: Vec<Rows>,
    kind_ids: BTreeMap<(u8, u8, u8), u8>,
    table: Vec<Token>,
    token_ids: BTreeMap<Token, u8>,
    counts: Vec<u64>,
    tokens: Vec<u8>,
    explicit: Vec<u64>,
    topic_counts: Vec<u64>,
    topics: Vec<u8>,
    amounts: PoolBuilder,
    accounts: PoolBuilder,
    last_phase: Option<Phase>,
    next_extrinsic: Option<u32>,
}

/// The section of a chunk's events; none if they cannot be taken apart. `spans` gives, for each runtime span, the place
/// of its first block and how its events are laid out.
///
/// # Errors
/// Events that do not come back out of memory.
pub(in crate::archive) fn encode(
    first: u32,
    blocks: &Blocks,
    spans: &[(usize, Arc<dyn EventShapes>)],
) -> Result<Option<Vec<u8>>> {
    let mut builder = Builder::default();
    let mut spans = (0u8..).zip(spans).peekable();
    let Some((mut span, (_, first_shapes))) = spans.next() else { return Ok(None) };
    let mut shapes = first_shapes;
    let (mut events, mut place) = (blocks.events(), 0);
    while let Some(value) = events.next_value()? {
        if let Some((next, (_, its))) = spans.next_if(|(_, (start, _))| *start <= place) {
            (span, shapes) = (next, its);
        }
        builder.block();
        // Genesis has no value, which is not the same as a value without events.
        let push = |record: &Record<'_>, widths: Option<&[u8]>| builder.push(record, widths);
        if !value.is_empty() && split(value, span, shapes.as_ref(), push).is_none() {
            return Ok(None);
        }
        place += 1;
    }
    let times: Vec<u64> = blocks.heads().map(|head| head.time_ms).collect();
    Ok(Some(builder.finish(first, &times)))
}

impl Builder {
    /// Begins the next block.
    pub fn block(&mut self) {
        self.counts.push(0);
        self.last_phase = None;
        self.next_extrinsic = Some(0);
    }

    /// Appends an event to the block. None if there are too many kinds.
    pub fn push(&mut self, record: &Record<'_>, widths: Option<&[u8]>) -> Option<()> {
        let place = self.counts.len().checked_sub(1)?;
        let kind = self.kind(record, widths)?;
        let phase = self.phase(record.phase);
        let token = Token { kind, phase, topics: !record.topics.is_empty() };
        let id = match self.token_ids.get(&token) {
            Some(id) => *id,
            None => {
                let id = u8::try_from(self.table.len()).ok().filter(|_| self.table.len() < MAX_TOKENS)?;
                self.table.push(token);
                self.token_ids.insert(token, id);
                id
            }
        };
        self.tokens.push(id);
        *self.counts.last_mut()? += 1;
        if token.topics {
            self.topic_counts.push(u64::try_from(record.topics.len() / TOPIC).ok()?);
            self.topics.extend_from_slice(record.topics);
        }
        let rows = self.kinds.get_mut(usize::from(kind))?;
        rows.places.push(place);
        let Some(widths) = &rows.widths else {
            rows.opaque.push(record.fields);
            return Some(());
        };
        let mut rest = record.fields;
        for (width, field) in widths.iter().zip(&mut rows.fields) {
            let (value, after) = rest.split_at_checked(usize::from(*width))?;
            rest = after;
            match field {
                Field::Numbers(_, numbers) => {
                    numbers
                        .push(value.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte)));
                }
                Field::Bytes(_, bytes) => bytes.extend_from_slice(value),
                Field::Pooled if *width == AMOUNT => self.amounts.push(value),
                Field::Pooled => self.accounts.push(value),
            }
        }
        rest.is_empty().then_some(())
    }

    fn kind(&mut self, record: &Record<'_>, widths: Option<&[u8]>) -> Option<u8> {
        let id = (record.span, record.pallet, record.event);
        if let Some(kind) = self.kind_ids.get(&id) {
            return Some(*kind);
        }
        let kind = u8::try_from(self.kinds.len()).ok().filter(|_| self.kinds.len() < MAX_TOKENS)?;
        self.kind_ids.insert(id, kind);
        let widths = widths.filter(|w| w.len() <= MAX_FIELDS && !w.contains(&0)).map(<[u8]>::to_vec);
        let field = |width: &u8| match *width {
            4 | 8 => Field::Numbers(*width, Vec::new()),
            AMOUNT | ACCOUNT => Field::Pooled,
            other => Field::Bytes(usize::from(other), Vec::new()),
        };
        let fields = widths.iter().flatten().map(field).collect();
        self.kinds.push(Rows { id, widths, fields, opaque: PoolBuilder::default(), places: Vec::new() });
        Some(kind)
    }

    fn phase(&mut self, phase: Phase) -> u8 {
        let same = self.last_phase == Some(phase);
        self.last_phase = Some(phase);
        let code = match phase {
            _ if same => phase_code::SAME,
            Phase::ApplyExtrinsic(index) if self.next_extrinsic == Some(index) => phase_code::NEXT,
            Phase::Finalization => phase_code::FINALIZATION,
            Phase::Initialization => phase_code::INITIALIZATION,
            Phase::ApplyExtrinsic(index) => {
                self.explicit.push(u64::from(index));
                phase_code::EXPLICIT
            }
        };
        if let Phase::ApplyExtrinsic(index) = phase {
            self.next_extrinsic = index.checked_add(1);
        }
        code
    }

    /// The section. `first` is the height of the first block, `times_ms` are the times of all blocks.
    pub fn finish(self, first: u32, times_ms: &[u64]) -> Vec<u8> {
        let mut out = Vec::new();
        out.push(u8::try_from(self.kinds.len()).unwrap_or(u8::MAX));
        for kind in &self.kinds {
            let (span, pallet, event) = kind.id;
            out.extend_from_slice(&[span, pallet, event]);
            let fields = kind.widths.as_ref().map_or(OPAQUE, |w| u8::try_from(w.len()).unwrap_or(OPAQUE));
            out.push(fields);
            out.extend(kind.widths.iter().flatten());
        }
        out.push(u8::try_from(self.table.len()).unwrap_or(u8::MAX));
        for token in &self.table {
            out.extend_from_slice(&[token.kind, token.phase, u8::from(token.topics)]);
        }
        numbers::put_planes(&self.counts, &mut out);
        out.extend_from_slice(&self.tokens);
        numbers::put_planes(&self.explicit, &mut out);
        numbers::put_planes(&self.topic_counts, &mut out);
        out.extend_from_slice(&self.topics);
        for kind in self.kinds {
            put_kind(kind, first, times_ms, &mut out);
        }
        self.amounts.finish(Some(AMOUNT), &mut out);
        self.accounts.finish(Some(ACCOUNT), &mut out);
        out
    }
}

fn put_kind(kind: Rows, first: u32, times_ms: &[u64], out: &mut Vec<u8>) {
    if kind.widths.is_none() {
        kind.opaque.finish(None, out);
        return;
    }
    let times: Vec<u64> =
        kind.places.iter().map(|p| times_ms.get(*p).map_or(0, |time_ms| time_ms / 1_000)).collect();
    let heights: Vec<u64> = kind
        .places
        .iter()
        .map(|p| u64::from(first).saturating_add(u64::try_from(*p).unwrap_or(u64::MAX)))
        .collect();
    let several = kind.fields.iter().filter(|f| matches!(f, Field::Numbers(..))).count() > 1;
    let mut keys = None;
    let mut before: Option<&[u64]> = None;
    for field in &kind.fields {
        match field {
            Field::Numbers(_, numbers) if several && keys.is_none() => {
                keys = Some(numbers::put_keys(numbers, out));
            }
            Field::Numbers(width, numbers) => {
                let blocks = if *width == 8 { &times } else { &heights };
                let context = Context { width: *width, blocks, keys: keys.as_ref(), before };
                numbers::put_numbers(numbers, &context, out);
                before = Some(numbers);
            }
            Field::Bytes(width, bytes) => {
                for plane in 0..*width {
                    out.extend(bytes.iter().skip(plane).step_by(*width));
                }
            }
            Field::Pooled => {}
        }
    }
}

impl Columns<'_> {
    /// Whether the section is the one that is written for the events in it, laid out as it says. That the runtime lays
    /// them out so takes its metadata.
    ///
    /// # Errors
    /// Says what is not as it has to be.
    pub fn check(&self) -> std::result::Result<(), String> {
        let mut builder = Builder::default();
        let mut blocks = 0;
        self.records(|place, record| {
            while blocks <= place {
                builder.block();
                blocks += 1;
            }
            let height = u64::from(self.first).saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
            let spans = self.spans.iter().take_while(|span| u64::from(span.first) <= height).count();
            if spans != usize::from(record.span) + 1 {
                return Err(format!("an event of block {height} is of another runtime than the block"));
            }
            let id = (record.span, record.pallet, record.event);
            let kind = self.kinds().iter().find(|k| (k.span, k.pallet, k.event) == id);
            let widths = kind.and_then(|kind| kind.widths.as_deref());
            builder.push(record, widths).ok_or_else(|| "it has too many kinds of events".to_string())
        })?;
        (blocks..self.times_ms.len()).for_each(|_| builder.block());
        match builder.finish(self.first, self.times_ms) == self.section {
            true => Ok(()),
            false => Err("its columns are not in the form that a writer gives them".into()),
        }
    }
}
