//! Whether validators finalized the end of an archive: their signatures, checked by keys that someone pinned in a file, or
//! by those that a state in the archive names.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::outputs::{ResultError, read};
use crate::{
    archive::{Archive, Error, Finality, Hash, Hex, Result},
    proof::{
        authorities,
        grandpa::{self, Authorities},
    },
    report::trust::{Basis, Finalized},
};

use super::proofs::Roots;

/// `format.name` of a file of authorities.
const FORMAT_NAME: &str = "minting-authorities";
/// `format.version` of it.
const FORMAT_VERSION: u32 = 1;
/// Why nobody can have signed.
pub(super) const NO_SIGNATURES: &str = "the archive holds no signatures of validators";

/// Whose signatures make a block final: a file that a person pinned (`docs/proofs.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    format: Format,
    genesis_hash: Hex,
    sets: Vec<Set>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    name: String,
    version: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    authorities: Vec<Authority>,
    set_id: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authority {
    key: Hex,
    weight: u64,
}

impl Pinned {
    /// A file with one set, as `check --json` prints it.
    pub fn of(genesis: Hash, set: &Authorities) -> Pinned {
        let authority = |(key, weight): (&[u8; 32], &u64)| Authority { key: Hex(*key), weight: *weight };
        Pinned {
            format: Format { name: FORMAT_NAME.into(), version: FORMAT_VERSION },
            genesis_hash: Hex(genesis),
            sets: vec![Set { authorities: set.weights.iter().map(authority).collect(), set_id: set.set_id }],
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(path: &Path) -> std::result::Result<Pinned, ResultError> {
        Pinned::parse(&read(path)?).map_err(|what| ResultError::malformed(path, what))
    }

    /// As [`Pinned::read`], from bytes.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Pinned, String> {
        let pinned: Pinned =
            serde_json::from_slice(bytes).map_err(|e| format!("it is no list of authorities: {e}"))?;
        if pinned.format.name != FORMAT_NAME || pinned.format.version != FORMAT_VERSION {
            return Err(format!(
                "its format is {} {}, not {FORMAT_NAME} {FORMAT_VERSION}",
                pinned.format.name, pinned.format.version
            ));
        }
        let mut ids: Vec<u64> = pinned.sets.iter().map(|set| set.set_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() != pinned.sets.len() || ids.is_empty() {
            return Err("it has no set, or one twice".into());
        }
        match pinned.sets.iter().find(|set| set.weights().is_none()) {
            Some(set) => Err(format!("set {} has an authority twice", set.set_id)),
            None => Ok(pinned),
        }
    }
}

impl Set {
    fn weights(&self) -> Option<BTreeMap<[u8; 32], u64>> {
        let weights: BTreeMap<_, _> = self.authorities.iter().map(|a| (a.key.0, a.weight)).collect();
        (weights.len() == self.authorities.len()).then_some(weights)
    }
}

/// What an archive shows of finality.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The block at or after its end that is final; none if it holds no signatures.
    pub finalized: Option<Finalized>,
    /// The validators that a state in the archive names, as a file of them.
    pub named: Option<Pinned>,
    /// The block that signatures are for, if no block of the archive names who signed, so that only a file can.
    pub unnamed: Option<u32>,
    /// Why the signatures are not those of the validators in the file, if a file was given.
    pub refused: Option<String>,
}

/// Checks the signatures in an archive that is sound and whose blocks have these roots.
///
/// # Errors
/// Signatures that are not of the validators that the state in the archive names: somebody changed them.
pub fn verify(archive: &Archive, roots: &Roots, pinned: Option<&Pinned>) -> Result<Shown> {
    let mut shown = Shown::default();
    let proofs = archive.manifest().proofs.as_ref();
    let Some(entry) = proofs.and_then(|proofs| proofs.finality.as_ref()) else {
        shown.refused = pinned.map(|_| NO_SIGNATURES.into());
        return Ok(shown);
    };
    let path = archive.path(&entry.file);
    let finality = archive.finality(entry)?;
    if let Some(named) = &finality.authorities {
        let damaged = |what: String| Error::damaged(&path, what);
        let nodes: Vec<&[u8]> = named.nodes.iter().map(Vec::as_slice).collect();
        let (_, (root, layout)) = roots.get(&named.height).ok_or_else(|| {
            damaged(format!(
                "it names the validators after block {}, which is not in the archive",
                named.height
            ))
        })?;
        let of_state = |what: String| damaged(format!("the validators after block {}: {what}", named.height));
        authorities::check(*layout, root, &nodes, &named.values)
            .map_err(|error| of_state(error.to_string()))?;
        let set = authorities::decode(&named.values).map_err(of_state)?;
        let finalized = signed(&finality, &set, Basis::State(named.height));
        shown.finalized = Some(finalized.map_err(|what| damaged(format!("the justification: {what}")))?);
        shown.named = Some(Pinned::of(finality.genesis, &set));
    } else {
        shown.unnamed = Some(finality.height);
    }
    if let Some(pinned) = pinned {
        match by_pinned(&finality, pinned) {
            Ok(finalized) => shown.finalized = Some(finalized),
            Err(what) => shown.refused = Some(what),
        }
    }
    Ok(shown)
}

fn by_pinned(finality: &Finality, pinned: &Pinned) -> std::result::Result<Finalized, String> {
    if pinned.genesis_hash.0 != finality.genesis {
        return Err("the file has validators of another chain".into());
    }
    let mut why = None;
    for set in &pinned.sets {
        let authorities = Authorities { set_id: set.set_id, weights: set.weights().unwrap_or_default() };
        match signed(finality, &authorities, Basis::File) {
            Ok(finalized) => return Ok(finalized),
            Err(what) => why = Some(what),
        }
    }
    Err(why.unwrap_or_default())
}

fn signed(finality: &Finality, set: &Authorities, basis: Basis) -> std::result::Result<Finalized, String> {
    let found = grandpa::verify(&finality.justification, set).map_err(|error| error.to_string())?;
    if (found.height, found.hash) != (finality.height, finality.hash) {
        return Err(format!("it is for block {}, 0x{}", found.height, hex::encode(found.hash)));
    }
    let (weight, total) = (found.weight, found.total);
    let (height, hash) = (finality.height, finality.hash);
    Ok(Finalized { height, hash, set_id: set.set_id, weight, total, basis })
}
