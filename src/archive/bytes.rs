//! Little-endian integers and sections: the alphabet of every body.

use super::Hash;

/// The bytes end before the field does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes end at {at}, {wanted} more were to follow")]
pub struct Short {
    /// Offset at which the field starts.
    pub at: usize,
    /// Bytes that the field needs.
    pub wanted: usize,
}

/// Reads a byte string from its front.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    pub fn new(all: &'a [u8]) -> Self {
        Cursor { all, at: 0 }
    }

    /// How far it has come.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Everything, read or not.
    pub fn all(&self) -> &'a [u8] {
        self.all
    }

    /// Everything that has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`Short`] if there are fewer.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Short> {
        let end = self.at.checked_add(n).ok_or(Short { at: self.at, wanted: n })?;
        let bytes = self.all.get(self.at..end).ok_or(Short { at: self.at, wanted: n })?;
        self.at = end;
        Ok(bytes)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Short`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| Short { at, wanted: N })
    }

    /// A `u8`.
    ///
    /// # Errors
    /// [`Short`] at the end.
    pub fn u8(&mut self) -> Result<u8, Short> {
        self.array::<1>().map(|[b]| b)
    }

    /// A little-endian `u16`.
    ///
    /// # Errors
    /// [`Short`] at the end.
    pub fn u16(&mut self) -> Result<u16, Short> {
        self.array().map(u16::from_le_bytes)
    }

    /// A little-endian `u32`.
    ///
    /// # Errors
    /// [`Short`] at the end.
    pub fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_le_bytes)
    }

    /// A little-endian `u64`.
    ///
    /// # Errors
    /// [`Short`] at the end.
    pub fn u64(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_le_bytes)
    }

    /// A digest.
    ///
    /// # Errors
    /// [`Short`] at the end.
    pub fn hash(&mut self) -> Result<Hash, Short> {
        self.array()
    }
}

/// Writes a body: a prelude, then sections.
#[derive(Debug, Default)]
pub struct BodyWriter {
    bytes: Vec<u8>,
}

impl BodyWriter {
    /// An empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends bytes to the prelude.
    pub fn prelude(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a section; the caller keeps the order of the format.
    pub fn section(&mut self, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend_from_slice(&kind.to_le_bytes());
        self.bytes.extend_from_slice(&0u16.to_le_bytes());
        let length_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 8]);
        let start = self.bytes.len();
        fill(&mut self.bytes);
        let length = u64::try_from(self.bytes.len().saturating_sub(start)).unwrap_or(u64::MAX);
        if let Some(field) = self.bytes.get_mut(length_at..start) {
            field.copy_from_slice(&length.to_le_bytes());
        }
    }

    /// The finished body.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads the section of kind `kind`, which must be the next one.
///
/// # Errors
/// Says what stands there instead.
pub fn section<'a>(cursor: &mut Cursor<'a>, kind: u16) -> Result<&'a [u8], String> {
    let at = cursor.position();
    let name = section_name(kind);
    let short = |e: Short| format!("section {name} at byte {at}: {e}");
    let found = cursor.u16().map_err(short)?;
    if found != kind {
        return Err(format!(
            "byte {at}: section {kind:#06x} ({name}) was to follow, found {found:#06x} ({})",
            section_name(found)
        ));
    }
    let reserved = cursor.u16().map_err(short)?;
    if reserved != 0 {
        return Err(format!("section {name} at byte {at}: the reserved field is {reserved:#06x}, not 0"));
    }
    let length = cursor.u64().map_err(short)?;
    let length = usize::try_from(length).map_err(|_| format!("section {name} declares {length} bytes"))?;
    cursor.take(length).map_err(short)
}

/// Headers of the blocks of a chunk.
pub const HEADERS: u16 = 0x0001;
/// `Timestamp.Now` of the blocks of a chunk.
pub const TIMESTAMPS: u16 = 0x0002;
/// `System.Events` of the blocks of a chunk.
pub const EVENTS: u16 = 0x0003;
/// Which runtime produced the events of which blocks.
pub const RUNTIME_SPANS: u16 = 0x0004;
/// Proofs of events and times of blocks.
pub const READ_PROOFS: u16 = 0x0005;
/// A GRANDPA justification.
pub const JUSTIFICATIONS: u16 = 0x0006;
/// Events in columns, instead of [`EVENTS`].
pub const EVENT_COLUMNS: u16 = 0x0007;
/// Times of the blocks of a slim chunk.
pub const SLIM_TIMES: u16 = 0x0008;
/// Hashes of some blocks of a slim chunk.
pub const KNOWN_HASHES: u16 = 0x0009;
/// Who finalizes blocks, as a state says it.
pub const AUTHORITIES: u16 = 0x000a;
/// Prefixes under which a state snapshot is complete.
pub const PREFIXES: u16 = 0x0101;
/// Keys and values of a state snapshot.
pub const PAIRS: u16 = 0x0102;
/// Times of blocks that a state snapshot refers to.
pub const BLOCK_TIMES: u16 = 0x0103;
/// Proof that a state snapshot is right and complete.
pub const STATE_PROOFS: u16 = 0x0104;
/// Runtime metadata.
pub const METADATA: u16 = 0x0201;
/// Payments of the TFT issuer on Stellar.
pub const STELLAR_PAYMENTS: u16 = 0x0301;

/// Name of a section kind in `archive-format.md`.
fn section_name(kind: u16) -> &'static str {
    match kind {
        HEADERS => "HEADERS",
        TIMESTAMPS => "TIMESTAMPS",
        EVENTS => "EVENTS",
        RUNTIME_SPANS => "RUNTIME_SPANS",
        READ_PROOFS => "READ_PROOFS",
        JUSTIFICATIONS => "JUSTIFICATIONS",
        EVENT_COLUMNS => "EVENT_COLUMNS",
        SLIM_TIMES => "SLIM_TIMES",
        KNOWN_HASHES => "KNOWN_HASHES",
        AUTHORITIES => "AUTHORITIES",
        PREFIXES => "PREFIXES",
        PAIRS => "PAIRS",
        BLOCK_TIMES => "BLOCK_TIMES",
        STATE_PROOFS => "STATE_PROOFS",
        METADATA => "METADATA",
        STELLAR_PAYMENTS => "STELLAR_PAYMENTS",
        _ => "unknown",
    }
}
