//! Tests of the rules. Every expectation is worked out by hand from the text of the rules; times in them are
//! seconds since the start of the period unless said otherwise.

mod closing;
mod consumption;
mod history;
mod post_period;
mod power;
mod preliminary;
mod properties;
mod receipts;
mod retries;
mod rewards;
mod timeline;
mod uptime;
mod wrapping;

use crate::chain::types::{
    Event, Farm, FarmingPolicy, Height, Node, NodeCertification, NodeId, NodePower, PowerState, PowerTarget,
    Resources, Twin,
};

use super::finding::Finding;
use super::period::Period;
use super::violation::{Violation, ViolationKind};
use super::{Boundaries, Closed, EndState, Fold, NodeResult, Receipt, Rules, StartPower, StartState};

/// Start of period 81.
const START: i64 = 1_735_602_280;
/// Length of a period.
const DURATION: i64 = 2_630_880;
/// First block of the period, 6 seconds after its start. Blocks follow every 6 seconds, so that one lies
/// exactly at the end of the period, and the last block of the period 6 seconds after it.
const FIRST_BLOCK: Height = 1_000;
const LAST_BLOCK: Height = FIRST_BLOCK + 438_480;
/// The node of most tests.
const NODE: NodeId = 1;

fn bounds() -> Boundaries {
    Boundaries {
        period: Period::numbered(81).unwrap(),
        first_block: FIRST_BLOCK,
        first_block_time: START + 6,
        last_block: LAST_BLOCK,
        known_until: None,
    }
}

/// Eight cores, 33 GiB of memory and 400 GiB of SSD: 8 CU and 1.6 SU.
fn node(id: NodeId) -> Node {
    Node {
        id,
        farm_id: 3,
        twin_id: 2,
        resources: Resources { cru: 8, mru: 33 << 30, hru: 0, sru: 400 << 30 },
        certification: NodeCertification::Diy,
        virtualized: false,
        farming_policy_id: 1,
        connection_price: 80,
    }
}

fn policy(id: u32, minimal_uptime: u16) -> FarmingPolicy {
    FarmingPolicy {
        id,
        cu: 2_400,
        su: 1_000,
        nu: 30,
        ipv4: 5,
        minimal_uptime,
        immutable: false,
        default: false,
    }
}

/// Farm 3 with an address, twin 2 with relay and key, policies 1 to 4.
fn end_state() -> EndState {
    let twin = Twin { id: 2, relay: Some(b"relay.grid.tf".to_vec()), pk: Some(vec![2; 33]) };
    EndState {
        farms: [(3, Farm { id: 3, name: b"example".to_vec() })].into(),
        twins: [(2, twin)].into(),
        payout_addresses: [(3, b"GADDRESS".to_vec())].into(),
        policies: [(1, policy(1, 95)), (2, policy(2, 95)), (3, policy(3, 95)), (4, policy(4, 95))].into(),
    }
}

/// A chain on which things happen to nodes, one after the other.
struct Scene {
    fold: Fold,
    end: EndState,
}

impl Scene {
    /// Node 1 is there and up.
    fn new() -> Self {
        Self::with(&Rules::r81(), StartState { nodes: vec![node(NODE)], ..StartState::default() })
    }

    fn with(rules: &Rules, start: StartState) -> Self {
        Self { fold: Fold::new(rules, &bounds(), start), end: end_state() }
    }

    /// Every late boot is a violation, which tells how many there were.
    fn counting_late_boots() -> Self {
        let rules = Rules { late_boots_allowed: 0, ..Rules::r81() };
        Self::with(&rules, StartState { nodes: vec![node(NODE)], ..StartState::default() })
    }

    /// Node 1 went to sleep `seconds` before the start.
    fn asleep(seconds: i64, target: PowerTarget) -> Self {
        let power = StartPower {
            power: NodePower { state: PowerState::Down(FIRST_BLOCK - 1), target },
            down_since: Some(START - seconds),
        };
        let rules = Rules { late_boots_allowed: 0, ..Rules::r81() };
        Self::with(
            &rules,
            StartState { nodes: vec![node(NODE)], power: [(NODE, power)].into(), ..StartState::default() },
        )
    }

    fn event(mut self, at: i64, event: &Event) -> Self {
        self.fold.apply(block_at(at), START + at, event);
        self
    }

    fn report(self, at: i64, uptime: u64) -> Self {
        let now = u64::try_from(START + at).unwrap();
        self.event(at, &Event::NodeUptimeReported { node: NODE, now, uptime })
    }

    /// Reports of a node that booted `booted` seconds after the start.
    fn reports_since(self, booted: i64, at: &[i64]) -> Self {
        at.iter().fold(self, |scene, &at| scene.report(at, u64::try_from(at - booted).unwrap()))
    }

    fn target(self, at: i64, target: PowerTarget) -> Self {
        self.event(at, &Event::PowerTargetChanged { node: NODE, target })
    }

    fn down(self, at: i64) -> Self {
        let state = PowerState::Down(block_at(at));
        self.event(at, &Event::PowerStateChanged { node: NODE, state })
    }

    fn up(self, at: i64) -> Self {
        self.event(at, &Event::PowerStateChanged { node: NODE, state: PowerState::Up })
    }

    /// The farmer puts the node to sleep, and it does so at once.
    fn sleep(self, at: i64) -> Self {
        self.target(at, PowerTarget::Down).down(at)
    }

    fn wake(self, at: i64) -> Self {
        self.target(at, PowerTarget::Up)
    }

    fn close(self) -> End {
        End(self.fold.close(&self.end))
    }
}

/// How it ended.
struct End(Closed);

impl End {
    fn node(&self) -> &NodeResult {
        &self.0.nodes[0]
    }

    fn receipt(&self) -> &Receipt {
        &self.node().receipt.as_ref().unwrap().receipt
    }

    fn uptime(&self) -> u64 {
        self.receipt().measured_uptime
    }

    fn violation(&self) -> Option<Violation> {
        self.node().violation
    }

    fn kind(&self) -> Option<ViolationKind> {
        self.violation().map(|violation| violation.kind())
    }

    fn findings(&self) -> &[Finding] {
        &self.0.findings
    }

    /// Late boots, in a scene that counts them.
    fn late_boots(&self) -> u32 {
        match self.violation() {
            None => 0,
            Some(Violation::BootRequestExpired { late_boots }) => late_boots,
            Some(other) => panic!("another violation: {other}"),
        }
    }

    /// Uptime of a node without violation and findings.
    fn clean_uptime(&self) -> u64 {
        assert_eq!((self.violation(), self.findings()), (None, &[][..]));
        self.uptime()
    }
}

/// The block at a time after the start of the period.
fn block_at(at: i64) -> Height {
    FIRST_BLOCK + Height::try_from((at - 6).max(0) / 6).unwrap()
}

#[test]
fn the_chain_of_these_tests_ends_in_the_block_after_the_end() {
    assert_eq!(block_at(6), FIRST_BLOCK);
    assert_eq!(block_at(DURATION), LAST_BLOCK - 1);
    assert_eq!(block_at(DURATION + 6), LAST_BLOCK);
}
