//! Scenarios: who lives on the chain, and what they do.

mod action;
mod address;
mod author;
pub mod month;
mod pallets;
mod profiles;
mod script;
mod world;

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use self::profiles::Profile;

use self::action::Action;
use self::author::Author;
use self::profiles::{accounts, arrivals, contracts, hazards, power, uptime, violations};
use self::script::{HOUR, Script};
use self::world::World;
use crate::chain::Producer;
use crate::clock::Clock;
use crate::error::Error;
use crate::period::Period;
use crate::proving::Proving;

/// The chain starts this long before the period, seconds.
const LEAD: u64 = 36 * HOUR;
/// Minting looks at the blocks of this time behind the period, seconds.
const WINDOW: u64 = 27 * HOUR;

/// Which nodes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Every behaviour that minting knows, once.
    #[default]
    Small,
    /// A few ordinary nodes, and data that leads to findings.
    Hazards,
}

/// What a chain is made from: the same options make the same bytes.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Which nodes there are.
    #[arg(long, value_enum, default_value_t)]
    pub scenario: Kind,
    /// Minting period that the chain covers.
    #[arg(long, default_value_t = 81)]
    pub period: u32,
    /// Seconds between blocks; the real chain has 6.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub block_time: u64,
    /// Number of nodes; those beyond the scenario's own are normal. [default: one per behaviour]
    #[arg(long)]
    pub nodes: Option<u32>,
    /// Seed of everything that is random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Upgrade the runtime in the middle of the period.
    #[arg(long)]
    pub upgrade: bool,
}

/// A chain that is planned, block by block.
#[derive(Clone, Debug)]
pub struct Scenario {
    options: Options,
    proving: Proving,
    world: World,
    cast: Vec<(u32, Profile)>,
}

impl Scenario {
    /// Plans a chain.
    pub fn new(options: Options) -> Result<Self, Error> {
        let period = Period::new(options.period);
        let window = u32::try_from(WINDOW / options.block_time.max(1)).map_err(|_| Error::BlockTime)?;
        let mut clock_rng = rng(options.seed, 0);
        let clock = Clock::new(period, options.block_time, LEAD, window, &mut clock_rng)?;
        let mut world = World::new(Arc::new(clock), period);
        let cast: Vec<_> = (1..).zip(cast(options.scenario, options.nodes)).collect();
        if options.upgrade {
            let (first, last) = world.bounds();
            world.timeline.add(first.midpoint(last), Action::UpgradeRuntime);
        }
        for (id, profile) in &cast {
            let mut script = Script::new(&mut world, *id, rng(options.seed, *id));
            (profile.play)(&mut script);
            script.finish();
        }
        Ok(Self { options, proving: Proving::default(), world, cast })
    }

    /// The same chain with other layouts of its state, and other justifications.
    pub fn with_proving(mut self, proving: Proving) -> Self {
        self.proving = proving;
        self
    }

    /// The nodes by id, with how they behave.
    pub fn cast(&self) -> &[(u32, Profile)] {
        &self.cast
    }

    /// The period that the chain covers.
    pub fn period(&self) -> Period {
        self.world.period
    }

    /// First block of the period and first block behind it: those at which minting reads the state.
    pub fn bounds(&self) -> (u32, u32) {
        self.world.bounds()
    }

    /// Length of a slot, milliseconds.
    pub fn block_time_ms(&self) -> u64 {
        self.world.clock.block_time_ms()
    }

    /// Blocks behind the period that minting looks at.
    pub fn window_blocks(&self) -> u32 {
        u32::try_from(WINDOW.saturating_mul(1000) / self.block_time_ms().max(1)).unwrap_or(u32::MAX)
    }

    /// The blocks of the chain, made one after the other.
    pub fn produce(self) -> Producer<impl Iterator<Item = crate::chain::Content>> {
        let block_time_ms = self.block_time_ms();
        let (first, later) = self.proving.runtimes(block_time_ms);
        let later = if self.options.upgrade { vec![later] } else { vec![] };
        let genesis = self.world.genesis();
        Producer::new(first, later, genesis, Author::new(self.world)).with_proving(&self.proving)
    }
}

/// The profiles of the nodes, in order of their ids.
fn cast(kind: Kind, nodes: Option<u32>) -> impl Iterator<Item = Profile> {
    let (first, last) = match kind {
        Kind::Small => (
            [
                uptime::PROFILES,
                violations::PROFILES,
                accounts::PROFILES,
                power::PROFILES,
                contracts::PROFILES,
            ]
            .concat(),
            arrivals::PROFILES,
        ),
        Kind::Hazards => {
            ([uptime::PROFILES.get(..2).unwrap_or_default(), hazards::PROFILES].concat(), &[][..])
        }
    };
    let own = first.len().saturating_add(last.len());
    let wanted = nodes.map_or(own, |nodes| usize::try_from(nodes).unwrap_or(usize::MAX));
    let normal = uptime::PROFILES.first().copied();
    let more = normal.into_iter().cycle().take(wanted.saturating_sub(own));
    first.into_iter().chain(more).chain(last.iter().copied()).take(wanted)
}

/// Randomness of one node; 0 is the clock's.
fn rng(seed: u64, stream: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(stream));
    rng
}
