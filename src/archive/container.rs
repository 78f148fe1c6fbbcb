//! The file that holds a body: a fixed header, then one zstd frame.
//!
//! Byte tables and validity conditions are in `archive-format.md`, section 3. Every field of the header is
//! checked against a constant, against the body or against the manifest, so no byte of it can change unseen.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Instant,
};

use sha2::{Digest, Sha256};

use super::{Error, Hash, Result, workspace::Workspace};

/// First bytes of every file; a copy in text mode breaks them.
pub const MAGIC: [u8; 8] = *b"\x89TFA\r\n\x1a\n";
/// Major version written and read.
pub const MAJOR: u16 = 1;
/// Highest minor version read. A file has the lowest one that knows all that is in it.
pub const MINOR: u16 = 2;
/// Length of the header before the zstd frame.
pub const HEADER_LEN: usize = 56;
/// Longest body that is read, 256 MiB.
pub const MAX_BODY_LEN: u64 = 256 << 20;
/// Longest file that is read, 256 MiB.
pub const MAX_FILE_LEN: u64 = 256 << 20;
/// Largest zstd window a reader has to provide, as a power of two.
pub const MAX_WINDOW_LOG: u32 = 27;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// A run of blocks.
    Chunk = 1,
    /// Storage of one block.
    State = 2,
    /// Metadata of one runtime.
    Metadata = 3,
    /// Payments on Stellar.
    Payments = 4,
    /// A run of blocks without headers.
    SlimChunk = 5,
    /// Proofs of the blocks of a chunk.
    BlockProofs = 6,
    /// Proof of a state snapshot.
    StateProof = 7,
    /// A block that the validators finalized.
    Finality = 8,
}

impl Kind {
    /// The number in the file.
    pub const fn code(self) -> u16 {
        match self {
            Kind::Chunk => 1,
            Kind::State => 2,
            Kind::Metadata => 3,
            Kind::Payments => 4,
            Kind::SlimChunk => 5,
            Kind::BlockProofs => 6,
            Kind::StateProof => 7,
            Kind::Finality => 8,
        }
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// A file as it is on disk, with its two digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// All bytes of the file.
    pub file: Vec<u8>,
    /// SHA-256 of the body.
    pub content_sha256: Hash,
    /// SHA-256 of the file.
    pub file_sha256: Hash,
    /// Length of the body.
    pub body_len: u64,
}

/// Compresses `body`, which has what minor version `minor` knows, into a file; `level` is a level of zstd and has no
/// influence on the content digest.
///
/// # Errors
/// A body longer than [`MAX_BODY_LEN`] is refused, as no reader would take it.
pub fn seal(kind: Kind, minor: u16, body: &[u8], level: i32, path: &Path) -> Result<Sealed> {
    let body_len = u64::try_from(body.len()).unwrap_or(u64::MAX);
    if body_len > MAX_BODY_LEN {
        return Err(Error::Refused {
            item: path.display().to_string(),
            what: format!(
                "{body_len} bytes are more than the {MAX_BODY_LEN} a file may hold; use smaller chunks"
            ),
        });
    }
    let content_sha256 = sha256(body);
    let mut file = Vec::with_capacity(HEADER_LEN + body.len() / 4);
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&MAJOR.to_le_bytes());
    file.extend_from_slice(&minor.to_le_bytes());
    file.extend_from_slice(&kind.code().to_le_bytes());
    file.extend_from_slice(&0u16.to_le_bytes());
    file.extend_from_slice(&body_len.to_le_bytes());
    file.extend_from_slice(&content_sha256);
    let compressed = compress(body, level).map_err(Error::io("compress", path))?;
    file.extend_from_slice(&compressed);
    if u64::try_from(file.len()).unwrap_or(u64::MAX) > MAX_FILE_LEN {
        return Err(Error::Refused {
            item: path.display().to_string(),
            what: format!(
                "{} bytes are more than the {MAX_FILE_LEN} a file may have; use smaller chunks",
                file.len()
            ),
        });
    }
    let file_sha256 = sha256(&file);
    Ok(Sealed { file, content_sha256, file_sha256, body_len })
}

/// One frame with its content size and checksum in it.
fn compress(body: &[u8], level: i32) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    compressor.include_contentsize(true)?;
    compressor.include_checksum(true)?;
    compressor.include_dictid(false)?;
    compressor.window_log(MAX_WINDOW_LOG.min(window_log(body.len())))?;
    compressor.compress(body)
}

/// The smallest window that spans the body, so that small files do not ask readers for much memory.
fn window_log(len: usize) -> u32 {
    (usize::BITS - len.leading_zeros()).clamp(17, MAX_WINDOW_LOG)
}

/// What [`open`] found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Minor version of the format that the file names.
    pub minor: u16,
    /// The canonical bytes.
    pub body: Vec<u8>,
    /// Their SHA-256, computed, and equal to the one in the header.
    pub content_sha256: Hash,
}

/// Takes the body out of a file and verifies it against the header.
///
/// # Errors
/// Says which field is wrong; the body is never longer than the header says and never longer than
/// [`MAX_BODY_LEN`].
pub fn open(kind: Kind, file: &[u8], path: &Path) -> Result<Opened> {
    open_with(&mut Workspace::default(), kind, file, path)
}

/// As [`open`], with the memory of a workspace.
///
/// # Errors
/// As [`open`].
pub fn open_with(workspace: &mut Workspace, kind: Kind, file: &[u8], path: &Path) -> Result<Opened> {
    let damaged = |what: String| Error::damaged(path, what);
    let mut header = super::bytes::Cursor::new(file);
    let truncated =
        |_| damaged(format!("the file ends after {} of the {HEADER_LEN} bytes of its header", file.len()));
    let magic: [u8; 8] = header.array().map_err(truncated)?;
    if magic != MAGIC {
        return Err(damaged("it does not start with the magic number of an archive file".into()));
    }
    let major = header.u16().map_err(truncated)?;
    let minor = header.u16().map_err(truncated)?;
    check_version(major, minor, path)?;
    let found_kind = header.u16().map_err(truncated)?;
    if found_kind != kind.code() {
        return Err(damaged(format!("it is of kind {found_kind}, not {} ({kind:?})", kind.code())));
    }
    let flags = header.u16().map_err(truncated)?;
    if flags != 0 {
        return Err(damaged(format!("flags are {flags:#06x}, not 0")));
    }
    let body_len = header.u64().map_err(truncated)?;
    let declared: Hash = header.array().map_err(truncated)?;
    if body_len > MAX_BODY_LEN {
        return Err(damaged(format!("it declares {body_len} bytes, more than the {MAX_BODY_LEN} allowed")));
    }
    let frame = header.rest();
    let started = Instant::now();
    let body = decompress(workspace, frame, body_len).map_err(damaged)?;
    workspace.times.decompress += started.elapsed();
    let started = Instant::now();
    let content_sha256 = sha256(&body);
    workspace.times.hash += started.elapsed();
    if content_sha256 != declared {
        return Err(damaged(format!(
            "content digest is {}, its header says {}",
            hex::encode(content_sha256),
            hex::encode(declared)
        )));
    }
    Ok(Opened { minor, body, content_sha256 })
}

/// An older minor version is readable, a newer one and another major version are not.
///
/// # Errors
/// [`Error::Version`], which says what to install.
pub fn check_version(major: u16, minor: u16, path: &Path) -> Result<()> {
    if major == MAJOR && (0..=MINOR).contains(&minor) {
        return Ok(());
    }
    Err(Error::Version { path: PathBuf::from(path), major, minor })
}

/// Checks that there is exactly one frame, of exactly `body_len` bytes by what it declares.
fn check_frame(frame: &[u8], body_len: u64) -> std::result::Result<(), String> {
    if !frame.starts_with(&zstd::zstd_safe::MAGICNUMBER.to_le_bytes()) {
        return Err("it holds no zstd frame after its header".into());
    }
    // libzstd has this limit only when it decompresses piece by piece.
    match window_of(frame, body_len) {
        Some(window) if window <= 1 << MAX_WINDOW_LOG => {}
        Some(window) => {
            let most = 1u64 << MAX_WINDOW_LOG;
            return Err(format!(
                "its zstd frame has a window of {window} bytes, more than the {most} allowed"
            ));
        }
        None => return Err("its zstd frame ends in its header".into()),
    }
    match zstd::zstd_safe::get_frame_content_size(frame) {
        Ok(Some(n)) if n == body_len => {}
        Ok(Some(n)) => return Err(format!("its zstd frame declares {n} bytes, its header {body_len}")),
        Ok(None) => return Err("its zstd frame does not declare its size".into()),
        Err(_) => return Err("its zstd frame ends in its header".into()),
    }
    let frame_len = zstd::zstd_safe::find_frame_compressed_size(frame)
        .map_err(|_| "its zstd frame is cut short or broken".to_string())?;
    match frame.len().checked_sub(frame_len) {
        Some(0) => Ok(()),
        left => Err(format!("{} bytes follow its zstd frame", left.unwrap_or_default())),
    }
}

/// The window that a frame with `content_len` bytes of content asks for (RFC 8878, section 3.1.1.1), bytes; none if the
/// frame ends before it says so.
fn window_of(frame: &[u8], content_len: u64) -> Option<u64> {
    const SINGLE_SEGMENT: u8 = 1 << 5;
    if frame.get(4)? & SINGLE_SEGMENT != 0 {
        return Some(content_len);
    }
    let descriptor = frame.get(5)?;
    let base = 1u64 << (10 + (descriptor >> 3));
    Some(base + base / 8 * u64::from(descriptor & 7))
}

/// Most bytes that a byte of a frame is believed to become before it has.
const PLAUSIBLE_RATIO: u64 = 64;

/// Exactly one frame of exactly `body_len` bytes.
fn decompress(
    workspace: &mut Workspace,
    frame: &[u8],
    body_len: u64,
) -> std::result::Result<Vec<u8>, String> {
    check_frame(frame, body_len)?;
    let broken = |e: std::io::Error| format!("its zstd frame does not decompress: {e}");
    let mut body = workspace.take_body();
    // A few bytes can declare a large body: unless it is plausible, a lie must cost no memory.
    let plausible = u64::try_from(frame.len()).unwrap_or(u64::MAX).saturating_mul(PLAUSIBLE_RATIO);
    match usize::try_from(body_len) {
        Ok(len) if body_len <= plausible => {
            body.reserve_exact(len);
            let decompressor = workspace.decompressor().map_err(broken)?;
            decompressor.decompress_to_buffer(frame, &mut body).map_err(broken)?;
        }
        _ => decompress_slowly(frame, body_len, &mut body).map_err(broken)?,
    }
    let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
    if len != body_len {
        return Err(format!("it decompresses to {len} bytes, its header says {body_len}"));
    }
    Ok(body)
}

/// Decompresses piece by piece, so that memory grows with what really comes out.
fn decompress_slowly(frame: &[u8], body_len: u64, body: &mut Vec<u8>) -> std::io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?.single_frame();
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    decoder.take(body_len.saturating_add(1)).read_to_end(body).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> &'static Path {
        Path::new("chunks/x.tfa")
    }

    #[test]
    fn what_is_sealed_opens_again() {
        for body in [vec![], vec![7], vec![1u8; 1 << 20]] {
            let sealed = seal(Kind::Chunk, 0, &body, 3, path()).unwrap();
            let opened = open(Kind::Chunk, &sealed.file, path()).unwrap();
            assert_eq!(opened.body, body);
            assert_eq!(opened.content_sha256, sealed.content_sha256);
        }
    }

    #[test]
    fn every_flipped_byte_and_every_truncation_is_detected() {
        let body: Vec<u8> = (0..2000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
        let sealed = seal(Kind::State, 0, &body, 3, path()).unwrap();
        for at in 0..sealed.file.len() {
            let mut file = sealed.file.clone();
            file[at] ^= 0x10;
            // zstd has bits without a meaning: such a file still holds the same body, and the file digest in the
            // manifest tells it apart.
            match open(Kind::State, &file, path()) {
                Ok(opened) => assert!(at >= HEADER_LEN && opened.body == body, "byte {at}"),
                Err(error) => assert!(matches!(error, Error::Damaged { .. } | Error::Version { .. })),
            }
        }
        for len in 0..sealed.file.len() {
            assert!(open(Kind::State, &sealed.file[..len], path()).is_err(), "{len}");
        }
    }

    #[test]
    fn a_newer_version_says_what_to_install() {
        let mut file = seal(Kind::Chunk, 0, b"x", 3, path()).unwrap().file;
        file[8] = 2;
        let message = open(Kind::Chunk, &file, path()).unwrap_err().to_string();
        assert!(message.contains("format version 2.0") && message.contains("install"), "{message}");
        file[8] = 1;
        file[10] = 3;
        assert!(matches!(open(Kind::Chunk, &file, path()), Err(Error::Version { minor: 3, .. })));
    }

    #[test]
    fn another_kind_and_trailing_bytes_are_refused() {
        let sealed = seal(Kind::Chunk, 0, b"abc", 3, path()).unwrap();
        assert!(open(Kind::State, &sealed.file, path()).is_err());
        let mut longer = sealed.file;
        longer.push(0);
        let message = open(Kind::Chunk, &longer, path()).unwrap_err().to_string();
        assert!(message.contains("1 bytes follow"), "{message}");
    }

    #[test]
    fn a_window_above_the_limit_is_refused() {
        let with_window = |descriptor: u8| {
            let mut file = seal(Kind::Chunk, 0, b"abc", 3, path()).unwrap().file;
            file.truncate(HEADER_LEN);
            file.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0x80, descriptor, 3, 0, 0, 0]);
            // One raw block, the last one.
            file.extend_from_slice(&[3 << 3 | 1, 0, 0, b'a', b'b', b'c']);
            open(Kind::Chunk, &file, path()).map(|opened| opened.body)
        };
        assert_eq!(with_window(17 << 3).unwrap(), b"abc");
        for descriptor in [17 << 3 | 1, 18 << 3, 21 << 3, 31 << 3 | 7] {
            let message = with_window(descriptor).unwrap_err().to_string();
            assert!(message.contains("more than the 134217728 allowed"), "{message}");
        }
    }

    #[test]
    fn a_small_file_cannot_ask_for_a_large_allocation() {
        let mut file = seal(Kind::Chunk, 0, b"abc", 3, path()).unwrap().file;
        file[16..24].copy_from_slice(&(1u64 << 40).to_le_bytes());
        let message = open(Kind::Chunk, &file, path()).unwrap_err().to_string();
        assert!(message.contains("more than the"), "{message}");
    }
}
