//! `minting-replay run --timings`: where the time went, for benchmarks.

use std::time::{Duration, Instant};

use minting::replay::Timings;
use serde_json::{Value, json};

/// The time of a run besides that of the replay.
pub struct RunTimes {
    /// When it started.
    pub started: Instant,
    /// Opening the archives and compiling their runtimes.
    pub open: Duration,
    /// Making the files of the results and writing them.
    pub write: Duration,
}

impl RunTimes {
    /// The run starts now.
    pub fn start() -> RunTimes {
        RunTimes { started: Instant::now(), open: Duration::ZERO, write: Duration::ZERO }
    }

    /// One line of JSON. `stages` are seconds added up over all threads, `wall` is what a clock on the wall shows.
    pub fn print(&self, timings: &Timings) {
        let seconds = |time: Duration| json!(time.as_secs_f64());
        let line = json!({
            "wall": seconds(self.started.elapsed()),
            "threads": rayon::current_num_threads(),
            "stages": {
                "open": seconds(self.open),
                "state": seconds(timings.state),
                "read": seconds(timings.read),
                "decompress": seconds(timings.decompress),
                "hash": seconds(timings.hash),
                "decode": seconds(timings.decode),
                "route": seconds(timings.route),
                "fold": seconds(timings.fold),
                "write": seconds(self.write),
            },
            "chunks": timings.chunks,
            "body_bytes": timings.body_bytes,
            "blocks": timings.blocks,
            "events": timings.events,
            "uptime_reports": timings.uptime_reports,
            "peak_resident_bytes": peak_resident_bytes(),
        });
        eprintln!("{line}");
    }
}

/// Most memory that the process had, where the system tells.
fn peak_resident_bytes() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.and_then(|kib| kib.checked_mul(1024)).map_or(Value::Null, Value::from)
}
