//! How far what a run was made of can be trusted by itself: a ladder, and the step that was reached.
//!
//! It is told here what was reached; `verify` finds out. `docs/proofs.md` documents the steps.

use serde_json::{Value, json};

use crate::archive::Hash;

/// Steps of the ladder, each of which includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong with it.
    Nothing,
    /// Contents are as digested, however they are packed; a slim archive, which has no headers, gets no further, nor does
    /// what goes on from a saved state.
    Content,
    /// All that, and headers are one chain from hash to hash.
    Headers,
    /// All that, and blocks and state are there for the whole period, or range.
    State,
    /// Headers are one chain, and events and times of all blocks that were chosen are proven by their state roots, as
    /// are all snapshots. Whether blocks and state are those of a period is another question.
    StateProofs,
    /// All that, and validators that somebody pinned finalized the last block, or one behind it.
    Finality,
}

impl Level {
    /// Name for machines: `none`, `content`, `headers`, `state`, `state-proofs` or `finality`.
    pub fn label(self) -> &'static str {
        match self {
            Level::Nothing => "none",
            Level::Content => "content",
            Level::Headers => "headers",
            Level::State => "state",
            Level::StateProofs => "state-proofs",
            Level::Finality => "finality",
        }
    }

    /// Name for people.
    pub fn words(self) -> &'static str {
        match self {
            Level::Nothing => "nothing",
            Level::Content => "content digests",
            Level::Headers => "headers chained",
            Level::State => "state covers the period",
            Level::StateProofs => "state proofs",
            Level::Finality => "finality",
        }
    }
}

/// Whose keys were taken for those of the validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Those in a file.
    File,
    /// Those that the state after this block names.
    State(u32),
}

/// A block that enough validators signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finalized {
    /// Its height: that of the last block of the archive, or higher.
    pub height: u32,
    /// Its hash.
    pub hash: Hash,
    /// Number of the set of validators.
    pub set_id: u64,
    /// Weight of those who signed.
    pub weight: u64,
    /// Weight of all of them.
    pub total: u64,
    /// Whose keys they are.
    pub basis: Basis,
}

impl Finalized {
    /// As `check --json` and `run.json` have it.
    pub fn json(&self) -> Value {
        let (authorities, named) = match self.basis {
            Basis::File => ("file", None),
            Basis::State(height) => ("state", Some(height)),
        };
        json!({
            "authorities": authorities,
            "authorities_named_by_block": named,
            "block": self.height,
            "hash": format!("0x{}", hex::encode(self.hash)),
            "set_id": self.set_id,
            "total_weight": self.total,
            "weight": self.weight,
        })
    }
}

/// What is shown of the blocks and states that a run read, by all of its archives together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The step that all of it reached.
    pub level: Level,
    /// Blocks that the run read.
    pub blocks: u64,
    /// Those of them whose events and time are proven by state roots.
    pub proven_blocks: u64,
    /// States that the run read.
    pub states: u64,
    /// Those of them that are proven to be right and complete.
    pub proven_states: u64,
    /// Who signed the end of the archive with the last block of the run; none if it has no signatures.
    pub finality: Option<Finalized>,
    /// The block up to which nothing but a saved state speaks for what happened.
    pub saved_at: Option<u32>,
    /// One of the archives is slim.
    pub slim: bool,
}

impl Trust {
    /// The field of `run.json`.
    pub fn json(&self) -> Value {
        json!({
            "blocks": self.blocks,
            "finality": self.finality.as_ref().map(Finalized::json),
            "level": self.level.label(),
            "proven_blocks": self.proven_blocks,
            "proven_states": self.proven_states,
            "saved_state_at": self.saved_at,
            "states": self.states,
        })
    }

    /// The step for people, and what keeps the next one from being reached.
    pub fn words(&self) -> String {
        let Trust { blocks, proven_blocks, states, proven_states, .. } = self;
        let mut text = format!("Reached: {}", self.level.words());
        if self.proven_blocks > 0 {
            text +=
                &format!(" (proven: {proven_blocks} of {blocks} blocks, {proven_states} of {states} states)");
        }
        text.push('.');
        if let Some(height) = self.saved_at {
            text += &format!(" What happened up to block {height} is as the saved state says.");
        } else if self.slim {
            text += " A slim archive holds no headers.";
        } else if self.level < Level::StateProofs {
            text += " That events and state are those of these blocks is not proven.";
        } else if let Some(Finalized { height, basis: Basis::State(named), .. }) = self.finality {
            text += &format!(" Block {height} is final if block {named} names the right validators.");
        } else if self.level < Level::Finality {
            text += " That the last block is final is not shown.";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Trust = Trust {
        level: Level::State,
        blocks: 9,
        proven_blocks: 0,
        states: 2,
        proven_states: 0,
        finality: None,
        saved_at: None,
        slim: false,
    };

    #[test]
    fn the_words_say_the_step_and_no_more() {
        let finalized =
            |basis| Some(Finalized { height: 12, hash: [1; 32], set_id: 0, weight: 3, total: 4, basis });
        let proven = Trust { level: Level::StateProofs, proven_blocks: 3, proven_states: 2, ..PLAIN };
        for (trust, start, end) in [
            (PLAIN, "Reached: state covers the period. ", "is not proven."),
            (Trust { level: Level::Headers, ..PLAIN }, "Reached: headers chained. ", "is not proven."),
            (
                Trust { level: Level::Content, slim: true, ..PLAIN },
                "Reached: content digests. ",
                "no headers.",
            ),
            (
                Trust { level: Level::Content, saved_at: Some(7), ..PLAIN },
                "Reached: content digests. ",
                "up to block 7 is as the saved state says.",
            ),
            (proven, "Reached: state proofs (proven: 3 of 9 blocks, 2 of 2 states). ", "final is not shown."),
            (
                Trust { finality: finalized(Basis::State(4)), ..proven },
                "Reached: state proofs (",
                "Block 12 is final if block 4 names the right validators.",
            ),
            (
                Trust { level: Level::Finality, finality: finalized(Basis::File), ..proven },
                "Reached: finality (proven: 3 of 9 blocks, 2 of 2 states).",
                "states).",
            ),
        ] {
            let words = trust.words();
            assert!(words.starts_with(start) && words.ends_with(end), "{words}");
        }
    }
}
