//! How a node woke up: both checks, and whether it was late.

use serde_json::{Value, json};

use super::words::int;
use crate::{
    cli::duration,
    minting::{Entry, LateBoot, Rules, Wake},
};

/// Both checks of a wake-up, and what it earned.
pub fn woken(wake: &Wake, entry: &Entry, rules: &Rules) -> String {
    let mut text = format!("woke up after a sleep of {}", duration(wake.slept));
    if let Some(most) = rules.sleep_max_secs.map(i128::from) {
        text += &match wake.slept - most {
            over if over <= 0 => format!(" (at most {}: passed)", limit(most)),
            over if entry.credit > 0 => {
                format!(" (at most {}: over by {}, forgiven for an outage)", limit(most), duration(over))
            }
            over => format!(" (at most {}: failed by {})", limit(most), duration(over)),
        };
    }
    if let (Some(took), Some(most)) = (wake.boot_took, rules.boot_max_secs.map(i128::from)) {
        let since = if took < 0 {
            format!("; booted {} before it was asked to", duration(-took))
        } else {
            format!("; booted {} after it was asked to", duration(took))
        };
        text += &since;
        text += &match took - most {
            late if late <= 0 => format!(" (at most {}: passed)", duration(most)),
            late => format!(" (at most {}: failed by {})", duration(most), duration(late)),
        };
        if took > most {
            text += &late_boot(wake, most);
            if rules.late_boot == LateBoot::Counted && wake.counted_late {
                text += &format!("; late boot {}", wake.late_boots);
            }
        }
    }
    text += &match entry.credit {
        credit if credit <= 0 => "; the sleep does not count".to_owned(),
        credit if credit < wake.slept => format!("; the {} of it in this period count", duration(credit)),
        _ => "; the sleep counts".to_owned(),
    };
    text
}

/// A limit on a sleep, in hours as the rules have it.
fn limit(seconds: i128) -> String {
    if seconds % 3_600 == 0 { format!("{} h", seconds / 3_600) } else { duration(seconds) }
}

/// Tells a node that woke up in time, by the chain, and did not report from a real late boot.
fn late_boot(wake: &Wake, most: i128) -> String {
    match (wake.state_up, wake.requested) {
        (Some((block, time)), Some(requested)) if i128::from(time) - requested <= most => format!(
            "; not a late wake-up by the chain: it was up (state Up) in block {block}, {} after it was asked to, but no \
             uptime report of that boot came",
            duration(i128::from(time) - requested)
        ),
        (Some((block, time)), Some(requested)) => format!(
            "; a real late boot: the chain has it up only from block {block} on, {} after it was asked to",
            duration(i128::from(time) - requested)
        ),
        _ => "; a real late boot: the chain does not have it up before this report".to_owned(),
    }
}

pub fn wake_facts(wake: &Wake, rules: &Rules) -> Value {
    let most = rules.boot_max_secs.map(i128::from);
    let late = match (wake.boot_took, most) {
        (Some(took), Some(most)) if took > most => Some(match (wake.state_up, wake.requested) {
            (Some((_, time)), Some(requested)) if i128::from(time) - requested <= most => {
                "state-up-without-uptime-report"
            }
            _ => "late-boot",
        }),
        _ => None,
    };
    let check = |secs: i128, limit: i128| json!({ "secs": int(secs), "limit_secs": int(limit), "passed": secs <= limit, "over_secs": int((secs - limit).max(0)) });
    json!({
        "asleep_since": int(wake.asleep),
        "requested_at": wake.requested.map(int),
        "booted_at": int(wake.boot),
        "sleep": rules.sleep_max_secs.map(|limit| check(wake.slept, limit.into())),
        "boot": wake.boot_took.zip(most).map(|(took, limit)| check(took, limit)),
        "late": late,
        "counted_late": wake.counted_late,
        "state_up": wake.state_up.map(|(block, time)| json!({ "block": block, "time": time })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wake(state_up: Option<(u32, i64)>) -> Wake {
        Wake {
            asleep: 0,
            requested: Some(10_000),
            boot: 13_600,
            slept: 15_000,
            boot_took: Some(3_600),
            counted_late: true,
            late_boots: 1,
            state_up,
        }
    }

    #[test]
    fn a_node_that_is_up_by_the_chain_and_did_not_report_is_told_from_a_late_boot() {
        let rules = Rules::r81();
        let kind = |state_up| wake_facts(&wake(state_up), &rules)["late"].clone();
        assert_eq!(kind(Some((7, 10_300))), "state-up-without-uptime-report");
        assert_eq!(kind(Some((7, 13_000))), "late-boot");
        assert_eq!(kind(None), "late-boot");
        let words = |state_up| late_boot(&wake(state_up), 1_800);
        assert!(words(Some((7, 10_300))).contains("(state Up) in block 7, 5 min after"));
        assert!(words(Some((7, 13_000))).contains("a real late boot"));
        assert!(words(None).contains("a real late boot"));
    }
}
