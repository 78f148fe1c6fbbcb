//! The writer makes whole archives, goes on with interrupted ones, and refuses what does not fit.

use super::*;
use crate::archive::{Archive, Block, BlockProof, BlockProofs, Sample, Span, StateProof, check};

const GENESIS: Hash = [9; 32];

fn metadata() -> RuntimeMetadata {
    RuntimeMetadata { spec_version: 145, state_version: 0, bytes: b"meta\x0e".to_vec() }
}

fn plan() -> Plan {
    Plan {
        chunk_blocks: 4,
        first: 6,
        genesis: GENESIS,
        last: 13,
        period: None,
        proofs: None,
        range: None,
        state_at: vec![8],
    }
}

/// The three chunks 6..=7, 8..=11 and 12..=13, and the snapshot at 8.
fn parts() -> (Vec<Chunk>, StateSnapshot) {
    let mut parent = [8; 32];
    let mut snapshot =
        StateSnapshot { genesis: GENESIS, height: 8, metadata: metadata().hash(), ..Default::default() };
    let chunks = chunk_ranges(6, 13, 4)
        .map(|(first, last)| {
            let blocks = (first..=last).map(|h| Block {
                state_root: [1; 32],
                extrinsics_root: [2; 32],
                digest: vec![0],
                time_ms: u64::from(h),
                events: vec![0],
            });
            let spans = vec![Span { first, metadata: metadata().hash() }];
            let chunk =
                Chunk { genesis: GENESIS, first, parent_hash: parent, blocks: blocks.collect(), spans };
            let hashes = ChunkBody::parse(chunk.to_body(None).unwrap(), Path::new("")).unwrap().hashes();
            if first == 8 {
                snapshot.block_hash = hashes[0];
            }
            parent = hashes[hashes.len() - 1];
            chunk
        })
        .collect();
    (chunks, snapshot)
}

fn provenance() -> Provenance {
    let text = String::new;
    Provenance {
        chain: text(),
        endpoints: vec![],
        finished: text(),
        node: text(),
        started: text(),
        tool: text(),
    }
}

fn write_all(folder: &Path) -> Finished {
    let mut writer = ArchiveWriter::open(folder, plan(), |_| None).unwrap();
    let (chunks, snapshot) = parts();
    writer.put_metadata(&metadata()).unwrap();
    writer.put_state(&snapshot).unwrap();
    chunks.iter().for_each(|c| writer.put_chunk(c).unwrap());
    writer.finish(&provenance()).unwrap()
}

#[test]
fn what_is_written_can_be_read_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let finished = write_all(folder.path());
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(archive.manifest().archive_root.0, finished.root);
    assert!(check(&archive).is_empty());
    assert!(!folder.path().join(files::PLAN).exists());
}

#[test]
fn an_interrupted_export_goes_on_and_ends_in_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    write_all(whole.path());
    let folder = tempfile::tempdir().unwrap();
    let (chunks, snapshot) = parts();
    let mut writer = ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap();
    writer.put_metadata(&metadata()).unwrap();
    writer.put_chunk(&chunks[2]).unwrap();
    writer.put_chunk(&chunks[0]).unwrap();
    drop(writer);
    // One of the two files is damaged meanwhile.
    let name = files::list(&folder.path().join("chunks")).unwrap().remove(0);
    fs::write(folder.path().join("chunks").join(name), b"x").unwrap();
    let mut writer = ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap();
    assert_eq!(writer.missing_chunks(), [(6, 7), (8, 11)]);
    writer.put_chunk(&chunks[0]).unwrap();
    writer.put_chunk(&chunks[1]).unwrap();
    assert!(!writer.has_state(8));
    writer.put_state(&snapshot).unwrap();
    writer.put_metadata(&metadata()).unwrap();
    writer.finish(&provenance()).unwrap();
    let manifest = |f: &Path| fs::read(f.join(files::MANIFEST)).unwrap();
    assert_eq!(manifest(folder.path()), manifest(whole.path()));
}

#[test]
fn a_gap_a_missing_snapshot_and_missing_metadata_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (chunks, mut snapshot) = parts();
    let message = |writer: &ArchiveWriter| writer.manifest().unwrap_err().to_string();
    let mut writer = ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap();
    let early = writer.put_chunk(&chunks[0]).unwrap_err().to_string();
    assert!(early.contains("was not put before it"), "{early}");
    writer.put_metadata(&metadata()).unwrap();
    writer.put_chunk(&chunks[0]).unwrap();
    assert_eq!(message(&writer), "blocks 8 to 11 are missing");
    writer.put_chunk(&chunks[1]).unwrap();
    writer.put_chunk(&chunks[2]).unwrap();
    assert_eq!(message(&writer), "the state of block 8 is missing");
    writer.put_state(&StateSnapshot { metadata: [5; 32], ..snapshot.clone() }).unwrap();
    assert!(message(&writer).starts_with("metadata "));
    writer.put_state(&snapshot).unwrap();
    assert!(writer.manifest().is_ok());
    snapshot.block_hash = [1; 32];
    writer.put_state(&snapshot).unwrap();
    assert!(message(&writer).contains("not that of block 8"));
    let mut other = chunks[2].clone();
    other.parent_hash = [1; 32];
    writer.put_chunk(&other).unwrap();
    assert!(message(&writer).contains("does not follow"));
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), b"").unwrap();
    let message = ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap_err().to_string();
    assert!(message.contains("is not empty"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    drop(ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap());
    let other = Plan { last: 14, ..plan() };
    let message = ArchiveWriter::open(folder.path(), other, |_| None).unwrap_err().to_string();
    assert!(message.contains("unfinished export of other blocks"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path());
    let message = ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap_err().to_string();
    assert!(message.contains("finished archive"), "{message}");
}

/// The plan with proofs of one block in two, and those proofs.
fn proven() -> (Plan, Vec<BlockProofs>, StateProof) {
    let (chunks, snapshot) = parts();
    let one_in = NonZeroU32::new(2).unwrap();
    let hashes = chunks.iter().flat_map(|c| {
        let body = c.to_body(None).unwrap();
        ChunkBody::parse(body, Path::new("")).unwrap().hashes()
    });
    let hashes: Vec<Hash> = hashes.collect();
    let sample = Sample { first: 6, last: 13, last_hash: hashes[7], one_in };
    let of_chunk = |(first, last): (u32, u32)| {
        let proof = |height| BlockProof { height, nodes: vec![vec![1, 2], vec![3]] };
        let proofs = sample.within(first, last).map(proof).collect();
        BlockProofs { genesis: GENESIS, first, last, last_hash: hashes[last as usize - 6], proofs }
    };
    let state = StateProof { genesis: GENESIS, height: 8, block_hash: snapshot.block_hash, nodes: vec![] };
    let plan = Plan { proofs: Some(one_in), ..plan() };
    (plan, chunk_ranges(6, 13, 4).map(of_chunk).collect(), state)
}

#[test]
fn an_interrupted_export_with_proofs_goes_on_and_has_the_root_of_one_without() {
    let whole = tempfile::tempdir().unwrap();
    let without = write_all(whole.path());
    let (chunks, snapshot) = parts();
    let (plan, proofs, state) = proven();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ArchiveWriter::open(folder.path(), plan.clone(), |_| None).unwrap();
    writer.put_metadata(&metadata()).unwrap();
    chunks.iter().for_each(|chunk| writer.put_chunk(chunk).unwrap());
    writer.put_state(&snapshot).unwrap();
    writer.put_block_proofs(&proofs[1]).unwrap();
    // What lacks its proof is missing.
    assert_eq!((writer.missing_chunks(), writer.has_state(8)), (vec![(6, 7), (12, 13)], false));
    drop(writer);
    let mut writer = ArchiveWriter::open(folder.path(), plan, |_| None).unwrap();
    assert_eq!((writer.missing_chunks(), writer.has_state(8)), (vec![(6, 7), (12, 13)], false));
    assert!(writer.damaged().is_empty());
    proofs.iter().for_each(|proofs| writer.put_block_proofs(proofs).unwrap());
    writer.put_state_proof(&state).unwrap();
    // With another last block other blocks are chosen.
    writer.hold_to(proofs[2].last_hash).unwrap();
    assert_eq!(writer.missing_chunks(), []);
    writer.hold_to([5; 32]).unwrap();
    assert!(!writer.missing_chunks().is_empty());
    proofs.iter().for_each(|proofs| writer.put_block_proofs(proofs).unwrap());
    assert!(writer.has_state(8));
    let finished = writer.finish(&provenance()).unwrap();
    assert_eq!(finished.root, without.root);
    assert_eq!(finished.files, without.files + 4);
    let archive = Archive::open(folder.path()).unwrap();
    assert!(check(&archive).is_empty());
    let listed = archive.manifest().proofs.clone().unwrap();
    assert_eq!(archive.block_proofs(&listed.blocks[1]).unwrap(), proofs[1]);
    assert_eq!(archive.state_proof(&listed.state[0]).unwrap(), state);
}

#[test]
fn proofs_that_were_not_planned_or_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut without = ArchiveWriter::open(folder.path(), plan(), |_| None).unwrap();
    let (chunks, snapshot) = parts();
    let (plan, proofs, state) = proven();
    assert!(without.put_block_proofs(&proofs[0]).unwrap_err().to_string().contains("not planned"));
    assert!(without.put_state_proof(&state).unwrap_err().to_string().contains("not planned"));
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ArchiveWriter::open(folder.path(), plan, |_| None).unwrap();
    writer.put_metadata(&metadata()).unwrap();
    chunks.iter().for_each(|chunk| writer.put_chunk(chunk).unwrap());
    writer.put_state(&snapshot).unwrap();
    let message = |writer: &ArchiveWriter| writer.manifest().unwrap_err().to_string();
    assert!(message(&writer).contains("blocks 6 to 7 are missing"), "{}", message(&writer));
    proofs.iter().for_each(|proofs| writer.put_block_proofs(proofs).unwrap());
    assert!(message(&writer).contains("the proof of the state of block 8 is missing"));
    writer.put_state_proof(&StateProof { block_hash: [1; 32], ..state.clone() }).unwrap();
    assert!(message(&writer).contains("another state"), "{}", message(&writer));
    writer.put_state_proof(&state).unwrap();
    assert!(writer.manifest().is_ok());
    writer.put_block_proofs(&BlockProofs { proofs: vec![], ..proofs[1].clone() }).unwrap();
    assert!(message(&writer).contains("not proofs of the blocks that the last hash chooses"));
    writer.put_block_proofs(&BlockProofs { last_hash: [1; 32], ..proofs[1].clone() }).unwrap();
    assert!(message(&writer).contains("blocks 8 to 11 are missing"), "{}", message(&writer));
}
