//! Finality: the word of the validators for a block.
//!
//! A GRANDPA justification (`GrandpaJustification` of Substrate) is, in SCALE, the round (`u64`), the commit (target hash,
//! target number `u32`, and the signed precommits: hash, number, ed25519 signature, key), and the headers between the
//! target and the blocks that precommits name. A precommit is signed as `01 ‖ hash ‖ number ‖ round ‖ set id`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{
    archive::{
        Hash,
        bytes::{Cursor, Short},
        header::blake2_256,
    },
    chain::scale,
};

/// First byte of a precommit in what is signed.
const PRECOMMIT: u8 = 1;
/// Bytes of one signed precommit: hash, number, signature, key.
const PRECOMMIT_LEN: usize = 32 + 4 + 64 + 32;

/// Who may vote, and with what weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorities {
    /// Number of the set; it goes up whenever the set changes.
    pub set_id: u64,
    /// Weight by public key.
    pub weights: BTreeMap<[u8; 32], u64>,
}

/// A block for which enough weight was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finalized {
    /// Its hash.
    pub hash: Hash,
    /// Its height.
    pub height: u32,
    /// Weight of the valid precommits.
    pub weight: u64,
    /// Weight of all authorities.
    pub total: u64,
}

/// Why a justification does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not a justification.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// Somebody who is no authority signed.
    #[error("0x{}, who signed it, is not among the authorities of set {set_id}", hex::encode(key))]
    Stranger {
        /// The key.
        key: [u8; 32],
        /// The set.
        set_id: u64,
    },
    /// A signature does not fit.
    #[error("the signature of 0x{} is not valid for set {set_id}", hex::encode(key))]
    Signature {
        /// The key.
        key: [u8; 32],
        /// The set.
        set_id: u64,
    },
    /// A precommit is for a block that does not descend from the target.
    #[error(
        "the precommit of 0x{} is for a block that does not descend from the justified one",
        hex::encode(key)
    )]
    Elsewhere {
        /// The key.
        key: [u8; 32],
    },
    /// Headers that no precommit needs.
    #[error("it has headers that no precommit needs")]
    Extra,
    /// Not enough weight.
    #[error("precommits have weight {weight} of {total}; {needed} are needed")]
    Weight {
        /// Weight of the valid precommits.
        weight: u64,
        /// Weight of all authorities.
        total: u64,
        /// Least weight that finalizes.
        needed: u64,
    },
}

impl From<Short> for Error {
    fn from(short: Short) -> Self {
        Error::Malformed(short.to_string())
    }
}

impl From<scale::Wrong> for Error {
    fn from(wrong: scale::Wrong) -> Self {
        Error::Malformed(wrong.to_string())
    }
}

struct Precommit {
    target: Hash,
    height: u32,
    signature: [u8; 64],
    key: [u8; 32],
}

/// Checks a justification by the authorities of its set.
///
/// # Errors
/// [`Error`].
pub fn verify(justification: &[u8], authorities: &Authorities) -> Result<Finalized, Error> {
    let mut cursor = Cursor::new(justification);
    let round = cursor.u64()?;
    let target = (cursor.hash()?, cursor.u32()?);
    let count = scale::length(&mut cursor)?;
    if count > cursor.rest().len() / PRECOMMIT_LEN {
        return Err(Error::Malformed(format!("{count} precommits are more than there are bytes")));
    }
    let mut precommits = Vec::with_capacity(count);
    for _ in 0..count {
        precommits.push(Precommit {
            target: cursor.hash()?,
            height: cursor.u32()?,
            signature: cursor.array()?,
            key: cursor.hash()?,
        });
    }
    let mut parents = parents(&mut cursor)?;
    if !cursor.rest().is_empty() {
        return Err(Error::Malformed(format!("{} bytes follow it", cursor.rest().len())));
    }
    let mut needed = BTreeSet::new();
    let mut voted = BTreeSet::new();
    let mut weight = 0u64;
    for precommit in &precommits {
        let key = precommit.key;
        let set_id = authorities.set_id;
        let own = *authorities.weights.get(&key).ok_or(Error::Stranger { key, set_id })?;
        let signed = [
            &[PRECOMMIT][..],
            &precommit.target,
            &precommit.height.to_le_bytes(),
            &round.to_le_bytes(),
            &set_id.to_le_bytes(),
        ]
        .concat();
        VerifyingKey::from_bytes(&key)
            .and_then(|verifier| {
                verifier.verify_strict(&signed, &Signature::from_bytes(&precommit.signature))
            })
            .map_err(|_| Error::Signature { key, set_id })?;
        descend(precommit, target, &parents, &mut needed)?;
        // Whoever signs two blocks of a round cheats, and counts once all the same, as in Substrate.
        if voted.insert(key) {
            weight = weight.checked_add(own).ok_or_else(|| Error::Malformed("weights overflow".into()))?;
        }
    }
    parents.retain(|hash, _| !needed.contains(hash));
    if !parents.is_empty() {
        return Err(Error::Extra);
    }
    let total = authorities.weights.values().try_fold(0u64, |sum, own| sum.checked_add(*own));
    let total = total.ok_or_else(|| Error::Malformed("weights overflow".into()))?;
    let threshold = total - total.saturating_sub(1) / 3;
    if weight < threshold || total == 0 {
        return Err(Error::Weight { weight, total, needed: threshold });
    }
    Ok(Finalized { hash: target.0, height: target.1, weight, total })
}

/// Parent and height of each header, by its hash.
fn parents(cursor: &mut Cursor<'_>) -> Result<BTreeMap<Hash, (Hash, u32)>, Error> {
    let mut parents = BTreeMap::new();
    for _ in 0..scale::length(cursor)? {
        let all = cursor.rest();
        let parent = cursor.hash()?;
        let number = u32::try_from(scale::compact(cursor)?).map_err(|_| scale::Wrong::TooLarge)?;
        cursor.take(64)?;
        for _ in 0..scale::length(cursor)? {
            log_item(cursor)?;
        }
        let header = all.get(..all.len().saturating_sub(cursor.rest().len())).unwrap_or_default();
        parents.insert(blake2_256(&[header]), (parent, number));
    }
    Ok(parents)
}

/// Passes over a log item of a header: `Other`, `Consensus`, `Seal`, `PreRuntime` or `RuntimeEnvironmentUpdated`.
fn log_item(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    match cursor.u8()? {
        0 => {}
        4..=6 => {
            cursor.take(4)?;
        }
        8 => return Ok(()),
        other => return Err(scale::Wrong::Variant("DigestItem".into(), other).into()),
    }
    scale::bytes(cursor)?;
    Ok(())
}

/// Follows the parents of a precommit's block to the target.
fn descend(
    precommit: &Precommit,
    target: (Hash, u32),
    parents: &BTreeMap<Hash, (Hash, u32)>,
    needed: &mut BTreeSet<Hash>,
) -> Result<(), Error> {
    let mut at = (precommit.target, precommit.height);
    let elsewhere = Error::Elsewhere { key: precommit.key };
    while at != target {
        let Some((parent, height)) = parents.get(&at.0) else { return Err(elsewhere) };
        if *height != at.1 || *height <= target.1 {
            return Err(elsewhere);
        }
        needed.insert(at.0);
        at = (*parent, height - 1);
    }
    Ok(())
}
