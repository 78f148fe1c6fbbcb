//! The word of the validators for a block at or after the end of an archive (`archive-format.md`, section 16).

use std::path::Path;

use super::{
    Error, Hash, Result,
    bytes::{AUTHORITIES, BodyWriter, Cursor, HEADERS, JUSTIFICATIONS, Short, section},
    header,
    proofs::{integers, node, push_len, put_nodes, read_nodes},
};

/// What of a header is stored; number and parent follow from its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderParts {
    /// Root of the storage trie after the block.
    pub state_root: Hash,
    /// Root of the trie of its extrinsics.
    pub extrinsics_root: Hash,
    /// SCALE bytes of the header's digest.
    pub digest: Vec<u8>,
}

/// Who finalizes blocks, as the state after a block of the archive says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedAuthorities {
    /// Height of the block.
    pub height: u32,
    /// Values of `:grandpa_authorities`, `Grandpa.Authorities` and `Grandpa.CurrentSetId`; none where there is no such key.
    pub values: [Option<Vec<u8>>; 3],
    /// Nodes of the state's trie, in the order in which a check meets them.
    pub nodes: Vec<Vec<u8>>,
}

/// A block that the validators finalized, and the headers from the last block of the archive to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finality {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    /// Height of the justified block.
    pub height: u32,
    /// Its hash.
    pub hash: Hash,
    /// Headers of the blocks after the last one of the archive, up to the justified one.
    pub headers: Vec<HeaderParts>,
    /// The justification, in SCALE.
    pub justification: Vec<u8>,
    /// Who signed it, if a block of the archive names them.
    pub authorities: Option<NamedAuthorities>,
}

impl Finality {
    /// Hash of the last of its headers, which follow the block with this hash.
    pub fn hash_after(&self, last_hash: &Hash) -> Option<Hash> {
        let behind = u32::try_from(self.headers.len()).ok()?;
        let first = self.height.checked_sub(behind)?.checked_add(1)?;
        let follow = |parent: Hash, (height, header): (u32, &HeaderParts)| {
            header::hash(&parent, height, &header.state_root, &header.extrinsics_root, &header.digest)
        };
        Some((first..).zip(&self.headers).fold(*last_hash, follow))
    }

    /// Whether it is about the chain that has this last block of an archive: its headers lead from there to its block.
    pub fn follows(&self, last: u32, last_hash: &Hash) -> bool {
        let behind = u32::try_from(self.headers.len()).unwrap_or(u32::MAX);
        self.height.checked_sub(last) == Some(behind) && self.hash_after(last_hash) == Some(self.hash)
    }

    /// The canonical bytes.
    pub fn to_body(&self) -> Vec<u8> {
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.height.to_le_bytes());
        body.prelude(&self.hash);
        body.section(HEADERS, |out| {
            push_len(out, self.headers.len());
            self.headers.iter().for_each(|header| out.extend_from_slice(&header.state_root));
            self.headers.iter().for_each(|header| out.extend_from_slice(&header.extrinsics_root));
            self.headers.iter().for_each(|header| push_len(out, header.digest.len()));
            self.headers.iter().for_each(|header| out.extend_from_slice(&header.digest));
        });
        body.section(JUSTIFICATIONS, |out| out.extend_from_slice(&self.justification));
        body.section(AUTHORITIES, |out| {
            let Some(named) = &self.authorities else { return };
            out.extend_from_slice(&named.height.to_le_bytes());
            for value in &named.values {
                out.push(u8::from(value.is_some()));
                if let Some(value) = value {
                    push_len(out, value.len());
                    out.extend_from_slice(value);
                }
            }
            put_nodes(&named.nodes, out);
        });
        body.finish()
    }

    /// Reads a body and checks that it is the canonical form of what it says.
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse(body: &[u8], path: &Path) -> Result<Finality> {
        parse(body).map_err(|what| Error::damaged(path, what))
    }
}

fn parse(body: &[u8]) -> std::result::Result<Finality, String> {
    let mut cursor = Cursor::new(body);
    let prelude = |e: Short| format!("prelude: {e}");
    let (genesis, height, hash) =
        (cursor.hash().map_err(prelude)?, cursor.u32().map_err(prelude)?, cursor.hash().map_err(prelude)?);
    let headers = headers(section(&mut cursor, HEADERS)?).map_err(|e| format!("HEADERS: {e}"))?;
    let justification = section(&mut cursor, JUSTIFICATIONS)?.to_vec();
    let authorities =
        authorities(section(&mut cursor, AUTHORITIES)?).map_err(|e| format!("AUTHORITIES: {e}"))?;
    match cursor.rest().len() {
        0 => Ok(Finality { genesis, height, hash, headers, justification, authorities }),
        n => Err(format!("{n} bytes follow the last section")),
    }
}

fn headers(payload: &[u8]) -> std::result::Result<Vec<HeaderParts>, String> {
    let short = |e: Short| e.to_string();
    let mut column = Cursor::new(payload);
    let count = column.u32().map_err(short)?;
    let mut hashes = || -> std::result::Result<Vec<Hash>, String> {
        (0..count).map(|_| column.hash().map_err(short)).collect()
    };
    let (state_roots, extrinsics_roots) = (hashes()?, hashes()?);
    let lengths = integers(&mut column, count)?;
    let mut headers = Vec::with_capacity(lengths.len());
    for ((state_root, extrinsics_root), length) in state_roots.into_iter().zip(extrinsics_roots).zip(lengths)
    {
        headers.push(HeaderParts { state_root, extrinsics_root, digest: node(&mut column, length)? });
    }
    match column.rest().len() {
        0 => Ok(headers),
        n => Err(format!("{n} bytes follow the last header")),
    }
}

fn authorities(payload: &[u8]) -> std::result::Result<Option<NamedAuthorities>, String> {
    if payload.is_empty() {
        return Ok(None);
    }
    let mut cursor = Cursor::new(payload);
    let height = cursor.u32().map_err(|e| e.to_string())?;
    let mut named = NamedAuthorities { height, ..NamedAuthorities::default() };
    for value in &mut named.values {
        *value = match cursor.u8().map_err(|e| e.to_string())? {
            0 => None,
            1 => {
                let length = cursor.u32().map_err(|e| e.to_string())?;
                let length = usize::try_from(length).map_err(|e| e.to_string())?;
                Some(cursor.take(length).map_err(|e| e.to_string())?.to_vec())
            }
            other => return Err(format!("a mark is {other}, neither 0 nor 1")),
        };
    }
    named.nodes = read_nodes(&mut cursor)?;
    Ok(Some(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Finality {
        let header = |byte: u8| HeaderParts {
            state_root: [byte; 32],
            extrinsics_root: [byte + 1; 32],
            digest: vec![byte; usize::from(byte)],
        };
        Finality {
            genesis: [1; 32],
            height: 9,
            hash: [2; 32],
            headers: vec![header(3), header(5)],
            justification: vec![7; 5],
            authorities: Some(NamedAuthorities {
                height: 6,
                values: [Some(vec![1, 2]), None, Some(vec![])],
                nodes: vec![vec![1], vec![2, 3]],
            }),
        }
    }

    #[test]
    fn finality_comes_back_as_it_went_in_and_no_piece_of_it_is_read() {
        let empty = Finality { headers: vec![], justification: vec![], authorities: None, ..sample() };
        for finality in [sample(), empty] {
            let body = finality.to_body();
            assert_eq!(parse(&body).unwrap(), finality);
            for len in 0..body.len() {
                assert!(parse(&body[..len]).is_err(), "{len}");
            }
            assert!(parse(&[&body[..], &[0]].concat()).unwrap_err().contains("1 bytes follow"));
        }
        let mut body = sample().to_body();
        let mark = body.len() - (1 + 4 + 1 + 1 + 4) - (4 + 4 + 4 + 3) - 2;
        assert_eq!(body[mark], 1);
        body[mark] = 2;
        assert!(parse(&body).unwrap_err().contains("AUTHORITIES: a mark is 2"));
    }

    #[test]
    fn headers_are_hashed_from_the_last_block_on() {
        let finality = sample();
        let hash = |parent: &Hash, height, at: usize| {
            let h = &finality.headers[at];
            header::hash(parent, height, &h.state_root, &h.extrinsics_root, &h.digest)
        };
        assert_eq!(finality.hash_after(&[4; 32]), Some(hash(&hash(&[4; 32], 8, 0), 9, 1)));
        assert_eq!(Finality { headers: vec![], ..sample() }.hash_after(&[4; 32]), Some([4; 32]));
        assert_eq!(Finality { height: 1, ..sample() }.hash_after(&[4; 32]), None);
    }
}
