//! What would have changed the result: what was lost, what it would have earned, and what its farmer could have done.

use super::{Explanation, percent, words::date_of};
use crate::{
    cli::duration,
    minting::{Entry, Outcome, Verdict, ViolationKind, What, Worth},
    report::run::tft,
};

/// Losses that are named among what would have changed the result.
const NAMED_LOSSES: usize = 3;

impl Explanation<'_> {
    /// What would have changed the result, one sentence each.
    pub fn what_if(&self) -> Vec<String> {
        let result = &self.followed.result;
        let worth = self.followed.calculation.as_ref().map(|calculation| calculation.worth);
        let otherwise = match worth {
            Some(Worth::Amount(reward)) => format!("it would have earned {} TFT", tft(reward.tft.into())),
            Some(Worth::BelowFloor) => "its uptime would still have been below the floor".to_owned(),
            Some(Worth::NoAmount) | None => "it would still have earned nothing".to_owned(),
        };
        let mut sentences = Vec::new();
        match result.outcome {
            Outcome::Violation(kind) => {
                sentences.push(format!("{}, {otherwise}.", self.remedy(kind)));
            }
            Outcome::Virtualized => sentences.push(format!("On hardware of its own, {otherwise}.")),
            Outcome::NoAddress => sentences.push(
                "With a payout address set on chain before the end of the period it would have been paid; the retry of \
                 the next period takes the address of its end."
                    .to_owned(),
            ),
            Outcome::NoUptime => sentences.push(match self.followed.ending.asleep_since {
                Some(since) => format!(
                    "It is asleep by the chain since {}; {}.",
                    date_of(since),
                    self.sleep_remedy()
                ),
                None => "It has to report its uptime while the period runs.".to_owned(),
            }),
            _ => {}
        }
        let below = self.followed.calculation.as_ref().filter(|c| c.uptime < c.needed_uptime);
        if let Some(c) = below {
            let missing = c.needed_uptime - c.uptime;
            sentences.push(format!(
                "{} more uptime would have reached the floor of {}.",
                duration(missing),
                percent(c.floor_permille.into())
            ));
        }
        let capped = self.followed.calculation.as_ref().is_some_and(|c| c.permille < 1_000);
        if capped && result.outcome != Outcome::NoUptime {
            let losses = self.losses();
            sentences.extend(losses.iter().take(NAMED_LOSSES).map(|(lost, what)| {
                let enough = match below {
                    Some(c) if *lost >= c.needed_uptime - c.uptime => {
                        "; without it the floor would have been reached"
                    }
                    _ => "",
                };
                format!("{} were lost: {what}{enough}.", duration(*lost))
            }));
            let named: i128 = losses.iter().take(NAMED_LOSSES).map(|(lost, _)| lost).sum();
            let all: i128 = self.followed.entries.iter().map(|entry| entry.lost).sum();
            if all - named > 0 {
                sentences.push(match named {
                    0 => format!("{} were lost in small parts.", duration(all)),
                    _ => format!("{} more were lost in smaller parts.", duration(all - named)),
                });
            }
        }
        sentences
    }

    /// The largest losses of uptime, seconds, with what they were.
    fn losses(&self) -> Vec<(i128, String)> {
        let least = i128::from(self.rules.uptime_grace_secs);
        let mut losses: Vec<(i128, String)> = self
            .followed
            .entries
            .iter()
            .filter(|entry| entry.lost > least)
            .map(|entry| (entry.lost, self.loss_words(entry)))
            .collect();
        losses.sort_by_key(|(lost, _)| std::cmp::Reverse(*lost));
        losses
    }

    fn loss_words(&self, entry: &Entry) -> String {
        let block = entry.block.map(|block| format!(" in block {block}")).unwrap_or_default();
        match &entry.what {
            What::End => match self.followed.ending.asleep_since {
                Some(since) => format!("asleep since {} to the end of the period", date_of(since)),
                None => "no report counts for the end of the period".to_owned(),
            },
            What::Report { verdict: Verdict::Woken(wake), .. } => format!(
                "a sleep that does not count, from {} to the report of {}{block}",
                date_of(wake.asleep),
                date_of(entry.time)
            ),
            What::Report { verdict: Verdict::First, .. } => match self.registered_at() {
                Some(registered) => {
                    format!("it did not exist before it was registered at {}", date_of(registered))
                }
                None => format!("no report before that of {}{block}", date_of(entry.time)),
            },
            What::Report { previous: Some(previous), verdict: Verdict::Continued { .. }, .. } => {
                format!("no report from {} to {}{block}", date_of(previous.at), date_of(entry.time))
            }
            What::Report { previous: Some(previous), verdict: Verdict::Rebooted, .. } => format!(
                "down between its report of {} and the reboot seen at {}{block}",
                date_of(previous.at),
                date_of(entry.time)
            ),
            _ => format!("{} at {}{block}", self.told(entry).kind.replace('-', " "), date_of(entry.time)),
        }
    }

    /// When the node was registered, if that was in the period.
    fn registered_at(&self) -> Option<i128> {
        let registered = |entry: &&Entry| matches!(entry.what, What::Registered { again: false });
        self.followed.entries.iter().find(registered).map(|entry| entry.time)
    }

    /// What the node would have had to do, as the beginning of a sentence.
    fn remedy(&self, kind: ViolationKind) -> String {
        let passed_by = self.followed.result.violation.and_then(|v| self.breach_of(&v));
        let numbers = passed_by.map(|b| format!(" ({} s over the limit)", b.passed_by)).unwrap_or_default();
        match kind {
            ViolationKind::UptimeTooHigh | ViolationKind::UptimeTooLow | ViolationKind::ClockSkew => {
                format!("Had its clock and its uptime kept the time of the chain{numbers}")
            }
            ViolationKind::InvalidReboot => {
                format!("Had it reported an uptime that fits its last report{numbers}")
            }
            ViolationKind::BootRequestExpired => format!(
                "With at most {} late boot{}",
                self.rules.late_boots_allowed,
                if self.rules.late_boots_allowed == 1 { "" } else { "s" }
            ),
            ViolationKind::MissingRelay => "With a relay set on its twin at the end of the period".to_owned(),
            ViolationKind::InvalidPublicKey => "With a valid public key, or none, on its twin".to_owned(),
            ViolationKind::MissingTwin => "With a twin".to_owned(),
        }
    }

    fn sleep_remedy(&self) -> String {
        match (self.followed.ending.wake_requested_at, self.followed.ending.state_up) {
            (Some(_), Some((block, time))) => format!(
                "the chain has it up (state Up) from block {block}, {}, on, but no uptime report came",
                date_of(time.into())
            ),
            (Some(requested), None) => {
                format!("it was asked to wake up at {} and did not", date_of(requested))
            }
            (None, _) => "it was never asked to wake up".to_owned(),
        }
    }

    /// Requests to wake up that nobody answered, in words.
    pub(super) fn unanswered(&self) -> Option<String> {
        let ending = &self.followed.ending;
        let requested = ending.wake_requested_at?;
        let judged = if ending.unanswered {
            "; that counts as a late boot"
        } else {
            "; that is not counted as a late boot"
        };
        Some(match ending.state_up {
            Some((block, time)) => format!(
                "Asked to wake up at {}, it is up by the chain (state Up) from block {block}, {}, on, but no uptime report that counts \
                 followed{judged}",
                date_of(requested),
                date_of(time.into())
            ),
            None => {
                format!("Asked to wake up at {}, it never came up by the chain{judged}", date_of(requested))
            }
        })
    }
}
