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
    #[error(
        "{endpoint} refuses {call}: {message}; use an endpoint that offers this call, or have its operator allow it"
    )]
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

    /// The endpoint does not offer calls that it holds for unsafe.
    #[error(
        "{endpoint} refuses {call}: {message}; its operator must allow this call \
         (--rpc-methods unsafe, or no filter in the proxy before it), or use another endpoint"
    )]
    Unsafe {
        /// Who refused.
        endpoint: Arc<str>,
        /// The method, and the block it was about.
        call: String,
        /// What the endpoint said.
        message: String,
    },

    /// The endpoint does not prove what it says.
    #[error(
        "{endpoint} refuses {call}: {message}; without this call nothing can be proven: export with --proofs none, \
         or use an endpoint that offers it"
    )]
    NoProofs {
        /// Who refused.
        endpoint: Arc<str>,
        /// The method, and the block it was about.
        call: String,
        /// What the endpoint said.
        message: String,
    },

    /// What was read in pieces does not belong to one chain.
    #[error(
        "block {block} as {second} gives it does not follow the block before it as {first} gave it: the chain was \
         switched to another fork, or one of them answers wrongly; run the same command again, with one of them \
         left out if it stays so"
    )]
    Apart {
        /// The block that does not follow.
        block: u32,
        /// Who gave the block before it.
        first: String,
        /// Who gave the block.
        second: String,
    },

    /// The chain changes whenever one looks.
    #[error(
        "the blocks that {0} give as final change again and again; use another endpoint, or come back later"
    )]
    Unsteady(String),

    /// Two endpoints give different contents for one block.
    #[error(
        "{first} and {second} differ about block {block}: {what}; ask a third node which of them is right, \
         then export again from that one, into another folder if {file} came from the wrong one"
    )]
    Differs {
        /// The block.
        block: u32,
        /// Who gave what is in the archive.
        first: String,
        /// Who gave something else.
        second: Arc<str>,
        /// What differs.
        what: String,
        /// The file that holds the block.
        file: String,
    },

    /// There is no second endpoint to compare with.
    #[error(
        "--cross-check needs a second endpoint that answers, but only {0} is left; \
         run the same command again when the others are back, or without --cross-check"
    )]
    NoSecond(String),

    /// The folder holds an unfinished export of another chain.
    #[error(
        "`{folder}` holds an unfinished export of another chain (genesis {theirs}) than the endpoints serve \
         (genesis {ours}); give endpoints of that chain, or choose another folder"
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
