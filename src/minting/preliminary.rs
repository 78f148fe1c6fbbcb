//! Preliminary results, of a period that is not over: what is not known yet is taken to go well.
//!
//! A preliminary result pays as if the period ended with the last known block. After a real end the window brings one
//! more report of every node that runs, and wakes nodes that sleep. Here there is no such window, so that the time
//! which these reports would credit counts without them, as far as they still can come in time. Receipts state the
//! uptime that was reported.

use super::ledger::NodeState;
use super::period::Period;
use super::rules::Rules;

/// Longest time between two reports of a node that runs, seconds, where rules do not limit what one can credit.
const REPORT_INTERVAL_SECS: u32 = 2_460;

/// Uptime that the next report of a node would credit up to the end of the measured period, if it came in time, in
/// seconds. `known` is the time of the last known block, seconds since the epoch.
pub(super) fn open_uptime(state: &NodeState, measured: &Period, known: i128, rules: &Rules) -> i128 {
    let (start, end) = (i128::from(measured.start), i128::from(measured.end));
    let since = match (state.asleep_since, state.wake_requested_at, state.reported) {
        (Some(asleep), requested, _) => {
            let short = rules.sleep_max_secs.is_none_or(|most| known - asleep <= i128::from(most));
            let wakes = requested.is_none_or(|requested| is_open(requested, known, rules));
            (short && wakes).then_some(asleep.max(start))
        }
        (None, None, Some(last)) => {
            let interval = rules.report_credit_max_secs.unwrap_or(REPORT_INTERVAL_SECS);
            (known - last.at <= i128::from(interval)).then_some(last.at)
        }
        // Its reports are not read, or it never reported.
        (None, Some(_), _) | (None, None, None) => None,
    };
    since.map_or(0, |since| (end - since).max(0))
}

/// Whether a request to wake up can still be answered in time after the last known block.
pub(super) fn is_open(requested: i128, known: i128, rules: &Rules) -> bool {
    rules.boot_max_secs.is_none_or(|most| known - requested <= i128::from(most))
}
