//! What can go wrong during an export, and what to do about it.

use std::num::TryFromIntError;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{archive, chain};

/// Why an export stopped. Chunks finished before are kept; the same command goes on from them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address is none.
    #[error("{0:?} is not an address of a node: give http://, https://, ws:// or wss:// and a host")]
    Address(String),

    /// An address is not one of a Horizon server.
    #[error("{0:?} is not an address of a Horizon server: give http:// or https:// and a host")]
    Horizon(String),

    /// No endpoint answers.
    #[error(
        "{endpoint} can not be reached: {cause}; check the address and the network, then run the same command again"
    )]
    Unreachable {
        /// The last endpoint that was given up.
        endpoint: Arc<str>,
        /// What its transport said.
        cause: String,
    },

    /// The endpoint understood a call and will never answer it.
    #[error("{endpoint} refuses {call}: {message}; use an endpoint that offers this call")]
    Refused {
        /// Who refused.
        endpoint: Arc<str>,
        /// The method, and the block it was about.
        call: String,
        /// What the endpoint said.
        message: String,
    },

    /// The endpoint failed the same call again and again.
    #[error("{endpoint} failed {call} {tries} times: {message}; run the same command again later")]
    Failed {
        /// Who failed.
        endpoint: Arc<str>,
        /// The method, and the block it was about.
        call: String,
        /// How often it was tried.
        tries: u32,
        /// What the endpoint said last.
        message: String,
    },

    /// The answer to a single call is larger than the endpoint sends or the program accepts.
    #[error("the answer of {endpoint} to {call} is too large: {message}")]
    TooLarge {
        /// Who answered.
        endpoint: Arc<str>,
        /// The method, and the block it was about.
        call: String,
        /// What the transport said.
        message: String,
    },

    /// The endpoint has dropped the state of an old block.
    #[error(
        "{endpoint} is not an archive node: it no longer has the state of {block} ({message}); \
         use a node that runs with --state-pruning archive"
    )]
    NotAnArchiveNode {
        /// Who said so.
        endpoint: Arc<str>,
        /// Which block.
        block: String,
        /// What the endpoint said.
        message: String,
    },

    /// Two endpoints serve different chains.
    #[error(
        "{first} and {second} serve different chains (genesis {first_genesis} and {second_genesis}); \
         give endpoints of one chain"
    )]
    OtherChain {
        /// One endpoint.
        first: Arc<str>,
        /// Its genesis hash.
        first_genesis: String,
        /// The other endpoint.
        second: Arc<str>,
        /// Its genesis hash.
        second_genesis: String,
    },

    /// The folder holds an unfinished export of another chain.
    #[error(
        "`{folder}` holds an unfinished export of the chain with genesis {theirs}, but the endpoints serve \
         the one with genesis {ours}; give endpoints of that chain, or choose another folder"
    )]
    OtherArchive {
        /// The folder.
        folder: PathBuf,
        /// Genesis hash of the export.
        theirs: String,
        /// Genesis hash of the endpoints.
        ours: String,
    },

    /// An answer has the wrong form, or contradicts the chain.
    #[error("{endpoint} answers wrongly about {subject}: {what}; do not use this endpoint")]
    BadAnswer {
        /// Who answered.
        endpoint: Arc<str>,
        /// What was asked for.
        subject: String,
        /// What is wrong.
        what: String,
    },

    /// The range reaches beyond the finalized head.
    #[error("{what}, but the finalized head is block {head} ({head_time}); {advice}")]
    NotFinal {
        /// What was asked for.
        what: String,
        /// Height of the finalized head.
        head: u32,
        /// Its time.
        head_time: String,
        /// When to come back.
        advice: String,
    },

    /// The range makes no sense.
    #[error("{0}")]
    Range(String),

    /// A runtime can not be understood.
    #[error("the runtime with spec version {spec_version} (state of block {block}): {source}")]
    Runtime {
        /// Its spec version.
        spec_version: u32,
        /// A block whose state has it.
        block: u32,
        /// Why.
        source: chain::Error,
    },

    /// The archive can not be written or continued.
    #[error(transparent)]
    Archive(#[from] archive::Error),

    /// A part of the program ended early; a defect.
    #[error("internal error: {0}; please report it")]
    Internal(&'static str),
}

impl From<TryFromIntError> for Error {
    fn from(_: TryFromIntError) -> Self {
        Error::Internal("a count does not fit its type")
    }
}
