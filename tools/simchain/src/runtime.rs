//! Runtimes of the chain: one set of types under different numberings.
//!
//! An upgrade of the real chain moves pallets and events to other indices. The later runtime here does the
//! same, so that its bytes mean something else under the numbering of spec 145: whoever reads a block with
//! the metadata of the wrong runtime must notice.

use parity_scale_codec::Encode;

use crate::metadata;
use crate::trie::Layout;
use crate::types::runtime::EventRecord;
use crate::types::system::RuntimeVersion;

/// Where pallets and events have their indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// As in the real spec 145.
    Spec145,
    /// Pallets from Balances on are one higher; so are the events from index 6 on of TfgridModule and
    /// SmartContractModule.
    Shifted,
}

impl Numbering {
    /// Index of a pallet that has `pallet` in spec 145.
    pub fn pallet(self, pallet: u8) -> u8 {
        match self {
            Self::Shifted if pallet >= 20 => pallet.saturating_add(1),
            _ => pallet,
        }
    }

    /// Index of the event that has `event` in the pallet `pallet` in spec 145.
    pub fn event(self, pallet: u8, event: u8) -> u8 {
        match self {
            Self::Shifted if matches!(pallet, 25 | 26) && event >= 6 => event.saturating_add(1),
            _ => event,
        }
    }
}

/// A runtime: its version, its metadata, its way to encode events.
#[derive(Debug)]
pub struct Runtime {
    /// `specVersion`.
    pub spec_version: u32,
    /// Metadata as `state_getMetadata` answers it: `meta`, version 14, the SCALE bytes.
    pub metadata: Vec<u8>,
    numbering: Numbering,
    block_time_ms: u64,
    state_version: u8,
}

impl Runtime {
    /// The runtime with the numbering of spec 145, for slots of `block_time_ms`.
    pub fn spec_145(block_time_ms: u64) -> Self {
        Self::new(145, Numbering::Spec145, block_time_ms, 0)
    }

    /// A later runtime, with a number that the real chain does not use, and shifted indices.
    pub fn upgraded(block_time_ms: u64) -> Self {
        Self::new(155, Numbering::Shifted, block_time_ms, 0)
    }

    /// The same runtime with another `stateVersion`.
    pub fn with_state_version(self, state_version: u8) -> Self {
        Self::new(self.spec_version, self.numbering, self.block_time_ms, state_version)
    }

    fn new(spec_version: u32, numbering: Numbering, block_time_ms: u64, state_version: u8) -> Self {
        let version = version(spec_version, state_version);
        let metadata = metadata::build(&version, numbering, block_time_ms).encode();
        Self { spec_version, metadata, numbering, block_time_ms, state_version }
    }

    /// `System.Events` of a block that this runtime executed.
    pub fn encode_events(&self, records: &[EventRecord]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        parity_scale_codec::Compact(count).encode_to(&mut bytes);
        for record in records {
            record.phase.encode_to(&mut bytes);
            let mut event = record.event.encode();
            if let [pallet, variant, ..] = event.as_mut_slice() {
                *variant = self.numbering.event(*pallet, *variant);
                *pallet = self.numbering.pallet(*pallet);
            }
            bytes.extend(event);
            record.topics.encode_to(&mut bytes);
        }
        bytes
    }

    /// Length of a slot, milliseconds.
    pub fn block_time_ms(&self) -> u64 {
        self.block_time_ms
    }

    /// What `state_getRuntimeVersion` tells.
    pub fn version(&self) -> RuntimeVersion {
        version(self.spec_version, self.state_version)
    }

    /// How this runtime writes the state.
    pub fn layout(&self) -> Layout {
        Layout::of(self.state_version)
    }
}

/// The version of a TFChain runtime.
fn version(spec_version: u32, state_version: u8) -> RuntimeVersion {
    RuntimeVersion {
        spec_name: "substrate-threefold".into(),
        impl_name: "substrate-threefold".into(),
        authoring_version: 1,
        spec_version,
        impl_version: 1,
        apis: vec![
            ([0xdf, 0x6a, 0xcb, 0x68, 0x99, 0x07, 0x60, 0x9b], 4),
            ([0x37, 0xe3, 0x97, 0xfc, 0x7c, 0x91, 0xf5, 0xe4], 2),
        ],
        transaction_version: 2,
        state_version,
    }
}
