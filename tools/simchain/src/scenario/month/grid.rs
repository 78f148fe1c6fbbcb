//! The grid of a month: nodes and contracts in the order in which they act next, so that the actions of a block are
//! known when it is written and no earlier.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::clock::Clock;
use crate::scenario::action::Action;
use crate::scenario::script::{DAY, HOUR, MINUTE, REPORT_EVERY};
use crate::scenario::world::{GIB, World, new_node};
use crate::types::smart_contract::{Contract, ContractData, ContractResources, ContractState, NodeContract};
use crate::types::tfgrid::{Node, Resources, Twin};

use super::habits::{self, ARRIVAL, HABITS, Habit, Step};

/// One node in this many joins in the period.
const NODES_PER_ARRIVAL: u32 = 500;
/// A node begins its steps so many seconds behind their time at most.
const LONGEST_SHIFT: u64 = 30 * MINUTE;
/// A node reads its counter this many seconds before its report is sent at most.
const LONGEST_WAY: u64 = 7;
/// Seconds between two bills of a contract, and between two reports of its traffic.
const METERED_EVERY: u64 = 2 * HOUR;
/// Twins of those who have contracts.
const TENANTS: u32 = 200;
/// The first of them.
const FIRST_TENANT: u32 = 10_000_000;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Node(usize),
    Contract(usize),
}

/// Everybody, in the order in which they act next.
#[derive(Debug)]
pub struct Grid {
    clock: Arc<Clock>,
    /// Start of the first period, seconds.
    start: u64,
    rng: ChaCha8Rng,
    nodes: Vec<Being>,
    contracts: Vec<Lease>,
    next: BinaryHeap<Reverse<(u64, Who)>>,
}

/// A node.
#[derive(Debug)]
struct Being {
    id: u32,
    habit: &'static Habit,
    /// Start of the current round of steps, the node's own shift included; seconds.
    round: u64,
    /// The next step of the habit.
    step: usize,
    booted: u64,
    /// When the counter is read next.
    read: u64,
    /// When the report of that reading is sent.
    send: u64,
    ahead: i64,
    once: i64,
    drift: i64,
    reporting: bool,
    down: bool,
}

/// A contract on a node.
#[derive(Clone, Copy, Debug)]
struct Lease {
    id: u64,
    node: u32,
    created: bool,
    /// A bill is next, not a report of traffic.
    bill: bool,
}

impl Grid {
    /// Puts `nodes` nodes into the world, and `contracts` contracts on those that are always up.
    pub fn new(world: &mut World, nodes: u32, contracts: u32, mut rng: ChaCha8Rng) -> Self {
        let clock = Arc::clone(&world.clock);
        let begin = clock.seconds(1);
        let mut beings = Vec::new();
        let mut next = BinaryHeap::new();
        let old = nodes.saturating_sub(nodes / NODES_PER_ARRIVAL);
        for (at, id) in (0..).zip(1..=nodes) {
            // Every habit once, then by share.
            let habit = match HABITS.get(at) {
                _ if id > old => ARRIVAL,
                Some(habit) => habit,
                None => habits::at(rng.random_range(0..habits::total())).unwrap_or(ARRIVAL),
            };
            let being = Being::new(id, habit, world.period.start, begin, &mut rng);
            next.push(Reverse((being.due().unwrap_or(begin), Who::Node(at))));
            let (node, twin) = being.registered(world.period.start.saturating_sub(100 * DAY));
            world.twins.insert(twin.id, twin);
            if std::ptr::eq(habit, ARRIVAL) {
                world.late_nodes.insert(id);
            }
            world.nodes.insert(id, node);
            beings.push(being);
        }
        let hosts: Vec<u32> =
            beings.iter().filter(|node| node.habit.name == "normal").map(|n| n.id).collect();
        let mut leases = Vec::new();
        for (at, (id, node)) in (1..=u64::from(contracts)).zip(hosts.into_iter().cycle()).enumerate() {
            leases.push(Lease { id, node, created: false, bill: false });
            next.push(Reverse((begin.saturating_add(rng.random_range(0..METERED_EVERY)), Who::Contract(at))));
        }
        Self { clock, start: world.period.start, rng, nodes: beings, contracts: leases, next }
    }

    /// What happens in the block at `height`; blocks are asked for one after the other.
    pub fn take(&mut self, height: u32) -> Vec<Action> {
        let now = self.clock.seconds(height);
        let mut actions = Vec::new();
        while let Some(Reverse((due, _))) = self.next.peek()
            && *due <= now
            && let Some(Reverse((due, who))) = self.next.pop()
        {
            let again = match who {
                Who::Node(at) => self.nodes.get_mut(at).and_then(|node| {
                    node.act(now, self.start, &mut self.rng, &mut actions);
                    node.due()
                }),
                Who::Contract(at) => self.contracts.get_mut(at).map(|lease| {
                    let wait = lease.act(&mut self.rng, &mut actions);
                    due.saturating_add(wait)
                }),
            };
            // Nobody acts twice in a block but on purpose.
            self.next.extend(again.map(|time| Reverse((time.max(now.saturating_add(1)), who))));
        }
        actions
    }
}

impl Being {
    fn new(id: u32, habit: &'static Habit, start: u64, begin: u64, rng: &mut ChaCha8Rng) -> Self {
        let read = begin.saturating_add(rng.random_range(0..REPORT_EVERY));
        let round = start.saturating_add(rng.random_range(0..LONGEST_SHIFT));
        Self {
            id,
            habit,
            round,
            step: 0,
            booted: begin.saturating_sub(rng.random_range(10 * DAY..60 * DAY)),
            read,
            send: read.saturating_add(rng.random_range(0..=LONGEST_WAY)),
            ahead: 0,
            once: 0,
            drift: 0,
            reporting: !std::ptr::eq(habit, ARRIVAL),
            down: false,
        }
    }

    /// The node and its twin, registered at `created`.
    fn registered(&self, created: u64) -> (Node, Twin) {
        let (mut node, mut twin) = new_node(self.id, created);
        (self.habit.prepare)(&mut node, &mut twin);
        (node, twin)
    }

    /// When the node acts next, if ever.
    fn due(&self) -> Option<u64> {
        let report = self.reporting.then_some(self.send);
        [report, self.next_step().map(|(time, _)| time)].into_iter().flatten().min()
    }

    fn next_step(&self) -> Option<(u64, Step)> {
        let (offset, step) = self.habit.steps.get(self.step)?;
        Some((self.round.saturating_add_signed(*offset), *step))
    }

    /// Takes the steps that are due, and reports.
    fn act(&mut self, now: u64, start: u64, rng: &mut ChaCha8Rng, actions: &mut Vec<Action>) {
        while let Some((time, step)) = self.next_step()
            && time <= now
        {
            self.step = self.step.saturating_add(1);
            if self.step == self.habit.steps.len() {
                self.step = 0;
                self.round = self.round.saturating_add(self.habit.every);
            }
            self.take_step(step, now, start, actions);
        }
        if self.reporting && self.send <= now {
            self.report(actions);
            // Timers of nodes run late, and so do the answers of those they talk to.
            let late = [0, 0, 0, 0, 0, 1, 1, 1, 2, 4].get(rng.random_range(0..10)).copied().unwrap_or(0);
            self.read = self.read.saturating_add(REPORT_EVERY).saturating_add(late).max(now);
            self.send = self.read.saturating_add(rng.random_range(0..=LONGEST_WAY));
        }
    }

    fn report(&mut self, actions: &mut Vec<Action>) {
        let honest = self.read.saturating_sub(self.booted);
        let uptime = honest.saturating_add_signed(self.ahead.saturating_add(self.once));
        self.once = 0;
        self.ahead = self.ahead.saturating_add(self.drift);
        actions.push(Action::ReportUptime { node: self.id, uptime });
    }

    /// Reports go on now.
    fn resume(&mut self, now: u64) {
        self.reporting = true;
        self.read = now;
        self.send = now;
    }

    fn take_step(&mut self, step: Step, now: u64, start: u64, actions: &mut Vec<Action>) {
        let node = self.id;
        match step {
            Step::Ask(target) => actions.push(Action::SetPowerTarget { node, target }),
            Step::GoDown => {
                self.reporting = false;
                self.down = true;
                actions.push(Action::PowerDown { node });
            }
            Step::Boot if !self.down => {}
            Step::Boot => {
                self.down = false;
                self.booted = now.saturating_sub(2 * MINUTE);
                actions.push(Action::PowerUp { node });
                self.resume(now);
            }
            Step::Restart => {
                self.booted = now.saturating_sub(2 * MINUTE);
                self.ahead = 0;
                self.resume(now);
            }
            Step::Silence => self.reporting = false,
            Step::Resume => self.resume(now),
            Step::Jump(by) => self.ahead = self.ahead.saturating_add(by),
            Step::Once(by) => self.once = by,
            Step::Drift(by) => self.drift = self.drift.saturating_add(by),
            Step::Forget(seconds) => self.booted = self.booted.saturating_add(seconds),
            Step::Twice => {
                let uptime = now.saturating_sub(self.booted).saturating_add_signed(self.ahead);
                let reports = [uptime, uptime.saturating_sub(6)];
                actions.extend(reports.map(|uptime| Action::ReportUptime { node, uptime }));
            }
            Step::Change(change) => {
                let (mut changed, _) = self.registered(start.saturating_sub(100 * DAY));
                change(&mut changed);
                actions.push(Action::UpdateNode(Box::new(changed)));
            }
            Step::Store => {
                let created = if self.reporting { start.saturating_sub(100 * DAY) } else { now };
                actions.push(Action::StoreNode(Box::new(self.registered(created).0)));
                if !self.reporting {
                    self.booted = now.saturating_sub(10 * MINUTE);
                    self.reporting = true;
                    self.read = now.saturating_add(REPORT_EVERY / 2);
                    self.send = self.read;
                }
            }
            Step::DropTwin => actions.push(Action::DeleteTwin(self.registered(start).1.id)),
        }
    }
}

impl Lease {
    /// Is made, reports traffic or is billed, in turns; gives the seconds until it acts again.
    fn act(&mut self, rng: &mut ChaCha8Rng, actions: &mut Vec<Action>) -> u64 {
        if !self.created {
            self.created = true;
            let used = Resources { hru: 0, sru: 50 * GIB, cru: 2, mru: 4 * GIB };
            actions.push(Action::CreateContract(Box::new(self.contract())));
            actions.push(Action::UseResources(ContractResources { contract_id: self.id, used }));
            return METERED_EVERY;
        }
        self.bill = !self.bill;
        if self.bill {
            let nru = rng.random_range(0..2 * GIB);
            actions.push(Action::ReportTraffic { contract: self.id, window: METERED_EVERY, nru });
            return 10 * MINUTE;
        }
        let amount = u128::from(rng.random_range(2_000..60_000_u32));
        actions.push(Action::Bill { contract: self.id, amount });
        METERED_EVERY.saturating_sub(10 * MINUTE)
    }

    fn contract(&self) -> Contract {
        let tenant = u32::try_from(self.id % u64::from(TENANTS)).unwrap_or_default();
        let data = NodeContract {
            node_id: self.node,
            deployment_hash: [b'0'; 32],
            deployment_data: br#"{"type":"vm","name":"vm1","projectName":""}"#.to_vec(),
            public_ips: 0,
            public_ips_list: vec![],
        };
        Contract {
            version: 4,
            state: ContractState::Created,
            contract_id: self.id,
            twin_id: FIRST_TENANT.saturating_add(tenant),
            contract_type: ContractData::NodeContract(data),
            solution_provider_id: None,
        }
    }
}
