//! Every change of what an archive proves is found and named: of files, and of what is in them with digests that fit.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use minting::{
    archive::{
        Archive, Error, Hex, Manifest, check,
        container::{Kind, Opened, open, seal, sha256},
    },
    verify::proofs,
};

use crate::support::{copy, files, testdata};

/// A copy of the frozen archive with proofs, to be spoiled and mended again.
struct Proven {
    _folder: tempfile::TempDir,
    path: PathBuf,
    /// Files below `proofs/`, and the manifest.
    files: BTreeMap<String, Vec<u8>>,
    manifest: Manifest,
}

impl Proven {
    fn new() -> Proven {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive");
        copy(&testdata("proven/archive"), &path);
        let manifest = Archive::open(&path).unwrap().manifest().clone();
        let mut all = files(&path);
        all.retain(|name, _| name.starts_with("proofs/"));
        let proven = Proven { _folder: folder, path, files: all, manifest };
        assert_eq!(proven.files.len(), 6, "three chunks, two states and a justification");
        assert!(check(&proven.archive()).is_empty());
        let found = proofs::verify(&proven.archive(), None, &|| false).unwrap();
        assert_eq!((found.blocks(), found.states()), (379, 2));
        assert!(found.finality.finalized.is_some());
        proven
    }

    fn archive(&self) -> Archive {
        Archive::open(&self.path).unwrap()
    }

    /// What reading one file of proofs says, while it has other bytes.
    fn reading(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        fs::write(self.path.join(name), bytes).unwrap();
        let archive = self.archive();
        let listed = archive.manifest().proofs.clone().unwrap();
        let blocks = listed.blocks.iter().find(|entry| entry.file == name);
        let state = listed.state.iter().find(|entry| entry.file == name);
        let read = match (blocks, state) {
            (Some(entry), _) => archive.block_proofs(entry).map(drop),
            (_, Some(entry)) => archive.state_proof(entry).map(drop),
            _ => archive.finality(listed.finality.as_ref().unwrap()).map(drop),
        };
        fs::write(self.path.join(name), &self.files[name]).unwrap();
        read
    }

    /// The manifest with the digests of another file.
    fn with_digests(&self, name: &str, file: &[u8], content: [u8; 32]) -> Manifest {
        let mut liar = self.manifest.clone();
        let listed = liar.proofs.as_mut().unwrap();
        let (length, digest) = (u64::try_from(file.len()).unwrap(), Hex(sha256(file)));
        for entry in listed.blocks.iter_mut().filter(|entry| entry.file == name) {
            (entry.content_sha256, entry.file_bytes, entry.file_sha256) = (Hex(content), length, digest);
        }
        for entry in listed.state.iter_mut().filter(|entry| entry.file == name) {
            (entry.content_sha256, entry.file_bytes, entry.file_sha256) = (Hex(content), length, digest);
        }
        for entry in listed.finality.iter_mut().filter(|entry| entry.file == name) {
            (entry.content_sha256, entry.file_bytes, entry.file_sha256) = (Hex(content), length, digest);
        }
        liar
    }
}

fn kind(name: &str) -> Kind {
    match name {
        name if name.ends_with("-finality.tfa") => Kind::Finality,
        name if name.matches('-').count() == 1 => Kind::StateProof,
        _ => Kind::BlockProofs,
    }
}

#[test]
fn a_file_of_proofs_with_a_flipped_byte_or_another_length_is_named() {
    let proven = Proven::new();
    for (name, bytes) in &proven.files {
        // All of the small files, and of the large ones the header and what follows in steps.
        let step = bytes.len() / 1_000 + 1;
        for at in (0..bytes.len()).filter(|at| *at < 64 || at % step == 0) {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 1 << (at % 8);
            let error = proven.reading(name, &spoiled).expect_err(&format!("{name}, byte {at}"));
            assert!(error.to_string().contains(name), "{name}, byte {at}: {error}");
            let error = proven.reading(name, &bytes[..at]).expect_err(&format!("{name}, {at} bytes"));
            assert!(error.to_string().contains(name), "{name}, {at} bytes: {error}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(proven.reading(name, &longer).unwrap_err().to_string().contains(name), "{name}");
        assert!(proven.reading(name, bytes).is_ok());
    }
}

/// Proofs are outside of the root, so that nothing but what they prove holds them.
#[test]
fn a_proof_with_a_changed_byte_and_digests_that_fit_proves_nothing() {
    let proven = Proven::new();
    let mut changes = 0;
    for (name, bytes) in &proven.files {
        let (kind, path) = (kind(name), Path::new(name));
        let Opened { minor, body, .. } = open(kind, bytes, path).unwrap();
        let places = if kind == Kind::Finality { 61 } else { 13 };
        for at in (0..body.len()).step_by(body.len() / places) {
            let mut spoiled = body.clone();
            spoiled[at] ^= 1;
            let sealed = seal(kind, minor, &spoiled, 1, path).unwrap();
            let liar = proven.with_digests(name, &sealed.file, sealed.content_sha256);
            assert_eq!(liar.root(), proven.manifest.archive_root.0, "proofs are outside of the root");
            fs::write(proven.path.join("manifest.json"), liar.to_bytes()).unwrap();
            fs::write(proven.path.join(name), &sealed.file).unwrap();
            let problems =
                proofs::verify(&proven.archive(), None, &|| false).expect_err(&format!("{name}, byte {at}"));
            assert!(
                problems.iter().any(|problem| problem.to_string().contains(name)),
                "{name}, byte {at}: {problems:?}"
            );
            changes += 1;
        }
        fs::write(proven.path.join(name), bytes).unwrap();
    }
    assert!(changes > 120, "only {changes} changes");
}

/// A root vouches for the state of its own block: a run of several archives finds a snapshot by the hash that it names.
#[test]
fn a_snapshot_that_names_another_block_of_its_height_is_not_proven() {
    let proven = Proven::new();
    let mut liar = proven.manifest.clone();
    // Both files with another hash of their block: the prelude has it behind that of block 0 and the number, and the first
    // digits of it are in their names.
    let renamed = |kind: Kind, name: &str| {
        let path = proven.path.join(name);
        let Opened { minor, mut body, .. } = open(kind, &fs::read(&path).unwrap(), &path).unwrap();
        body[36..68].fill(7);
        let sealed = seal(kind, minor, &body, 1, &path).unwrap();
        let (number, _) = name.rsplit_once('-').unwrap();
        let name = format!("{number}-07070707.tfa");
        fs::remove_file(&path).unwrap();
        fs::write(proven.path.join(&name), &sealed.file).unwrap();
        let length = u64::try_from(sealed.file.len()).unwrap();
        (name, Hex(sealed.content_sha256), length, Hex(sha256(&sealed.file)))
    };
    let state = &mut liar.state[1];
    let height = state.height;
    state.block_hash = Hex([7; 32]);
    (state.file, state.content_sha256, state.file_bytes, state.file_sha256) =
        renamed(Kind::State, &state.file);
    let proof = &mut liar.proofs.as_mut().unwrap().state[1];
    (proof.file, proof.content_sha256, proof.file_bytes, proof.file_sha256) =
        renamed(Kind::StateProof, &proof.file);
    liar.archive_root = Hex(liar.root());
    fs::write(proven.path.join("manifest.json"), liar.to_bytes()).unwrap();
    let problems = proofs::verify(&proven.archive(), None, &|| false).unwrap_err();
    let named = format!("the snapshot of block {height} names another block");
    assert!(problems.iter().any(|problem| problem.to_string().contains(&named)), "{problems:?}");
}
