//! Joined archives are byte for byte what one export of the whole would have been.

use std::fs;
use std::num::NonZeroU32;

use super::*;
use crate::archive::{RuntimeMetadata, Sample, StateProof, StateSnapshot, check, files};

const GENESIS: Hash = [9; 32];

fn metadata(spec_version: u32) -> RuntimeMetadata {
    let bytes = [b"meta".as_slice(), &spec_version.to_le_bytes()].concat();
    RuntimeMetadata { spec_version, state_version: 0, bytes }
}

fn provenance() -> Provenance {
    let text = String::new;
    let (chain, finished, node, started, tool) = (text(), text(), text(), text(), text());
    Provenance { chain, endpoints: vec![], finished, node, started, tool }
}

/// Blocks 1 to 40, the runtime changes at 23; `odd` has other events.
fn blocks(odd: Option<u32>, from: u32, to: u32) -> Blocks {
    let block = |height: u32| Block {
        state_root: [1; 32],
        extrinsics_root: [2; 32],
        digest: vec![0],
        time_ms: u64::from(height) * 6_000,
        events: if odd == Some(height) { vec![7] } else { vec![0, 1] },
    };
    (from..=to).map(block).collect()
}

/// All of them in one chunk.
fn whole(odd: Option<u32>) -> Chunk {
    let span = |first, spec_version| Span { first, metadata: metadata(spec_version).hash() };
    Chunk {
        genesis: GENESIS,
        first: 1,
        parent_hash: GENESIS,
        blocks: blocks(odd, 1, 40),
        spans: vec![span(1, 1), span(23, 2)],
    }
}

/// An archive of the blocks from `first` to `last`.
fn export(folder: &Path, part: Part<'_>, one_in: Option<u32>) {
    let (first, last, chunk_blocks, state_at, odd) = part;
    let whole = ChunkBody::parse(whole(odd).to_body(None).unwrap(), Path::new("")).unwrap();
    let hashes = whole.hashes();
    let plan = Plan {
        chunk_blocks,
        first,
        genesis: GENESIS,
        last,
        period: None,
        proofs: one_in.and_then(NonZeroU32::new),
        range: None,
        state_at: state_at.to_vec(),
    };
    let mut writer = ArchiveWriter::open(folder, plan, |_| None).unwrap();
    writer.put_metadata(&metadata(1)).unwrap();
    writer.put_metadata(&metadata(2)).unwrap();
    for (from, to) in chunk_ranges(first, last, chunk_blocks) {
        let start = from as usize - 1;
        let mut spans: Vec<Span> = Vec::new();
        for height in from..=to {
            let runtime = *whole.runtime_at(height).unwrap();
            if spans.last().is_none_or(|span| span.metadata != runtime) {
                spans.push(Span { first: height, metadata: runtime });
            }
        }
        let chunk = Chunk {
            genesis: GENESIS,
            first: from,
            parent_hash: if start == 0 { GENESIS } else { hashes[start - 1] },
            blocks: blocks(odd, from, to),
            spans,
        };
        writer.put_chunk(&chunk).unwrap();
        if let Some(one_in) = one_in.and_then(NonZeroU32::new) {
            let sample = Sample { first, last, last_hash: hashes[last as usize - 1], one_in };
            let proof = |height: u32| BlockProof { height, nodes: vec![height.to_le_bytes().to_vec()] };
            let proofs = sample.within(from, to).map(proof).collect();
            let last_hash = hashes[to as usize - 1];
            let proofs = BlockProofs { genesis: GENESIS, first: from, last: to, last_hash, proofs };
            writer.put_block_proofs(&proofs).unwrap();
        }
    }
    for &height in state_at {
        let state = StateSnapshot {
            genesis: GENESIS,
            height,
            block_hash: hashes[height as usize - 1],
            metadata: metadata(if height < 22 { 1 } else { 2 }).hash(),
            ..StateSnapshot::default()
        };
        writer.put_state(&state).unwrap();
        if one_in.is_some() {
            let (block_hash, nodes) = (state.block_hash, vec![vec![7]]);
            writer.put_state_proof(&StateProof { genesis: GENESIS, height, block_hash, nodes }).unwrap();
        }
    }
    writer.finish(&provenance()).unwrap();
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for part in files::FOLDERS {
        for name in files::list(&folder.join(part)).unwrap() {
            all.insert(format!("{part}/{name}"), fs::read(folder.join(part).join(&name)).unwrap());
        }
    }
    all.insert("manifest.json".into(), fs::read(folder.join("manifest.json")).unwrap());
    all
}

/// First block, last block, chunk size, snapshots and an odd block of an archive.
type Part<'a> = (u32, u32, u32, &'a [u32], Option<u32>);

/// Joins archives.
fn join(parts: &[Part<'_>], size: Option<u32>) -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let mut folders = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let path = folder.path().join(format!("part{index}"));
        export(&path, *part, None);
        folders.push(path);
    }
    let out = folder.path().join("out");
    Merge::of(&folders, size)?.write(&out, &provenance(), |_| None, |_| ())?;
    Ok((folder, out))
}

#[test]
fn joined_archives_are_what_one_export_would_have_been() {
    let whole = tempfile::tempdir().unwrap();
    export(whole.path(), (1, 40, 8, &[5, 30], None), None);
    for parts in [
        vec![(1, 20, 8, &[5_u32][..], None), (21, 40, 8, &[30][..], None)],
        vec![(15, 40, 8, &[30][..], None), (1, 26, 8, &[5][..], None)],
        vec![(1, 40, 8, &[5][..], None), (28, 33, 8, &[30][..], None), (2, 9, 8, &[][..], None)],
        vec![(1, 11, 8, &[5][..], None), (12, 29, 8, &[][..], None), (30, 40, 8, &[30][..], None)],
    ] {
        let (_folder, out) = join(&parts, None).unwrap();
        assert!(contents(&out) == contents(whole.path()), "{parts:?}");
        assert!(check(&Archive::open(&out).unwrap()).is_empty());
    }
    // Archives with other chunks are divided anew.
    let parts = [(1, 20, 3, &[5_u32][..], None), (21, 40, 7, &[30][..], None)];
    assert!(contents(&join(&parts, Some(8)).unwrap().1) == contents(whole.path()));
    let (_folder, out) = join(&parts, None).unwrap();
    assert_eq!(Archive::open(&out).unwrap().manifest().chunk_blocks, DEFAULT_CHUNK_BLOCKS);
}

#[test]
fn archives_that_disagree_or_leave_a_gap_are_refused() {
    let message = |parts: &[_]| join(parts, None).unwrap_err().to_string();
    let differ = message(&[(1, 20, 8, &[], None), (10, 40, 8, &[], Some(17))]);
    assert!(differ.contains("part0") && differ.contains("part1"), "{differ}");
    assert!(differ.contains("block 17: its events differ"), "{differ}");
    let gap = message(&[(1, 20, 8, &[], None), (24, 40, 8, &[], None)]);
    assert!(gap.contains("blocks 21 to 23 (3 blocks)") && gap.contains("blocks 21..23"), "{gap}");
}

#[test]
fn proofs_are_kept_where_all_archives_have_them_of_all_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str, part: Part<'_>, one_in: Option<u32>| {
        let path = folder.path().join(name);
        export(&path, part, one_in);
        path
    };
    let joined = |name: &str, parts: &[&PathBuf]| {
        let out = folder.path().join(name);
        let parts: Vec<PathBuf> = parts.iter().map(|part| part.to_path_buf()).collect();
        Merge::of(&parts, None).unwrap().write(&out, &provenance(), |_| None, |_| ()).unwrap();
        assert!(check(&Archive::open(&out).unwrap()).is_empty());
        contents(&out)
    };
    let whole = made("whole", (1, 40, 8, &[5, 30], None), Some(1));
    let (one, two) =
        (made("one", (1, 23, 8, &[5], None), Some(1)), made("two", (20, 40, 8, &[30], None), Some(1)));
    assert!(joined("a", &[&one, &two]) == contents(&whole));
    let bare = made("bare", (20, 40, 8, &[30], None), None);
    let without = made("without", (1, 40, 8, &[5, 30], None), None);
    assert!(joined("b", &[&one, &bare]) == contents(&without));
    // A sample belongs to its last block.
    let (some, other) =
        (made("some", (1, 23, 8, &[5], None), Some(3)), made("other", (20, 40, 8, &[30], None), Some(3)));
    assert!(joined("c", &[&some, &other]) == contents(&without));
    let sampled = made("sampled", (1, 40, 8, &[5, 30], None), Some(3));
    assert!(joined("d", &[&sampled, &sampled]) == contents(&sampled));
}
