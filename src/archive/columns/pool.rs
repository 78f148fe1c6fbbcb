//! Byte strings that repeat: each is a recent one, an earlier one or a new one.

use std::{collections::BTreeMap, ops::Range};

use super::{
    super::bytes::Cursor,
    numbers::{Planes, put_planes},
};

/// How many of the values used last have a code of their own: codes below this say how long ago.
const RECENT: u8 = 8;
/// The code of a value that was used before, but not lately: its place follows in another column.
const EARLIER: u8 = RECENT;
/// The code of a value that is there for the first time.
const NEW: u8 = RECENT + 1;

/// The values used last, the latest first.
#[derive(Debug, Default)]
struct Recent {
    ids: [u32; RECENT as usize],
    count: usize,
}

impl Recent {
    /// Puts a value at the front that is not among them.
    fn push(&mut self, id: u32) {
        self.count = (self.count + 1).min(self.ids.len());
        if let Some(ids) = self.ids.get_mut(..self.count) {
            ids.rotate_right(1);
        }
        if let Some(first) = self.ids.first_mut() {
            *first = id;
        }
    }

    /// How long ago a value was used.
    fn position(&self, id: u32) -> Option<u8> {
        let found = self.ids.iter().take(self.count).position(|recent| *recent == id)?;
        u8::try_from(found).ok()
    }

    /// The value used so long ago; it moves to the front.
    fn use_again(&mut self, code: u8) -> Option<u32> {
        let place = usize::from(code);
        let id = *self.ids.get(..self.count)?.get(place)?;
        self.ids.get_mut(..=place)?.rotate_right(1);
        Some(id)
    }
}

/// Collects values in order.
#[derive(Debug, Default)]
pub(super) struct PoolBuilder {
    codes: Vec<u8>,
    earlier: Vec<u64>,
    lengths: Vec<u64>,
    bytes: Vec<u8>,
    ids: BTreeMap<Vec<u8>, u32>,
    recent: Recent,
}

impl PoolBuilder {
    /// Appends a value.
    pub fn push(&mut self, value: &[u8]) {
        let Some(id) = self.ids.get(value).copied() else {
            let id = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
            self.ids.insert(value.to_vec(), id);
            self.lengths.push(u64::try_from(value.len()).unwrap_or(u64::MAX));
            self.bytes.extend_from_slice(value);
            self.codes.push(NEW);
            self.recent.push(id);
            return;
        };
        if let Some(code) = self.recent.position(id) {
            self.codes.push(code);
            self.recent.use_again(code);
        } else {
            self.codes.push(EARLIER);
            self.earlier.push(u64::from(id));
            self.recent.push(id);
        }
    }

    /// Appends the pool; lengths are left out if every value has `width` bytes.
    pub fn finish(self, width: Option<u8>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.codes);
        put_planes(&self.earlier, out);
        if width.is_none() {
            put_planes(&self.lengths, out);
        }
        match width.map(usize::from) {
            // Balances: the high bytes are mostly 0.
            Some(width @ 16) => {
                for plane in 0..width {
                    out.extend(self.bytes.iter().skip(plane).step_by(width));
                }
            }
            _ => out.extend_from_slice(&self.bytes),
        }
    }
}

/// Where a pool lies in the section.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    codes: Range<usize>,
    earlier: Planes,
    lengths: Option<Planes>,
    width: u8,
    new: usize,
    bytes: Range<usize>,
}

/// The values of a pool, in order.
#[derive(Clone, Debug, Default)]
pub struct PoolValues<'a> {
    entries: Vec<Range<usize>>,
    ids: Vec<u32>,
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl PoolValues<'_> {
    /// The value at a place.
    pub fn get(&self, place: usize) -> Option<&[u8]> {
        let entry = self.entries.get(usize::try_from(*self.ids.get(place)?).ok()?)?;
        self.bytes.get(entry.clone())
    }
}

impl Pool {
    /// Goes past a pool of `count` values; of `width` bytes, or of lengths of their own.
    pub fn parse(cursor: &mut Cursor<'_>, count: usize, width: Option<u8>) -> Result<Pool, String> {
        let short = |e: super::super::bytes::Short| e.to_string();
        let start = cursor.position();
        let codes = cursor.take(count).map_err(short)?;
        let (earlier, new) = (count_of(EARLIER, codes), count_of(NEW, codes));
        let codes = start..cursor.position();
        let earlier = Planes::parse(cursor, 4, earlier)?;
        let lengths = match width {
            Some(_) => None,
            None => Some(Planes::parse(cursor, 4, new)?),
        };
        let width = width.unwrap_or(0);
        let length = match &lengths {
            Some(lengths) => {
                let lengths =
                    lengths.read_u32(cursor.all()).ok_or("its lengths lie outside of the section")?;
                let total = lengths.iter().try_fold(0u64, |sum, n| sum.checked_add(u64::from(*n)));
                total.and_then(|total| usize::try_from(total).ok())
            }
            None => new.checked_mul(usize::from(width)),
        };
        let start = cursor.position();
        cursor.take(length.ok_or("its values are too long")?).map_err(short)?;
        Ok(Pool { codes, earlier, lengths, width, new, bytes: start..cursor.position() })
    }

    /// Every value once, in the order in which they first occur; nothing for amounts, which lie in planes.
    pub fn distinct<'a>(&self, section: &'a [u8]) -> Result<Vec<&'a [u8]>, String> {
        let outside = "it lies outside of the section";
        let Some(lengths) = &self.lengths else { return Ok(Vec::new()) };
        let mut values = Cursor::new(section.get(self.bytes.clone()).ok_or(outside)?);
        let lengths = lengths.read_u32(section).ok_or(outside)?;
        let value = |n: &u32| values.take(usize::try_from(*n).ok()?).ok();
        Ok(lengths.iter().map(value).collect::<Option<_>>().ok_or(outside)?)
    }

    /// The values.
    pub fn read<'a>(&self, section: &'a [u8]) -> Result<PoolValues<'a>, String> {
        let outside = "it lies outside of the section";
        let bytes = section.get(self.bytes.clone()).ok_or(outside)?;
        let lengths = match &self.lengths {
            Some(lengths) => lengths.read_u32(section).ok_or(outside)?,
            None => vec![u32::from(self.width); self.new],
        };
        let mut end = 0usize;
        let entry = |length: u32| {
            let start = end;
            end = end.checked_add(usize::try_from(length).ok()?)?;
            Some(start..end)
        };
        let entries: Vec<Range<usize>> =
            lengths.into_iter().map(entry).collect::<Option<_>>().ok_or(outside)?;
        let codes = section.get(self.codes.clone()).ok_or(outside)?;
        let earlier = self.earlier.read_u32(section).ok_or(outside)?;
        let ids = ids(codes, &earlier)?;
        let bytes = if self.width == 16 { from_planes(bytes, 16).into() } else { bytes.into() };
        Ok(PoolValues { entries, ids, bytes })
    }
}

/// How often a code occurs. Counts of few bytes each fit one, so that a processor counts many bytes at once.
fn count_of(code: u8, codes: &[u8]) -> usize {
    let few = |few: &[u8]| few.iter().fold(0u8, |count, byte| count.wrapping_add(u8::from(*byte == code)));
    codes.chunks(usize::from(u8::MAX)).map(|part| usize::from(few(part))).sum()
}

/// Which entry each value is.
fn ids(codes: &[u8], earlier: &[u32]) -> Result<Vec<u32>, String> {
    let mut recent = Recent::default();
    let mut earlier = earlier.iter();
    let mut known = 0u32;
    let id = |code: &u8| match *code {
        NEW => {
            let id = known;
            known = known.checked_add(1)?;
            recent.push(id);
            Some(id)
        }
        EARLIER => {
            let id = *earlier.next()?;
            recent.push(id);
            (id < known).then_some(id)
        }
        code => recent.use_again(code),
    };
    codes.iter().map(id).collect::<Option<_>>().ok_or_else(|| "a value that was not there before".into())
}

fn from_planes(planes: &[u8], width: usize) -> Vec<u8> {
    let rows = planes.len().checked_div(width).unwrap_or(0);
    let mut bytes = vec![0; planes.len()];
    if rows > 0 {
        for (place, plane) in planes.chunks_exact(rows).enumerate() {
            bytes.iter_mut().skip(place).step_by(width).zip(plane).for_each(|(to, from)| *to = *from);
        }
    }
    bytes
}
