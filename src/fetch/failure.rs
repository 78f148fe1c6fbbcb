//! Why one endpoint did not do what it was asked.

use std::sync::Arc;

use super::error::Error;
use super::proofs;
use super::wire::Wrong;

/// Why an operation failed on one endpoint; another one may do better.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is away, or was given up.
    Away(String),
    /// It will never answer such a call.
    Refused { call: String, message: String },
    /// It failed the same call again and again.
    Failed { call: String, tries: u32, message: String },
    /// The answer to a single call is too large.
    TooLarge { call: String, message: String },
    /// It has dropped the state of a block.
    Pruned { block: String, message: String },
    /// Its answer has the wrong form, or contradicts the chain, again and again.
    Wrong { subject: String, what: Wrong },
    /// Not its fault.
    Fatal(Error),
}

impl Failure {
    /// Whether asking the same endpoint again makes no sense.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Failure::Refused { .. } | Failure::Pruned { .. } | Failure::Fatal(_))
    }

    /// The error that names the endpoint.
    pub(super) fn of(self, endpoint: &Arc<str>) -> Error {
        let endpoint = Arc::clone(endpoint);
        match self {
            Failure::Away(cause) => Error::Unreachable { endpoint, cause },
            Failure::Refused { call, message } if call.starts_with(proofs::METHOD) => {
                Error::NoProofs { endpoint, call, message }
            }
            Failure::Refused { call, message } if message.to_ascii_lowercase().contains("unsafe") => {
                Error::Unsafe { endpoint, call, message }
            }
            Failure::Refused { call, message } => Error::Refused { endpoint, call, message },
            Failure::Failed { call, tries, message } => Error::Failed { endpoint, call, tries, message },
            Failure::TooLarge { call, message } => Error::TooLarge { endpoint, call, message },
            Failure::Pruned { block, message } => Error::NotAnArchiveNode { endpoint, block, message },
            Failure::Wrong { subject, what } => Error::BadAnswer { endpoint, subject, what },
            Failure::Fatal(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Fatal(error)
    }
}

/// A wrong answer about something.
pub(super) fn wrong(subject: impl Into<String>, what: impl Into<String>) -> Failure {
    Failure::Wrong { subject: subject.into(), what: what.into() }
}
