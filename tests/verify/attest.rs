//! `minting-replay attest`: keys in standard files, signatures over what is on disk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use serde_json::Value;

use crate::support::{copy, replay, testdata};

/// Seven guardians and the results of a run.
struct Guardians {
    folder: tempfile::TempDir,
}

impl Guardians {
    fn new() -> Guardians {
        let guardians = Guardians { folder: tempfile::tempdir().unwrap() };
        let mut public = String::new();
        for number in 1..=7u8 {
            let key = SigningKey::from_bytes(&[number; 32]);
            let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
            fs::write(guardians.key(number), pem.as_bytes()).unwrap();
            public += &format!("# guardian {number}\n");
            public += &key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        }
        fs::write(guardians.at("guardians.pem"), public).unwrap();
        copy(&testdata("upgrade/expected"), &guardians.at("out"));
        guardians
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self, number: u8) -> PathBuf {
        self.at(&format!("key-{number}.pem"))
    }

    fn sign(&self, results: &Path, number: u8) -> PathBuf {
        let file = self.at(&format!("{number}.json"));
        replay("attest sign {} --key {} --out {}", &[results, &self.key(number), &file]).exits(0);
        file
    }
}

#[test]
fn five_of_seven_guardians_are_enough() {
    let guardians = Guardians::new();
    let out = guardians.at("out");
    let files: Vec<PathBuf> = (1..=5).map(|number| guardians.sign(&out, number)).collect();
    let trust = guardians.at("guardians.pem");
    let mut paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    paths.push(&trust);
    let ran = replay("attest verify {} {} {} {} {} --trust {}", &paths).exits(0);
    let run: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let short = run["short_digest"].as_str().unwrap();
    assert!(ran.stdout.contains(&format!("5 of 5 signatures over receipt {short}")), "{}", ran.stdout);
    assert!(ran.stdout.contains("guardian 3"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("Reached: signatures.\n"), "{}", ran.stdout);
    let ran = replay("attest verify {} {} {} {} --trust {}", &paths[1..]).exits(4);
    assert!(ran.stdout.contains("4 of 5"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("Reached: nothing.\n"), "{}", ran.stdout);
    replay("attest verify {} {} {} {} --trust {} --threshold 4", &paths[1..]).exits(0);
    paths.push(&out);
    replay("attest verify {} {} {} {} {} --trust {} --results {}", &paths).exits(0);
}

#[test]
fn guardians_with_other_results_are_told_where_they_differ() {
    let guardians = Guardians::new();
    let (one, two) = (guardians.sign(&guardians.at("out"), 1), guardians.at("two"));
    let options = "--bugs reference --invalid-addresses withhold";
    replay(&format!("run {{}} --period 81 {options} --out {{}}"), &[&testdata("upgrade/archive"), &two])
        .exits(0);
    let two = guardians.sign(&two, 2);
    let trust = guardians.at("guardians.pem");
    let ran = replay("attest verify {} {} --trust {} --threshold 1", &[&one, &two, &trust]).exits(4);
    assert!(ran.stdout.contains("first differ at rules/bugs"), "{}", ran.stdout);
    let ran = replay("attest verify {} {} --trust {} --json", &[&one, &two, &trust]).exits(4);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["disagreement"]["first"]["value"], "\"fixed\"");
    assert_eq!((&json["valid"], &json["reached"]), (&1.into(), &false.into()));
}

#[test]
fn only_what_run_json_lists_is_signed() {
    let guardians = Guardians::new();
    let out = guardians.at("out");
    let refused = |word: &str| {
        replay("attest sign {} --key {}", &[&out, &guardians.key(1)]).exits(1).says(&[word]);
    };
    let payouts = fs::read(out.join("payouts.csv")).unwrap();
    fs::write(out.join("payouts.csv"), b"GMINE,1.0000000,00\n").unwrap();
    refused("payouts.csv: its content is not what run.json lists");
    fs::remove_file(out.join("payouts.csv")).unwrap();
    refused("payouts.csv: run.json lists it, but it is missing");
    fs::write(out.join("payouts.csv"), payouts).unwrap();
    fs::write(out.join("receipts/81/stranger"), b"").unwrap();
    refused("receipts/81/stranger: run.json does not list it");
    fs::remove_file(out.join("receipts/81/stranger")).unwrap();
    let run = fs::read_to_string(out.join("run.json")).unwrap();
    fs::write(out.join("run.json"), run.replace("\"paid\": 8", "\"paid\": 9")).unwrap();
    refused("short digest");
    fs::write(out.join("run.json"), run).unwrap();
    replay("attest sign {} --key {}", &[&out, &guardians.key(1)]).exits(0);
    // An attestation lies with the results, and does not count as one of them.
    replay("attest sign {} --key {}", &[&out, &guardians.key(2)]).exits(0);
    replay("attest sign {} --key {}", &[&testdata("hazards/withheld"), &guardians.key(1)])
        .exits(1)
        .says(&["withheld for findings"]);
}

/// The documented ways to compute the short digest, and what is signed, with `jq` alone.
#[cfg(unix)]
#[test]
fn jq_computes_the_short_digest_and_what_is_signed() {
    if Command::new("jq").arg("--version").output().is_err() {
        eprintln!("LEFT OUT: jq is not installed");
        return;
    }
    let guardians = Guardians::new();
    let (out, file) = (guardians.at("out"), guardians.at("alice.json"));
    let said = replay("attest sign {} --key {} --out {}", &[&out, &guardians.key(1), &file]).exits(0).stdout;
    let page = include_str!("../../docs/run-receipt.md");
    let digest = |command: &str, folder: &Path| {
        assert!(page.contains(command), "the page has no `{command}`");
        let ran = Command::new("sh").args(["-c", command]).current_dir(folder).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    let run: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let short = run["short_digest"].as_str().unwrap().replace('-', "");
    let all_else = digest("jq -S 'del(.short_digest, .trust)' run.json | sha256sum", &out);
    assert!(all_else.starts_with(&short), "{all_else}");
    let signed = digest("jq -S 'del(.trust)' run.json | sha256sum | cut -d' ' -f1", &out);
    assert!(said.contains(signed.trim()), "{said}");
    assert_eq!(digest("jq -S .run alice.json | sha256sum | cut -d' ' -f1", &guardians.at("")), signed);
}

/// The documented way to verify an attestation with OpenSSL alone.
#[test]
fn openssl_makes_keys_and_verifies_signatures() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("LEFT OUT: openssl is not installed");
        return;
    }
    let guardians = Guardians::new();
    let out = guardians.at("out");
    let openssl = |args: &str, paths: &[&Path]| {
        let mut paths = paths.iter();
        let args = args.split_whitespace().map(|word| match word {
            "{}" => paths.next().unwrap().as_os_str().to_owned(),
            word => word.into(),
        });
        let ran = Command::new("openssl").args(args).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    let (private, public) = (guardians.at("openssl.pem"), guardians.at("openssl.pub"));
    openssl("genpkey -algorithm ed25519 -out {}", &[&private]);
    openssl("pkey -in {} -pubout -out {}", &[&private, &public]);
    let file = guardians.at("openssl.json");
    replay("attest sign {} --key {} --out {}", &[&out, &private, &file]).exits(0);
    replay("attest verify {} --trust {} --threshold 1", &[&file, &public]).exits(0);
    let attestation: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut run: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(run.as_object_mut().unwrap().remove("trust").unwrap()["level"], "state");
    let run = serde_json::to_string_pretty(&run).unwrap() + "\n";
    let digest = minting::archive::container::sha256(run.as_bytes());
    let (message, signature) = (guardians.at("message"), guardians.at("signature"));
    fs::write(&message, format!("minting run receipt\n{}\n", hex::encode(digest))).unwrap();
    fs::write(&signature, hex::decode(attestation["signature"].as_str().unwrap()).unwrap()).unwrap();
    openssl("pkeyutl -verify -pubin -inkey {} -rawin -in {} -sigfile {}", &[&public, &message, &signature]);
}
