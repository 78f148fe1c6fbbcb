//! Why there is nothing to explain.

use super::words::date_of;
use crate::{chain::types::NodeId, minting::Period, replay::NotThere};

/// Why there is nothing to explain.
pub fn not_there(node: NodeId, period: &Period, missing: &NotThere) -> String {
    let name = match period.number {
        Some(number) => format!("period {number}"),
        None => format!("the range {}..{}", period.start, period.end),
    };
    let reported = match missing.reports {
        0 => String::new(),
        count => format!("; {count} uptime reports name it all the same, which no rule reads"),
    };
    let highest = missing.highest_at_start.max(missing.highest_registered);
    match missing.registered {
        Some((block, time)) => format!(
            "node {node} was created after {name}: it was registered in block {block}, at {}{reported}",
            date_of(time.into())
        ),
        None if node == 0 => format!("node 0 never existed: identifiers of nodes start at 1{reported}"),
        None if node > highest => format!(
            "node {node} did not exist in {name}: it never existed, or was created later; the highest identifier up to \
             then is {highest}{reported}"
        ),
        None => format!(
            "node {node} is not in the state of {name}: it was deleted before the period started (identifiers up to \
             {highest} were given){reported}"
        ),
    }
}
