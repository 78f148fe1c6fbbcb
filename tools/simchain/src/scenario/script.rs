//! How a node behaves: a small language in which every profile is written.
//!
//! Times are seconds since the epoch. What is meant for a time happens in the first block at or behind it,
//! and is left out if the chain has ended by then.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::types::tfgrid::{Node, Power, Twin};

use super::action::Action;
use super::world::{World, new_node};

/// Seconds in a minute.
pub const MINUTE: u64 = 60;
/// Seconds in an hour.
pub const HOUR: u64 = 3_600;
/// Seconds in a day.
pub const DAY: u64 = 86_400;
/// Seconds between two uptime reports of a node.
pub const REPORT_EVERY: u64 = 40 * MINUTE;
/// A report is this many seconds old at most when its block is written.
const LONGEST_WAY: u64 = 5;

/// The script of one node.
#[derive(Debug)]
pub struct Script<'w> {
    world: &'w mut World,
    rng: ChaCha8Rng,
    /// The node.
    pub id: u32,
    /// The node as it is registered, at genesis if it does not join later.
    pub node: Node,
    /// Its twin at genesis.
    pub twin: Twin,
    /// The node is not there before an action stores it.
    pub joins_later: bool,
    /// When the node booted last.
    pub booted: u64,
    /// How far the uptime counter of the node is ahead of the truth, seconds.
    pub ahead: i64,
    /// By how much `ahead` grows with every report, seconds.
    pub drift: i64,
    /// When the first report is due.
    first_report: u64,
}

impl<'w> Script<'w> {
    /// A node that has been up for some days when the chain starts.
    pub fn new(world: &'w mut World, id: u32, mut rng: ChaCha8Rng) -> Self {
        let begin = world.clock.seconds(1);
        let booted = begin.saturating_sub(rng.random_range(10 * DAY..60 * DAY));
        let first_report = begin.saturating_add(rng.random_range(0..REPORT_EVERY));
        let (node, twin) = new_node(id, world.period.start.saturating_sub(100 * DAY));
        Self { world, rng, id, node, twin, joins_later: false, booted, ahead: 0, drift: 0, first_report }
    }

    /// Enters the node into the world.
    pub fn finish(self) {
        if self.joins_later {
            self.world.late_nodes.insert(self.id);
        }
        self.world.twins.insert(self.twin.id, self.twin);
        self.world.nodes.insert(self.id, self.node);
    }

    /// Start of the period plus some seconds.
    pub fn start(&self, plus: u64) -> u64 {
        self.world.period.start.saturating_add(plus)
    }

    /// End of the period plus some seconds.
    pub fn end(&self, plus: u64) -> u64 {
        self.world.period.end.saturating_add(plus)
    }

    /// Time of the block at which the period's state is read last, the first behind the end.
    pub fn end_block_time(&self) -> u64 {
        self.world.clock.seconds(self.world.bounds().1)
    }

    /// Time of the first block of the period.
    pub fn start_block_time(&self) -> u64 {
        self.world.clock.seconds(self.world.bounds().0)
    }

    /// Time of the last block of the chain.
    pub fn last(&self) -> u64 {
        self.world.clock.seconds(self.world.clock.head())
    }

    /// When the node reports first.
    pub fn first_report(&self) -> u64 {
        self.first_report
    }

    /// The id of a new contract.
    pub fn new_contract(&mut self) -> u64 {
        let id = self.world.next_contract;
        self.world.next_contract = id.saturating_add(1);
        id
    }

    /// Does something in the first block at or behind a time.
    pub fn act(&mut self, time: u64, action: Action) {
        let height = self.world.clock.height_at(time);
        self.world.timeline.add(height, action);
    }

    /// Reports an uptime that is made from the honest one.
    pub fn claim(&mut self, time: u64, uptime: impl FnOnce(u64) -> u64) {
        let now = self.world.clock.seconds(self.world.clock.height_at(time));
        let way = self.rng.random_range(0..=LONGEST_WAY);
        let honest = now.saturating_sub(self.booted).saturating_sub(way);
        let uptime = uptime(honest);
        self.act(time, Action::ReportUptime { node: self.id, uptime });
    }

    /// Reports the uptime that the counter of the node shows.
    pub fn report(&mut self, time: u64) {
        let ahead = self.ahead;
        self.ahead = ahead.saturating_add(self.drift);
        self.claim(time, |honest| honest.saturating_add_signed(ahead));
    }

    /// Reports every 40 minutes from a time on until another.
    pub fn up(&mut self, from: u64, until: u64) {
        let mut time = from;
        while time < until {
            self.report(time);
            time = time.saturating_add(REPORT_EVERY);
        }
    }

    /// Reports from the beginning of the chain until a time.
    pub fn up_until(&mut self, until: u64) {
        self.up(self.first_report, until);
    }

    /// Reports from a time on until the chain ends.
    pub fn up_from(&mut self, from: u64) {
        self.up(from, self.last());
    }

    /// Reports all the time.
    pub fn up_throughout(&mut self) {
        self.up_until(self.last());
    }

    /// Boots without having been asked to, and reports two minutes later.
    pub fn reboot(&mut self, time: u64) {
        self.booted = time;
        self.report(time.saturating_add(2 * MINUTE));
    }

    /// The farmer asks for sleep, and the node goes down a block later.
    pub fn sleep(&mut self, time: u64) {
        self.act(time, Action::SetPowerTarget { node: self.id, target: Power::Down });
        self.go_down(time);
    }

    /// The node goes down in the block behind a time, whatever the target.
    pub fn go_down(&mut self, time: u64) {
        let height = self.world.clock.height_at(time).saturating_add(1);
        self.world.timeline.add(height, Action::PowerDown { node: self.id });
    }

    /// The farmer asks the node to wake up.
    pub fn wake(&mut self, time: u64) {
        self.act(time, Action::SetPowerTarget { node: self.id, target: Power::Up });
    }

    /// A node that slept boots: it says that it is up, and reports its uptime in the same block.
    pub fn boot(&mut self, time: u64) {
        self.booted = time;
        let seen = time.saturating_add(2 * MINUTE);
        self.act(seen, Action::PowerUp { node: self.id });
        self.report(seen);
    }

    /// A number below `limit`, from the seed of the node.
    pub fn random(&mut self, limit: u64) -> u64 {
        self.rng.random_range(0..limit.max(1))
    }
}
