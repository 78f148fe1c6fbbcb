//! How long a replay of a month takes, and how that compares to the least it could do.

use crate::{
    Options, Result,
    archives::{Archives, Wanted},
    baseline, child,
    figures::{Series, Spent, float, mib, table},
};

/// Something that is timed.
#[derive(Default)]
struct Timed {
    wall: Series,
    cpu: Series,
}

impl Timed {
    fn push(&mut self, spent: Spent) {
        self.wall.push(spent.wall);
        self.cpu.push(spent.cpu);
    }

    fn row(&self, name: &str) -> Vec<String> {
        vec![name.into(), self.wall.show(2), self.cpu.show(2)]
    }
}

/// Replay, baseline and decompression in turns, on one thread and on two.
pub fn bench(options: &Options, archives: &Archives) -> Result<()> {
    let wanted = Wanted::usual(options.months, options.nodes);
    let archive = archives.get(&wanted)?;
    // Chunks of as many blocks as writers used before there were columns.
    let with_raw_events = Wanted { chunk_blocks: 4_096, ..wanted };
    let raw = if options.raw { Some(archives.with_raw_events(&with_raw_events)?) } else { None };
    let [mut decompress, mut baseline, mut replay, mut unwritten] = <[Timed; 4]>::default();
    let [mut baseline_1, mut replay_1, mut baseline_raw, mut replay_raw] = <[Timed; 4]>::default();
    let [mut ratio_of_raw, mut ratio_raw] = <[Series; 2]>::default();
    let [mut ratio, mut ratio_cpu, mut ratio_unwritten, mut ratio_bare] = <[Series; 4]>::default();
    let [mut speed_up, mut speed_up_unwritten, mut rate, mut memory] = <[Series; 4]>::default();
    let mut shares: [(&str, Series); 9] = Default::default();
    let mut counts = (0, 0);
    // The first round only warms the page cache.
    for round in 0..=options.runs {
        let bare = baseline::run(&archive, 2, false)?;
        let least = baseline::run(&archive, 2, true)?;
        let two = child::replay(options, archives, &archive, 2)?;
        let of_raw = match &raw {
            Some(raw) => Some((baseline::run(raw, 2, true)?, child::replay(options, archives, raw, 2)?)),
            None => None,
        };
        let least_1 = baseline::run(&archive, 1, true)?;
        let one = child::replay(options, archives, &archive, 1)?;
        if round == 0 {
            continue;
        }
        let without = |run: &child::Replayed| run.spent.wall - run.timings.stages.write;
        if let Some((least, replay)) = of_raw {
            baseline_raw.push(least);
            replay_raw.push(Spent { wall: without(&replay), cpu: replay.spent.cpu });
            ratio_of_raw.push(without(&two) / least.wall);
            ratio_raw.push(without(&replay) / least.wall);
        }
        decompress.push(bare);
        baseline.push(least);
        replay.push(two.spent);
        unwritten.push(Spent { wall: without(&two), cpu: two.spent.cpu });
        baseline_1.push(least_1);
        replay_1.push(one.spent);
        ratio.push(two.spent.wall / least.wall);
        ratio_cpu.push(two.spent.cpu / least.cpu);
        ratio_unwritten.push(without(&two) / least.wall);
        ratio_bare.push(two.spent.wall / bare.wall);
        speed_up.push(one.spent.wall / two.spent.wall);
        speed_up_unwritten.push(without(&one) / without(&two));
        rate.push(float(two.timings.events) / two.spent.wall / 1e6);
        memory.push(mib(two.timings.peak_resident_bytes));
        let stages = two.timings.stages.all();
        let total: f64 = stages.iter().map(|(_, seconds)| seconds).sum();
        for ((name, series), (stage, seconds)) in shares.iter_mut().zip(stages) {
            *name = stage;
            series.push(100.0 * seconds / total);
        }
        counts = (two.timings.events, two.timings.uptime_reports);
    }
    println!(
        "\nReplay of {} months, {} nodes: {} events, {} uptime reports, {:.0} MiB of chunks, {:.0} MiB decompressed; \
         {} runs in turns, medians with minimum and maximum",
        options.months,
        options.nodes,
        counts.0,
        counts.1,
        mib(archive.manifest().chunks.iter().map(|chunk| chunk.file_bytes).sum()),
        mib(archive.manifest().chunks.iter().map(|chunk| chunk.body_bytes).sum()),
        options.runs
    );
    let mut rows = vec![
        decompress.row("decompress, 2 threads"),
        baseline.row("decompress and SHA-256, 2 threads"),
        replay.row("replay, 2 threads, the whole process"),
        unwritten.row("replay, 2 threads, without writing the results"),
        baseline_1.row("decompress and SHA-256, 1 thread"),
        replay_1.row("replay, 1 thread, the whole process"),
    ];
    if raw.is_some() {
        rows.push(baseline_raw.row("decompress and SHA-256 of chunks with raw events, 2 threads"));
        rows.push(replay_raw.row("replay of chunks with raw events, 2 threads, without writing the results"));
    }
    table("Time, seconds", &["what", "wall", "processor"], &rows);
    let row = |name: &str, series: &Series, digits| vec![name.to_string(), series.show(digits)];
    let mut rows = vec![
        row("replay / (decompress and SHA-256)", &ratio, 2),
        row("the same, without writing the results", &ratio_unwritten, 2),
        row("the same, processor time of all", &ratio_cpu, 2),
        row("replay / decompress", &ratio_bare, 2),
        row("1 to 2 threads, times", &speed_up, 2),
        row("1 to 2 threads, without writing the results, times", &speed_up_unwritten, 2),
        row("events a second, millions", &rate, 1),
        row("peak resident memory, MiB", &memory, 0),
    ];
    if raw.is_some() {
        rows.push(row("replay / (decompress and SHA-256 of raw events), without writing", &ratio_of_raw, 2));
        rows.push(row("replay of raw events / the same, without writing", &ratio_raw, 2));
    }
    rows.extend(shares.iter().map(|(stage, share)| row(&format!("share of {stage}, %"), share, 1)));
    table("Ratios, each of one round", &["what", "median"], &rows);
    Ok(())
}
