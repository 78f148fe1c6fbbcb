//! What reading a file needs and the next file can use again: memory, a decompressor. Fresh memory for every chunk
//! would cost about as much as hashing it.

use std::time::Duration;

use zstd::bulk::Decompressor;

use super::columns::Buffers;

/// Memory and a decompressor for one file after another, and the time spent on them.
#[derive(Default)]
pub struct Workspace {
    decompressor: Option<Decompressor<'static>>,
    pub(super) file: Vec<u8>,
    body: Vec<u8>,
    /// For the columns of events.
    pub columns: Buffers,
    /// Time spent since it was made.
    pub times: ReadTimes,
}

/// Time spent on reading files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadTimes {
    /// Reading from disk.
    pub read: Duration,
    /// Decompressing.
    pub decompress: Duration,
    /// SHA-256 of bodies and files, BLAKE2b-256 of headers.
    pub hash: Duration,
}

impl Workspace {
    /// Takes back the memory of a body that is not needed any more.
    pub fn recycle(&mut self, body: Vec<u8>) {
        if body.capacity() > self.body.capacity() {
            self.body = body;
        }
    }

    /// An empty buffer for a body.
    pub(super) fn take_body(&mut self) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        body
    }

    /// The decompressor, which is made when it is first needed.
    pub(super) fn decompressor(&mut self) -> std::io::Result<&mut Decompressor<'static>> {
        match &mut self.decompressor {
            Some(decompressor) => Ok(decompressor),
            none => Ok(none.insert(Decompressor::new()?)),
        }
    }
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").field("times", &self.times).finish_non_exhaustive()
    }
}
