//! What a block says: headers, runtime metadata, events and storage items, decoded by the runtime that
//! wrote them.
pub mod types;
