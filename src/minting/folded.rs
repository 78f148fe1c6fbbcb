//! What a fold knows, as lines of text, so that another fold goes on from there.
//!
//! One line a thing, each a JSON object of one field, which names its kind: nodes, contracts and findings; then, if the
//! period is over, farms, twins, payout addresses and farming policies of its end. `docs/saved-state.md` has the fields.

use serde::{Deserialize, Serialize};

use crate::chain::types::{ContractId, Farm, FarmingPolicy, NodeId, Twin};

use super::consumption::ContractLedger;
use super::finding::Finding;
use super::ledger::Ledger;
use super::state::EndState;

/// Ledgers of nodes and contracts, and what was found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// By node.
    pub(super) nodes: Vec<Ledger>,
    /// By contract.
    pub(super) contracts: Vec<ContractLedger>,
    /// Sorted.
    pub(super) findings: Vec<Finding>,
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Node(Box<Ledger>),
    Contract(ContractLedger),
    Finding(Finding),
    Farm(u32, Bytes),
    Twin(u32, Option<Bytes>, Option<Bytes>),
    Address(u32, Bytes),
    Policy(FarmingPolicy),
}

/// Bytes in lower-case hex.
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).map(Bytes).map_err(|_| serde::de::Error::custom(format!("`{text}` is not hex")))
    }
}

/// Where a line stands: kinds in their order, then identifiers. Only findings may be there twice.
type Place = (u8, u64);

impl Line {
    fn place(&self) -> Place {
        match self {
            Line::Node(ledger) => (0, ledger.node.id.into()),
            Line::Contract(contract) => (1, contract.contract.contract_id),
            Line::Finding(_) => (2, 0),
            Line::Farm(id, _) => (3, (*id).into()),
            Line::Twin(id, ..) => (4, (*id).into()),
            Line::Address(farm, _) => (5, (*farm).into()),
            Line::Policy(policy) => (6, policy.id.into()),
        }
    }
}

impl Folded {
    /// Puts the parts of all shards together. Of a contract that was given to another node, the shard of the first one
    /// still has what it was; `node_of` says where it is now.
    pub fn merge(parts: Vec<Folded>, node_of: impl Fn(ContractId) -> Option<NodeId>) -> Folded {
        let mut whole = Folded::default();
        for mut part in parts {
            whole.nodes.append(&mut part.nodes);
            let here = |c: &ContractLedger| node_of(c.contract.contract_id) == Some(c.contract.node_id);
            whole.contracts.extend(part.contracts.into_iter().filter(here));
            whole.findings.append(&mut part.findings);
        }
        whole.nodes.sort_by_key(|ledger| ledger.node.id);
        whole.contracts.sort_by_key(|contract| contract.contract.contract_id);
        whole.findings.sort();
        whole
    }

    /// One part for each of at least one shard, by the shard of the node; the first one has the findings.
    pub fn split(self, shards: usize, shard_of: impl Fn(NodeId) -> usize) -> Vec<Folded> {
        let mut parts = vec![Folded::default(); shards.max(1)];
        for ledger in self.nodes {
            if let Some(part) = parts.get_mut(shard_of(ledger.node.id)) {
                part.nodes.push(ledger);
            }
        }
        for contract in self.contracts {
            if let Some(part) = parts.get_mut(shard_of(contract.contract.node_id)) {
                part.contracts.push(contract);
            }
        }
        if let Some(first) = parts.first_mut() {
            first.findings = self.findings;
        }
        parts
    }

    /// Every contract and the node it is on.
    pub fn contracts(&self) -> impl Iterator<Item = (ContractId, NodeId)> {
        self.contracts.iter().map(|contract| (contract.contract.contract_id, contract.contract.node_id))
    }

    /// Appends the lines.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn write(&self, end: Option<&EndState>, out: &mut Vec<u8>) -> std::io::Result<()> {
        let nodes = self.nodes.iter().map(|ledger| Line::Node(Box::new(ledger.clone())));
        let contracts = self.contracts.iter().map(|contract| Line::Contract(*contract));
        let findings = self.findings.iter().map(|finding| Line::Finding(finding.clone()));
        for line in nodes.chain(contracts).chain(findings) {
            push(&line, out)?;
        }
        let Some(end) = end else { return Ok(()) };
        let bytes = |bytes: &Vec<u8>| Bytes(bytes.clone());
        let farms = end.farms.iter().map(|(id, farm)| Line::Farm(*id, bytes(&farm.name)));
        let twins = end
            .twins
            .iter()
            .map(|(id, twin)| Line::Twin(*id, twin.relay.as_ref().map(bytes), twin.pk.as_ref().map(bytes)));
        let addresses =
            end.payout_addresses.iter().map(|(farm, address)| Line::Address(*farm, bytes(address)));
        let policies = end.policies.values().map(|policy| Line::Policy(*policy));
        for line in farms.chain(twins).chain(addresses).chain(policies) {
            push(&line, out)?;
        }
        Ok(())
    }

    /// Reads lines; the state at the end is empty if there is nothing of it.
    ///
    /// # Errors
    /// Says which line is none, or stands in the wrong place.
    pub fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Result<(Folded, EndState), String> {
        let (mut folded, mut end) = (Folded::default(), EndState::default());
        let mut before: Option<Place> = None;
        for text in lines {
            let shown = || text.chars().take(80).collect::<String>();
            let line: Line = serde_json::from_str(text).map_err(|e| format!("{e}: `{}`", shown()))?;
            let place = line.place();
            let follows = before.is_none_or(|before| before < place || (before == place && place.0 == 2));
            if !follows {
                return Err(format!("a line stands in the wrong place: `{}`", shown()));
            }
            if let Line::Node(ledger) = &line
                && !ledger.is_possible()
            {
                return Err(format!("no events lead to this: `{}`", shown()));
            }
            before = Some(place);
            folded.take(line, &mut end);
        }
        Ok((folded, end))
    }

    fn take(&mut self, line: Line, end: &mut EndState) {
        match line {
            Line::Node(ledger) => self.nodes.push(*ledger),
            Line::Contract(contract) => self.contracts.push(contract),
            Line::Finding(finding) => self.findings.push(finding),
            Line::Farm(id, Bytes(name)) => drop(end.farms.insert(id, Farm { id, name })),
            Line::Twin(id, relay, pk) => {
                let bytes = |part: Option<Bytes>| part.map(|Bytes(bytes)| bytes);
                end.twins.insert(id, Twin { id, relay: bytes(relay), pk: bytes(pk) });
            }
            Line::Address(farm, Bytes(address)) => drop(end.payout_addresses.insert(farm, address)),
            Line::Policy(policy) => drop(end.policies.insert(policy.id, policy)),
        }
    }
}

fn push(line: &Line, out: &mut Vec<u8>) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::types::{Node, NodeCertification, Resources},
        minting::ledger::{NodeState, Reported},
    };

    fn ledger(id: NodeId, total: i128) -> Ledger {
        let node = Node {
            id,
            farm_id: 1,
            twin_id: 1,
            resources: Resources::default(),
            certification: NodeCertification::Diy,
            virtualized: false,
            farming_policy_id: 1,
            connection_price: 80,
        };
        let reported = Some(Reported { at: 5, uptime: 5, total, boot: 0, boot_seen_at: 5 });
        Ledger::new(node, NodeState { reported, ..NodeState::new() })
    }

    fn lines(nodes: Vec<Ledger>, end: Option<&EndState>) -> String {
        let folded = Folded { nodes, ..Folded::default() };
        let mut bytes = Vec::new();
        folded.write(end, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut end = EndState::default();
        end.farms.insert(3, Farm { id: 3, name: vec![0, 255] });
        end.twins.insert(4, Twin { id: 4, relay: None, pk: Some(vec![2; 33]) });
        end.payout_addresses.insert(3, b"G".to_vec());
        let text = lines(vec![ledger(1, 2), ledger(2, 1 << 80)], Some(&end));
        let (folded, read) = Folded::read(text.lines()).unwrap();
        assert_eq!(folded.nodes, [ledger(1, 2), ledger(2, 1 << 80)]);
        assert_eq!(
            (read.farms, read.twins, read.payout_addresses),
            (end.farms, end.twins, end.payout_addresses)
        );
    }

    #[test]
    fn what_no_events_lead_to_is_refused() {
        let refused = |text: &str, word: &str| {
            let error = Folded::read(text.lines()).unwrap_err();
            assert!(error.contains(word), "{error}");
        };
        refused(&lines(vec![ledger(2, 1), ledger(1, 1)], None), "wrong place");
        refused(&lines(vec![ledger(1, 1), ledger(1, 1)], None), "wrong place");
        refused(&lines(vec![ledger(1, 1 << 96)], None), "no events lead to this");
        refused(&lines(vec![ledger(1, i128::MIN)], None), "no events lead to this");
        refused("{\"farm\":[1,\"xy\"]}", "not hex");
        refused(
            "{\"finding\":{\"node\":1,\"contract\":null,\"block\":null,\"rule\":\"x\",\"message\":\"\"}}",
            "no rule of a finding",
        );
        refused("{\"node\":{}}", "node");
    }

    #[test]
    fn parts_of_any_number_of_shards_are_the_same_whole() {
        let nodes: Vec<Ledger> = (1..=7).map(|id| ledger(id, id.into())).collect();
        let whole = Folded { nodes, ..Folded::default() };
        for shards in 1..4 {
            let by = u32::try_from(shards).unwrap();
            let parts = whole.clone().split(shards, |node| usize::try_from(node % by).unwrap());
            assert_eq!(Folded::merge(parts, |_| None), whole);
        }
    }
}
