//! A state snapshot: raw storage of one block under a list of prefixes (`archive-format.md`, section 5).

use std::path::Path;

use super::{
    Error, Hash, Result,
    bytes::{BLOCK_TIMES, BodyWriter, Cursor, PAIRS, PREFIXES, Short, section},
};

/// Length of a prefix: `twox128(pallet) ‖ twox128(item)`.
pub const PREFIX_LEN: usize = 32;

/// Storage after the block at `height`, complete under every one of `prefixes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateSnapshot {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    /// Height of the block.
    pub height: u32,
    /// Its hash.
    pub block_hash: Hash,
    /// SHA-256 of the metadata of the state, that is of the runtime after the block.
    pub metadata: Hash,
    /// Ascending prefixes of 32 bytes; a key below one of them that is not in `pairs` was absent.
    pub prefixes: Vec<Vec<u8>>,
    /// Keys and values, ascending by key.
    pub pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Height and `Timestamp.Now` (milliseconds) of every block at or below `height` that a `NodePower` state
    /// `Down(block)` in the snapshot names, ascending; genesis has time 0.
    pub block_times: Vec<(u32, u64)>,
}

impl StateSnapshot {
    /// The canonical bytes.
    pub fn to_body(&self) -> Vec<u8> {
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.height.to_le_bytes());
        body.prelude(&self.block_hash);
        body.prelude(&self.metadata);
        body.section(PREFIXES, |out| {
            push_len(out, self.prefixes.len());
            self.prefixes.iter().for_each(|p| out.extend_from_slice(p));
        });
        body.section(PAIRS, |out| {
            push_len(out, self.pairs.len());
            self.pairs.iter().for_each(|(key, _)| push_len(out, key.len()));
            self.pairs.iter().for_each(|(_, value)| push_len(out, value.len()));
            self.pairs.iter().for_each(|(key, _)| out.extend_from_slice(key));
            self.pairs.iter().for_each(|(_, value)| out.extend_from_slice(value));
        });
        body.section(BLOCK_TIMES, |out| {
            push_len(out, self.block_times.len());
            for (height, time_ms) in &self.block_times {
                out.extend_from_slice(&height.to_le_bytes());
                out.extend_from_slice(&time_ms.to_le_bytes());
            }
        });
        body.finish()
    }

    /// Reads a body and checks that it is the canonical form of what it says.
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse(body: &[u8], path: &Path) -> Result<StateSnapshot> {
        parse(body).map_err(|what| Error::damaged(path, what))
    }

    /// The pairs below one prefix.
    pub fn below<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let start = self.pairs.partition_point(|(key, _)| key.as_slice() < prefix);
        self.pairs
            .iter()
            .skip(start)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// Whether the snapshot is complete below a prefix.
    pub fn covers(&self, prefix: &[u8]) -> bool {
        self.prefixes.binary_search_by(|p| p.as_slice().cmp(prefix)).is_ok()
    }

    /// `Timestamp.Now` of a block that a power state names, milliseconds.
    pub fn block_time_ms(&self, height: u32) -> Option<u64> {
        let at = self.block_times.binary_search_by_key(&height, |(h, _)| *h).ok()?;
        self.block_times.get(at).map(|(_, time)| *time)
    }
}

fn push_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

fn parse(body: &[u8]) -> std::result::Result<StateSnapshot, String> {
    let mut cursor = Cursor::new(body);
    let short = |e: Short| format!("prelude: {e}");
    let mut state = StateSnapshot {
        genesis: cursor.hash().map_err(short)?,
        height: cursor.u32().map_err(short)?,
        block_hash: cursor.hash().map_err(short)?,
        metadata: cursor.hash().map_err(short)?,
        ..StateSnapshot::default()
    };
    read_prefixes(section(&mut cursor, PREFIXES)?, &mut state).map_err(|e| format!("PREFIXES: {e}"))?;
    read_pairs(section(&mut cursor, PAIRS)?, &mut state).map_err(|e| format!("PAIRS: {e}"))?;
    read_block_times(section(&mut cursor, BLOCK_TIMES)?, &mut state)
        .map_err(|e| format!("BLOCK_TIMES: {e}"))?;
    if !cursor.rest().is_empty() {
        return Err(format!("{} bytes follow the last section", cursor.rest().len()));
    }
    Ok(state)
}

fn end_of(column: &Cursor<'_>) -> std::result::Result<(), String> {
    match column.rest().len() {
        0 => Ok(()),
        n => Err(format!("{n} bytes follow the last entry")),
    }
}

fn read_prefixes(bytes: &[u8], state: &mut StateSnapshot) -> std::result::Result<(), String> {
    let mut column = Cursor::new(bytes);
    let count = column.u32().map_err(|e| e.to_string())?;
    for _ in 0..count {
        let prefix = column.take(PREFIX_LEN).map_err(|e| e.to_string())?.to_vec();
        if state.prefixes.last().is_some_and(|before| *before >= prefix) {
            return Err(format!("0x{} does not follow the one before it", hex::encode(prefix)));
        }
        state.prefixes.push(prefix);
    }
    end_of(&column)
}

fn read_pairs(bytes: &[u8], state: &mut StateSnapshot) -> std::result::Result<(), String> {
    let mut column = Cursor::new(bytes);
    let count = column.u32().map_err(|e| e.to_string())?;
    let mut lengths = || -> std::result::Result<Vec<usize>, String> {
        (0..count)
            .map(|_| {
                let length = column.u32().map_err(|e| e.to_string())?;
                usize::try_from(length).map_err(|_| format!("an entry of {length} bytes"))
            })
            .collect()
    };
    let (key_lengths, value_lengths) = (lengths()?, lengths()?);
    let mut keys: Vec<Vec<u8>> = Vec::with_capacity(key_lengths.len());
    for length in key_lengths {
        let key = column.take(length).map_err(|e| e.to_string())?;
        if keys.last().is_some_and(|before| before.as_slice() >= key) {
            return Err(format!("key 0x{} does not follow the one before it", hex::encode(key)));
        }
        if !key.get(..PREFIX_LEN).is_some_and(|prefix| state.covers(prefix)) {
            return Err(format!("key 0x{} is below none of the prefixes", hex::encode(key)));
        }
        keys.push(key.to_vec());
    }
    for (key, length) in keys.into_iter().zip(value_lengths) {
        let value = column.take(length).map_err(|e| e.to_string())?.to_vec();
        state.pairs.push((key, value));
    }
    end_of(&column)
}

fn read_block_times(bytes: &[u8], state: &mut StateSnapshot) -> std::result::Result<(), String> {
    let mut column = Cursor::new(bytes);
    let count = column.u32().map_err(|e| e.to_string())?;
    for _ in 0..count {
        let height = column.u32().map_err(|e| e.to_string())?;
        let time_ms = column.u64().map_err(|e| e.to_string())?;
        if state.block_times.last().is_some_and(|(before, _)| *before >= height) || height > state.height {
            return Err(format!(
                "block {height} does not follow the one before it, or is above {}",
                state.height
            ));
        }
        if height == 0 && time_ms != 0 {
            return Err("block 0 has a time; genesis has none and is stored as 0".into());
        }
        state.block_times.push((height, time_ms));
    }
    end_of(&column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> StateSnapshot {
        let key = |p: u8, k: u8| [vec![p; PREFIX_LEN], vec![k]].concat();
        StateSnapshot {
            genesis: [1; 32],
            height: 9,
            block_hash: [2; 32],
            metadata: [3; 32],
            prefixes: vec![vec![4; PREFIX_LEN], vec![5; PREFIX_LEN]],
            pairs: vec![(key(4, 1), vec![]), (key(4, 2), vec![1, 2]), (key(5, 0), vec![3])],
            block_times: vec![(0, 0), (9, 77)],
        }
    }

    #[test]
    fn a_snapshot_comes_back_as_it_went_in() {
        for state in [sample(), StateSnapshot::default()] {
            assert_eq!(parse(&state.to_body()).unwrap(), state);
        }
        let state = sample();
        assert_eq!(state.below(&[4; PREFIX_LEN]).count(), 2);
        assert_eq!(state.below(&[6; PREFIX_LEN]).count(), 0);
        assert_eq!((state.block_time_ms(9), state.block_time_ms(8)), (Some(77), None));
    }

    #[test]
    fn only_the_canonical_form_is_accepted() {
        let refused = |change: fn(&mut StateSnapshot)| {
            let mut state = sample();
            change(&mut state);
            parse(&state.to_body()).unwrap_err()
        };
        assert!(refused(|s| s.prefixes.reverse()).contains("PREFIXES"));
        assert!(refused(|s| s.pairs.reverse()).contains("PAIRS"));
        assert!(refused(|s| s.pairs[1] = s.pairs[0].clone()).contains("does not follow"));
        assert!(refused(|s| s.pairs[2].0[0] = 6).contains("below none of the prefixes"));
        assert!(refused(|s| s.block_times.reverse()).contains("BLOCK_TIMES"));
        assert!(refused(|s| s.block_times[1].0 = 10).contains("above 9"));
        assert!(refused(|s| s.block_times[0].1 = 1).contains("block 0 has a time"));
        let body = sample().to_body();
        for len in 0..body.len() {
            assert!(parse(&body[..len]).is_err(), "{len}");
        }
    }
}
