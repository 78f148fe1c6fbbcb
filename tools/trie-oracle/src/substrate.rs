//! The trie of Substrate.

use std::collections::BTreeSet;

use sp_core::{Blake2Hasher, H256};
use sp_trie::{
    LayoutV0, LayoutV1, MemoryDB, NodeCodec, PrefixedMemoryDB, Recorder, StorageProof, Trie as _,
    TrieConfiguration, TrieDBBuilder, TrieDBMutBuilder, TrieMut as _,
};

use crate::state::State;

/// Substrate's names of the two layouts.
pub trait Layout: TrieConfiguration<Hash = Blake2Hasher, Codec = NodeCodec<Blake2Hasher>> {}

impl Layout for LayoutV0<Blake2Hasher> {}
impl Layout for LayoutV1<Blake2Hasher> {}

/// Layout 0.
pub type V0 = LayoutV0<Blake2Hasher>;
/// Layout 1.
pub type V1 = LayoutV1<Blake2Hasher>;

/// Root of a state that is written at once.
pub fn root<L: Layout>(state: &State) -> [u8; 32] {
    L::trie_root(state).into()
}

/// A database with a trie in it.
pub struct Database {
    nodes: PrefixedMemoryDB<Blake2Hasher>,
    root: H256,
}

impl Database {
    pub fn new<L: Layout>(state: &State) -> Self {
        let (nodes, root) = PrefixedMemoryDB::default_with_root();
        let mut database = Self { nodes, root };
        database.change::<L>(state.iter().map(|(key, value)| (&key[..], Some(&value[..]))));
        database
    }

    pub fn root(&self) -> [u8; 32] {
        self.root.into()
    }

    /// Writes or removes keys in this layout.
    pub fn change<'c, L: Layout>(&mut self, changes: impl Iterator<Item = (&'c [u8], Option<&'c [u8]>)>) {
        let mut trie = TrieDBMutBuilder::<L>::from_existing(&mut self.nodes, &mut self.root).build();
        for (key, value) in changes {
            match value {
                Some(value) => trie.insert(key, value).map(drop),
                None => trie.remove(key).map(drop),
            }
            .expect("the database is whole");
        }
    }

    /// The nodes that are read for these keys.
    pub fn prove<L: Layout>(&self, keys: &[&[u8]]) -> BTreeSet<Vec<u8>> {
        let mut recorder = Recorder::<L>::new();
        {
            let trie = TrieDBBuilder::<L>::new(&self.nodes, &self.root).with_recorder(&mut recorder).build();
            for key in keys {
                trie.get(key).expect("the database is whole");
            }
        }
        recorder.drain().into_iter().map(|record| record.data).collect()
    }
}

/// Reads keys from the nodes of a proof; an error if one is missing or malformed.
pub fn read<L: Layout>(
    root: [u8; 32],
    proof: &[Vec<u8>],
    keys: &[&[u8]],
) -> Result<Vec<Option<Vec<u8>>>, String> {
    let nodes: MemoryDB<Blake2Hasher> = StorageProof::new(proof.iter().cloned()).into_memory_db();
    let root = H256::from(root);
    let trie = TrieDBBuilder::<L>::new(&nodes, &root).build();
    keys.iter().map(|key| trie.get(key).map_err(|error| format!("{error:?}"))).collect()
}
