//! Slim archives: what they say of themselves, and what they refuse.

use std::fs;

use crate::support::{self, Spoiled, files, testdata};

#[test]
fn a_slim_archive_says_that_it_cannot_be_tied_to_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, slim) = (testdata("small/archive"), folder.path().join("slim"));
    support::replay("slim {} --out {}", &[&archive, &slim]).exits(0);
    let checked = support::replay("check {}", &[&slim]).exits(0).stdout;
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(archive.join("manifest.json")).unwrap()).unwrap();
    assert!(checked.contains("cannot be tied to") && !checked.contains("headers chained"), "{checked}");
    assert!(checked.contains(manifest["archive_root"].as_str().unwrap()), "{checked}");
    let json = support::replay("check {} --json", &[&slim]).exits(0).stdout;
    assert!(json.contains("\"level\": \"content\"") && json.contains("slim_of"), "{json}");
    // State and metadata are those of the full archive, and chunks are a fraction of it.
    let (full, slim) = (files(&archive), files(&slim));
    for (name, bytes) in
        full.iter().filter(|(name, _)| name.starts_with("state/") || name.starts_with("metadata/"))
    {
        assert_eq!(slim.get(name), Some(bytes), "{name}");
    }
    let chunks = |files: &std::collections::BTreeMap<String, Vec<u8>>| -> usize {
        files.iter().filter(|(name, _)| name.starts_with("chunks/")).map(|(_, bytes)| bytes.len()).sum()
    };
    assert!(chunks(&slim) * 4 < chunks(&full), "{} of {}", chunks(&slim), chunks(&full));
}

#[test]
fn what_cannot_be_made_slim_is_refused() {
    let spoiled = Spoiled::copy_of("upgrade");
    let (archive, slim) = (spoiled.archive(), spoiled.out());
    support::replay("slim {} --out {} -q", &[&archive, &slim]).exits(0);
    support::replay("slim {} --out {}", &[&archive, &slim]).exits(1).says(&["is not empty"]);
    let again = slim.with_file_name("again");
    support::replay("slim {} --out {}", &[&slim, &again]).exits(1).says(&["slim archive already"]);
    let chunk = fs::read_dir(slim.join("chunks")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&chunk).unwrap();
    let at = bytes.len() - 9;
    bytes[at] ^= 1;
    fs::write(&chunk, bytes).unwrap();
    support::replay("check {}", &[&slim]).exits(1);
}
