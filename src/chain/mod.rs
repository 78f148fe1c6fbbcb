//! What a block says: runtime metadata, events and storage items, decoded by the runtime that wrote them.
//!
//! Layouts come from the metadata alone. Trying layouts until one happens to fit is a defect.

mod error;
mod events;
mod items;
pub mod keys;
mod layouts;
mod metadata;
mod quick;
mod record;
mod registry;
mod runtime;
pub(crate) mod scale;
mod shapes;
mod skip;
mod storage;
pub mod types;
mod v12;
mod value;

pub use error::{Error, Result};
pub use events::Interest;
pub use runtime::{Runtime, Scratch};
pub use scale::Wrong;
pub use shapes::event_shapes;
pub use skip::FixedFields;
pub use storage::{Pairs, StateReader};

/// Deepest nesting of types that is followed; real ones stay below 20.
const MAX_DEPTH: usize = 64;
