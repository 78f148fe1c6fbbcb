//! Where the time of a replay goes.

use std::{
    ops::AddAssign,
    time::{Duration, Instant},
};

use crate::archive::ReadTimes;

/// Time of a replay by kind of work, added up over all threads, and how much there was to do. No result depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Reading chunks from disk.
    pub read: Duration,
    /// Decompressing them.
    pub decompress: Duration,
    /// SHA-256 of bodies and files, BLAKE2b-256 of headers.
    pub hash: Duration,
    /// Finding where things lie in a chunk, and making typed events of bytes.
    pub decode: Duration,
    /// Giving events to the shard of their node.
    pub route: Duration,
    /// Applying events to ledgers.
    pub fold: Duration,
    /// Reading the state at both ends and closing the ledgers.
    pub state: Duration,
    /// Chunks.
    pub chunks: u64,
    /// Bytes of the chunks before they are compressed.
    pub body_bytes: u64,
    /// Blocks.
    pub blocks: u64,
    /// Events of these blocks, also those that the rules do not read.
    pub events: u64,
    /// Uptime reports among them.
    pub uptime_reports: u64,
}

impl Timings {
    /// Adds what reading took.
    pub(super) fn add_reading(&mut self, times: ReadTimes) {
        self.read += times.read;
        self.decompress += times.decompress;
        self.hash += times.hash;
    }
}

impl AddAssign for Timings {
    fn add_assign(&mut self, more: Timings) {
        self.read += more.read;
        self.decompress += more.decompress;
        self.hash += more.hash;
        self.decode += more.decode;
        self.route += more.route;
        self.fold += more.fold;
        self.state += more.state;
        self.chunks = self.chunks.saturating_add(more.chunks);
        self.body_bytes = self.body_bytes.saturating_add(more.body_bytes);
        self.blocks = self.blocks.saturating_add(more.blocks);
        self.events = self.events.saturating_add(more.events);
        self.uptime_reports = self.uptime_reports.saturating_add(more.uptime_reports);
    }
}

/// Does something and adds the time that it took to `spent`.
pub(super) fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *spent += started.elapsed();
    done
}
