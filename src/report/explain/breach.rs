//! A report that violates the rules: both data points, both blocks, the limit, and by how much it was passed.

use serde_json::{Map, Value, json};

use super::words::{date_of, int};
use crate::{
    chain::types::Height,
    minting::{DataPoint, Entry, Mismatch, Rules, Verdict, Violation, ViolationKind, What},
};

/// The numbers of a violation by a report. Times and lengths are seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    kind: ViolationKind,
    previous: DataPoint,
    previous_block: Option<Height>,
    reported: DataPoint,
    block: Option<Height>,
    /// What is measured: growth of the uptime, drift of the clock, or seconds that the boot lies before the last report.
    measured: i128,
    /// What it may be at most; at least, for an uptime that is too low.
    limit: i128,
    /// By how much that was passed.
    pub passed_by: i128,
}

impl Breach {
    /// The violation that an entry is, also if it is not the first; none if it is none.
    pub fn of(entry: &Entry, entries: &[Entry], rules: &Rules) -> Option<Breach> {
        let What::Report { point, previous, first_boot, verdict } = &entry.what else { return None };
        let previous = (*previous)?;
        let grace = i128::from(rules.uptime_grace_secs);
        let (passed, grown) = (point.at - previous.at, point.uptime - previous.uptime);
        let boot = point.at - point.uptime;
        let (kind, previous, measured, limit, passed_by) = match verdict {
            Verdict::TooHigh { .. } if rules.too_high == Mismatch::Violation => {
                let most = passed + grace;
                (ViolationKind::UptimeTooHigh, previous, grown, most, grown - most)
            }
            Verdict::TooLow { .. } if rules.too_low == Mismatch::Violation => {
                let least = passed - grace;
                (ViolationKind::UptimeTooLow, previous, grown, least, least - grown)
            }
            Verdict::InvalidReboot => {
                let before = previous.at - boot;
                (ViolationKind::InvalidReboot, previous, before, 0, before)
            }
            _ => {
                let Some(Violation::ClockSkew { .. }) = entry.violation else { return None };
                let (first, seen_at) = (*first_boot)?;
                let limit = i128::from(rules.clock_skew_limit_secs?);
                let drift = (boot - first).abs();
                let first_seen = DataPoint { at: seen_at, uptime: seen_at - first };
                // The limit itself is too much already.
                (ViolationKind::ClockSkew, first_seen, drift, limit, drift - limit + 1)
            }
        };
        let previous_block = block_of(&previous, entries);
        let (reported, block) = (*point, entry.block);
        Some(Breach { kind, previous, previous_block, reported, block, measured, limit, passed_by })
    }

    /// All numbers in one sentence.
    pub fn words(&self) -> String {
        let Breach { measured, limit, passed_by, .. } = self;
        let point = |point: &DataPoint, block: Option<Height>| {
            let block = block.map(|block| format!("block {block}, ")).unwrap_or_default();
            format!("{block}{}, uptime {} s", date_of(point.at), point.uptime)
        };
        let between = format!(
            "between {} and {}",
            point(&self.previous, self.previous_block),
            point(&self.reported, self.block)
        );
        match self.kind {
            ViolationKind::UptimeTooHigh => format!(
                "uptime grew more than the time: {measured} s, at most {limit} s are possible, {passed_by} s over, {between}"
            ),
            ViolationKind::UptimeTooLow => format!(
                "uptime grew less than the time without a reboot: {measured} s, at least {limit} s are needed, \
                 {passed_by} s under, {between}"
            ),
            ViolationKind::ClockSkew => format!(
                "its clock drifts: the boot time moved by {measured} s, less than {limit} s are allowed, {between}"
            ),
            _ => format!(
                "an invalid reboot: by its uptime it booted {passed_by} s before its last report, {between}"
            ),
        }
    }

    /// All numbers by name.
    pub fn json(&self) -> Map<String, Value> {
        let point = |point: &DataPoint, block: Option<Height>| json!({ "at": int(point.at), "uptime": int(point.uptime), "block": block });
        let mut object = Map::new();
        object.insert("kind".into(), self.kind.label().into());
        object.insert("previous".into(), point(&self.previous, self.previous_block));
        object.insert("reported".into(), point(&self.reported, self.block));
        object.insert("block".into(), self.block.into());
        object.insert("previous_block".into(), self.previous_block.into());
        object.insert("measured_secs".into(), int(self.measured));
        object.insert("limit_secs".into(), int(self.limit));
        object.insert("passed_by_secs".into(), int(self.passed_by));
        object
    }
}

/// The block of a data point: of the report it is, or of the sleep that stands for one.
fn block_of(wanted: &DataPoint, entries: &[Entry]) -> Option<Height> {
    let found = entries.iter().find(|entry| match &entry.what {
        What::Report { point, .. } => point == wanted,
        What::Power { fell_asleep: true, .. } => entry.time == wanted.at && wanted.uptime == 0,
        _ => false,
    });
    found.and_then(|entry| entry.block)
}
