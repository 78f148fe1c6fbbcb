//! `details.json`: what became of every node, beside its receipt. Reports and watch lists are made of it.
//!
//! `{"nodes": [...], "version": 1}`, one node a line by identifier. Times are seconds since the epoch, lengths
//! seconds; what does not apply is null:
//!
//! | Field | Meaning |
//! | --- | --- |
//! | `node`, `farm` | Identifiers |
//! | `receipt` | Hash of its receipt |
//! | `outcome` | `paid`, or why not |
//! | `violation`, `violation_block` | Text of its violation, and the block of the report that it is |
//! | `virtualized` | Whether it runs in a virtual machine |
//! | `days` | Uptime credited in each day from the start of the period |
//! | `last_report` | Its last report that counts |
//! | `asleep_since`, `wake_requested_at` | When it was put to sleep, and asked to wake up, if it sleeps |
//! | `late_boots` | Late boots, without a request that is still open at the end |
//! | `needed_uptime` | Uptime from which on something is earned |
//! | `twin` | `missing-relay`, `invalid-public-key`, `missing-twin`, where the rules look at it |

use serde::{Deserialize, Serialize};

use crate::minting::{NodeResult, Rules, Sealed};

/// Name of the file.
pub const DETAILS_JSON: &str = "details.json";

/// Version of the file.
const VERSION: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Every node, by identifier.
    pub nodes: Vec<Detail>,
    /// Version of the file.
    pub version: u32,
}

/// What became of a node; see the table above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the table above has every field")]
pub struct Detail {
    pub node: u32,
    pub farm: u32,
    pub receipt: Option<String>,
    pub outcome: String,
    pub violation: Option<String>,
    pub violation_block: Option<u32>,
    pub virtualized: bool,
    pub days: Vec<u32>,
    pub last_report: Option<i64>,
    pub asleep_since: Option<i64>,
    pub wake_requested_at: Option<i64>,
    pub late_boots: u32,
    pub needed_uptime: Option<i64>,
    pub twin: Option<String>,
}

impl Detail {
    fn of(result: &NodeResult, rules: &Rules) -> Detail {
        let standing = &result.standing;
        let time = |time: Option<i128>| time.and_then(|time| i64::try_from(time).ok());
        Detail {
            node: result.node.id,
            farm: result.node.farm_id,
            receipt: result.receipt.as_ref().map(Sealed::hash_hex),
            outcome: result.outcome.label().to_owned(),
            violation: result.violation.map(|violation| violation.text(rules.violation_texts)),
            violation_block: standing.violation_block,
            virtualized: result.node.virtualized,
            days: standing.days.clone(),
            last_report: time(standing.last_report),
            asleep_since: time(standing.asleep_since),
            wake_requested_at: time(standing.wake_requested_at),
            late_boots: standing.late_boots,
            needed_uptime: time(standing.needed_uptime),
            twin: standing.twin.map(|kind| kind.label().to_owned()),
        }
    }
}

/// Writes the file: a line for every node.
///
/// # Errors
/// Only if writing to memory fails.
pub fn details_json(nodes: &[NodeResult], rules: &Rules) -> std::io::Result<Vec<u8>> {
    let mut bytes = b"{\"nodes\": [".to_vec();
    for (index, node) in nodes.iter().enumerate() {
        bytes.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut bytes, &Detail::of(node, rules))?;
    }
    bytes.extend_from_slice(format!("\n], \"version\": {VERSION}}}\n").as_bytes());
    Ok(bytes)
}

/// Reads the file.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Details, String> {
    let details: Details = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if details.version != VERSION {
        return Err(format!("it has version {}, this program reads {VERSION}", details.version));
    }
    Ok(details)
}
