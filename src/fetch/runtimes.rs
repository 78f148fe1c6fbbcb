//! Which runtime the blocks of a range ran under.
//!
//! A block that sets new code still ran under the old one: its state already answers with the new runtime,
//! while its events were encoded by the runtime of its parent's state.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::error::Error;
use super::locate::changes;
use super::node::Chain;
use super::state::compile;
use super::wire::RuntimeVersion;
use crate::archive::{RuntimeMetadata, Span};
use crate::chain::Runtime;
use crate::proof::Layout;

/// The runtimes found so far; the metadata of each is read once.
#[derive(Default)]
pub(super) struct Runtimes {
    /// Heights at which the state has a new runtime, ascending.
    changes: Vec<(u32, u32)>,
    by_spec_version: BTreeMap<u32, RuntimeMetadata>,
    /// Decoders of those that can be compiled, by spec version.
    decoders: BTreeMap<u32, Runtime>,
}

/// The block whose state says how the events of block `height` are encoded. Genesis has no parent, and no events.
pub(super) fn parent(height: u32) -> u32 {
    height.saturating_sub(1)
}

impl Runtimes {
    /// The runtime in the state after a block.
    pub(super) async fn read(&mut self, chain: &Chain, height: u32) -> Result<&RuntimeMetadata, Error> {
        let version = chain.version(height).await?;
        self.read_version(chain, height, version).await
    }

    async fn read_version(
        &mut self,
        chain: &Chain,
        height: u32,
        version: RuntimeVersion,
    ) -> Result<&RuntimeMetadata, Error> {
        match self.by_spec_version.entry(version.spec_version) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => Ok(unknown.insert(chain.metadata(height, version).await?)),
        }
    }

    /// Finds every runtime needed for the blocks from `first` to `last` and for the states after them.
    pub(super) async fn read_range(&mut self, chain: &Chain, first: u32, last: u32) -> Result<(), Error> {
        let found = changes(parent(first), last, async |height| chain.version(height).await).await?;
        for &(height, version) in &found {
            let compiled = compile(self.read_version(chain, height, version).await?, height);
            match compiled {
                Ok(runtime) => drop(self.decoders.insert(version.spec_version, runtime)),
                Err(error) => {
                    chain.pool.progress().note(&format!("events are not checked by decoding them: {error}"));
                }
            }
        }
        self.changes = found.into_iter().map(|(height, version)| (height, version.spec_version)).collect();
        Ok(())
    }

    /// The runtimes of the range, in the order of their heights.
    pub(super) fn iter(&self) -> impl Iterator<Item = &RuntimeMetadata> {
        self.changes.iter().filter_map(|(_, spec_version)| self.by_spec_version.get(spec_version))
    }

    /// The decoder of the events of a block, unless its runtime is unknown.
    pub(super) fn decoder(&self, height: u32) -> Option<&Runtime> {
        self.decoders.get(&self.after(parent(height)).ok()?.spec_version)
    }

    /// The runtime in the state after a block of the range.
    pub(super) fn after(&self, height: u32) -> Result<&RuntimeMetadata, Error> {
        let end = self.changes.partition_point(|&(from, _)| from <= height);
        end.checked_sub(1)
            .and_then(|index| self.changes.get(index))
            .and_then(|(_, spec_version)| self.by_spec_version.get(spec_version))
            .ok_or(Error::Internal("a block has no runtime"))
    }

    /// The layout in which a block left the state: that of the runtime which executed it.
    pub(super) fn layout(&self, height: u32) -> Result<Layout, Error> {
        let runtime = self.after(parent(height))?;
        Layout::of_state_version(runtime.state_version).ok_or_else(|| {
            Error::Range(format!(
                "the state of block {height} has the layout {} of the runtime with spec version {}, in which nothing \
                 can be proven here; export with --proofs none",
                runtime.state_version, runtime.spec_version
            ))
        })
    }

    /// Which metadata the events of the blocks from `first` to `last` are encoded by.
    pub(super) fn spans(&self, first: u32, last: u32) -> Result<Vec<Span>, Error> {
        let mut spans = vec![Span { first, metadata: self.after(parent(first))?.hash() }];
        for &(height, _) in self.changes.iter().filter(|(height, _)| (first..last).contains(height)) {
            let metadata = self.after(height)?.hash();
            if spans.last().is_some_and(|span| span.metadata != metadata) {
                spans.push(Span { first: height + 1, metadata });
            }
        }
        Ok(spans)
    }

    /// Digests of the metadata, for tests of the spans.
    #[cfg(test)]
    fn fake(changes: &[(u32, u32)]) -> (Runtimes, impl Fn(u32) -> crate::archive::Hash) {
        let metadata = |spec_version: u32| RuntimeMetadata {
            spec_version,
            state_version: 0,
            bytes: spec_version.to_le_bytes().to_vec(),
        };
        let by_spec_version = changes.iter().map(|&(_, version)| (version, metadata(version))).collect();
        (Runtimes { changes: changes.to_vec(), by_spec_version, ..Runtimes::default() }, move |version| {
            metadata(version).hash()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_an_upgrade_block_belong_to_the_old_runtime() {
        let (runtimes, hash) = Runtimes::fake(&[(99, 145), (150, 146), (151, 147)]);
        let span = |first, version| Span { first, metadata: hash(version) };
        assert_eq!(runtimes.spans(100, 200).unwrap(), [span(100, 145), span(151, 146), span(152, 147)]);
        assert_eq!(runtimes.spans(100, 150).unwrap(), [span(100, 145)]);
        assert_eq!(runtimes.spans(150, 151).unwrap(), [span(150, 145), span(151, 146)]);
        assert_eq!(runtimes.spans(151, 151).unwrap(), [span(151, 146)]);
        assert_eq!(runtimes.spans(152, 160).unwrap(), [span(152, 147)]);
        assert_eq!(runtimes.after(150).unwrap().hash(), hash(146));
        assert_eq!(runtimes.after(149).unwrap().hash(), hash(145));
    }

    #[test]
    fn genesis_is_its_own_parent() {
        let (runtimes, hash) = Runtimes::fake(&[(0, 1)]);
        assert_eq!(runtimes.spans(0, 9).unwrap(), [Span { first: 0, metadata: hash(1) }]);
        let (runtimes, hash) = Runtimes::fake(&[(0, 1), (1, 2)]);
        let spans = [Span { first: 0, metadata: hash(1) }, Span { first: 2, metadata: hash(2) }];
        assert_eq!(runtimes.spans(0, 9).unwrap(), spans);
    }
}
