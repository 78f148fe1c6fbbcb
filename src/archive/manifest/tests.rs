//! The manifest.

use super::*;

#[test]
fn chunks_are_aligned_so_that_neighbours_share_them() {
    let chunk_ranges = |first, last, n| chunk_ranges(first, last, n).collect::<Vec<_>>();
    assert_eq!(chunk_ranges(300, 4_853, 4_096), [(300, 4_095), (4_096, 4_853)]);
    assert_eq!(chunk_ranges(0, 4_095, 4_096), [(0, 4_095)]);
    assert_eq!(chunk_ranges(4_096, 4_096, 4_096), [(4_096, 4_096)]);
    assert_eq!(chunk_ranges(5, 4, 4_096), []);
    assert_eq!(chunk_ranges(u32::MAX - 1, u32::MAX, 64), [(u32::MAX - 1, u32::MAX)]);
}

fn state(height: u32) -> StateEntry {
    StateEntry {
        block_hash: Hex([7; 32]),
        body_bytes: 1,
        content_sha256: Hex([8; 32]),
        file: files::state_name(height, &[7; 32]),
        file_bytes: 2,
        file_sha256: Hex([9; 32]),
        height,
    }
}

fn sample() -> Manifest {
    let mut manifest = Manifest {
        archive_root: Hex([0; 32]),
        chunk_blocks: 4_096,
        chunks: vec![ChunkEntry {
            body_bytes: 1,
            content_sha256: Hex([1; 32]),
            file: files::chunk_name(5, 9, &[4; 32]),
            file_bytes: 2,
            file_sha256: Hex([2; 32]),
            first: 5,
            last: 9,
            last_hash: Hex([4; 32]),
        }],
        first_block: 5,
        first_parent_hash: Hex([5; 32]),
        format: Manifest::current_format(),
        genesis_hash: Hex([6; 32]),
        last_block: 9,
        last_hash: Hex([4; 32]),
        metadata: vec![],
        period: Some(81),
        proofs: None,
        range: Some(ExportedRange {
            block_time_ms: 6_000,
            first_block: 5,
            first_block_given: false,
            from: 1,
            last_block: 8,
            last_block_given: true,
            period: None,
            to: 2,
            window_blocks: 1,
        }),
        slim_of: None,
        state: vec![state(5), state(8)],
    };
    manifest.archive_root = Hex(manifest.root());
    manifest
}

fn parse(bytes: &[u8]) -> std::result::Result<Manifest, String> {
    Manifest::parse(bytes, Path::new("manifest.json")).map_err(|e| e.to_string())
}

#[test]
fn a_manifest_comes_back_as_it_went_in() {
    let bytes = sample().to_bytes();
    assert_eq!(parse(&bytes).unwrap(), sample());
    assert!(String::from_utf8(bytes).unwrap().starts_with("{\n  \"archive_root\": \""));
}

#[test]
fn every_field_that_counts_changes_the_root() {
    let changes: [fn(&mut Manifest); 15] = [
        |m| m.slim_of = Some(Hex([0; 32])),
        |m| m.genesis_hash.0[0] ^= 1,
        |m| m.first_block ^= 1,
        |m| m.last_block ^= 1,
        |m| m.first_parent_hash.0[31] ^= 1,
        |m| m.last_hash.0[31] ^= 1,
        |m| m.chunk_blocks = 64,
        |m| m.period = None,
        |m| m.range = None,
        |m| m.range.as_mut().unwrap().from = 9,
        |m| m.range.as_mut().unwrap().first_block_given = true,
        |m| m.range.as_mut().unwrap().window_blocks = 9,
        |m| m.range.as_mut().unwrap().block_time_ms = 9,
        |m| m.chunks[0].content_sha256.0[0] ^= 1,
        |m| m.chunks.clear(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut manifest = sample();
        change(&mut manifest);
        assert_ne!(manifest.root(), sample().root(), "change {i}");
    }
}

#[test]
fn another_form_of_the_same_manifest_is_refused() {
    let text = String::from_utf8(sample().to_bytes()).unwrap();
    let spaced = text.replacen("\": 81", "\":  81", 1);
    assert!(parse(spaced.as_bytes()).unwrap_err().contains("canonical"));
    let unknown = text.replacen('{', "{\n  \"aaa\": 1,", 1);
    assert!(parse(unknown.as_bytes()).unwrap_err().contains("unknown field"));
    let lied = text.replacen("\"period\": 81", "\"period\": 82", 1);
    assert!(parse(lied.as_bytes()).unwrap_err().contains("archive_root"));
    let renamed = text.replacen("chunks/0000000005", "chunks/0000000004", 1);
    assert!(parse(renamed.as_bytes()).unwrap_err().contains("is named"));
    let newer = text.replacen("\"major\": 1", "\"major\": 2", 1);
    assert!(parse(newer.as_bytes()).unwrap_err().contains("install"));
}
