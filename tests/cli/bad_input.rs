//! Bad input gets a message that names file and remedy, exit code 1, and changes nothing.

use std::{fs, path::Path};

use crate::support::{Spoiled, replay, testdata};

/// Runs and checks a spoiled archive; both must fail with these words, and no results may be there.
#[track_caller]
fn refused(spoiled: &Spoiled, words: &[&str]) {
    let (archive, out) = (spoiled.archive(), spoiled.out());
    replay("run {} --period 81 --out {}", &[&archive, &out]).exits(1).says(words);
    assert!(!out.exists());
    let check = replay("check {}", &[&archive]).exits(1);
    for word in words {
        assert!(check.stdout.contains(word), "no `{word}` in: {}", check.stdout);
    }
}

fn change(path: &Path, spoil: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    spoil(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_chunk_with_a_changed_byte() {
    let spoiled = Spoiled::copy_of("upgrade");
    let chunk = spoiled.file("chunks/");
    change(&chunk, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    refused(&spoiled, &[chunk.file_name().unwrap().to_str().unwrap(), "damaged"]);
}

#[test]
fn a_truncated_chunk() {
    let spoiled = Spoiled::copy_of("upgrade");
    change(&spoiled.file("chunks/"), |bytes| bytes.truncate(1_000));
    refused(&spoiled, &["chunks/", "truncated: 1000 bytes"]);
}

#[test]
fn a_chunk_of_another_archive_under_its_name() {
    let spoiled = Spoiled::copy_of("upgrade");
    let other = Spoiled::copy_of("hazards");
    fs::copy(other.file("chunks/"), spoiled.file("chunks/")).unwrap();
    refused(&spoiled, &["chunks/", "damaged"]);
}

#[test]
fn a_renamed_chunk() {
    let spoiled = Spoiled::copy_of("upgrade");
    let chunk = spoiled.file("chunks/");
    fs::rename(&chunk, chunk.with_file_name("0000000000-0000000001-00000000.tfa")).unwrap();
    refused(&spoiled, &[chunk.file_name().unwrap().to_str().unwrap(), "No such file"]);
    let check = replay("check {}", &[&spoiled.archive()]).exits(1).stdout;
    assert!(check.contains("0000000000-0000000001-00000000.tfa` is not listed"), "{check}");
}

#[test]
fn swapped_snapshots() {
    let spoiled = Spoiled::copy_of("upgrade");
    let (start, end) = (spoiled.file("state/0000000110"), spoiled.file("state/0000002302"));
    let bytes = fs::read(&start).unwrap();
    fs::copy(&end, &start).unwrap();
    fs::write(&end, bytes).unwrap();
    refused(&spoiled, &["state/0000000110", "damaged"]);
}

#[test]
fn a_missing_manifest() {
    let spoiled = Spoiled::copy_of("upgrade");
    fs::remove_file(spoiled.file("manifest.json")).unwrap();
    refused(&spoiled, &["no manifest.json", "minting-fetch"]);
    let absent = spoiled.archive().join("nothing");
    replay("run {} --period 81 --out {}", &[&absent, &spoiled.out()])
        .exits(1)
        .says(&["nothing", "No such file"]);
}

#[test]
fn an_unknown_version() {
    let spoiled = Spoiled::copy_of("upgrade");
    change(&spoiled.file("manifest.json"), |bytes| {
        *bytes =
            String::from_utf8(bytes.clone()).unwrap().replace("\"major\": 1", "\"major\": 7").into_bytes();
    });
    refused(&spoiled, &["format version 7.0", "install"]);
}

#[test]
fn an_archive_that_does_not_cover_the_period() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    replay("run {} --period 82 --out {}", &[&testdata("small/archive"), &out]).exits(1).says(&[
        "do not cover period 82",
        "missing",
        "minting-fetch period 82 --rpc <URL> --out <DIR>",
    ]);
    assert!(!out.exists());
}

#[test]
fn archives_of_different_chains() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (one, other) = (testdata("small/archive"), testdata("hazards/archive"));
    replay("run {} {} --period 81 --out {}", &[&one, &other, &out]).exits(1).says(&["different chains"]);
}

#[test]
fn receipts_of_the_period_before_that_cannot_be_used() {
    let refused = |spoil: fn(&Path), words: &[&str]| {
        let spoiled = Spoiled::copy_of("upgrade");
        let previous = spoiled.archive().with_file_name("previous");
        crate::support::copy(&testdata("small/previous"), &previous);
        spoil(&previous.join("receipts/80"));
        let out = spoiled.out();
        replay("run {} --period 81 --out {} --previous {}", &[&spoiled.archive(), &out, &previous])
            .exits(1)
            .says(words);
        assert!(!out.exists());
    };
    refused(|folder| fs::write(folder.join("notes.txt"), b"").unwrap(), &["notes.txt", "64 hex digits"]);
    refused(
        |folder| fs::write(folder.join("ab".repeat(32)), b"{").unwrap(),
        &["abab", "not a minting receipt"],
    );
    refused(|folder| fs::remove_dir_all(folder).unwrap(), &["receipts/80", "does not exist"]);
    refused(
        |folder| {
            let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
            names.sort();
            fs::rename(&names[0], folder.join("cd".repeat(32))).unwrap();
        },
        &["cdcd", "changed after it was published"],
    );
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let out = file.join("out");
    replay("run {} --period 81 --out {}", &[&testdata("upgrade/archive"), &out]).exits(1).says(&["file"]);
    fs::write(folder.path().join("thesis"), b"1").unwrap();
    replay("run {} --period 81 --out {} --overwrite", &[&testdata("upgrade/archive"), folder.path()])
        .exits(1)
        .says(&["not the output of an earlier run"]);
    assert_eq!(fs::read(folder.path().join("thesis")).unwrap(), b"1");
}

#[test]
fn a_paid_file_with_a_line_that_is_no_hash() {
    let folder = tempfile::tempdir().unwrap();
    let paid = folder.path().join("paid");
    fs::write(&paid, b"zz\n").unwrap();
    let out = folder.path().join("out");
    replay(
        "run {} --period 81 --out {} --previous {} --paid {}",
        &[&testdata("upgrade/archive"), &out, &testdata("small/previous"), &paid],
    )
    .exits(1)
    .says(&["line 1", "zz"]);
}
