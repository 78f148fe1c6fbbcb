//! The block at which published results and a replay part, and why: read off the timeline of the node.
//!
//! A receipt holds sums, so the block is as exact as they allow. A violation names its block. Uptime parts where one thing
//! that happened accounts for all of the difference, if that is so of one alone. Else uptime that is more here parts at the latest where the uptime credited here passes what was published; uptime that is less,
//! where more time is lost here than was lost in all of the published period. What follows from a state parts in the block of that state.

use super::{About, Difference};
use crate::{
    chain::types::NodeId,
    minting::{Entry, Followed, Period, Rules, What},
    replay::Explained,
    report::explain::{Explanation, not_there},
};

/// Where two results part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The difference that is explained.
    pub difference: Difference,
    /// The block.
    pub block: u32,
    /// Time of the block or of the report in it, seconds since the epoch; none if it is that of a state.
    pub time: Option<i128>,
    /// What happened there, as the replay has it.
    pub reason: String,
}

/// The first place at which the results of a node part. `differences` are those of this node, in their order.
pub fn first(
    period: &Period,
    rules: &Rules,
    explained: &Explained,
    node: NodeId,
    differences: &[&Difference],
) -> Option<Place> {
    let difference = *differences.first()?;
    let located = &explained.located;
    let followed = match &explained.node {
        Ok(followed) => followed,
        Err(missing) => {
            return Some(Place {
                difference: difference.clone(),
                block: missing.registered.map_or(located.first_block, |(block, _)| block),
                time: missing.registered.map(|(_, time)| time.into()),
                reason: not_there(node, period, missing),
            });
        }
    };
    let timeline = Seen {
        period,
        explanation: Explanation::new(period, rules, explained, followed),
        followed,
        first_block: located.first_block,
        last_block: located.last_block,
    };
    // Violation and uptime both have blocks of their own: the earlier one counts. All else follows in its order.
    let with_blocks = differences.iter().filter(|d| matches!(d.about, About::Violation | About::Uptime));
    let mut places: Vec<Place> = match difference.about {
        About::Violation | About::Uptime => with_blocks.map(|d| timeline.place(d)).collect(),
        _ => vec![timeline.place(difference)],
    };
    places.sort_by_key(|place| place.block);
    places.into_iter().next()
}

/// A node as it was followed, and where the period lies.
struct Seen<'a> {
    period: &'a Period,
    explanation: Explanation<'a>,
    followed: &'a Followed,
    first_block: u32,
    last_block: u32,
}

impl Seen<'_> {
    fn place(&self, difference: &Difference) -> Place {
        let (entry, start) = match difference.about {
            About::Presence => (self.entry(|what| matches!(what, What::Registered { .. })), true),
            About::Node => {
                (self.entry(|what| matches!(what, What::Updated { .. } | What::Registered { .. })), true)
            }
            About::Capacity => (self.entry(changes_capacity), true),
            About::Violation => (self.violation(difference), false),
            About::Uptime => return self.uptime(difference),
            About::Use => (self.entry(is_use), true),
            // Without the overview nothing published tells of a violation but the amount.
            About::Reward | About::Row if self.followed.result.violation.is_some() => {
                (self.followed.entries.iter().find(|entry| entry.violation.is_some()), false)
            }
            About::Reward | About::Row | About::End | About::Form => (None, false),
        };
        let answer = self.explanation.answer();
        match entry {
            Some(entry) => {
                let words = self.explanation.words(entry);
                let shown = if entry.violation.is_some() { format!("{words}. {answer}") } else { words };
                self.at(difference, entry, shown)
            }
            None if start => {
                let what = "it is in the state after the first block of the period, and no event changes it";
                self.in_state(difference, self.first_block, format!("{what}. {answer}"))
            }
            None => {
                let what = match difference.about {
                    About::End => "names, addresses and prices are those of the state after the last block",
                    About::Form => "no event of the chain decides about it; the result here",
                    _ => "uptime, use and capacity decide together with the state after the last block",
                };
                self.in_state(difference, self.last_block, format!("{what}. {answer}"))
            }
        }
    }

    fn entry(&self, is_it: impl Fn(&What) -> bool) -> Option<&Entry> {
        self.followed.entries.iter().find(|entry| is_it(&entry.what))
    }

    /// The entry of the violation here, or of the block and the times that the published one names; the earlier one.
    fn violation(&self, difference: &Difference) -> Option<&Entry> {
        let published = difference.published.as_deref().unwrap_or_default();
        let numbers: Vec<i128> =
            published.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        let named = |entry: &&Entry| {
            let of_block = entry.block.is_some_and(|block| published.ends_with(&format!("in block {block}")));
            let at = match &entry.what {
                What::Report { point, .. } => point.at,
                _ => entry.time,
            };
            of_block || (!published.contains(" in block ") && numbers.contains(&at))
        };
        let entries = &self.followed.entries;
        entries.iter().find(|entry| entry.violation.is_some() || named(entry))
    }

    fn uptime(&self, difference: &Difference) -> Place {
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<i128>().ok());
        let (Some(published), Some(here)) = (number(&difference.published), number(&difference.here)) else {
            return self.in_state(difference, self.last_block, "one side states no uptime".to_owned());
        };
        let entries = &self.followed.entries;
        let missing = published.saturating_sub(here);
        let of_all =
            |entry: &&Entry| if missing > 0 { entry.lost == missing } else { entry.credit == -missing };
        let mut exact = entries.iter().filter(of_all);
        if let (Some(entry), None) = (exact.next(), exact.next()) {
            let what = if missing > 0 { "earn nothing" } else { "are credited" };
            let seconds = missing.unsigned_abs();
            let words = format!(
                "exactly the {seconds} s by which both differ {what} here: {}",
                self.explanation.words(entry)
            );
            return self.at(difference, entry, words);
        }
        let passes = entries.iter().find(|entry| entry.total > published);
        if let Some(entry) = passes.filter(|_| here > published) {
            let words = format!(
                "here the uptime credited passes what was published, from {} to {} s: {}",
                entry.total.saturating_sub(entry.credit),
                entry.total,
                self.explanation.words(entry)
            );
            return self.at(difference, entry, words);
        }
        // Of the time that was published as lost, more is lost here from this entry on.
        let allowed = i128::from(self.period.duration()).saturating_sub(published);
        let mut lost = 0_i128;
        let passes = entries.iter().find(|entry| {
            lost = lost.saturating_add(entry.lost);
            lost > allowed
        });
        match passes {
            Some(entry) => {
                let words = format!(
                    "here {lost} s of the period earn nothing up to this block, in what was published {} s in all of the \
                     period ({missing} s fewer than here): {}",
                    allowed.max(0),
                    self.explanation.words(entry)
                );
                self.at(difference, entry, words)
            }
            None => {
                let words = format!("no report of it earns more here. {}", self.explanation.answer());
                self.in_state(difference, self.last_block, words)
            }
        }
    }

    fn at(&self, difference: &Difference, entry: &Entry, reason: String) -> Place {
        Place {
            difference: difference.clone(),
            block: entry.block.unwrap_or(self.last_block),
            time: Some(entry.time),
            reason,
        }
    }

    fn in_state(&self, difference: &Difference, block: u32, reason: String) -> Place {
        Place { difference: difference.clone(), block, time: None, reason }
    }
}

fn is_use(what: &What) -> bool {
    matches!(what, What::Contract { .. } | What::Reserved { .. } | What::Used { .. })
}

fn changes_capacity(what: &What) -> bool {
    match what {
        What::Updated { before, after } => before.resources != after.resources,
        What::Registered { .. } => true,
        _ => false,
    }
}
