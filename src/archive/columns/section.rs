//! Where everything lies in a section of event columns.

use std::ops::Range;

use super::{
    ACCOUNT, AMOUNT, OPAQUE, TOPIC, Token,
    numbers::{NumberColumn, Planes},
    phase_code,
    pool::Pool,
};
use crate::archive::{
    bytes::{Cursor, Short},
    container::MAX_BODY_LEN,
};

/// Events of one variant of one pallet, produced by one runtime.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Place of the runtime span.
    pub span: u8,
    /// Index of the pallet.
    pub pallet: u8,
    /// Index of the event in the pallet.
    pub event: u8,
    /// Lengths of the fields, in bytes; none if they are not taken apart.
    pub widths: Option<Vec<u8>>,
    /// How many there are, at least 1.
    pub rows: usize,
    pub(super) columns: Vec<Column>,
}

/// Where a field of a kind lies.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// The key of the kind.
    Key(NumberColumn),
    /// Numbers of so many bytes.
    Numbers(u8, NumberColumn),
    /// Values of so many bytes, in planes.
    Bytes(usize, Range<usize>),
    /// In the pool of amounts.
    Amounts,
    /// In the pool of accounts.
    Accounts,
    /// All fields together.
    Opaque(Pool),
}

/// A section that was read: it has the form of one, and what it says of itself adds up.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) kinds: Vec<Kind>,
    pub(super) table: Vec<Token>,
    pub(super) counts: Vec<u32>,
    pub(super) tokens: Range<usize>,
    pub(super) explicit: Planes,
    pub(super) topic_counts: Planes,
    pub(super) topics: Range<usize>,
    pub(super) amounts: Pool,
    pub(super) accounts: Pool,
}

fn short(part: &str) -> impl Fn(Short) -> String + '_ {
    move |e| format!("{part}: {e}")
}

impl Layout {
    /// Reads the section of a chunk of `blocks` blocks and `spans` runtime spans.
    ///
    /// # Errors
    /// Names the part and what is wrong with it.
    pub(in crate::archive) fn parse(section: &[u8], blocks: usize, spans: usize) -> Result<Layout, String> {
        let mut cursor = Cursor::new(section);
        let mut kinds = kinds(&mut cursor, spans)?;
        let table = table(&mut cursor, kinds.len())?;
        let counts = Planes::parse(&mut cursor, 4, blocks).map_err(|e| format!("counts: {e}"))?;
        let counts = counts.read_u32(section).ok_or("counts lie outside of the section")?;
        let total = counts.iter().try_fold(0usize, |sum, n| sum.checked_add(usize::try_from(*n).ok()?));
        let start = cursor.position();
        let tokens = cursor.take(total.ok_or("counts: too many events")?).map_err(short("tokens"))?;
        let token_range = start..cursor.position();
        let mut used = [0usize; 256];
        for token in tokens {
            if let Some(used) = used.get_mut(usize::from(*token)) {
                *used += 1;
            }
        }
        if used.iter().skip(table.len()).any(|rows| *rows > 0) {
            return Err(format!("tokens: one is not among the {} of the table", table.len()));
        }
        let (mut explicit, mut with_topics, mut amounts, mut accounts) = (0usize, 0usize, 0usize, 0usize);
        for (token, used) in table.iter().zip(used) {
            if used == 0 {
                return Err("tokens: one of the table does not occur".into());
            }
            explicit += if token.phase == phase_code::EXPLICIT { used } else { 0 };
            with_topics += if token.topics { used } else { 0 };
            if let Some(kind) = kinds.get_mut(usize::from(token.kind)) {
                kind.rows += used;
            }
        }
        let explicit = Planes::parse(&mut cursor, 4, explicit).map_err(|e| format!("phases: {e}"))?;
        let topic_counts = Planes::parse(&mut cursor, 4, with_topics).map_err(|e| format!("topics: {e}"))?;
        let topics = topic_counts.read_u32(section).ok_or("topics lie outside of the section")?;
        let topics = topics
            .iter()
            .try_fold(0usize, |sum, n| sum.checked_add(usize::try_from(*n).ok()?))
            .and_then(|count| count.checked_mul(TOPIC))
            .ok_or("topics: too many")?;
        let start = cursor.position();
        cursor.take(topics).map_err(short("topics"))?;
        let topics = start..cursor.position();
        bounded(&kinds)?;
        for (place, kind) in kinds.iter_mut().enumerate() {
            columns(&mut cursor, kind).map_err(|e| format!("kind {place}, {e}"))?;
            let of = |width| kind.widths.iter().flatten().filter(|w| **w == width).count();
            amounts = amounts.saturating_add(of(AMOUNT).saturating_mul(kind.rows));
            accounts = accounts.saturating_add(of(ACCOUNT).saturating_mul(kind.rows));
        }
        let amounts =
            Pool::parse(&mut cursor, amounts, Some(AMOUNT)).map_err(|e| format!("pool of amounts: {e}"))?;
        let accounts = Pool::parse(&mut cursor, accounts, Some(ACCOUNT))
            .map_err(|e| format!("pool of accounts: {e}"))?;
        if !cursor.rest().is_empty() {
            return Err(format!("{} bytes follow the pools", cursor.rest().len()));
        }
        let tokens = token_range;
        Ok(Layout { kinds, table, counts, tokens, explicit, topic_counts, topics, amounts, accounts })
    }
}

impl Layout {
    /// How many events the block at a place has.
    pub(in crate::archive) fn events_of(&self, place: usize) -> u32 {
        self.counts.get(place).copied().unwrap_or_default()
    }
}

fn kinds(cursor: &mut Cursor<'_>, spans: usize) -> Result<Vec<Kind>, String> {
    let error = short("kinds");
    let count = cursor.u8().map_err(&error)?;
    let mut kinds: Vec<Kind> = Vec::new();
    for place in 0..count {
        let [span, pallet, event, fields] = cursor.array().map_err(&error)?;
        let widths = match fields {
            OPAQUE => None,
            fields => Some(cursor.take(usize::from(fields)).map_err(&error)?.to_vec()),
        };
        if usize::from(span) >= spans {
            return Err(format!("kinds: kind {place} is of span {span}, the chunk has {spans}"));
        }
        if widths.iter().flatten().any(|width| *width == 0) {
            return Err(format!("kinds: kind {place} has a field without bytes"));
        }
        if kinds.iter().any(|k| (k.span, k.pallet, k.event) == (span, pallet, event)) {
            return Err(format!("kinds: kind {place} is there twice"));
        }
        kinds.push(Kind { span, pallet, event, widths, rows: 0, columns: Vec::new() });
    }
    Ok(kinds)
}

fn table(cursor: &mut Cursor<'_>, kinds: usize) -> Result<Vec<Token>, String> {
    let error = short("tokens");
    let count = cursor.u8().map_err(&error)?;
    let mut table: Vec<Token> = Vec::new();
    for place in 0..count {
        let [kind, phase, topics] = cursor.array().map_err(&error)?;
        let token = Token { kind, phase, topics: topics == 1 };
        if usize::from(kind) >= kinds || phase > phase_code::EXPLICIT || topics > 1 || table.contains(&token)
        {
            return Err(format!("tokens: number {place} of the table means nothing, or is there twice"));
        }
        table.push(token);
    }
    Ok(table)
}

/// What all kinds come to decides how much memory their columns take. An event has at least a phase, two indices and
/// a count of topics.
fn bounded(kinds: &[Kind]) -> Result<(), String> {
    let mut total = 0u64;
    for (place, kind) in kinds.iter().enumerate() {
        if kind.rows == 0 {
            return Err(format!("kinds: kind {place} does not occur"));
        }
        let row = kind.widths.iter().flatten().fold(4u64, |sum, width| sum.saturating_add(u64::from(*width)));
        let rows = u64::try_from(kind.rows).unwrap_or(u64::MAX);
        total = total.saturating_add(row.saturating_mul(rows));
    }
    if total > MAX_BODY_LEN {
        return Err(format!("kinds: {total} bytes of events, more than the {MAX_BODY_LEN} allowed"));
    }
    Ok(())
}

fn columns(cursor: &mut Cursor<'_>, kind: &mut Kind) -> Result<(), String> {
    let Some(widths) = &kind.widths else {
        let pool = Pool::parse(cursor, kind.rows, None).map_err(|e| format!("its events: {e}"))?;
        kind.columns.push(Column::Opaque(pool));
        return Ok(());
    };
    let mut is_key = widths.iter().filter(|w| matches!(w, 4 | 8)).count() > 1;
    for (place, width) in widths.iter().enumerate() {
        let error = |e| format!("field {place}: {e}");
        kind.columns.push(match *width {
            4 | 8 => {
                let column = NumberColumn::parse(cursor, *width, kind.rows, is_key).map_err(error)?;
                if std::mem::take(&mut is_key) {
                    Column::Key(column)
                } else {
                    Column::Numbers(*width, column)
                }
            }
            AMOUNT => Column::Amounts,
            ACCOUNT => Column::Accounts,
            other => {
                let start = cursor.position();
                let length = kind.rows.checked_mul(usize::from(other)).ok_or("too many rows")?;
                cursor.take(length).map_err(|e| error(e.to_string()))?;
                Column::Bytes(usize::from(other), start..cursor.position())
            }
        });
    }
    Ok(())
}
