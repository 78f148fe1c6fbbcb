//! Reads event columns: rows of the kinds that are wanted, or every record.

use super::{
    TOPIC,
    numbers::{Buffers, Context, Keys},
    phase_code,
    pool::PoolValues,
    record::{Phase, Record, put, put_count},
    section::{Column, Kind, Layout},
};
use crate::archive::{Span, container::MAX_BODY_LEN};

/// The events of a chunk in columns.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    pub(in crate::archive) layout: &'a Layout,
    pub(in crate::archive) section: &'a [u8],
    /// Height of the first block.
    pub(in crate::archive) first: u32,
    /// Times of the blocks, milliseconds.
    pub(in crate::archive) times_ms: &'a [u64],
    pub(in crate::archive) spans: &'a [Span],
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Place of its block in the chunk.
    pub place: u32,
    /// Its place among all events of the chunk.
    pub order: u32,
    /// How many events of the kinds that are only counted stand before it.
    pub counted: u32,
}

/// What of the events of a kind is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing.
    Nothing,
    /// Where each stands.
    Places,
    /// How many each block has; of one kind at most.
    Counts,
}

/// The events of the wanted kinds.
#[derive(Clone, Debug)]
pub struct Picked<'a> {
    columns: Columns<'a>,
    /// For each kind where its rows stand; nothing for kinds of which that is not wanted.
    at: Vec<Vec<At>>,
    /// For each block how many rows it has of the kind that is counted.
    counts: Vec<u32>,
    /// The kind that is counted.
    counted: Option<u8>,
}

/// Tokens that are looked at together.
const GROUP: usize = 16;
/// What a token counts whose place is wanted; those that are only counted count 1. More than a group of these.
const PLACES: u16 = 1 << 8;

/// A field of the rows of a kind.
#[derive(Clone, Debug)]
enum Field<'a> {
    Key(usize),
    Numbers(usize, Vec<u64>),
    Bytes(usize, &'a [u8]),
    Amounts,
    Accounts,
}

/// The rows of one kind.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    rows: usize,
    keys: Option<Keys>,
    fields: Vec<Field<'a>>,
    opaque: Option<PoolValues<'a>>,
}

impl<'a> Columns<'a> {
    /// The kinds that occur, in the order in which they first do.
    pub fn kinds(&self) -> &'a [Kind] {
        &self.layout.kinds
    }

    /// How many events there are, of all kinds.
    pub fn count(&self) -> usize {
        self.tokens().len()
    }

    /// Time of the block at a place, milliseconds.
    pub fn time_ms(&self, place: u32) -> Option<u64> {
        self.times_ms.get(usize::try_from(place).ok()?).copied()
    }

    /// The fields of all events of a kind that are not taken apart, each value once.
    ///
    /// # Errors
    /// Columns that contradict themselves.
    pub fn distinct(&self, kind: &Kind) -> Result<Vec<&'a [u8]>, String> {
        match kind.columns.first() {
            Some(Column::Opaque(pool)) => pool.distinct(self.section),
            _ => Ok(Vec::new()),
        }
    }

    /// A field of one byte of all events of a kind; none if the field has another length, or is not taken apart.
    pub fn bytes(&self, kind: &Kind, field: usize) -> Option<&'a [u8]> {
        match kind.columns.get(field)? {
            Column::Bytes(1, range) => self.section.get(range.clone()),
            _ => None,
        }
    }

    fn tokens(&self) -> &'a [u8] {
        self.section.get(self.layout.tokens.clone()).unwrap_or_default()
    }

    /// Finds the events of some kinds, by the place of the kind; all others cost one look at a byte each.
    pub fn pick(&self, want: impl Fn(u8) -> Want) -> Picked<'a> {
        let wanted: Vec<Want> = (0..=u8::MAX).zip(self.kinds()).map(|(place, _)| want(place)).collect();
        let of = |kind: u8| wanted.get(usize::from(kind)).copied().unwrap_or(Want::Nothing);
        let table: [Option<u8>; 256] =
            std::array::from_fn(|token| self.layout.table.get(token).map(|token| token.kind));
        let values: [u16; 256] = table.map(|kind| match kind.map_or(Want::Nothing, of) {
            Want::Nothing => 0,
            Want::Places => PLACES,
            Want::Counts => 1,
        });
        let value = |token: &u8| values.get(usize::from(*token)).copied().unwrap_or_default();
        let rows = |(kind, want): (&Kind, &Want)| if *want == Want::Places { kind.rows } else { 0 };
        let mut at: Vec<Vec<At>> =
            self.kinds().iter().zip(&wanted).map(|both| Vec::with_capacity(rows(both))).collect();
        let mut counts = Vec::with_capacity(self.layout.counts.len());
        // A chunk has fewer events than bytes, and these fit 32 bits.
        let (mut order, mut counted) = (0u32, 0u32);
        for (place, block) in (0u32..).zip(self.blocks()) {
            let before = counted;
            for group in block.chunks(GROUP) {
                let sum: u16 = group.iter().map(value).fold(0, u16::wrapping_add);
                if sum >= PLACES {
                    let (mut order, mut counted) = (order, counted);
                    for token in group {
                        match value(token) {
                            PLACES => {
                                let kind = table.get(usize::from(*token)).copied().flatten();
                                if let Some(at) = kind.and_then(|kind| at.get_mut(usize::from(kind))) {
                                    at.push(At { place, order, counted });
                                }
                            }
                            one => counted = counted.wrapping_add(one.into()),
                        }
                        order = order.wrapping_add(1);
                    }
                }
                counted = counted.wrapping_add((sum % PLACES).into());
                order = order.wrapping_add(u32::try_from(group.len()).unwrap_or_default());
            }
            counts.push(counted.wrapping_sub(before));
        }
        let counted =
            (0..=u8::MAX).zip(&wanted).find(|(_, want)| **want == Want::Counts).map(|(place, _)| place);
        Picked { columns: *self, at, counts, counted }
    }

    /// The tokens of each block.
    fn blocks(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut tokens = self.tokens();
        self.layout.counts.iter().map(move |count| {
            let count = usize::try_from(*count).unwrap_or(usize::MAX).min(tokens.len());
            let (block, rest) = tokens.split_at(count);
            tokens = rest;
            block
        })
    }

    /// Whether every event is of the runtime span that its block has.
    pub fn in_their_spans(&self) -> bool {
        let span = |token: &u8| {
            let kind = self.layout.table.get(usize::from(*token))?.kind;
            Some(usize::from(self.kinds().get(usize::from(kind))?.span))
        };
        (self.first..=u32::MAX).zip(self.blocks()).all(|(height, block)| {
            let its = self.spans.iter().rposition(|span| span.first <= height);
            block.iter().all(|token| span(token) == its)
        })
    }

    /// Calls `visit` with every record and the place of its block, in order.
    ///
    /// # Errors
    /// Columns that contradict themselves; what `visit` does not want.
    pub fn records(
        &self,
        mut visit: impl FnMut(usize, &Record<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let Columns { layout, section, .. } = *self;
        let all = self.pick(|_| Want::Places);
        let kinds: Vec<Rows<'_>> =
            (0..=u8::MAX).zip(&layout.kinds).map(|(k, _)| all.rows(k)).collect::<Result<_, _>>()?;
        let amounts = layout.amounts.read(section).map_err(|e| format!("pool of amounts: {e}"))?;
        let accounts = layout.accounts.read(section).map_err(|e| format!("pool of accounts: {e}"))?;
        let outside = || String::from("a column ends before the events do");
        let explicit = layout.explicit.read_u32(section).ok_or_else(outside)?;
        let topic_counts = layout.topic_counts.read_u32(section).ok_or_else(outside)?;
        let (mut explicit, mut topic_counts) = (explicit.iter(), topic_counts.iter());
        let mut topics = section.get(layout.topics.clone()).ok_or_else(outside)?;
        let (mut amount, mut account) = (0usize, 0usize);
        let mut next_row = vec![0usize; kinds.len()];
        let mut fields = Vec::new();
        let mut tokens = self.tokens().iter();
        for (place, count) in layout.counts.iter().enumerate() {
            let (mut last, mut next) = (None, Some(0u32));
            for _ in 0..*count {
                let token =
                    tokens.next().and_then(|t| layout.table.get(usize::from(*t))).ok_or_else(outside)?;
                let k = usize::from(token.kind);
                let (kind, rows) = layout.kinds.get(k).zip(kinds.get(k)).ok_or_else(outside)?;
                let row = next_row.get_mut(k).ok_or_else(outside)?;
                fields.clear();
                let pools = Some((&amounts, &mut amount, &accounts, &mut account));
                rows.put(*row, pools, &mut fields).ok_or_else(outside)?;
                *row += 1;
                let phase = match token.phase {
                    phase_code::SAME => last,
                    phase_code::NEXT => next.map(Phase::ApplyExtrinsic),
                    phase_code::FINALIZATION => Some(Phase::Finalization),
                    phase_code::INITIALIZATION => Some(Phase::Initialization),
                    _ => explicit.next().map(|index| Phase::ApplyExtrinsic(*index)),
                };
                let phase = phase.ok_or("a phase refers to one that is not there")?;
                last = Some(phase);
                if let Phase::ApplyExtrinsic(index) = phase {
                    next = index.checked_add(1);
                }
                let mut its_topics: &[u8] = &[];
                if token.topics {
                    let count =
                        topic_counts.next().and_then(|n| usize::try_from(*n).ok()).ok_or_else(outside)?;
                    let length = count.checked_mul(TOPIC).ok_or_else(outside)?;
                    (its_topics, topics) = topics.split_at_checked(length).ok_or_else(outside)?;
                }
                visit(
                    place,
                    &Record {
                        span: kind.span,
                        phase,
                        pallet: kind.pallet,
                        event: kind.event,
                        fields: &fields,
                        topics: its_topics,
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Calls `visit` with the value of `System.Events` of every block as the chain has it, and the place of the block,
    /// in order. One value at a time is in memory.
    ///
    /// # Errors
    /// Columns that contradict themselves, or come to more bytes than a chunk may have; what `visit` does not want.
    pub fn values(&self, mut visit: impl FnMut(usize, &[u8]) -> Result<(), String>) -> Result<(), String> {
        let counts = &self.layout.counts;
        let mut left = usize::try_from(MAX_BODY_LEN).unwrap_or(usize::MAX);
        let begin = |place: usize, value: &mut Vec<u8>| {
            value.clear();
            if let Some(count) = counts.get(place).filter(|_| place > 0 || self.first > 0) {
                put_count(*count, value);
            }
        };
        let (mut at, mut value) = (0, Vec::new());
        begin(at, &mut value);
        let mut end = |at: &mut usize, value: &mut Vec<u8>, left: &mut usize| {
            visit(*at, value)?;
            *left = left.saturating_sub(value.len());
            *at += 1;
            begin(*at, value);
            Ok::<(), String>(())
        };
        self.records(|place, record| {
            while at < place {
                end(&mut at, &mut value, &mut left)?;
            }
            put(record, &mut value);
            if value.len() > left {
                return Err(format!("more than the {MAX_BODY_LEN} bytes of events allowed"));
            }
            Ok(())
        })?;
        while at < counts.len() {
            end(&mut at, &mut value, &mut left)?;
        }
        Ok(())
    }

    /// The values of `System.Events` of all blocks as the chain has them, one after the other, and where each ends.
    ///
    /// # Errors
    /// Columns that contradict themselves, or come to more bytes than a chunk may have.
    pub fn raw(&self) -> Result<(Vec<u8>, Vec<usize>), String> {
        let (mut raw, mut ends) = (Vec::new(), Vec::new());
        self.values(|_, value| {
            raw.extend_from_slice(value);
            ends.push(raw.len());
            Ok(())
        })?;
        Ok((raw, ends))
    }
}

impl<'a> Picked<'a> {
    /// Where the rows of a kind stand, in the order of the chain; nothing if that is not wanted.
    pub fn at(&self, kind: u8) -> &[At] {
        self.at.get(usize::from(kind)).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many rows each block has of a kind that is counted; nothing of others.
    pub fn counts(&self, kind: u8) -> &[u32] {
        if self.counted == Some(kind) { &self.counts } else { &[] }
    }

    /// For each row of a wanted kind what `of` says of the place of its block.
    fn by_row(&self, kind: u8, mut all: Vec<u64>, of: impl Fn(usize) -> u64) -> Vec<u64> {
        all.clear();
        if self.counted != Some(kind) {
            let of = |at: &At| usize::try_from(at.place).map(&of).unwrap_or_default();
            all.extend(self.at(kind).iter().map(of));
            return all;
        }
        for (place, count) in self.counts.iter().enumerate() {
            all.extend(std::iter::repeat_n(of(place), usize::try_from(*count).unwrap_or_default()));
        }
        all
    }

    /// The rows of a wanted kind.
    ///
    /// # Errors
    /// Names the kind and field that contradicts itself.
    pub fn rows(&self, kind: u8) -> Result<Rows<'a>, String> {
        self.rows_with(kind, &mut Buffers::default())
    }

    /// As [`Picked::rows`], in memory that is there.
    ///
    /// # Errors
    /// As [`Picked::rows`].
    pub fn rows_with(&self, kind: u8, buffers: &mut Buffers) -> Result<Rows<'a>, String> {
        let Columns { section, times_ms, first, .. } = self.columns;
        let is_wanted = |of: &&Kind| self.counted == Some(kind) || self.at(kind).len() == of.rows;
        let Some(of) = self.columns.kinds().get(usize::from(kind)).filter(is_wanted) else {
            return Err(format!("kind {kind} was not picked"));
        };
        let seconds = |place: usize| times_ms.get(place).map_or(0, |time_ms| time_ms / 1_000);
        let height = |place: usize| u64::from(first).saturating_add(u64::try_from(place).unwrap_or_default());
        let (mut times, mut heights): (Option<Vec<u64>>, Option<Vec<u64>>) = (None, None);
        let mut rows = Rows { rows: of.rows, keys: None, fields: Vec::new(), opaque: None };
        let mut before: Option<usize> = None;
        for (place, column) in of.columns.iter().enumerate() {
            let error = |e: String| {
                format!("kind {kind} (pallet {}, event {}), field {place}: {e}", of.pallet, of.event)
            };
            let field = match column {
                Column::Key(column) => {
                    rows.keys = Some(column.keys(section, buffers).map_err(error)?);
                    Field::Key(of.width(place))
                }
                Column::Numbers(width, column) => {
                    let blocks = if *width == 8 {
                        times.get_or_insert_with(|| self.by_row(kind, buffers.take_numbers(), seconds))
                    } else {
                        heights.get_or_insert_with(|| self.by_row(kind, buffers.take_numbers(), height))
                    };
                    let before_this = before.and_then(|b| rows.numbers(b));
                    let context =
                        Context { width: *width, blocks, keys: rows.keys.as_ref(), before: before_this };
                    let numbers = column.numbers(section, &context, buffers).map_err(error)?;
                    before = Some(place);
                    Field::Numbers(of.width(place), numbers)
                }
                Column::Bytes(width, range) => {
                    let bytes = section.get(range.clone()).ok_or_else(|| error("it is not there".into()))?;
                    Field::Bytes(*width, bytes)
                }
                Column::Amounts => Field::Amounts,
                Column::Accounts => Field::Accounts,
                Column::Opaque(pool) => {
                    rows.opaque = Some(pool.read(section).map_err(error)?);
                    continue;
                }
            };
            rows.fields.push(field);
        }
        times.into_iter().chain(heights).for_each(|numbers| buffers.give_numbers(numbers));
        Ok(rows)
    }
}

impl Kind {
    fn width(&self, field: usize) -> usize {
        self.widths.as_ref().and_then(|w| w.get(field)).map_or(0, |w| usize::from(*w))
    }

    /// Whether some of its fields are accounts or amounts, which only [`Columns::records`] gives.
    pub fn is_pooled(&self) -> bool {
        self.columns.iter().any(|c| matches!(c, Column::Amounts | Column::Accounts))
    }
}

impl Rows<'_> {
    /// Gives back the memory of them.
    pub fn recycle(self, buffers: &mut Buffers) {
        self.keys.into_iter().for_each(|keys| buffers.give_keys(keys));
        for field in self.fields {
            if let Field::Numbers(_, numbers) = field {
                buffers.give_numbers(numbers);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Never true: a kind occurs.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The first number of every row, if the kind has several, as places in a sorted list.
    pub fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// A field of 4 or 8 bytes of every row; none if the field is not such a number, is the key, or is not taken apart.
    pub fn numbers(&self, field: usize) -> Option<&[u64]> {
        match self.fields.get(field)? {
            Field::Numbers(_, numbers) => Some(numbers),
            _ => None,
        }
    }

    /// All fields of a row as the chain has them, if they are not taken apart.
    pub fn opaque(&self, row: usize) -> Option<&[u8]> {
        self.opaque.as_ref()?.get(row)
    }

    /// Appends all fields of a row as the chain has them. None if there is no such row, or the kind
    /// [`Kind::is_pooled`].
    pub fn encode(&self, row: usize, out: &mut Vec<u8>) -> Option<()> {
        self.put(row, None, out)
    }

    fn put(&self, row: usize, pools: Option<Pools<'_>>, out: &mut Vec<u8>) -> Option<()> {
        if let Some(opaque) = &self.opaque {
            out.extend_from_slice(opaque.get(row)?);
            return Some(());
        }
        let mut pools = pools;
        for field in &self.fields {
            match field {
                Field::Key(width) => {
                    let key = self.keys.as_ref()?.of(row)?;
                    out.extend_from_slice(key.to_le_bytes().get(..*width)?);
                }
                Field::Numbers(width, numbers) => {
                    out.extend_from_slice(numbers.get(row)?.to_le_bytes().get(..*width)?);
                }
                Field::Bytes(width, planes) => {
                    for plane in 0..*width {
                        out.push(*planes.get(plane.checked_mul(self.rows)?.checked_add(row)?)?);
                    }
                }
                Field::Amounts => {
                    let (amounts, next, _, _) = pools.as_mut()?;
                    out.extend_from_slice(amounts.get(**next)?);
                    **next += 1;
                }
                Field::Accounts => {
                    let (_, _, accounts, next) = pools.as_mut()?;
                    out.extend_from_slice(accounts.get(**next)?);
                    **next += 1;
                }
            }
        }
        Some(())
    }
}

/// The pools, each with the place of the value that comes next.
type Pools<'a> = (&'a PoolValues<'a>, &'a mut usize, &'a PoolValues<'a>, &'a mut usize);
