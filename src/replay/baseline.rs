//! Consumption reports before a period, from which rules of the first periods count.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Error, Located, Piece, Result, Source, decode::decode, link::link};
use crate::{
    archive::{Hash, Workspace},
    chain::types::{ContractId, Event},
    minting::LastUse,
};

/// What the blocks before a period say.
#[derive(Debug, Default)]
pub struct Baseline {
    /// The last consumption report of every contract.
    pub last_use: BTreeMap<ContractId, LastUse>,
    /// Hash of the block before the period; none if no block before it was read.
    pub last_hash: Option<Hash>,
}

/// Reads the blocks before the period in which its rules look for reports, as far as the archives have them.
///
/// # Errors
/// Damaged files, values that do not decode.
pub fn baseline(source: &Source, located: &Located) -> Result<Baseline> {
    let mut baseline = Baseline::default();
    let Some(before) = located.first_block.checked_sub(1).filter(|last| located.baseline_first <= *last)
    else {
        return Ok(baseline);
    };
    let clip = |piece: &Piece| piece.clip(located.baseline_first, before);
    let pieces: Vec<Piece> = source.pieces().iter().filter_map(clip).collect();
    let read: Vec<Result<_>> = pieces
        .par_iter()
        .map(|piece| {
            let (decoded, chunk) = decode(source, piece, &mut Workspace::default(), Vec::new())?;
            let linked = link(source, located, &[(piece, &chunk)]).pop().transpose()?.unwrap_or_default();
            let reports = decoded.others.into_iter().filter_map(|other| match other.event {
                Event::ConsumptionReportReceived(report) => {
                    Some((report.contract_id, LastUse::from(&report)))
                }
                _ => None,
            });
            Ok((piece.first, linked.parent, linked.last_hash, reports.collect::<Vec<_>>()))
        })
        .collect();
    for piece in read {
        let (first, parent, last_hash, reports) = piece?;
        if baseline.last_hash.is_some_and(|before| before != parent) {
            return Err(Error::Apart(format!("block {first} does not follow the one before it")));
        }
        baseline.last_hash = Some(last_hash);
        baseline.last_use.extend(reports);
    }
    Ok(baseline)
}
