//! Every change of an archive is found and named: each byte, each length, each file, each digested field.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use minting::archive::{
    Archive, Hex, Manifest, check,
    container::{Kind, Opened, open, seal, sha256},
};

use crate::{archives, support::files};

/// A small archive on disk, to be spoiled and mended again.
struct Small {
    _folder: tempfile::TempDir,
    path: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Small {
    fn new() -> Small {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive");
        archives::write(&path);
        let mut all = files(&path);
        // No digest covers it, nothing decides by it.
        all.remove("provenance.json").unwrap();
        let small = Small { _folder: folder, path, files: all };
        assert_eq!(small.problems(), Vec::<String>::new());
        assert_eq!(small.files.len(), 8, "three chunks, two states, two metadata and the manifest");
        small
    }

    fn problems(&self) -> Vec<String> {
        match Archive::open(&self.path) {
            Ok(archive) => check(&archive).iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    /// The problems while a file has other bytes.
    fn problems_with(&self, name: &str, bytes: &[u8]) -> Vec<String> {
        fs::write(self.path.join(name), bytes).unwrap();
        let problems = self.problems();
        fs::write(self.path.join(name), &self.files[name]).unwrap();
        problems
    }

    /// Names of the files, the manifest left out.
    fn parts(&self) -> impl Iterator<Item = &String> {
        self.files.keys().filter(|name| *name != "manifest.json")
    }
}

/// Whether one of the problems names this file.
fn name(problems: &[String], file: &str) -> bool {
    problems.iter().any(|problem| problem.contains(file))
}

#[test]
fn every_flipped_byte_is_found_and_the_file_named() {
    let small = Small::new();
    for (file, bytes) in &small.files {
        // Of a manifest and a file that contradict each other nobody can say which is the wrong one.
        let named = if file == "manifest.json" { "manifest" } else { file };
        for at in 0..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 1 << (at % 8);
            let problems = small.problems_with(file, &spoiled);
            assert!(name(&problems, named), "{file}, byte {at}: {problems:?}");
        }
    }
}

#[test]
fn every_truncation_and_every_longer_file_is_found_and_named() {
    let small = Small::new();
    for (file, bytes) in &small.files {
        for length in 0..bytes.len() {
            let problems = small.problems_with(file, &bytes[..length]);
            assert!(name(&problems, file), "{file}, {length} bytes: {problems:?}");
        }
        for more in [&b"\0"[..], b"\n", b"more", bytes] {
            let problems = small.problems_with(file, &[bytes, more].concat());
            assert!(name(&problems, file), "{file} and {more:?}: {problems:?}");
        }
    }
}

#[test]
fn files_that_are_swapped_renamed_duplicated_or_dropped_are_named() {
    let small = Small::new();
    let at = |name: &str| small.path.join(name);
    for one in small.parts() {
        for other in small.parts().filter(|other| *other != one) {
            fs::write(at(one), &small.files[other]).unwrap();
            let problems = small.problems_with(other, &small.files[one]);
            fs::write(at(one), &small.files[one]).unwrap();
            assert!(name(&problems, one) && name(&problems, other), "{one} and {other}: {problems:?}");
        }
        let folder = one.split('/').next().unwrap();
        let strange = format!("{folder}/9999999999-00000000.tfa");
        fs::rename(at(one), at(&strange)).unwrap();
        let problems = small.problems();
        assert!(name(&problems, one) && name(&problems, &strange), "{one} renamed: {problems:?}");
        fs::rename(at(&strange), at(one)).unwrap();
        fs::copy(at(one), at(&strange)).unwrap();
        let problems = small.problems();
        assert!(problems.len() == 1 && name(&problems, &strange), "{one} twice: {problems:?}");
        fs::remove_file(at(&strange)).unwrap();
        fs::remove_file(at(one)).unwrap();
        let problems = small.problems();
        assert!(name(&problems, one), "{one} dropped: {problems:?}");
        fs::write(at(one), &small.files[one]).unwrap();
    }
    fs::remove_file(at("manifest.json")).unwrap();
    assert!(name(&small.problems(), "manifest.json"));
}

#[test]
fn all_problems_are_listed_and_not_only_the_first() {
    let small = Small::new();
    let parts: Vec<&String> = small.parts().collect();
    for file in &parts {
        fs::write(small.path.join(file), b"x").unwrap();
    }
    let problems = small.problems();
    for file in parts {
        assert!(name(&problems, file), "{file}: {problems:?}");
    }
}

/// Paths of all numbers, strings and truth values in a JSON document.
fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found));
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), found));
        }
        _ => found.push(path.to_string()),
    }
}

/// The same form with another content.
fn changed(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => {
            let last = if text.ends_with('0') { "1" } else { "0" };
            format!("{}{last}", &text[..text.len() - 1]).into()
        }
        serde_json::Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
        serde_json::Value::Bool(yes) => (!yes).into(),
        _ => 7.into(),
    }
}

/// Whoever changes a field of the manifest has to give another root, or contradicts a file.
#[test]
fn every_field_of_the_manifest_is_held_by_the_root_or_by_a_file() {
    let small = Small::new();
    let manifest: serde_json::Value = serde_json::from_slice(&small.files["manifest.json"]).unwrap();
    let root = Archive::open(&small.path).unwrap().manifest().archive_root;
    let mut paths = Vec::new();
    leaves(&manifest, "", &mut paths);
    assert!(paths.len() > 50, "only {} fields", paths.len());
    assert!(paths.iter().any(|path| path == "/archive_root"));
    for path in paths.into_iter().filter(|path| path != "/archive_root") {
        let mut spoiled = manifest.clone();
        let leaf = spoiled.pointer_mut(&path).unwrap();
        *leaf = changed(leaf);
        let bytes = [&serde_json::to_vec_pretty(&spoiled).unwrap()[..], b"\n"].concat();
        let problems = small.problems_with("manifest.json", &bytes);
        assert!(!problems.is_empty(), "{path}");
        // The same with a root that fits.
        let Ok(mut liar) = serde_json::from_value::<Manifest>(spoiled) else { continue };
        liar.archive_root = Hex(liar.root());
        let problems = small.problems_with("manifest.json", &liar.to_bytes());
        assert!(!problems.is_empty() || liar.archive_root != root, "{path} with a root of its own");
    }
}

/// Whoever packs a file anew with one byte of its body changed, and makes every digest fit, gives another root.
#[test]
fn every_byte_of_every_body_is_held_by_the_root() {
    let small = Small::new();
    let manifest = Archive::open(&small.path).unwrap().manifest().clone();
    for file in small.parts() {
        let kind = match file.split('/').next().unwrap() {
            "chunks" => Kind::Chunk,
            "state" => Kind::State,
            _ => Kind::Metadata,
        };
        let path = Path::new(file);
        let Opened { minor, body, .. } = open(kind, &small.files[file], path).unwrap();
        for at in 0..body.len() {
            let mut spoiled = body.clone();
            spoiled[at] ^= 1;
            let sealed = seal(kind, minor, &spoiled, 1, path).unwrap();
            let mut liar = manifest.clone();
            let content = Hex(sealed.content_sha256);
            let (length, digest) = (u64::try_from(sealed.file.len()).unwrap(), Hex(sha256(&sealed.file)));
            for entry in liar.chunks.iter_mut().filter(|entry| entry.file == *file) {
                (entry.content_sha256, entry.file_bytes, entry.file_sha256) = (content, length, digest);
            }
            for entry in liar.state.iter_mut().filter(|entry| entry.file == *file) {
                (entry.content_sha256, entry.file_bytes, entry.file_sha256) = (content, length, digest);
            }
            for entry in liar.metadata.iter_mut().filter(|entry| entry.file == *file) {
                (entry.content_sha256, entry.file_bytes, entry.file_sha256) = (content, length, digest);
            }
            fs::write(small.path.join("manifest.json"), liar.to_bytes()).unwrap();
            let problems = small.problems_with(file, &sealed.file);
            assert!(name(&problems, "manifest.json"), "{file}, byte {at} with the old root: {problems:?}");
            liar.archive_root = Hex(liar.root());
            assert_ne!(liar.archive_root, manifest.archive_root, "{file}, byte {at}");
            fs::write(small.path.join("manifest.json"), liar.to_bytes()).unwrap();
            // What the headers cover is found even so; a panic or a hang would show here, too.
            let problems = small.problems_with(file, &sealed.file);
            if kind == Kind::Chunk && (32..HEADERS_END).contains(&at) && !length_of_section(at) {
                assert!(name(&problems, file), "{file}, byte {at} with a root of its own: {problems:?}");
            }
        }
        fs::write(small.path.join("manifest.json"), &small.files["manifest.json"]).unwrap();
    }
}

/// The prelude of a chunk, the head of its first section, and state and extrinsics roots of two blocks.
const HEADERS_END: usize = 72 + 12 + 2 * 64;

/// The head of a section is no part of a header, but no other value of it is read either.
fn length_of_section(at: usize) -> bool {
    (72..84).contains(&at)
}
