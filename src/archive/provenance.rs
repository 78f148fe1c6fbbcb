//! `provenance.json`: who exported the archive, when and from where. Outside of every digest, never part of a
//! decision.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;

/// Longest provenance that is read.
const MAX_LEN: u64 = 1 << 20;

/// Where an archive came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the chain as the node says it.
    pub chain: String,
    /// Nodes that answered: scheme, host and port, no paths and no credentials.
    pub endpoints: Vec<String>,
    /// End of the export, RFC 3339.
    pub finished: String,
    /// Name and version of the node.
    pub node: String,
    /// Start of the export, RFC 3339.
    pub started: String,
    /// Program and version that exported.
    pub tool: String,
}

impl Provenance {
    /// Reads `provenance.json` in the folder of an archive; none if there is none that can be read, as nothing
    /// depends on it.
    pub fn read(folder: &Path) -> Option<Provenance> {
        serde_json::from_slice(&files::read(&folder.join(files::PROVENANCE), MAX_LEN).ok()?).ok()
    }

    /// The bytes of `provenance.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A struct of strings cannot fail to serialise.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}
