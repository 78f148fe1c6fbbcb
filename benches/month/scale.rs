//! Twenty times more nodes in a twentieth of the blocks: as many events, and what grows with the nodes.

use crate::{
    Options, Result,
    archives::{Archives, Wanted},
    child,
    figures::{Series, float, mib, table},
};

/// Part of a month that is looked at.
const MONTHS: f64 = 0.05;
/// Blocks of a chunk, few enough for the events of twenty times the nodes.
const CHUNK_BLOCKS: u32 = 512;

/// One, five and twenty times the nodes.
pub fn bench(options: &Options, archives: &Archives) -> Result<()> {
    let mut rows = Vec::new();
    for times in [1, 5, 20] {
        let nodes = options.nodes.saturating_mul(times);
        let archive = archives.get(&Wanted { chunk_blocks: CHUNK_BLOCKS, ..Wanted::usual(MONTHS, nodes) })?;
        let [mut wall, mut unwritten, mut cpu, mut each, mut memory] = <[Series; 5]>::default();
        let mut events = 0;
        for _ in 0..options.runs {
            let run = child::replay(options, archives, &archive, 2)?;
            events = run.timings.events;
            wall.push(run.spent.wall);
            unwritten.push(run.spent.wall - run.timings.stages.write);
            cpu.push(run.spent.cpu);
            each.push(run.spent.cpu * 1e9 / float(events));
            memory.push(mib(run.timings.peak_resident_bytes));
        }
        rows.push(vec![
            nodes.to_string(),
            format!("{:.1}", float(events) / 1e6),
            wall.show(2),
            unwritten.show(2),
            cpu.show(2),
            each.show(0),
            memory.show(0),
        ]);
    }
    let head = [
        "nodes",
        "events, millions",
        "wall, s",
        "without writing, s",
        "processor, s",
        "processor for an event, ns",
        "peak, MiB",
    ];
    table("A twentieth of a month with more nodes, 2 threads", &head, &rows);
    Ok(())
}
