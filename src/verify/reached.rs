//! How far what a run reads can be trusted: which step of the ladder all of its archives reach together.
//!
//! The replay itself checks digests and the chain of headers. What is left, and what is done here, are the proofs and
//! the signatures of validators, if the archives have any.

use crate::{
    archive::{Archive, Error},
    replay::{self, Located, Piece, SavedState, Source, read_from, states_read},
    report::trust::{Basis, Level, Trust},
};

use super::{
    finality::{self, Pinned},
    proofs::{self, Proven},
};

/// Why nothing is made of archives.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What they hold is not what they prove, or the validators that they name did not sign: each with file and block.
    #[error("what the archives hold is not what they prove; get them again from where they came from")]
    Problems(Vec<Error>),
    /// The validators in the file did not sign.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
    /// Somebody stopped it.
    #[error("{}", replay::Error::Interrupted)]
    Interrupted,
}

/// The validators in the file of `--authorities` did not sign the end of an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{archive}` is not signed by the validators in the file: {why}")]
pub struct NotSigned {
    /// Its folder.
    pub archive: String,
    /// What is wrong.
    pub why: String,
}

/// Says at once, before a long run, that an archive cannot be signed by anyone: it has no signatures.
///
/// # Errors
/// If validators are pinned and there are no signatures.
pub fn refuse_unsigned(source: &Source, located: &Located, pinned: Option<&Pinned>) -> Result<(), NotSigned> {
    let last = last_archive(source, located);
    match last.filter(|_| pinned.is_some()) {
        Some(archive) if !has_signatures(archive) => Err(not_signed(archive, finality::NO_SIGNATURES.into())),
        _ => Ok(()),
    }
}

fn has_signatures(archive: &Archive) -> bool {
    archive.manifest().proofs.as_ref().is_some_and(|proofs| proofs.finality.is_some())
}

fn not_signed(archive: &Archive, why: String) -> NotSigned {
    NotSigned { archive: archive.folder().display().to_string(), why }
}

/// The archive with the last block of a run.
fn last_archive<'a>(source: &'a Source, located: &Located) -> Option<&'a Archive> {
    let mut read = source.pieces().iter().filter(|piece| piece.first <= located.window_last);
    read.next_back().and_then(|piece| source.archive_of(piece))
}

/// Verifies everything that archives prove, whether it is of a block that the run reads or not, and says what that
/// shows of what the run reads.
///
/// The signatures that count are those of the archive with the last block of the run: the headers of those before it lead
/// there. `is_whole` says that the archives have everything that counts for the period.
///
/// # Errors
/// False proofs and signatures; that the validators who are `pinned` did not sign; that `stop` says so.
pub fn reached(
    source: &Source,
    located: &Located,
    is_whole: bool,
    from: Option<&SavedState>,
    pinned: Option<&Pinned>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Trust, Refused> {
    let read: Vec<Piece> = {
        let first = read_from(located, from);
        source.pieces().iter().filter_map(|piece| piece.clip(first, located.window_last)).collect()
    };
    let last = last_archive(source, located);
    let is_last = |archive: &Archive| last.is_some_and(|last| std::ptr::eq(last, archive));
    let mut problems = Vec::new();
    let mut proven: Vec<(&Archive, Proven)> = Vec::new();
    for archive in source.archives() {
        match proofs::verify(archive, pinned.filter(|_| is_last(archive)), stop) {
            Ok(found) => proven.push((archive, found)),
            Err(found) => problems.extend(found),
        }
    }
    if stop() {
        return Err(Refused::Interrupted);
    }
    if !problems.is_empty() {
        return Err(Refused::Problems(problems));
    }
    let of =
        |archive: &Archive| proven.iter().find(|(of, _)| std::ptr::eq(*of, archive)).map(|(_, found)| found);
    let mut trust = Trust {
        level: Level::Content,
        blocks: 0,
        proven_blocks: 0,
        states: 0,
        proven_states: 0,
        finality: None,
        saved_at: from.map(|saved| saved.head.block.height),
        slim: false,
    };
    let mut all_proven = true;
    for piece in &read {
        trust.blocks = trust.blocks.saturating_add(u64::from(piece.last - piece.first) + 1);
        let Some(archive) = source.archive_of(piece) else { continue };
        trust.slim |= archive.manifest().slim_of.is_some();
        all_proven &= archive.manifest().proofs.is_some();
        trust.proven_blocks = trust.proven_blocks.saturating_add(within(of(archive), piece));
    }
    for height in states_read(located, from) {
        trust.states = trust.states.saturating_add(1);
        let Some(archive) = source.archive_with_state(height) else { continue };
        trust.slim |= archive.manifest().slim_of.is_some();
        if of(archive).is_some_and(|found| found.state_heights.binary_search(&height).is_ok()) {
            trust.proven_states = trust.proven_states.saturating_add(1);
        }
    }
    let shown = last.and_then(of).map(|found| &found.finality);
    if let Some((archive, why)) = last.zip(shown.and_then(|shown| shown.refused.clone())) {
        return Err(not_signed(archive, why).into());
    }
    trust.finality = shown.and_then(|shown| shown.finalized);
    all_proven &= trust.proven_blocks > 0 && trust.proven_states == trust.states;
    trust.level = level(&trust, all_proven, is_whole);
    Ok(trust)
}

/// Blocks of a piece that are proven.
fn within(proven: Option<&Proven>, piece: &Piece) -> u64 {
    let heights = proven.map_or(&[][..], |proven| &proven.heights);
    let from = heights.partition_point(|height| *height < piece.first);
    let to = heights.partition_point(|height| *height <= piece.last);
    u64::try_from(to.saturating_sub(from)).unwrap_or(u64::MAX)
}

/// The step, once what there is was verified.
fn level(trust: &Trust, all_proven: bool, is_whole: bool) -> Level {
    let pinned = trust.finality.is_some_and(|finalized| finalized.basis == Basis::File);
    match (trust.slim || trust.saved_at.is_some(), all_proven, pinned) {
        // Nothing ties a slim archive, or what a saved state knows, to headers.
        (true, _, _) => Level::Content,
        (false, true, true) => Level::Finality,
        (false, true, false) => Level::StateProofs,
        (false, false, _) if is_whole => Level::State,
        (false, false, _) => Level::Headers,
    }
}
