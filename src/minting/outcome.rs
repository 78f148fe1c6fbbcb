//! What becomes of a node in a period: its receipt, and whether it is paid.

use crate::chain::types::{Farm, Node};

use super::receipt::{Receipt, ResourceUtilization, Sealed};
use super::standing::Standing;
use super::violation::{Violation, ViolationKind};

/// What became of a node in a period.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeResult {
    /// The node, as last stored or updated in the period.
    pub node: Node,
    /// Its farm; none if the farm does not exist.
    pub farm: Option<Farm>,
    /// Its receipt; none if its farm or its farming policy does not exist, which is a finding.
    pub receipt: Option<Sealed<Receipt>>,
    /// Its first violation; `Display` gives the text.
    pub violation: Option<Violation>,
    /// What the overview shows in forms before [`OverviewForm::Period60`].
    ///
    /// [`OverviewForm::Period60`]: super::OverviewForm::Period60
    pub own: OwnPeriod,
    /// Whether it is paid, or why not.
    pub outcome: Outcome,
    /// What its receipt does not say.
    pub standing: Standing,
}

/// What a node did in the part of the period in which it existed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnPeriod {
    /// Uptime earned, at most the whole of it, seconds.
    pub uptime: u64,
    /// Average use in it, percent.
    pub utilization: ResourceUtilization,
}

/// Whether a node is paid, or why not. The first that applies counts, in the order written here, except
/// that `NoAddress` and `Paid` are told apart last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Its farm or farming policy does not exist, its price is zero, or its amount does not fit 64 bits:
    /// see the findings.
    Finding,
    /// Its farm does not exist, which rules before period 67 passed over.
    NoFarm,
    /// It violated a rule.
    Violation(ViolationKind),
    /// It runs in a virtual machine.
    Virtualized,
    /// It never reported an uptime that counts.
    NoUptime,
    /// It was up for too little of the period.
    BelowFloor,
    /// Its capacity and use are worth nothing.
    NothingEarned,
    /// It earned something, but its farm has no address.
    NoAddress,
    /// It is paid.
    Paid,
}

impl Outcome {
    /// Name for machines, in kebab case: `below-floor`; the name of the violation for a violation.
    pub fn label(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::NoFarm => "no-farm",
            Self::Violation(kind) => kind.label(),
            Self::Virtualized => "virtualized",
            Self::NoUptime => "no-uptime",
            Self::BelowFloor => "below-floor",
            Self::NothingEarned => "nothing-earned",
            Self::NoAddress => "no-address",
            Self::Paid => "paid",
        }
    }
}
