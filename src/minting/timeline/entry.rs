//! What a timeline is made of.

use crate::chain::types::{ContractId, Height, Node, PowerState, PowerTarget, Resources};
use crate::minting::calculation::Calculation;
use crate::minting::finding::Finding;
use crate::minting::outcome::NodeResult;
use crate::minting::violation::{DataPoint, Violation};

/// An event of a node, and what it came to.
///
/// The credits of all entries add up to the measured uptime; credits and losses together to the length of the
/// period. A loss is negative where a credit covers more than the time since the last one.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The block; none for what is seen at the end.
    pub block: Option<Height>,
    /// Time of the block, or of the end of the period; seconds since the epoch.
    pub time: i128,
    /// What happened.
    pub what: What,
    /// Uptime it earned, seconds.
    pub credit: i128,
    /// Time of the period that is over now without having earned uptime, seconds.
    pub lost: i128,
    /// Uptime earned up to here, seconds.
    pub total: i128,
    /// The violation it is, if it is the first of the node.
    pub violation: Option<Violation>,
}

/// What happened to a node. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all entries are reports, and one node has few")]
pub enum What {
    /// It was registered; anew if it was known, which forgets everything.
    Registered {
        /// Whether it was known.
        again: bool,
    },
    /// It changed.
    Updated {
        /// As it was.
        before: Box<Node>,
        /// As it is.
        after: Box<Node>,
    },
    /// It reported its uptime.
    Report {
        /// Time and uptime of the report.
        point: DataPoint,
        /// Those of the last one that counted.
        previous: Option<DataPoint>,
        /// When it booted before, and when that was first seen.
        first_boot: Option<(i128, i128)>,
        /// Which case of the rules it is.
        verdict: Verdict,
    },
    /// It ran, as far as anyone knows, and did not report.
    Silence {
        /// Its last report, or the start of the period.
        from: i128,
        /// Its next report, or the end of the period.
        until: i128,
    },
    /// Its farmer asked it to wake up or to sleep.
    Target {
        /// What was asked.
        target: PowerTarget,
        /// What that means.
        request: Request,
    },
    /// The chain says that it woke up or went to sleep.
    Power {
        /// What it did.
        state: PowerState,
        /// Whether it was put to sleep, so that the time until now counts.
        fell_asleep: bool,
        /// What was asked of it.
        target: PowerTarget,
    },
    /// A contract was made on it.
    Contract {
        /// The contract.
        contract: ContractId,
        /// Public IPv4 addresses it holds.
        public_ips: u32,
    },
    /// A contract reserved other resources.
    Reserved {
        /// The contract.
        contract: ContractId,
        /// What it uses.
        used: Resources,
    },
    /// A contract reported what it used.
    Used {
        /// The contract.
        contract: ContractId,
        /// Bytes of public traffic that were added.
        nru: u128,
        /// Seconds of public addresses that were added.
        ip_seconds: u128,
        /// Whether anything was added.
        counted: bool,
    },
    /// The period ended.
    End,
}

/// What a request to sleep or wake up means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The node is to sleep.
    Sleep,
    /// The first request to a sleeping node: its time to boot starts.
    Wake,
    /// Another request; the first one counts.
    WakeAgain {
        /// When the first one was.
        first: i128,
    },
    /// The node is up by what the chain says, or its boots are not timed.
    WakeOfAwake,
}

/// Which case of the rules a report is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// The first one.
    First,
    /// The node ran on: its uptime grew so many seconds.
    Continued {
        /// By how much.
        grown: i128,
    },
    /// The node booted since its last report.
    Rebooted,
    /// Its uptime grew more than the time.
    TooHigh {
        /// By how much.
        grown: i128,
    },
    /// Its uptime grew less than the time, without a reboot.
    TooLow {
        /// By how much.
        grown: i128,
    },
    /// Its uptime shrank, but it says that it booted before its last report.
    InvalidReboot,
    /// It woke up.
    Woken(Wake),
    /// It is asleep, and says that it booted before that.
    BootBeforeSleep {
        /// When it was put to sleep.
        asleep: i128,
    },
    /// It is asleep, and nobody asked it to wake up.
    AsleepUnasked {
        /// When it was put to sleep.
        asleep: i128,
    },
    /// It was asked to wake up without having been put to sleep.
    AskedWithoutSleep {
        /// When it was asked.
        requested: i128,
    },
    /// The period is over, and a report after its end was seen already.
    PeriodComplete,
    /// The period is over, and it had no report in it.
    NotSeenInPeriod,
}

impl Verdict {
    /// Whether the report is about the time since the last one.
    pub(super) fn speaks_for_time(&self) -> bool {
        matches!(
            self,
            Self::Continued { .. }
                | Self::Rebooted
                | Self::TooHigh { .. }
                | Self::TooLow { .. }
                | Self::InvalidReboot
        )
    }
}

/// How a node woke up. Times are seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wake {
    /// When it was put to sleep.
    pub asleep: i128,
    /// When it was first asked to wake up.
    pub requested: Option<i128>,
    /// When it booted, as its report has it.
    pub boot: i128,
    /// Seconds from the beginning of the sleep to the report.
    pub slept: i128,
    /// Seconds from the request to the boot.
    pub boot_took: Option<i128>,
    /// Whether it counts as a late boot.
    pub counted_late: bool,
    /// Late boots up to here.
    pub late_boots: u32,
    /// Block and time in which the chain has it up again.
    pub state_up: Option<(Height, i64)>,
}

/// How a period ended for a node. Times are seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ending {
    /// Seconds at the end of the period for which no report speaks.
    pub lost: i128,
    /// When it was put to sleep, if it sleeps.
    pub asleep_since: Option<i128>,
    /// When it was asked to wake up, if no report answered.
    pub wake_requested_at: Option<i128>,
    /// Whether that counts as a late boot.
    pub unanswered: bool,
    /// Late boots, with an unanswered request.
    pub late_boots: u32,
    /// The violation that a report made.
    pub reported_violation: Option<Violation>,
    /// Block and time in which the chain has it up again since it was asked.
    pub state_up: Option<(Height, i64)>,
    /// What was last asked of it.
    pub target: PowerTarget,
    /// What it last did, as the chain has it.
    pub state: PowerState,
}

/// A node that was followed through a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// What happened, in the order of the chain.
    pub entries: Vec<Entry>,
    /// How it ended.
    pub ending: Ending,
    /// What it came to, as every replay has it.
    pub result: NodeResult,
    /// The numbers of its reward; none without a farming policy.
    pub calculation: Option<Calculation>,
    /// What is to be looked at.
    pub findings: Vec<Finding>,
}
