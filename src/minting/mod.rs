//! The rules of minting: from what blocks say to what every node earns.
//!
//! A [`Fold`] is given the state of the chain at the first block of a period and then every event of the
//! period, and of some hours after it, in the order of the chain. Closing it against the state at the end
//! of the period gives one [`NodeResult`] a node. Nothing here reads files, decodes bytes or starts threads.
//!
//! Where each rule lives: `uptime` judges uptime reports (`steady` most of them in less time), `power` sleep and wake-up, `consumption` and
//! `capacity` what is sold and offered, `reward` turns that into money, `closing` into a receipt. `rules` holds what differed over time.

mod arithmetic;
mod calculation;
mod capacity;
mod closing;
mod consumption;
mod finding;
mod fixup;
mod fold;
mod folded;
mod imprecise;
mod ledger;
mod ledgers;
mod outcome;
mod period;
mod power;
mod preliminary;
mod receipt;
mod retry;
mod reward;
mod rules;
mod standing;
mod state;
mod steady;
mod timeline;
mod uptime;
mod violation;

#[cfg(test)]
mod tests;

pub use arithmetic::Arithmetic;
pub use calculation::{Calculation, Scale, Worth};
pub use capacity::ComputeLimits;
pub use finding::{Finding, text_findings};
pub use fixup::fix_up;
pub use fold::{Closed, Fold};
pub use folded::Folded;
pub use outcome::{NodeResult, Outcome, OwnPeriod};
pub use period::{PERIOD_SECONDS, Period, PeriodError};
pub use receipt::{
    CloudUnits, FixupReceipt, NodeType, Receipt, ReceiptError, ResourceRewards, ResourceUnits,
    ResourceUtilization, RetryReceipt, Reward, Sealed, Span,
};
pub use retry::{Origin, Previous, Retry, retries};
pub use rules::{
    BugMode, Bugs, Carbon, FixupForm, FloorUnit, InForce, LateBoot, Mismatch, OverviewForm, Prices,
    RULE_SETS, RaisedCapacity, ReceiptForm, ReportTime, Retries, RuleSet, Rules, RulesError, Scaling,
    SecondViolation, SeenEarly, SleepWaiver, TestNetPolicy, UseSource, ViolationTexts,
};
pub use standing::Standing;
pub use state::{Boundaries, EndState, LastUse, StartPower, StartState};
pub use timeline::{Ending, Entry, Followed, Request, Timeline, Verdict, Wake, What};
pub use violation::{DataPoint, Violation, ViolationKind};
