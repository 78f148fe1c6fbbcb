//! What `--dry-run` prints: for a person, or as one JSON object.

use indicatif::{HumanBytes, HumanCount, HumanDuration};
use minting::fetch::{Error, Estimate, Export, Remaining};
use serde_json::{Value, json};

use crate::args::ExportArgs;

/// All that a dry run found out.
pub struct DryRun {
    first: (u32, u64),
    last: (u32, u64),
    head: (u32, u64),
    /// Start and end of the range, unix seconds, its last block, and the blocks after it.
    range: Option<(i64, i64, u32, u32)>,
    block_time_ms: Option<u64>,
    spec_versions: Vec<u32>,
    left: Remaining,
    estimate: Estimate,
}

impl DryRun {
    /// Looks at the folder, and reads a few blocks.
    pub async fn of(export: &Export, args: &ExportArgs) -> Result<DryRun, Error> {
        let left = export.remaining(&args.out)?;
        let plan = export.plan();
        let mut timed = Vec::new();
        for height in [plan.first, plan.last, export.head()] {
            timed.push((height, export.time_ms(height).await?));
        }
        let at = |place: usize| timed.get(place).copied().unwrap_or_default();
        Ok(DryRun {
            first: at(0),
            last: at(1),
            head: at(2),
            range: export.range().map(|r| (r.from, r.to, r.last_block, r.window_blocks)),
            block_time_ms: export.range().map(|r| r.block_time_ms),
            spec_versions: export.spec_versions(),
            estimate: export.estimate(&left).await?,
            left,
        })
    }

    fn final_blocks(&self) -> u32 {
        self.head.0.saturating_sub(self.last.0)
    }

    /// For a person.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "blocks {} ({}) to {} ({})",
                self.first.0,
                moment_ms(self.first.1),
                self.last.0,
                moment_ms(self.last.1)
            ),
            format!(
                "final: {} blocks below the finalized head {} ({})",
                self.final_blocks(),
                self.head.0,
                moment_ms(self.head.1)
            ),
        ];
        if let Some((from, to, last, window)) = self.range {
            lines.push(format!(
                "range {} to {}: blocks {} to {last}, then a window of {window} blocks; block time {} ms",
                moment(from),
                moment(to),
                self.first.0,
                self.block_time_ms.unwrap_or_default()
            ));
        }
        let versions: Vec<String> = self.spec_versions.iter().map(u32::to_string).collect();
        lines.push(format!("runtimes with spec version {}", versions.join(", ")));
        if self.left.finished {
            lines.push("the archive is finished already".to_owned());
            return lines.join("\n") + "\n";
        }
        lines.push(format!(
            "chunks: {} present, {} missing ({} blocks); {} state snapshots missing; {} damaged files",
            self.left.present.len(),
            self.left.chunks.len(),
            HumanCount(self.left.blocks()),
            self.left.states.len(),
            self.left.damaged.len()
        ));
        lines.extend(self.left.damaged.iter().map(|file| format!("damaged: {file}; it will be read again")));
        if self.estimate.proven > 0 {
            lines.push(format!("proofs of {} blocks", HumanCount(self.estimate.proven)));
        }
        lines.push(format!(
            "about {} calls and {} to receive, {} at this pace (judged by {} blocks; without state)",
            HumanCount(self.estimate.calls),
            HumanBytes(self.estimate.bytes),
            HumanDuration(self.estimate.time),
            self.estimate.sample
        ));
        lines.join("\n") + "\n"
    }

    /// For a script.
    pub fn json(&self) -> Value {
        let block = |(height, time_ms): (u32, u64)| json!({ "height": height, "time": moment_ms(time_ms) });
        let range = self.range.map(|(from, to, last_block, window_blocks)| {
            json!({
                "from": moment(from), "to": moment(to), "first_block": self.first.0, "last_block": last_block,
                "window_blocks": window_blocks, "block_time_ms": self.block_time_ms,
            })
        });
        json!({
            "event": "plan",
            "first": block(self.first),
            "last": block(self.last),
            "finalized_head": block(self.head),
            "blocks_below_head": self.final_blocks(),
            "range": range,
            "spec_versions": self.spec_versions,
            "finished": self.left.finished,
            "chunks": { "present": self.left.present.len(), "missing": self.left.chunks.len() },
            "damaged": self.left.damaged,
            "states_missing": self.left.states,
            "blocks_missing": self.left.blocks(),
            "proofs_missing": self.estimate.proven,
            "estimate": {
                "calls": self.estimate.calls, "bytes": self.estimate.bytes,
                "seconds": self.estimate.time.as_secs(), "sampled_blocks": self.estimate.sample,
            },
        })
    }
}

/// A moment in RFC 3339, from unix seconds.
fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |moment| moment.to_string())
}

fn moment_ms(time_ms: u64) -> String {
    i64::try_from(time_ms / 1_000).map_or_else(|_| time_ms.to_string(), moment)
}
