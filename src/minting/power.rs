//! Power management: a farmer may put a node to sleep, and is paid for the sleep if the node is woken in
//! time. This file follows what the chain says; `uptime` decides what a sleep is worth.

use crate::chain::types::{NodePower, PowerState, PowerTarget};

use super::arithmetic::Calculator;
use super::ledger::{Irregularity, NodeState, Reported};
use super::rules::Rules;

/// The farmer asked the node to wake up or to sleep, at `time`.
///
/// Only the first request to a sleeping node counts: from it the node has its time to boot.
pub(super) fn target_changed(state: &mut NodeState, target: PowerTarget, time: i64, rules: &Rules) {
    let timed = rules.boot_max_secs.is_some();
    if timed && target == PowerTarget::Up && matches!(state.power.state, PowerState::Down(_)) {
        state.wake_requested_at.get_or_insert(i128::from(time));
    }
    state.power.target = target;
}

/// The node woke up or went to sleep, at `time` in the period.
pub(super) fn state_changed_in_period(
    state: &mut NodeState,
    new: PowerState,
    time: i64,
    rules: &Rules,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let outcome = if falls_asleep(state.power, new) && state.asleep_since.is_none() {
        let time = i128::from(time);
        state.asleep_since = Some(time);
        credit_until_sleep(state, time, calc)
    } else {
        Ok(())
    };
    if !rules.bugs.power_state_not_kept {
        state.power.state = new;
    }
    outcome
}

/// The node woke up or went to sleep, at `time` after the period: nothing is earned any more.
pub(super) fn state_changed_post_period(state: &mut NodeState, new: PowerState, time: i64, rules: &Rules) {
    if falls_asleep(state.power, new) {
        state.asleep_since.get_or_insert(i128::from(time));
    }
    if !rules.bugs.power_state_not_kept {
        state.power.state = new;
    }
}

/// A node that shuts down although it is to be up has crashed rather than gone to sleep.
fn falls_asleep(power: NodePower, new: PowerState) -> bool {
    power.target == PowerTarget::Down && power.state == PowerState::Up && matches!(new, PowerState::Down(_))
}

/// The node ran until it fell asleep: credits the time since its last report, whatever its length.
fn credit_until_sleep(state: &mut NodeState, time: i128, calc: &mut Calculator) -> Result<(), Irregularity> {
    let Some(last) = state.reported else { return Ok(()) };
    let backwards = time < last.at;
    let credit = if backwards { 0 } else { time - last.at };
    let total = calc.unsigned(last.total + credit);
    state.reported = Some(Reported { at: time, uptime: 0, total, ..last });
    if backwards { Err(Irregularity::TimeRunsBackwards) } else { Ok(()) }
}
