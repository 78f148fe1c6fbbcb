//! State snapshots as the rules take them.

use super::{Error, Result, Source};
use crate::{
    archive::Hash,
    chain::types::PowerState,
    minting::{EndState, StartPower, StartState},
};

/// The state after the first block of a period, and the hash of the block that it says it is of.
///
/// # Errors
/// A snapshot that is missing or does not decode; a power state that names an unknown block.
pub fn start_state(source: &Source, height: u32) -> Result<(StartState, Hash)> {
    let (path, snapshot, runtime) = source.state(height)?.ok_or_else(|| missing(height))?;
    let name = source.runtime_name(&snapshot.metadata).0;
    let error = |e| Error::State { path: path.clone(), block: height, runtime: name.clone(), source: e };
    let state = runtime.state(&snapshot);
    let nodes = state.nodes().map_err(error)?;
    let mut start = StartState::default();
    for (node, power) in state.node_powers().map_err(error)? {
        let down_since = match power.state {
            PowerState::Down(down) if nodes.contains_key(&node) => {
                let time_ms = snapshot.block_time_ms(down).ok_or_else(|| Error::DownBlock {
                    path: path.clone(),
                    block: height,
                    node,
                    down,
                })?;
                Some(seconds(time_ms))
            }
            _ => None,
        };
        start.power.insert(node, StartPower { power, down_since });
    }
    start.nodes = nodes.into_values().collect();
    start.contracts = state.node_contracts().map_err(error)?.into_values().collect();
    Ok((start, snapshot.block_hash))
}

/// The state after the last block of a period, and the hash of the block that it says it is of.
///
/// # Errors
/// A snapshot that is missing or does not decode.
pub fn end_state(source: &Source, height: u32) -> Result<(EndState, Hash)> {
    let (path, snapshot, runtime) = source.state(height)?.ok_or_else(|| missing(height))?;
    let name = source.runtime_name(&snapshot.metadata).0;
    let error = |e| Error::State { path: path.clone(), block: height, runtime: name.clone(), source: e };
    let state = runtime.state(&snapshot);
    let end = EndState {
        farms: state.farms().map_err(error)?,
        twins: state.twins().map_err(error)?,
        payout_addresses: state.payout_addresses().map_err(error)?,
        policies: state.policies().map_err(error)?,
    };
    Ok((end, snapshot.block_hash))
}

/// `Timestamp.Now` in whole seconds, as the rules count.
pub fn seconds(time_ms: u64) -> i64 {
    i64::try_from(time_ms / 1_000).unwrap_or(i64::MAX)
}

fn missing(height: u32) -> Error {
    Error::Apart(format!("the state of block {height} is missing"))
}
