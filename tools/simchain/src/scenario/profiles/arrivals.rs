//! Nodes that are registered, or registered anew, in the period. They come last: new nodes have the highest
//! ids.

use super::{Profile, profile};
use crate::scenario::action::Action;
use crate::scenario::script::{DAY, HOUR, MINUTE, REPORT_EVERY, Script};

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("registered anew", "stored again in the middle: all before is forgotten, below the floor", anew),
    profile("new on the first day", "registered 12 h into the period: paid in proportion", first_day),
    profile("new in the middle", "registered half-way: below the floor, nothing", middle),
    profile("new behind the end", "registered in the window: no receipt", behind),
];

fn join(script: &mut Script<'_>, time: u64) {
    script.joins_later = true;
    script.node.created = time;
    script.act(time, Action::StoreNode(Box::new(script.node.clone())));
    script.booted = time.saturating_sub(10 * MINUTE);
    script.up_from(time + REPORT_EVERY / 2);
}

fn anew(script: &mut Script<'_>) {
    let time = script.start(15 * DAY);
    script.act(time, Action::StoreNode(Box::new(script.node.clone())));
    script.up_throughout();
}

fn first_day(script: &mut Script<'_>) {
    join(script, script.start(12 * HOUR));
}

fn middle(script: &mut Script<'_>) {
    join(script, script.start(15 * DAY));
}

fn behind(script: &mut Script<'_>) {
    join(script, script.end(5 * HOUR));
}
