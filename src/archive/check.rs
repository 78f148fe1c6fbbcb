//! Checks everything an archive can show by itself and lists every problem, not only the first.

use std::collections::BTreeSet;

use super::{Archive, Error, Hash, files};

/// Something that is wrong with an archive.
#[derive(Debug)]
pub struct Problem {
    /// Says where and what.
    pub error: Error,
}

/// Reads every file and checks digests, form, links between chunks, and that everything named is there. Gives the
/// problems in the order of the manifest; none means that the headers are one chain from the parent of the first
/// block to the last hash.
pub fn check(archive: &Archive) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut named: BTreeSet<Hash> = BTreeSet::new();
    let mut hashes_of_states = Vec::new();
    let mut parent = Some(archive.manifest().first_parent_hash.0);
    for entry in &archive.manifest().chunks {
        match archive.chunk(entry) {
            Ok((chunk, hashes)) => {
                if parent.is_some_and(|p| p != *chunk.parent_hash()) {
                    problems.push(Problem {
                        error: Error::damaged(
                            archive.path(&entry.file),
                            format!(
                                "block {} does not follow the last block of the chunk before",
                                entry.first
                            ),
                        ),
                    });
                }
                named.extend(chunk.spans().iter().map(|s| s.metadata));
                for state in &archive.manifest().state {
                    let at = state.height.checked_sub(chunk.first()).and_then(|i| usize::try_from(i).ok());
                    if let Some(hash) = at.and_then(|i| hashes.get(i)) {
                        hashes_of_states.push((state.height, *hash));
                    }
                }
            }
            Err(error) => problems.push(Problem { error }),
        }
        parent = Some(entry.last_hash.0);
    }
    for entry in &archive.manifest().state {
        match archive.state(entry) {
            Ok(state) => {
                named.insert(state.metadata);
                if hashes_of_states.iter().any(|(h, hash)| *h == entry.height && *hash != state.block_hash) {
                    problems.push(Problem {
                        error: Error::damaged(
                            archive.path(&entry.file),
                            format!("its block hash is not that of block {} in the chunks", entry.height),
                        ),
                    });
                }
            }
            Err(error) => problems.push(Problem { error }),
        }
    }
    for entry in &archive.manifest().metadata {
        named.remove(&entry.metadata_sha256.0);
        if let Err(error) = archive.metadata(&entry.metadata_sha256.0) {
            problems.push(Problem { error });
        }
    }
    for hash in named {
        if let Err(error) = archive.metadata(&hash) {
            problems.push(Problem { error });
        }
    }
    problems.extend(strangers(archive));
    problems
}

/// Files in the archive's folders that the manifest does not list.
fn strangers(archive: &Archive) -> Vec<Problem> {
    let manifest = archive.manifest();
    let mut listed: BTreeSet<&str> = BTreeSet::new();
    listed.extend(manifest.chunks.iter().map(|c| c.file.as_str()));
    listed.extend(manifest.state.iter().map(|s| s.file.as_str()));
    listed.extend(manifest.metadata.iter().map(|m| m.file.as_str()));
    let mut problems = Vec::new();
    for folder in ["chunks", "state", "metadata"] {
        match files::list(&archive.path(folder)) {
            Ok(names) => {
                for name in
                    names.iter().map(|n| format!("{folder}/{n}")).filter(|n| !listed.contains(n.as_str()))
                {
                    let path = archive.path(&name);
                    problems.push(Problem {
                        error: Error::damaged(path, "the manifest does not list it; remove it"),
                    });
                }
            }
            Err(error) => problems.push(Problem { error }),
        }
    }
    problems
}
