//! Behaviours of nodes, each with what the rules of today make of it.

pub mod accounts;
pub mod arrivals;
pub mod contracts;
pub mod hazards;
pub mod power;
pub mod uptime;
pub mod violations;

use super::script::Script;

/// A behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Name, for people.
    pub name: &'static str,
    /// What the rules of period 81 make of it.
    pub outcome: &'static str,
    /// Writes what the node does.
    pub play: fn(&mut Script<'_>),
}

/// Shorthand for the tables of profiles.
const fn profile(name: &'static str, outcome: &'static str, play: fn(&mut Script<'_>)) -> Profile {
    Profile { name, outcome, play }
}
