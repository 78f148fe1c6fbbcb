//! Late boots: each request to wake up that was answered too late, or not at all, with its numbers.

use serde_json::{Value, json};

use super::words::{date_of, int};
use crate::{
    chain::types::Height,
    cli::duration,
    minting::{Followed, Request, Rules, Verdict, Violation, What},
};

/// A request to wake up that was not answered in time. Times are seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    requested: i128,
    /// The block of the request; none if it was before the period.
    request_block: Option<Height>,
    /// When the node booted, and the block of the report that says so; none if it never did.
    booted: Option<(i128, Option<Height>)>,
    /// Seconds that it may take to boot.
    limit: i128,
}

/// Every late boot that counts, in the order of the chain.
pub fn late_boots(followed: &Followed, rules: &Rules) -> Vec<Late> {
    let Some(limit) = rules.boot_max_secs.map(i128::from) else { return Vec::new() };
    let mut late = Vec::new();
    let mut request_block = None;
    for entry in &followed.entries {
        match &entry.what {
            What::Target { request: Request::Wake, .. } => request_block = entry.block,
            What::Report { verdict: Verdict::Woken(wake), .. } => {
                let is_violation = matches!(entry.violation, Some(Violation::BootedLate { .. }));
                let request = wake.requested.filter(|_| wake.counted_late || is_violation);
                let booted = Some((wake.boot, entry.block));
                late.extend(request.map(|requested| Late { requested, request_block, booted, limit }));
                request_block = None;
            }
            _ => {}
        }
    }
    let unanswered = followed.ending.wake_requested_at.filter(|_| followed.ending.unanswered);
    late.extend(unanswered.map(|requested| Late { requested, request_block, booted: None, limit }));
    late
}

impl Late {
    /// All numbers in one sentence.
    pub fn words(&self) -> String {
        let block = |block: Option<Height>| block.map(|block| format!("block {block}, ")).unwrap_or_default();
        let asked = format!("asked in {}{}", block(self.request_block), date_of(self.requested));
        match self.booted {
            Some((boot, report_block)) => {
                let took = boot - self.requested;
                let report =
                    report_block.map(|block| format!(" (report in block {block})")).unwrap_or_default();
                format!(
                    "{asked}, it booted at {}{report}, {} later: {} over the {} that it may take",
                    date_of(boot),
                    duration(took),
                    duration(took - self.limit),
                    duration(self.limit)
                )
            }
            None => format!("{asked}, no report that counts followed; {} are allowed", duration(self.limit)),
        }
    }

    /// All numbers by name.
    pub fn json(&self) -> Value {
        let took = self.booted.map(|(boot, _)| boot - self.requested);
        json!({
            "requested_at": int(self.requested),
            "request_block": self.request_block,
            "booted_at": self.booted.map(|(boot, _)| int(boot)),
            "report_block": self.booted.and_then(|(_, block)| block),
            "boot_secs": took.map(int),
            "limit_secs": int(self.limit),
            "passed_by_secs": took.map(|took| int(took - self.limit)),
        })
    }
}
