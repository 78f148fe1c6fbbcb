//! A runtime: its metadata, compiled once.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Error, Result,
    events::{EventPlans, Interest},
    layouts,
    metadata::Metadata,
    record::Record,
    scale::Wrong,
    skip::{FixedFields, SkipPrograms},
    storage::{Pairs, StateReader, StoragePlans},
    types::Event,
};

/// Memory for reading one event after another.
#[derive(Debug, Default)]
pub struct Scratch(Record);

/// Decodes what one runtime wrote.
#[derive(Clone, Debug)]
pub struct Runtime {
    metadata: Metadata,
    skips: SkipPrograms,
    events: EventPlans,
    storage: StoragePlans,
}

impl Runtime {
    /// Compiles raw metadata.
    ///
    /// # Errors
    /// Metadata that cannot be read, and items the rules need that have an unknown layout.
    pub fn compile(metadata: &[u8]) -> Result<Runtime> {
        let metadata = Metadata::read(metadata)?;
        let skips = SkipPrograms::compile(&metadata.registry).map_err(|e| Error::Metadata(e.to_string()))?;
        let events = EventPlans::compile(&metadata, &skips)?;
        let storage = StoragePlans::compile(&metadata, &skips)?;
        Ok(Runtime { metadata, skips, events, storage })
    }

    /// Gives the events that the rules read to `sink`, in order, and returns the number of all events; the value must
    /// be consumed to its last byte.
    ///
    /// # Errors
    /// [`Error::Event`].
    pub fn events(&self, bytes: &[u8], sink: impl FnMut(Event)) -> Result<u64> {
        self.events.decode(&self.metadata, &self.skips, bytes, sink)
    }

    /// What the rules make of the events of a kind; none if the runtime has no such event.
    pub fn interest(&self, pallet: u8, event: u8) -> Option<Interest> {
        self.events.interest(pallet, event)
    }

    /// The fields of the events of a kind, if they always have the same number of bytes.
    pub fn fixed(&self, pallet: u8, event: u8) -> Option<FixedFields<'_>> {
        self.events.fixed(pallet, event)
    }

    /// Reads the fields of one event, which must be consumed to their last byte, and gives what the rules read of it,
    /// if they do. `scratch` is memory that is used again.
    ///
    /// # Errors
    /// Says what the bytes are not.
    pub fn event(
        &self,
        pallet: u8,
        event: u8,
        fields: &[u8],
        scratch: &mut Scratch,
    ) -> std::result::Result<Option<Event>, Wrong> {
        self.events.read_fields(&self.metadata, &self.skips, (pallet, event), fields, &mut scratch.0)
    }

    /// Whether the rules read this event, by the indices of pallet and event.
    pub fn reads(&self, pallet: u8, event: u8) -> bool {
        self.events.reads(pallet, event)
    }

    /// Gives every event as a JSON object to `sink`, in order.
    ///
    /// # Errors
    /// [`Error::Event`].
    pub fn events_json(&self, bytes: &[u8], sink: impl FnMut(Map<String, Value>)) -> Result<()> {
        self.events.to_json(&self.metadata, bytes, sink)
    }

    /// How each event and storage item that the rules read is laid out, one JSON object each, in the form that
    /// `inspect --layouts` prints.
    ///
    /// # Errors
    /// A type that is nested too deeply.
    pub fn layouts(&self) -> Result<Vec<Map<String, Value>>> {
        layouts::layouts(&self.metadata).map_err(|e| Error::Metadata(e.to_string()))
    }

    /// Reads typed state from raw keys and values.
    pub fn state<'a>(&'a self, pairs: &'a dyn Pairs) -> StateReader<'a> {
        StateReader { metadata: &self.metadata, skips: &self.skips, plans: &self.storage, pairs }
    }

    /// Storage prefixes of everything a state snapshot holds for the rules, ascending.
    pub fn snapshot_prefixes(&self) -> Vec<[u8; 32]> {
        self.storage.prefixes()
    }

    /// Heights that a `NodePower` state `Down(block)` names.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn down_blocks(&self, pairs: &dyn Pairs) -> Result<BTreeSet<u32>> {
        self.state(pairs).down_blocks()
    }

    /// The spec version that the runtime gives itself; layouts are never chosen by it alone.
    pub fn spec_version(&self) -> Option<u32> {
        self.metadata.spec_version()
    }

    /// The constant `Timestamp.MinimumPeriod`, milliseconds; blocks are twice as far apart.
    pub fn minimum_period_ms(&self) -> Option<u64> {
        let bytes = self.metadata.constant("Timestamp", "MinimumPeriod")?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}
