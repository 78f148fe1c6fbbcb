//! Columns of numbers of 4 or 8 bytes: differences to what is expected, in byte planes.
//!
//! The first number of a kind that has several is its key, as a node or contract says of itself which it is; keys are
//! stored as a sorted dictionary and the places in it, so that a reader follows each key without a hash table.

use std::{collections::BTreeMap, ops::Range};

use super::super::bytes::Cursor;

/// How the numbers of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transform {
    /// As they are.
    Plain = 0,
    /// Difference to the block: its time in seconds for 8 bytes, its height for 4.
    Block = 1,
    /// Difference to the row before.
    Before = 2,
    /// Difference to the row before that has the same key.
    SameKey = 3,
    /// As `SameKey`, less what the column of numbers before this one grew by.
    Growth = 4,
    /// Place in a sorted dictionary: a key.
    Dictionary = 5,
}

impl Transform {
    const DIFFERENCES: [Transform; 5] =
        [Transform::Plain, Transform::Block, Transform::Before, Transform::SameKey, Transform::Growth];

    fn of(code: u8) -> Option<Transform> {
        match code {
            0..=4 => Transform::DIFFERENCES.get(usize::from(code)).copied(),
            5 => Some(Transform::Dictionary),
            _ => None,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Transform::Plain => 0,
            Transform::Block => 1,
            Transform::Before => 2,
            Transform::SameKey => 3,
            Transform::Growth => 4,
            Transform::Dictionary => 5,
        }
    }
}

/// The keys of a kind: distinct ones ascending, and for each row the place of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Distinct keys, ascending.
    pub values: Vec<u64>,
    /// For each row the place of its key in `values`; always below its length.
    pub places: Vec<u32>,
}

impl Keys {
    /// The key of a row.
    pub fn of(&self, row: usize) -> Option<u64> {
        self.values.get(usize::try_from(*self.places.get(row)?).ok()?).copied()
    }
}

/// Most numbers of a column whose memory is kept; a chunk of a month has a tenth of it.
const KEPT_MAX: usize = 1 << 21;

/// Memory for columns, to be used again: the pages of fresh memory would cost more than filling it.
#[derive(Debug, Default)]
pub struct Buffers {
    numbers: Vec<Vec<u64>>,
    places: Vec<Vec<u32>>,
}

impl Buffers {
    pub(super) fn take_numbers(&mut self) -> Vec<u64> {
        self.numbers.pop().unwrap_or_default()
    }

    fn take_places(&mut self) -> Vec<u32> {
        self.places.pop().unwrap_or_default()
    }

    pub(super) fn give_numbers(&mut self, numbers: Vec<u64>) {
        if numbers.capacity() <= KEPT_MAX {
            self.numbers.push(numbers);
        }
    }

    pub(super) fn give_keys(&mut self, keys: Keys) {
        if keys.places.capacity() <= KEPT_MAX {
            self.places.push(keys.places);
        }
    }
}

/// What numbers are expected from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// Bytes of a number, 4 or 8.
    pub width: u8,
    /// For each row what [`Transform::Block`] is the difference to.
    pub blocks: &'a [u64],
    /// Keys of the rows, if the kind has them.
    pub keys: Option<&'a Keys>,
    /// The column of numbers before this one, unless that one is the key.
    pub before: Option<&'a [u64]>,
}

/// The bits of the low `width` bytes of a number.
fn mask(width: u8) -> u64 {
    if width == 4 { 0xffff_ffff } else { u64::MAX }
}

/// The low `width` bytes of a number.
fn narrow(width: u8, number: u64) -> u64 {
    number & mask(width)
}

/// Small differences, also negative ones, as small numbers.
fn zigzag(width: u8, difference: u64) -> u64 {
    let sign = difference >> if width == 4 { 31 } else { 63 } & 1;
    narrow(width, (difference << 1) ^ 0u64.wrapping_sub(sign))
}

/// The reverse of [`zigzag`], in bits above `width` bytes too.
fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ 0u64.wrapping_sub(number & 1)
}

/// Calls `step` for every row with what is stored or is to be stored, and with the number that is expected; it gives the
/// number that is there. None if the transform needs what the context has not.
fn walk(
    transform: Transform,
    context: &Context<'_>,
    rows: &mut [u64],
    step: impl Fn(&mut u64, u64) -> u64,
) -> Option<()> {
    match transform {
        Transform::Plain => {
            for row in rows {
                step(row, 0);
            }
        }
        Transform::Block => {
            for (row, base) in rows.iter_mut().zip(context.blocks) {
                step(row, *base);
            }
        }
        Transform::Before => {
            let mut last = 0;
            for row in rows {
                last = step(row, last);
            }
        }
        Transform::SameKey => {
            let keys = context.keys?;
            let mut last = vec![0; keys.values.len()];
            for (row, place) in rows.iter_mut().zip(&keys.places) {
                let last = last.get_mut(usize::try_from(*place).ok()?)?;
                *last = step(row, *last);
            }
        }
        Transform::Growth => {
            let (keys, before) = (context.keys?, context.before?);
            let mask = mask(context.width);
            // What the number was more than the one before it.
            let mut last: Vec<Option<u64>> = vec![None; keys.values.len()];
            for ((row, place), before) in rows.iter_mut().zip(&keys.places).zip(before) {
                let last = last.get_mut(usize::try_from(*place).ok()?)?;
                let number = step(row, last.map_or(0, |more| before.wrapping_add(more) & mask));
                *last = Some(number.wrapping_sub(*before));
            }
        }
        Transform::Dictionary => return None,
    }
    Some(())
}

/// Bytes that hold a number.
fn significant(number: u64) -> u64 {
    u64::from(64 - number.leading_zeros()).div_ceil(8)
}

/// Appends how many bytes the largest number has, then the lowest bytes of all numbers, then their second ones, and so
/// on.
pub(super) fn put_planes(numbers: &[u64], out: &mut Vec<u8>) {
    let planes = numbers.iter().copied().map(significant).max().unwrap_or(0);
    out.push(u8::try_from(planes).unwrap_or(8));
    for plane in 0..planes {
        out.extend(numbers.iter().map(|n| u8::try_from(n >> (8 * plane) & 0xff).unwrap_or_default()));
    }
}

/// Where the planes of a column lie in the section.
#[derive(Clone, Debug, Default)]
pub(super) struct Planes {
    bytes: Range<usize>,
    rows: usize,
}

impl Planes {
    /// Reads how many planes there are, at most `width`, and goes past them.
    pub fn parse(cursor: &mut Cursor<'_>, width: u8, rows: usize) -> Result<Planes, String> {
        let planes = cursor.u8().map_err(|e| e.to_string())?;
        if planes > width {
            return Err(format!("{planes} planes for numbers of {width} bytes"));
        }
        let start = cursor.position();
        let length = rows.checked_mul(usize::from(planes)).ok_or("too many rows")?;
        cursor.take(length).map_err(|e| e.to_string())?;
        Ok(Planes { bytes: start..cursor.position(), rows })
    }

    /// The numbers.
    pub fn read(&self, section: &[u8]) -> Option<Vec<u64>> {
        self.read_into(section, Vec::new())
    }

    /// The numbers, in memory that is there.
    pub fn read_into(&self, section: &[u8], mut numbers: Vec<u64>) -> Option<Vec<u64>> {
        let bytes = section.get(self.bytes.clone())?;
        numbers.clear();
        if let Some(lowest) = bytes.get(..self.rows).filter(|_| self.rows > 0) {
            numbers.extend(lowest.iter().map(|byte| u64::from(*byte)));
            for (plane, shift) in bytes.chunks_exact(self.rows).zip((0u32..64).step_by(8)).skip(1) {
                numbers.iter_mut().zip(plane).for_each(|(number, byte)| *number |= u64::from(*byte) << shift);
            }
        }
        numbers.resize(self.rows, 0);
        Some(numbers)
    }

    /// The numbers, of at most four bytes.
    pub fn read_u32(&self, section: &[u8]) -> Option<Vec<u32>> {
        self.read_u32_into(section, Vec::new())
    }

    /// As [`Planes::read_u32`], in memory that is there.
    pub fn read_u32_into(&self, section: &[u8], mut numbers: Vec<u32>) -> Option<Vec<u32>> {
        let bytes = section.get(self.bytes.clone())?;
        numbers.clear();
        if let Some(lowest) = bytes.get(..self.rows).filter(|_| self.rows > 0) {
            numbers.extend(lowest.iter().map(|byte| u32::from(*byte)));
            for (plane, shift) in bytes.chunks_exact(self.rows).zip((0u32..32).step_by(8)).skip(1) {
                numbers.iter_mut().zip(plane).for_each(|(number, byte)| *number |= u32::from(*byte) << shift);
            }
        }
        numbers.resize(self.rows, 0);
        Some(numbers)
    }
}

/// Where a column of numbers lies in the section.
#[derive(Clone, Debug)]
pub(super) struct NumberColumn {
    width: u8,
    transform: Transform,
    /// Distinct keys as differences, in a key column.
    dictionary: Planes,
    planes: Planes,
}

impl NumberColumn {
    /// Reads how the column is stored, and goes past it.
    pub fn parse(
        cursor: &mut Cursor<'_>,
        width: u8,
        rows: usize,
        is_key: bool,
    ) -> Result<NumberColumn, String> {
        let code = cursor.u8().map_err(|e| e.to_string())?;
        let transform = Transform::of(code).ok_or_else(|| format!("there is no transform {code}"))?;
        if is_key != (transform == Transform::Dictionary) {
            return Err(format!(
                "transform {code}, which a {} cannot have",
                if is_key { "key" } else { "number" }
            ));
        }
        if !is_key {
            let planes = Planes::parse(cursor, width, rows)?;
            return Ok(NumberColumn { width, transform, dictionary: Planes::default(), planes });
        }
        let count = cursor.u32().map_err(|e| e.to_string())?;
        let count =
            usize::try_from(count).ok().filter(|count| *count <= rows).ok_or("more keys than rows")?;
        let dictionary = Planes::parse(cursor, width, count)?;
        let planes = Planes::parse(cursor, 4, rows)?;
        Ok(NumberColumn { width, transform, dictionary, planes })
    }

    /// The keys of a key column.
    pub fn keys(&self, section: &[u8], buffers: &mut Buffers) -> Result<Keys, String> {
        let values = self.dictionary.read(section).ok_or("it lies outside of the section")?;
        let places = self
            .planes
            .read_u32_into(section, buffers.take_places())
            .ok_or("it lies outside of the section")?;
        let mut key: Option<u64> = None;
        let ascending = values.iter().map(|gap| {
            let next = key.map_or(Some(*gap), |key| key.checked_add(*gap).filter(|next| *next > key))?;
            key = Some(next);
            (narrow(self.width, next) == next).then_some(next)
        });
        let values: Vec<u64> = ascending.collect::<Option<_>>().ok_or("its keys do not ascend")?;
        match places.iter().max() {
            Some(place) if usize::try_from(*place).is_ok_and(|p| p >= values.len()) => {
                Err(format!("key {place} of {}", values.len()))
            }
            _ => Ok(Keys { values, places }),
        }
    }

    /// The numbers of a column that is no key.
    pub fn numbers(
        &self,
        section: &[u8],
        context: &Context<'_>,
        buffers: &mut Buffers,
    ) -> Result<Vec<u64>, String> {
        let numbers = self.planes.read_into(section, buffers.take_numbers());
        let mut numbers = numbers.ok_or("it lies outside of the section")?;
        if self.transform == Transform::Plain {
            return Ok(numbers);
        }
        let mask = mask(self.width);
        walk(self.transform, context, &mut numbers, |stored, expected| {
            *stored = unzigzag(*stored).wrapping_add(expected) & mask;
            *stored
        })
        .ok_or("its transform needs a column that the kind has not")?;
        Ok(numbers)
    }
}

/// Appends a key column and gives the keys.
pub(super) fn put_keys(numbers: &[u64], out: &mut Vec<u8>) -> Keys {
    let distinct: BTreeMap<u64, u32> = numbers.iter().map(|n| (*n, 0)).collect();
    let places: BTreeMap<u64, u32> = distinct.into_keys().zip(0..).collect();
    let keys = Keys {
        places: numbers.iter().filter_map(|n| places.get(n)).copied().collect(),
        values: places.keys().copied().collect(),
    };
    out.push(Transform::Dictionary.code());
    out.extend_from_slice(&u32::try_from(keys.values.len()).unwrap_or(u32::MAX).to_le_bytes());
    let mut before = 0;
    let gaps = keys.values.iter().map(|key| {
        let gap = key.wrapping_sub(before);
        before = *key;
        gap
    });
    put_planes(&gaps.collect::<Vec<_>>(), out);
    put_planes(&keys.places.iter().map(|p| u64::from(*p)).collect::<Vec<_>>(), out);
    keys
}

/// Appends a column of numbers by the transform that leaves the fewest bytes, the first of those that are equal.
pub(super) fn put_numbers(numbers: &[u64], context: &Context<'_>, out: &mut Vec<u8>) {
    let mut best: Option<(u64, Transform, Vec<u64>)> = None;
    for transform in Transform::DIFFERENCES {
        let mut stored = numbers.to_vec();
        let walked = walk(transform, context, &mut stored, |row, expected| {
            let number = *row;
            if transform != Transform::Plain {
                *row = zigzag(context.width, narrow(context.width, number.wrapping_sub(expected)));
            }
            number
        });
        let bytes = stored.iter().copied().map(significant).fold(0, u64::saturating_add);
        if walked.is_some() && best.as_ref().is_none_or(|(fewest, _, _)| bytes < *fewest) {
            best = Some((bytes, transform, stored));
        }
    }
    if let Some((_, transform, stored)) = best {
        out.push(transform.code());
        put_planes(&stored, out);
    }
}

/// Appends times: each as the difference to the one before, in planes.
pub(in crate::archive) fn put_gaps(times: &[u64], out: &mut Vec<u8>) {
    let mut before = 0u64;
    let gaps = times.iter().map(|time| {
        let gap = zigzag(8, time.wrapping_sub(before));
        before = *time;
        gap
    });
    put_planes(&gaps.collect::<Vec<_>>(), out);
}

/// Reads the times of `blocks` blocks.
pub(in crate::archive) fn gaps(section: &[u8], blocks: usize) -> Result<Vec<u64>, String> {
    let mut cursor = Cursor::new(section);
    let mut times = Planes::parse(&mut cursor, 8, blocks)?.read(section).ok_or("they end early")?;
    let mut before = 0u64;
    for time in &mut times {
        before = before.wrapping_add(unzigzag(*time));
        *time = before;
    }
    let mut again = Vec::with_capacity(section.len());
    put_gaps(&times, &mut again);
    if again == section { Ok(times) } else { Err("they are not in the form that a writer gives them".into()) }
}
