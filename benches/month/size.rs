//! How many bytes an uptime report takes, with everything that comes with it.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::Path,
    time::Instant,
};

use crate::{
    Options, Result,
    archives::{self, Archives, Wanted},
    child,
    figures::{float, mib, table},
};

/// Levels of zstd.
const LEVELS: [i32; 4] = [3, 9, 12, 19];
/// Blocks of a chunk.
const CHUNK_BLOCKS: [u32; 3] = [4_096, 16_384, 65_536];
/// The window of `--long=27`.
const WINDOW_LOG: u32 = 27;

/// Counts what is written.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plain concatenated events in one piece and in pieces, and archives, at several levels.
pub fn bench(options: &Options, archives: &Archives) -> Result<()> {
    let (months, nodes) = (options.months, options.nodes);
    let usual = archives.get(&Wanted::usual(months, nodes))?;
    let reports = child::replay(options, archives, &usual, 2)?.timings.uptime_reports;
    let blocks = archives::blocks(&usual);
    let events = archives.raw_events(months, nodes)?;
    let event_bytes = fs::metadata(&events)?.len();
    println!(
        "\nSize of {months} months, {nodes} nodes: {blocks} blocks, {reports} uptime reports, {event_bytes} bytes"
    );
    let reference = plain(&events, event_bytes, 19, true)?;
    let mut rows = Vec::new();
    let mut row = |layout: &str, level: i32, chunk: &str, bytes: u64, seconds: f64| {
        rows.push(vec![
            layout.to_string(),
            level.to_string(),
            chunk.to_string(),
            format!("{:.1}", mib(bytes)),
            format!("{:.2}", float(bytes) / float(reports)),
            format!("{:.1} %", 100.0 * float(bytes) / float(reference.0)),
            format!("{:.0}", mib(event_bytes) / seconds),
        ]);
    };
    row("events, `--long=27`", 19, "all", reference.0, reference.1);
    for level in LEVELS {
        for chunk_blocks in CHUNK_BLOCKS {
            let piece = u64::from(chunk_blocks).saturating_mul(event_bytes) / blocks;
            for long in [false, true] {
                let (bytes, seconds) = plain(&events, piece, level, long)?;
                let layout = if long { "events, `--long=27`" } else { "events" };
                row(layout, level, &chunk_blocks.to_string(), bytes, seconds);
            }
        }
    }
    for level in LEVELS {
        for chunk_blocks in CHUNK_BLOCKS {
            let wanted = Wanted { months, nodes, chunk_blocks, level: Some(level) };
            let started = Instant::now();
            let whole = archives::chunk_bytes(&archives.get(&wanted)?);
            let seconds = started.elapsed().as_secs_f64();
            // Without nodes only headers are left: roots and seals, which nothing makes smaller.
            let headers = archives::chunk_bytes(&archives.get(&Wanted { nodes: 0, ..wanted })?);
            row("archive", level, &chunk_blocks.to_string(), whole, seconds);
            let events = whole.saturating_sub(headers);
            row("archive, without headers", level, &chunk_blocks.to_string(), events, seconds);
        }
    }
    let head = [
        "layout",
        "level",
        "blocks of a chunk",
        "MiB",
        "bytes of a report",
        "of `zstd -19 --long=27`",
        "MiB of events a second",
    ];
    table("Size of a month by level, chunks and layout", &head, &rows);
    Ok(())
}

/// Compresses a file in pieces of so many bytes, each a frame, and gives the bytes of all and the seconds.
fn plain(file: &Path, piece: u64, level: i32, long: bool) -> Result<(u64, f64)> {
    let mut input = BufReader::with_capacity(1 << 20, File::open(file)?);
    let mut left = fs::metadata(file)?.len();
    let started = Instant::now();
    let mut bytes = 0_u64;
    while left > 0 {
        let length = left.min(piece.max(1));
        let mut encoder = zstd::stream::Encoder::new(Counted(0), level)?;
        encoder.set_pledged_src_size(Some(length))?;
        if long {
            encoder.long_distance_matching(true)?;
            encoder.window_log(WINDOW_LOG)?;
        }
        io::copy(&mut input.by_ref().take(length), &mut encoder)?;
        bytes = bytes.saturating_add(encoder.finish()?.0);
        left = left.saturating_sub(length);
    }
    Ok((bytes, started.elapsed().as_secs_f64()))
}
