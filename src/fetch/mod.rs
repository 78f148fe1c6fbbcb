//! Reads a range of blocks from archive nodes, over JSON-RPC, into an archive.
//!
//! From the wire up: `client` carries requests to one endpoint, `pace` says how fast, `endpoint` keeps to it,
//! `pool` spreads the calls of a `job` over endpoints and tries again, `wire` turns answers into bytes, `node` asks in terms of heights, `locate`
//! searches, `runtimes`, `state` and `blocks` read one kind of thing each, `plan` turns a request into blocks,
//! and [`Export`] does it all in order. Nodes are not trusted: what they say must hash and link, or it is an
//! error that names the node and the block. `stellar` reads another network: what was paid, from a Horizon server.

mod blocks;
mod client;
mod endpoint;
mod error;
mod export;
pub mod hostile;
mod job;
mod locate;
mod node;
mod pace;
mod plan;
mod pool;
mod progress;
mod runtimes;
mod state;
mod stellar;
mod wire;

pub use error::Error;
pub use export::{Export, Exported, Remaining};
pub use pace::Pace;
pub use plan::{Request, TimeRange};
pub use progress::{Progress, Silent, Stage};
pub use stellar::{Collected, PaymentsRequest, TFT_ISSUER, check_account, check_horizon, collect};

/// Checks that a text is the address of an endpoint, without asking the endpoint.
///
/// # Errors
/// [`Error::Address`].
pub fn check_address(url: &str) -> Result<(), Error> {
    client::Address::parse(url).map(drop)
}
