//! What of a chain can be proven, and how.

use crate::finality::Finality;
use crate::runtime::Runtime;

/// How values are kept in the state, and who finalizes blocks. All of it has a default.
#[derive(Clone, Debug, clap::Args)]
pub struct Proving {
    /// Layout of the state trie, the stateVersion of the runtime.
    #[arg(long, value_enum, default_value_t)]
    pub state_version: StateVersion,
    /// One block in this many has a justification of GRANDPA, at least.
    #[arg(long, value_name = "BLOCKS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub justify_every: u32,
    /// Number of GRANDPA authorities.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub authorities: u32,
    /// Change one of the authorities in this block; can be given several times.
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u32).range(1..))]
    pub new_authority_at: Vec<u32>,
}

impl Default for Proving {
    fn default() -> Self {
        Self {
            state_version: StateVersion::default(),
            justify_every: 512,
            authorities: 4,
            new_authority_at: Vec::new(),
        }
    }
}

impl Proving {
    /// Who finalizes blocks.
    pub fn finality(&self) -> Finality {
        Finality {
            every: self.justify_every,
            authorities: self.authorities,
            changes: self.new_authority_at.iter().copied().collect(),
        }
    }

    /// The first runtime, and the one it is upgraded to.
    pub fn runtimes(&self, block_time_ms: u64) -> (Runtime, Runtime) {
        let (first, later) = match self.state_version {
            StateVersion::V0 => (0, 0),
            StateVersion::V1 => (1, 1),
            StateVersion::Upgraded | StateVersion::Migrated => (0, 1),
        };
        let runtimes = (Runtime::spec_145(block_time_ms), Runtime::upgraded(block_time_ms));
        (runtimes.0.with_state_version(first), runtimes.1.with_state_version(later))
    }
}

/// Layout of the state trie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StateVersion {
    /// Every value is in its node.
    #[default]
    #[value(name = "0")]
    V0,
    /// Values of more than 32 bytes are nodes of their own.
    #[value(name = "1")]
    V1,
    /// 0, and 1 from the runtime upgrade on: what is not written again stays as it was.
    Upgraded,
    /// 0, and 1 from the runtime upgrade on: the block behind it writes the whole state again.
    Migrated,
}
