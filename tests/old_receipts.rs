//! Every receipt that a past version wrote is read, written again to the same bytes, and has the hash in its name.
//! Skipped, out loud, where `MINTING_SHARED` is not set.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

use std::fs;
use std::path::{Path, PathBuf};

use minting::minting::{FixupReceipt, Receipt, RetryReceipt};

/// Receipts below a folder: those in folders below one named `receipts`.
fn receipts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            receipts(&path, found);
        } else if path.components().any(|part| part.as_os_str() == "receipts") {
            found.push(path);
        }
    }
}

fn again(path: &Path, bytes: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let kind = path.parent().unwrap().parent().unwrap().file_name().unwrap();
    if kind == "retries" {
        let receipt = RetryReceipt::parse(bytes).unwrap();
        (receipt.to_bytes(), receipt.hash())
    } else if kind == "fixed" {
        let receipt = FixupReceipt::parse(bytes).unwrap();
        (receipt.to_bytes(), receipt.hash())
    } else {
        let receipt = Receipt::parse(bytes).unwrap();
        (receipt.to_bytes(), receipt.hash())
    }
}

#[test]
fn every_receipt_of_a_past_version_survives_being_read() {
    let Some(shared) = std::env::var_os("MINTING_SHARED").map(PathBuf::from) else {
        eprintln!("skipped: MINTING_SHARED is not set");
        return;
    };
    let mut found = Vec::new();
    for folder in ["history", "cases"] {
        receipts(&shared.join("oracle").join(folder), &mut found);
    }
    assert!(found.len() > 500, "only {} receipts were found", found.len());
    for path in found {
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (written, hash) = again(&path, &bytes);
        assert_eq!(String::from_utf8(written), String::from_utf8(bytes), "{}", path.display());
        assert_eq!(hex::encode(hash), name, "{}", path.display());
    }
}
