//! Reads a range of blocks from archive nodes, over JSON-RPC, into an archive.
//!
//! From the wire up: `address` says where, `client` carries requests to one endpoint, `throttle` reads from the
//! headers when to come back, `pace` says how fast, `endpoint` keeps to it, `ask` asks one endpoint many calls and
//! tries again, `pool` does work on the endpoint that has least to do, and elsewhere when it fails there, `wire` turns
//! answers into bytes, `node` asks in terms of heights, `locate` searches, `runtimes`, `state` and `blocks` read one
//! kind of thing each, `proofs` has it proven, `finality` looks for the word of the validators, `chunks` puts blocks together, `cross_check` asks for a second opinion, `store` writes, `plan`
//! turns a request into blocks, `estimate` says what they cost, and [`Export`] does it all in order. Nodes are not
//! trusted: what they say must hash, link and decode, or it is an error that names the node and the block. `stellar`
//! reads another network: what was paid, from a Horizon server.

mod address;
mod ask;
mod blocks;
mod chunks;
mod client;
mod cross_check;
mod endpoint;
mod error;
mod estimate;
mod export;
mod failure;
mod finality;
pub mod hostile;
mod locate;
mod node;
mod pace;
mod plan;
mod pool;
mod progress;
mod proofs;
mod runtimes;
mod state;
mod stellar;
mod store;
mod throttle;
mod wire;

pub use error::Error;
pub use estimate::Estimate;
pub use export::{Export, Exported, Remaining, reserve};
pub use pace::Pace;
pub use plan::{Partial, Request, TimeRange};
pub use progress::{Progress, Silent, Stage};
pub use stellar::{Collected, PaymentsRequest, TFT_ISSUER, check_account, check_horizon, collect};

/// Checks that a text is the address of an endpoint, without asking the endpoint.
///
/// # Errors
/// [`Error::Address`].
pub fn check_address(url: &str) -> Result<(), Error> {
    address::Address::parse(url).map(drop)
}
