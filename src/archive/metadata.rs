//! Runtime metadata as it travels with the archive (`archive-format.md`, section 6).

use std::path::Path;

use super::{
    Error, Hash, Result,
    bytes::{BodyWriter, Cursor, METADATA, section},
    container::sha256,
};

/// Metadata of one runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeMetadata {
    /// `specVersion` of the runtime. It does not name a layout by itself: networks used the same number for
    /// different layouts.
    pub spec_version: u32,
    /// `stateVersion` of the runtime: the layout of its storage trie.
    pub state_version: u8,
    /// What `state_getMetadata` answered, beginning with `meta`.
    pub bytes: Vec<u8>,
}

impl RuntimeMetadata {
    /// The digest by which spans and snapshots name this runtime: SHA-256 of `bytes`.
    pub fn hash(&self) -> Hash {
        sha256(&self.bytes)
    }

    /// The canonical bytes.
    pub fn to_body(&self) -> Vec<u8> {
        let mut body = BodyWriter::new();
        body.prelude(&self.spec_version.to_le_bytes());
        body.prelude(&[self.state_version]);
        body.section(METADATA, |out| out.extend_from_slice(&self.bytes));
        body.finish()
    }

    /// Reads a body.
    ///
    /// # Errors
    /// Names what is wrong with it.
    pub fn parse(body: &[u8], path: &Path) -> Result<RuntimeMetadata> {
        let damaged = |what: String| Error::damaged(path, what);
        let mut cursor = Cursor::new(body);
        let spec_version = cursor.u32().map_err(|e| damaged(format!("prelude: {e}")))?;
        let state_version = cursor.u8().map_err(|e| damaged(format!("prelude: {e}")))?;
        let bytes = section(&mut cursor, METADATA).map_err(damaged)?.to_vec();
        if !cursor.rest().is_empty() {
            return Err(damaged(format!("{} bytes follow the last section", cursor.rest().len())));
        }
        if !bytes.starts_with(b"meta") {
            return Err(damaged("METADATA does not start with `meta`".into()));
        }
        Ok(RuntimeMetadata { spec_version, state_version, bytes })
    }
}
