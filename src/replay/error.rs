//! Why a replay could not be done.

use std::path::PathBuf;

use crate::{archive, chain, minting};

/// Result of a replay.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a replay could not be done; the message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of an archive cannot be used.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// A time range that is none.
    #[error(transparent)]
    Period(#[from] minting::PeriodError),
    /// Archives that do not belong together.
    #[error("archives do not belong together: {0}")]
    Apart(String),
    /// The archives do not hold what the replay needs.
    #[error("{what}; get them with `{command}`{hint}", hint = if *.ends_early { PARTIAL_HINT } else { "" })]
    NotCovered {
        /// What is missing.
        what: String,
        /// The command that exports it.
        command: String,
        /// Only the end of the period is missing.
        ends_early: bool,
    },
    /// A saved state cannot be used.
    #[error("`{path}`: {what}")]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is nothing preliminary about a result.
    #[error("the archives hold all of {range}: nothing is preliminary about it; leave out --partial")]
    Whole {
        /// The period.
        range: String,
    },
    /// Something in a block does not decode.
    #[error("`{path}`, block {block}: {source}; {RUNTIME_HINT} {runtime}")]
    Block {
        /// The chunk.
        path: PathBuf,
        /// Height.
        block: u32,
        /// The runtime by which it was read.
        runtime: String,
        /// What is wrong.
        source: chain::Error,
    },
    /// Something in a state snapshot does not decode.
    #[error("`{path}`, state of block {block}: {source}; {RUNTIME_HINT} {runtime}")]
    State {
        /// The snapshot.
        path: PathBuf,
        /// Height.
        block: u32,
        /// The runtime by which it was read.
        runtime: String,
        /// What is wrong.
        source: chain::Error,
    },
    /// The metadata of a runtime that is needed cannot be used.
    #[error("`{path}`: {source}; install a minting-replay that knows this runtime")]
    Runtime {
        /// The metadata file.
        path: PathBuf,
        /// What is wrong.
        source: chain::Error,
    },
    /// A power state names a block whose time is not known.
    #[error(
        "`{path}`, state of block {block}: node {node} went down in block {down}, whose time the \
         snapshot does not have; the state cannot be right, export it again from another node"
    )]
    DownBlock {
        /// The snapshot.
        path: PathBuf,
        /// Height of the snapshot.
        block: u32,
        /// The node.
        node: u32,
        /// The block that its power state names.
        down: u32,
    },
    /// Somebody pressed Ctrl-C.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

/// What can be done without the end of a period.
const PARTIAL_HINT: &str = ", or see a preliminary result with `minting-replay run --partial`";

/// Says which runtime an undecodable value was read by.
const RUNTIME_HINT: &str = "it was read by the runtime";
