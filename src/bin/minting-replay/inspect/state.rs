//! State snapshots: typed values, or raw keys and values.
//!
//! Integers of up to 32 bits are numbers, wider ones decimal strings, as in events. Text that people chose is shown
//! as text where it is UTF-8 and could not be taken for bytes, else as `0x` hex.

use std::io::Write;

use minting::{
    archive::{Archive, ExportedRange},
    chain::{
        self, StateReader,
        types::{
            Farm, FarmingPolicy, Node, NodeCertification, NodeContract, NodePower, PowerState, PowerTarget,
            Resources, Twin,
        },
    },
    replay::{Error, Source},
};
use serde_json::{Value, json};

use super::json_line;
use crate::{
    Failure,
    args::{At, StateKind},
};

/// Typed values of one kind, ascending by identifier, as JSON lines.
pub fn typed(
    source: &Source,
    kind: StateKind,
    at: At,
    id: Option<u64>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let height = height(source, at)?;
    let (path, snapshot, runtime) = source.state(height)?.ok_or_else(|| missing(source, height))?;
    let values = values(&runtime.state(&snapshot), kind).map_err(|e| Error::State {
        path,
        block: height,
        runtime: source.runtime_name(&snapshot.metadata).0,
        source: e,
    })?;
    for (_, value) in values.iter().filter(|(own, _)| id.is_none_or(|id| id == *own)) {
        json_line(value, out)?;
    }
    Ok(())
}

/// Keys and values of one snapshot, ascending by key, as JSON lines.
pub fn raw(source: &Source, at: At, out: &mut impl Write) -> Result<(), Failure> {
    let height = height(source, at)?;
    let archive = source.archives().iter().find_map(|a| a.state_entry(height).map(|entry| (a, entry)));
    let (archive, entry) = archive.ok_or_else(|| missing(source, height))?;
    for (key, value) in &archive.state(entry)?.pairs {
        writeln!(out, "{{\"key\":\"0x{}\",\"value\":\"0x{}\"}}", hex::encode(key), hex::encode(value))?;
    }
    Ok(())
}

/// Height of a snapshot. Start and end are those of the exported range, else the first and last snapshot.
fn height(source: &Source, at: At) -> Result<u32, Failure> {
    let ranges: Vec<ExportedRange> = source.exported_ranges().collect();
    let heights = || source.archives().iter().flat_map(|a| &a.manifest().state).map(|s| s.height);
    let height = match at {
        At::Height(height) => Some(height),
        At::Start => ranges.iter().map(|r| r.first_block).min().or_else(|| heights().min()),
        At::End => ranges.iter().map(|r| r.last_block).max().or_else(|| heights().max()),
    };
    height.ok_or_else(|| "the archive holds no state".into())
}

fn missing(source: &Source, height: u32) -> Failure {
    let manifests = source.archives().iter().map(Archive::manifest);
    let heights: Vec<_> = manifests.flat_map(|m| &m.state).map(|s| s.height.to_string()).collect();
    let have =
        if heights.is_empty() { "no state".to_string() } else { format!("that of {}", heights.join(", ")) };
    format!("the archive does not hold the state of block {height}; it holds {have}").into()
}

/// All values of one kind with their identifiers.
fn values(state: &StateReader<'_>, kind: StateKind) -> Result<Vec<(u64, Value)>, chain::Error> {
    Ok(match kind {
        StateKind::Nodes => numbered(state.nodes()?, |_, node| self::node(&node)),
        StateKind::Farms => {
            let addresses = state.payout_addresses()?;
            numbered(state.farms()?, |id, farm| self::farm(&farm, addresses.get(&id)))
        }
        StateKind::Twins => numbered(state.twins()?, |_, twin| self::twin(&twin)),
        StateKind::Contracts => {
            let contracts = state.node_contracts()?.into_iter();
            contracts.map(|(id, (contract, used))| (id, self::contract(&contract, used))).collect()
        }
        StateKind::Policies => {
            let ids = state.policy_ids()?;
            numbered(state.policies()?, |id, policy| {
                let used_for =
                    ids.iter().filter(|(_, ids)| ids.contains(&id)).map(|(c, _)| certification(*c));
                self::policy(&policy, used_for.collect())
            })
        }
        StateKind::Power => numbered(state.node_powers()?, power),
    })
}

fn numbered<T>(
    values: impl IntoIterator<Item = (u32, T)>,
    line: impl Fn(u32, T) -> Value,
) -> Vec<(u64, Value)> {
    values.into_iter().map(|(id, value)| (u64::from(id), line(id, value))).collect()
}

fn node(node: &Node) -> Value {
    json!({
        "id": node.id,
        "farm_id": node.farm_id,
        "twin_id": node.twin_id,
        "resources": resources(node.resources),
        "certification": certification(node.certification),
        "virtualized": node.virtualized,
        "farming_policy_id": node.farming_policy_id,
        "connection_price": node.connection_price,
    })
}

fn farm(farm: &Farm, payout_address: Option<&Vec<u8>>) -> Value {
    json!({ "id": farm.id, "name": text(&farm.name), "payout_address": payout_address.map(|a| text(a)) })
}

fn twin(twin: &Twin) -> Value {
    let pk = twin.pk.as_ref().map(|pk| format!("0x{}", hex::encode(pk)));
    json!({ "id": twin.id, "relay": twin.relay.as_ref().map(|r| text(r)), "pk": pk })
}

fn contract(contract: &NodeContract, used: Resources) -> Value {
    json!({
        "contract_id": contract.contract_id.to_string(),
        "node_id": contract.node_id,
        "public_ips": contract.public_ips,
        "used": resources(used),
    })
}

fn policy(policy: &FarmingPolicy, used_for: Vec<&str>) -> Value {
    json!({
        "id": policy.id,
        "cu": policy.cu,
        "su": policy.su,
        "nu": policy.nu,
        "ipv4": policy.ipv4,
        "minimal_uptime": policy.minimal_uptime,
        "immutable": policy.immutable,
        "default": policy.default,
        "used_for": used_for,
    })
}

fn power(id: u32, power: NodePower) -> Value {
    let state = match power.state {
        PowerState::Up => json!("Up"),
        PowerState::Down(block) => json!({ "Down": block }),
    };
    let target = match power.target {
        PowerTarget::Up => "Up",
        PowerTarget::Down => "Down",
    };
    json!({ "node_id": id, "state": state, "target": target })
}

fn resources(resources: Resources) -> Value {
    json!({
        "cru": resources.cru.to_string(),
        "mru": resources.mru.to_string(),
        "hru": resources.hru.to_string(),
        "sru": resources.sru.to_string(),
    })
}

fn certification(certification: NodeCertification) -> &'static str {
    match certification {
        NodeCertification::Diy => "Diy",
        NodeCertification::Certified => "Certified",
    }
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("0x") => text.to_string(),
        _ => format!("0x{}", hex::encode(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_cannot_be_mistaken_for_each_other() {
        assert_eq!(text(b"Freefarm"), "Freefarm");
        assert_eq!(text(b"0x00"), "0x30783030");
        assert_eq!(text(&[0xff]), "0xff");
        assert_eq!(text(b""), "");
    }
}
