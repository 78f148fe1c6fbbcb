//! `run` verifies what archives prove, and its receipt says how far they can be trusted; what is signed does not depend on
//! that.
#![cfg(feature = "fetch")]

use std::{fs, path::Path};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use minting::archive::container::{Kind, Opened, open, seal, sha256};
use serde_json::{Value, json};

use crate::{
    proven::{Node, checked, folder},
    support::{copy, files, replay},
};

fn receipt(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap()
}

/// Changes the last byte in the body of the only file in `proofs/` whose name has this part, with digests that fit.
fn spoil_proof(archive: &Path, part: &str, kind: Kind) {
    let all = files(archive);
    let mut found = all.iter().filter(|(name, _)| name.starts_with("proofs/") && name.contains(part));
    let (name, bytes) = found.next().unwrap();
    assert!(found.next().is_none(), "{part} is in several names");
    let path = archive.join(name);
    let Opened { minor, mut body, .. } = open(kind, bytes, &path).unwrap();
    *body.last_mut().unwrap() ^= 1;
    let sealed = seal(kind, minor, &body, 1, &path).unwrap();
    let mut manifest: Value = serde_json::from_slice(&all["manifest.json"]).unwrap();
    let entry = match kind {
        Kind::Finality => &mut manifest["proofs"]["finality"],
        _ => {
            let list = if kind == Kind::StateProof { "state" } else { "blocks" };
            let list = manifest["proofs"][list].as_array_mut().unwrap();
            list.iter_mut().find(|entry| entry["file"] == **name).unwrap()
        }
    };
    entry["file_bytes"] = sealed.file.len().into();
    entry["file_sha256"] = hex::encode(sha256(&sealed.file)).into();
    entry["content_sha256"] = hex::encode(sealed.content_sha256).into();
    fs::write(path, sealed.file).unwrap();
    fs::write(archive.join("manifest.json"), serde_json::to_string_pretty(&manifest).unwrap() + "\n")
        .unwrap();
}

#[test]
fn a_receipt_says_how_far_the_archive_can_be_trusted_and_its_digest_does_not_depend_on_that() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("all")).exits(0);
    node.export("period 81 --proofs sample:7", &at("some")).exits(0);
    node.export("period 81", &at("none")).exits(0);
    let all = checked(&at("all"));
    let pinned = at("validators.json");
    fs::write(&pinned, serde_json::to_vec(&all["authorities"]).unwrap()).unwrap();
    let mut receipts = Vec::new();
    for (name, level, proven, states, words) in [
        ("none", "state", json!(0), 0, "Reached: state covers the period. "),
        ("some", "state-proofs", checked(&at("some"))["proven_blocks"].clone(), 2, "Reached: state proofs "),
        ("all", "state-proofs", all["blocks"].clone(), 2, "Reached: state proofs "),
    ] {
        let out = at(&format!("{name}-out"));
        let text = replay("run {} --period 81 --out {}", &[&at(name), &out]).exits(0).stdout;
        assert!(text.contains(words), "{name}: {text}");
        let trust = receipt(&out)["trust"].clone();
        assert_eq!((&trust["level"], &trust["blocks"]), (&json!(level), &all["blocks"]), "{name}");
        assert_eq!((&trust["proven_blocks"], &trust["proven_states"]), (&proven, &json!(states)), "{name}");
        assert_eq!((&trust["states"], &trust["saved_state_at"]), (&json!(2), &Value::Null), "{name}");
        let finality = if name == "none" { Value::Null } else { all["finality"].clone() };
        assert_eq!(trust["finality"], finality, "{name}");
        receipts.push(out);
    }
    let out = at("pinned-out");
    let paths = [&at("all"), &pinned, &out];
    let text =
        replay("run {} --period 81 --authorities {} --out {}", &paths.map(|path| &**path)).exits(0).stdout;
    assert!(text.contains("Reached: finality "), "{text}");
    let trust = receipt(&out)["trust"].clone();
    assert_eq!((&trust["level"], &trust["finality"]["authorities"]), (&json!("finality"), &json!("file")));
    receipts.push(out);

    // Everything else is the same, so that guardians agree whatever each one's archive shows.
    let same = |out: &Path| {
        let mut run = receipt(out);
        run.as_object_mut().unwrap().remove("trust").unwrap();
        run
    };
    let key = SigningKey::from_bytes(&[1; 32]);
    fs::write(at("key.pem"), key.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes()).unwrap();
    fs::write(at("key.pub"), key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
    let mut signed = Vec::new();
    for (number, out) in receipts.iter().enumerate() {
        assert_eq!(same(out), same(&receipts[0]), "{}", out.display());
        let file = at(&format!("{number}.json"));
        let said = replay("attest sign {} --key {} --out {}", &[out, &at("key.pem"), &file]).exits(0).stdout;
        let level = receipt(out)["trust"]["level"].as_str().unwrap().to_owned();
        assert!(said.contains(&format!("{level}, which is not signed")), "{said}");
        signed.push(fs::read(&file).unwrap());
        let own = &receipts[(number + 1) % receipts.len()];
        replay("attest verify {} --trust {} --threshold 1 --results {}", &[&file, &at("key.pub"), own])
            .exits(0);
    }
    assert!(signed.iter().all(|one| *one == signed[0]), "the signature does not depend on the proofs");

    // So it is with `verify`.
    let text = replay("verify {} --period 81 --against {}", &[&at("all"), &receipts[0]]).exits(0).stdout;
    assert!(text.contains("Equal:") && text.contains("Reached: state proofs "), "{text}");
    let text =
        replay("verify {} --period 81 --against {} --json", &[&at("none"), &receipts[0]]).exits(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["trust"]["level"], "state");
}

#[test]
fn a_run_of_a_false_proof_is_refused_by_name_and_leaves_what_was_there() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("true")).exits(0);
    let out = at("out");
    replay("run {} --period 81 --out {}", &[&at("true"), &out]).exits(0);
    let before = files(&out);
    let first = checked(&at("true"))["first_block"].as_u64().unwrap();
    let states: Vec<String> = checked(&at("true"))["state"]
        .as_array()
        .unwrap()
        .iter()
        .map(|height| format!("proofs/{:010}-", height.as_u64().unwrap()))
        .collect();
    let all = files(&at("true"));
    // The proofs of a chunk are named by two heights, those of a state by one.
    let of_chunk = all.keys().find(|name| name.starts_with(&format!("proofs/{first:010}-0"))).unwrap();
    let of_state = all.keys().find(|name| name.starts_with(&states[1]) && name.len() < 35).unwrap();
    for (number, (part, kind)) in
        [(of_chunk.as_str(), Kind::BlockProofs), (of_state, Kind::StateProof), ("-finality", Kind::Finality)]
            .into_iter()
            .enumerate()
    {
        let archive = at(&format!("false-{number}"));
        copy(&at("true"), &archive);
        spoil_proof(&archive, part, kind);
        let problem = replay("check {}", &[&archive]).exits(1).stdout;
        let problem =
            problem.lines().find_map(|line| line.trim().strip_prefix("problem: ")).unwrap().to_owned();
        for jobs in ["1", "3"] {
            replay(&format!("run {{}} --period 81 --out {{}} --overwrite --jobs {jobs}"), &[&archive, &out])
                .exits(1)
                .says(&[&problem, "not what they prove"]);
        }
        replay("run {} --period 81 --save-state {}", &[&archive, &at("saved")]).exits(1).says(&[&problem]);
        assert!(!at("saved").exists());
        replay("verify {} --period 81 --against {}", &[&archive, &out]).exits(1).says(&[&problem]);
        fs::create_dir_all(at("cases/one")).unwrap();
        copy(&archive, &at("cases/one/archive"));
        let what = problem.split_once("is damaged").unwrap().1;
        replay("test {} --bless", &[&at("cases")]).exits(1).says(&[what]);
        fs::remove_dir_all(at("cases")).unwrap();
    }
    assert!(files(&out) == before);
}

#[test]
fn a_run_is_refused_if_pinned_validators_did_not_sign() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("all")).exits(0);
    node.export("period 81", &at("none")).exits(0);
    let pinned = at("validators.json");
    let mut validators = checked(&at("all"))["authorities"].clone();
    fs::write(&pinned, serde_json::to_vec(&validators).unwrap()).unwrap();
    let run = |archive: &str| {
        let paths = [at(archive), pinned.clone(), at("out")];
        replay(
            "run {} --period 81 --authorities {} --out {}",
            &paths.each_ref().map(std::path::PathBuf::as_path),
        )
    };
    run("none").exits(4).says(&["the archive holds no signatures"]);
    validators["sets"][0]["set_id"] = json!(1);
    fs::write(&pinned, serde_json::to_vec(&validators).unwrap()).unwrap();
    run("all").exits(4).says(&["not signed by the validators in the file", "not valid for set 1"]);
    fs::write(&pinned, b"{}").unwrap();
    run("all").exits(1).says(&["validators.json"]);
    assert!(!at("out").exists());
}

#[test]
fn several_archives_reach_what_the_lowest_of_them_does() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("whole")).exits(0);
    let whole = checked(&at("whole"));
    let (first, last) = (whole["first_block"].as_u64().unwrap(), whole["last_block"].as_u64().unwrap());
    let (end, middle) = (whole["state"][1].as_u64().unwrap(), (first + last) / 2);
    let (one, two) =
        (format!("blocks {}..{middle} --state-at {first}", first - 1), format!("{}..{last}", middle - 9));
    let two = format!("blocks {two} --state-at {end}");
    for (name, what) in [("one", &one), ("two", &two)] {
        node.export(&format!("{what} --proofs all"), &at(name)).exits(0);
        node.export(what, &at(&format!("{name}-bare"))).exits(0);
    }
    let pinned = at("validators.json");
    fs::write(&pinned, serde_json::to_vec(&checked(&at("two"))["authorities"]).unwrap()).unwrap();
    for (names, more, level, proven) in [
        (["one", "two"], "", "state-proofs", last + 1 - first),
        // The headers of the first one lead to what was signed of the second one.
        (["one", "two"], "--authorities {}", "finality", last + 1 - first),
        (["one-bare", "two"], "", "state", last - middle),
        (["one", "two-bare"], "", "state", middle + 1 - first),
    ] {
        let out = at("out");
        let mut paths = names.map(&at).to_vec();
        paths.extend(more.contains("{}").then(|| pinned.clone()));
        paths.push(out.clone());
        let paths: Vec<&Path> = paths.iter().map(std::path::PathBuf::as_path).collect();
        replay(&format!("run {{}} {{}} --period 81 --rules r81 {more} --out {{}}"), &paths).exits(0);
        let trust = receipt(&out)["trust"].clone();
        assert_eq!((&trust["level"], &trust["proven_blocks"]), (&json!(level), &json!(proven)), "{names:?}");
        assert_eq!(trust["blocks"], last + 1 - first, "an overlap counts once: {names:?}");
        fs::remove_dir_all(out).unwrap();
    }
    let paths = [at("one"), at("two-bare"), pinned, at("out")];
    replay("run {} {} --period 81 --authorities {} --out {}", &paths.each_ref().map(|path| path.as_path()))
        .exits(4)
        .says(&["two-bare", "no signatures"]);
}

#[test]
fn a_slim_archive_and_a_saved_state_are_no_more_than_their_digests() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("whole")).exits(0);
    replay("slim {} --out {}", &[&at("whole"), &at("slim")]).exits(0);
    let text = replay("run {} --period 81 --out {}", &[&at("slim"), &at("slim-out")]).exits(0).stdout;
    assert!(text.contains("Reached: content digests. A slim archive holds no headers."), "{text}");
    assert_eq!(receipt(&at("slim-out"))["trust"]["level"], "content");

    let whole = checked(&at("whole"));
    let (first, last) = (whole["first_block"].as_u64().unwrap(), whole["last_block"].as_u64().unwrap());
    let (end, middle) = (whole["state"][1].as_u64().unwrap(), (first + last) / 2);
    node.export(
        &format!("blocks {}..{middle} --state-at {first} --state-at {middle} --proofs all", first - 1),
        &at("one"),
    )
    .exits(0);
    node.export(&format!("blocks {}..{last} --state-at {end} --proofs all", middle + 1), &at("two")).exits(0);
    let text =
        replay("run {} --period 81 --rules r81 --save-state {}", &[&at("one"), &at("saved")]).exits(0).stdout;
    assert!(text.contains("The state after block") && text.contains("Reached: state proofs "), "{text}");
    let paths = [at("two"), at("saved"), at("out")];
    let text = replay(
        "run {} --period 81 --rules r81 --load-state {} --out {}",
        &paths.each_ref().map(|path| path.as_path()),
    )
    .exits(0)
    .stdout;
    assert!(text.contains("Reached: content digests (proven: "), "{text}");
    assert!(text.contains(&format!("up to block {middle} is as the saved state says.")), "{text}");
    let trust = receipt(&at("out"))["trust"].clone();
    assert_eq!((&trust["level"], &trust["saved_state_at"]), (&json!("content"), &json!(middle)));
    assert_eq!((&trust["blocks"], &trust["proven_blocks"]), (&json!(last - middle), &json!(last - middle)));
    assert_eq!((&trust["states"], &trust["proven_states"]), (&json!(1), &json!(1)));

    // What ends early covers no period.
    let partial = |name: &str, archive: &str| {
        let text = replay("run {} --period 81 --rules r81 --partial --out {}", &[&at(archive), &at(name)]);
        let text = text.exits(0).stdout;
        let run: Value =
            serde_json::from_slice(&fs::read(at(name).join("partial-run.json")).unwrap()).unwrap();
        (text, run["trust"].clone())
    };
    let (text, trust) = partial("proven-out", "one");
    assert!(text.contains("Reached: state proofs "), "{text}");
    assert_eq!((&trust["level"], &trust["proven_states"]), (&json!("state-proofs"), &json!(2)));
    node.export(
        &format!("blocks {}..{middle} --state-at {first} --state-at {middle}", first - 1),
        &at("bare"),
    )
    .exits(0);
    let text = replay("run {} --period 81 --rules r81 --save-state {}", &[&at("bare"), &at("saved-bare")]);
    let text = text.exits(0).stdout;
    assert!(text.contains("Reached: headers chained. "), "{text}");
    let (text, trust) = partial("bare-out", "bare");
    assert!(text.contains("Reached: headers chained. "), "{text}");
    assert_eq!(trust["level"], "headers");
}
