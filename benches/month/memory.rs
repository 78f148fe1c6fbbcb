//! Peak memory of a replay, whatever the number of blocks.

use crate::{
    Options, Result,
    archives::{self, Archives, Wanted},
    child,
    figures::{float, mib, table},
};

/// A quarter of a month, a half, a whole one, three that follow on each other.
pub fn bench(options: &Options, archives: &Archives) -> Result<()> {
    let mut rows = Vec::new();
    for months in [0.25, 0.5, 1.0, 3.0] {
        let archive = archives.get(&Wanted::usual(months, options.nodes))?;
        for threads in [1, 2] {
            let run = child::replay(options, archives, &archive, threads)?;
            rows.push(vec![
                months.to_string(),
                archives::blocks(&archive).to_string(),
                format!("{:.1}", float(run.timings.events) / 1e6),
                threads.to_string(),
                format!("{:.0}", mib(run.timings.peak_resident_bytes)),
                format!("{:.2}", run.spent.wall),
                format!("{:.2}", run.spent.cpu),
            ]);
        }
    }
    let head = ["months", "blocks", "events, millions", "threads", "peak, MiB", "wall, s", "processor, s"];
    table("Peak resident memory by length", &head, &rows);
    Ok(())
}
