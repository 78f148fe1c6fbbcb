//! Who finalizes blocks, as a state names them: the GRANDPA authorities and the number of their set.
//!
//! Older runtimes keep the list under the well-known key `:grandpa_authorities`, behind a byte that is its version; later
//! ones in `Grandpa.Authorities`. The number is `Grandpa.CurrentSetId`, a `u64`. All three keys are read and proven, so that
//! it need not be known which runtime it is.

use std::collections::BTreeMap;

use super::{Error, Layout, claim, claim::Claim, grandpa::Authorities};
use crate::{
    archive::{Hash, bytes::Cursor},
    chain::{keys, scale},
};

/// Key of the list on older runtimes (`GRANDPA_AUTHORITIES_KEY` of Substrate).
const WELL_KNOWN_KEY: &[u8] = b":grandpa_authorities";
/// Version of the list under that key (`AUTHORITIES_VERSION`).
const LIST_VERSION: u8 = 1;
/// Bytes of one entry: key and weight.
const ENTRY_LEN: usize = 32 + 8;

/// Values of the three keys, in the order of [`keys`]; none where the state has no such key.
pub type Values = [Option<Vec<u8>>; 3];

/// The keys, ascending: the well-known one, `Grandpa.Authorities`, `Grandpa.CurrentSetId`.
pub fn keys() -> [Vec<u8>; 3] {
    let item = |name| keys::prefix("Grandpa", name).to_vec();
    [WELL_KNOWN_KEY.to_vec(), item("Authorities"), item("CurrentSetId")]
}

/// Checks the short proof of the values against a state root.
///
/// # Errors
/// As [`claim::check`].
pub fn check(layout: Layout, state_root: &Hash, nodes: &[&[u8]], values: &Values) -> Result<(), Error> {
    claims_of(values, |claims| claim::check(layout, state_root, nodes, claims))
}

/// The short proof of the values, out of what a chain node answers that is asked to prove the keys.
///
/// # Errors
/// As [`claim::shorten`].
pub fn shorten(
    layout: Layout,
    state_root: &Hash,
    nodes: &[Vec<u8>],
    values: &Values,
) -> Result<Vec<Vec<u8>>, Error> {
    claims_of(values, |claims| claim::shorten(layout, state_root, nodes, claims))
}

fn claims_of<T>(values: &Values, with: impl FnOnce(&[Claim<'_>]) -> T) -> T {
    let keys = keys();
    let pair =
        |(key, value): (&'_ Vec<u8>, &'_ Option<Vec<u8>>)| value.clone().map(|value| (key.clone(), value));
    let held: Vec<Option<(Vec<u8>, Vec<u8>)>> = keys.iter().zip(values).map(pair).collect();
    let pairs: Vec<Vec<(&[u8], &[u8])>> =
        held.iter().map(|held| held.iter().map(|(key, value)| (&key[..], &value[..])).collect()).collect();
    let claims = keys.iter().zip(&pairs).map(|(prefix, pairs)| Claim { prefix, pairs });
    with(&claims.collect::<Vec<_>>())
}

/// The set that the values name.
///
/// # Errors
/// Says what they lack.
pub fn decode(values: &Values) -> Result<Authorities, String> {
    let [well_known, listed, set_id] = values;
    let set_id = set_id.as_deref().ok_or("the state has no Grandpa.CurrentSetId")?;
    let set_id = set_id.try_into().map_err(|_| format!("Grandpa.CurrentSetId has {} bytes", set_id.len()))?;
    let list = match (well_known.as_deref(), listed.as_deref()) {
        (_, Some(list)) => list,
        (Some([LIST_VERSION, list @ ..]), None) => list,
        (Some(_), None) => return Err("the list of authorities has another version than 1".into()),
        (None, None) => return Err("the state names no GRANDPA authorities".into()),
    };
    let mut cursor = Cursor::new(list);
    let count = scale::length(&mut cursor).map_err(|e| e.to_string())?;
    if count.checked_mul(ENTRY_LEN) != Some(cursor.rest().len()) {
        return Err(format!("{} bytes are no list of {count} authorities", cursor.rest().len()));
    }
    let mut weights = BTreeMap::new();
    for _ in 0..count {
        let key = cursor.hash().map_err(|e| e.to_string())?;
        let weight = cursor.u64().map_err(|e| e.to_string())?;
        if weights.insert(key, weight).is_some() {
            return Err(format!("authority 0x{} is there twice", hex::encode(key)));
        }
    }
    Ok(Authorities { set_id: u64::from_le_bytes(set_id), weights })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::build;

    fn list(keys: &[u8]) -> Vec<u8> {
        let entries = keys.iter().flat_map(|key| [&[*key; 32][..], &u64::from(*key).to_le_bytes()].concat());
        [u8::try_from(keys.len() * 4).unwrap()].into_iter().chain(entries).collect()
    }

    #[test]
    fn the_set_is_where_older_and_where_later_runtimes_have_it() {
        let id = Some(7u64.to_le_bytes().to_vec());
        let expected = Authorities { set_id: 7, weights: BTreeMap::from([([1; 32], 1), ([2; 32], 2)]) };
        let old = Some([vec![LIST_VERSION], list(&[1, 2])].concat());
        assert_eq!(decode(&[old.clone(), None, id.clone()]).unwrap(), expected);
        assert_eq!(decode(&[None, Some(list(&[1, 2])), id.clone()]).unwrap(), expected);
        for (bad, what) in [
            ([old.clone(), None, None], "CurrentSetId"),
            ([old, None, Some(vec![7])], "1 bytes"),
            ([None, None, id.clone()], "names no"),
            ([Some(list(&[1, 2])), None, id.clone()], "another version"),
            ([None, Some(list(&[1, 1])), id.clone()], "twice"),
            ([None, Some(vec![8, 0]), id.clone()], "no list of 2"),
            ([None, Some(vec![]), id], "end"),
        ] {
            assert!(decode(&bad).unwrap_err().contains(what), "{what}: {:?}", decode(&bad));
        }
    }

    #[test]
    fn values_are_proven_there_or_not_there() {
        let [old, _, id] = keys();
        let (set, number) = ([vec![LIST_VERSION], list(&[1])].concat(), 3u64.to_le_bytes());
        let pairs: [(&[u8], &[u8]); 3] = [(b":code", b"wasm"), (&old, &set), (&id, &number)];
        let root = build::root(Layout::V0, &pairs);
        let top = build::node(
            Layout::V0,
            &pairs.iter().map(|(key, value)| (crate::proof::nibbles(key), *value)).collect::<Vec<_>>(),
            0,
        );
        let values = [Some(set.clone()), None, Some(number.to_vec())];
        let nodes = [top.encode()];
        let short: Vec<&[u8]> = nodes.iter().map(Vec::as_slice).collect();
        // The node below, which parts `:code` and the list, is needed as well.
        assert!(matches!(
            check(Layout::V0, &root, &short, &values),
            Err(Error::Missing { .. } | Error::Differs { .. })
        ));
        let below: Vec<_> =
            pairs[..2].iter().map(|(key, value)| (crate::proof::nibbles(key), *value)).collect();
        let nodes = [top.encode(), build::node(Layout::V0, &below, 1).encode()];
        let short: Vec<&[u8]> = nodes.iter().map(Vec::as_slice).collect();
        check(Layout::V0, &root, &short, &values).unwrap();
        let other = [Some(set), None, Some(4u64.to_le_bytes().to_vec())];
        assert!(matches!(check(Layout::V0, &root, &short, &other), Err(Error::Differs { .. })));
    }
}
