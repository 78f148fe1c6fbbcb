//! Attestations: run receipts that guardians signed, and how many of them agree.
//!
//! `docs/run-receipt.md` documents the file and how to verify it without this program.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use super::{
    keys::Trusted,
    outputs::{ResultError, parse_run_receipt, read},
};
use crate::{
    archive::{Hash, container::sha256},
    report::seal,
};

/// `format.name` of an attestation.
const FORMAT_NAME: &str = "minting-attestation";
/// First line of the message that is signed: a signature for anything else starts with other bytes.
const DOMAIN: &str = "minting run receipt";

/// A signed run receipt.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// The run receipt, without `trust`: what one's own archive shows is nothing that others can agree about.
    pub run: Value,
    /// SHA-256 of its canonical bytes, those of the file `run.json` without `trust`.
    pub run_sha256: Hash,
    /// Who signed.
    pub key: VerifyingKey,
    /// Over the [`message`] of the receipt.
    pub signature: Signature,
}

/// What is signed: the line `minting run receipt`, and a line with the SHA-256 in hex of `run.json` without `trust`.
pub fn message(run_sha256: &Hash) -> String {
    format!("{DOMAIN}\n{}\n", hex::encode(run_sha256))
}

impl Attestation {
    /// Signs a run receipt.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn sign(run: Value, key: &SigningKey) -> std::io::Result<Attestation> {
        let run = seal::agreed(run);
        let run_sha256 = sha256(&seal::to_bytes(&run)?);
        let signature = key.sign(message(&run_sha256).as_bytes());
        Ok(Attestation { run, run_sha256, key: key.verifying_key(), signature })
    }

    /// Whether the signature is one of the key over the receipt.
    pub fn is_valid(&self) -> bool {
        self.key.verify_strict(message(&self.run_sha256).as_bytes(), &self.signature).is_ok()
    }

    /// The bytes of the file, in canonical form.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        seal::to_bytes(&json!({
            "format": { "name": FORMAT_NAME, "version": 1 },
            "public_key": hex::encode(self.key.to_bytes()),
            "run": self.run,
            "signature": hex::encode(self.signature.to_bytes()),
        }))
    }

    /// Reads a file; whether the signature is valid is another question.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Attestation, ResultError> {
        Attestation::parse(&read(path)?).map_err(|what| ResultError::malformed(path, what))
    }

    /// As [`Attestation::read`], from bytes.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Attestation, String> {
        let file: Value = serde_json::from_slice(bytes).map_err(|e| format!("it is not JSON: {e}"))?;
        let format = json!({ "name": FORMAT_NAME, "version": 1 });
        if file.get("format") != Some(&format) {
            return Err("it is no attestation of version 1; `minting-replay attest sign` makes one".into());
        }
        let field = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default();
        let bytes_of =
            |name: &str| hex::decode(field(name)).map_err(|e| format!("its {name} is not hex: {e}"));
        let key = <[u8; 32]>::try_from(bytes_of("public_key")?.as_slice())
            .ok()
            .and_then(|key| VerifyingKey::from_bytes(&key).ok())
            .ok_or("its public_key is no key of ed25519")?;
        let signature = Signature::from_slice(&bytes_of("signature")?)
            .map_err(|_| "its signature is none of ed25519".to_owned())?;
        let run = file.get("run").cloned().unwrap_or_default();
        let run_bytes = seal::to_bytes(&run).map_err(|e| e.to_string())?;
        let run = parse_run_receipt(&run_bytes).map_err(|what| format!("run: {what}"))?;
        if run.get(seal::TRUST).is_some() {
            return Err(format!("run: it has the field {}, which no signature covers", seal::TRUST));
        }
        Ok(Attestation { run, run_sha256: sha256(&run_bytes), key, signature })
    }

    /// The short digest of its receipt.
    pub fn short_digest(&self) -> &str {
        self.run.get(seal::SHORT_DIGEST).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The first place, in the order of `run.json`, at which two receipts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: `totals/tft`.
    pub place: String,
    /// What the first says, as JSON; `nothing` if it has no such field.
    pub first: String,
    /// What the second says.
    pub second: String,
}

/// Finds the first difference; none if there is none. The short digest follows from the rest, and does not count, nor does
/// how far each archive can be trusted.
pub fn first_difference(first: &Value, second: &Value) -> Option<Difference> {
    difference_at("", Some(first), Some(second))
}

fn difference_at(place: &str, first: Option<&Value>, second: Option<&Value>) -> Option<Difference> {
    if first == second {
        return None;
    }
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
    match (first, second) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let counts = |name: &str| !place.is_empty() || ![seal::SHORT_DIGEST, seal::TRUST].contains(&name);
            let mut names = names.into_iter().filter(|name| counts(name));
            names.find_map(|name| difference_at(&below(name), a.get(name), b.get(name)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => (0..a.len().max(b.len()))
            .find_map(|place| difference_at(&below(&place.to_string()), a.get(place), b.get(place))),
        _ => {
            let words = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            Some(Difference { place: place.to_owned(), first: words(first), second: words(second) })
        }
    }
}

/// One file that was looked at.
#[derive(Clone, Debug)]
pub struct Vote {
    /// The file.
    pub file: PathBuf,
    /// The attestation, if it is one.
    pub attestation: Option<Attestation>,
    /// Why it does not count; none if it does.
    pub problem: Option<String>,
}

/// What several attestations come to.
#[derive(Clone, Debug)]
pub struct Count {
    /// Every file, in the order given.
    pub votes: Vec<Vote>,
    /// Two votes that count over different receipts, and where these differ.
    pub disagreement: Option<(PathBuf, PathBuf, Difference)>,
    /// Distinct trusted keys with a valid signature over the receipt of the first vote that counts.
    pub valid: usize,
}

/// Looks at attestations in their order: a vote counts if its signature is valid, its key trusted, and no earlier
/// vote has the same key.
pub fn count(files: &[PathBuf], trusted: &Trusted) -> Count {
    let mut votes: Vec<Vote> = Vec::new();
    let mut seen: BTreeMap<[u8; 32], PathBuf> = BTreeMap::new();
    for file in files {
        let (attestation, problem) = match Attestation::read(file) {
            Err(error) => (None, Some(error.to_string())),
            Ok(attestation) => {
                let key = attestation.key.to_bytes();
                let problem = if !attestation.is_valid() {
                    Some("the signature is not valid".to_owned())
                } else if !trusted.contains_key(&key) {
                    Some("the key is not among those trusted".to_owned())
                } else {
                    seen.get(&key).map(|other| format!("the same key signed `{}`", other.display()))
                };
                if problem.is_none() {
                    seen.insert(key, file.clone());
                }
                (Some(attestation), problem)
            }
        };
        votes.push(Vote { file: file.clone(), attestation, problem });
    }
    let counted = |vote: &&Vote| vote.problem.is_none();
    let agreed =
        votes.iter().find(counted).and_then(|vote| vote.attestation.clone().map(|a| (vote.file.clone(), a)));
    let Some((file, agreed)) = agreed else { return Count { votes, disagreement: None, valid: 0 } };
    let same = |vote: &&Vote| vote.attestation.as_ref().is_some_and(|a| a.run_sha256 == agreed.run_sha256);
    let valid = votes.iter().filter(counted).filter(same).count();
    // The same key over two receipts is a disagreement, too.
    let other = votes.iter().filter(|vote| {
        vote.attestation.as_ref().is_some_and(|a| a.is_valid() && trusted.contains_key(&a.key.to_bytes()))
    });
    let disagreement = other.filter(|vote| !same(vote)).find_map(|vote| {
        let difference = first_difference(&agreed.run, &vote.attestation.as_ref()?.run)?;
        Some((file.clone(), vote.file.clone(), difference))
    });
    Count { votes, disagreement, valid }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tft: &str) -> Value {
        let format = json!({ "name": "minting-run-receipt", "version": 1 });
        let run = json!({ "format": format, "outputs": {}, "totals": { "paid": 1, "tft": tft } });
        serde_json::from_slice(&seal::seal(run).unwrap()).unwrap()
    }

    fn key(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[number; 32])
    }

    struct Votes {
        folder: tempfile::TempDir,
        files: Vec<PathBuf>,
    }

    impl Votes {
        fn new() -> Votes {
            Votes { folder: tempfile::tempdir().unwrap(), files: vec![] }
        }

        fn add(&mut self, run: Value, signer: u8) -> PathBuf {
            let path = self.folder.path().join(self.files.len().to_string());
            std::fs::write(&path, Attestation::sign(run, &key(signer)).unwrap().to_bytes().unwrap()).unwrap();
            self.files.push(path.clone());
            path
        }

        fn count(&self) -> Count {
            let trusted = (1..=7).map(|n| (key(n).verifying_key().to_bytes(), format!("guardian {n}")));
            count(&self.files, &trusted.collect())
        }
    }

    #[test]
    fn only_distinct_trusted_keys_with_valid_signatures_count() {
        let mut votes = Votes::new();
        votes.add(run("1.0"), 1);
        votes.add(run("1.0"), 1);
        votes.add(run("1.0"), 2);
        votes.add(run("1.0"), 9);
        let forged = votes.add(run("1.0"), 3);
        // Somebody puts guardian 4 in the place of 3.
        let text = std::fs::read_to_string(&forged).unwrap();
        let (three, four) = (hex::encode(key(3).verifying_key()), hex::encode(key(4).verifying_key()));
        std::fs::write(&forged, text.replace(&three, &four)).unwrap();
        let count = votes.count();
        assert_eq!((count.valid, count.disagreement), (2, None));
        let problems: Vec<_> = count.votes.iter().map(|v| v.problem.clone().unwrap_or_default()).collect();
        assert_eq!(problems[0], "");
        assert!(problems[1].contains("the same key") && problems[2].is_empty());
        assert!(problems[3].contains("trusted") && problems[4].contains("not valid"));
    }

    #[test]
    fn receipts_that_differ_are_a_disagreement_with_its_first_place() {
        let mut votes = Votes::new();
        votes.add(run("1.0"), 1);
        votes.add(run("1.0"), 2);
        let other = votes.add(run("2.0"), 3);
        let count = votes.count();
        assert_eq!(count.valid, 2);
        let (_, file, difference) = count.disagreement.unwrap();
        assert_eq!(file, other);
        assert_eq!((difference.place.as_str(), difference.second.as_str()), ("totals/tft", "\"2.0\""));
    }

    #[test]
    fn a_receipt_that_was_changed_after_it_was_signed_is_no_attestation() {
        let mut votes = Votes::new();
        let path = votes.add(run("1.0"), 1);
        let text = std::fs::read_to_string(&path).unwrap().replace("1.0", "9.0");
        std::fs::write(&path, text).unwrap();
        let count = votes.count();
        assert_eq!(count.valid, 0);
        assert!(
            count.votes[0].problem.as_ref().unwrap().contains("short digest"),
            "{:?}",
            count.votes[0].problem
        );
    }

    /// One guardian has an archive with proofs, the other one the same archive without.
    #[test]
    fn what_an_archive_shows_by_itself_is_neither_signed_nor_compared() {
        let with = |level: Option<&str>| {
            let mut run = run("1.0");
            let trust = level.map(|level| json!({ "level": level }));
            trust.into_iter().for_each(|trust| run[seal::TRUST] = trust);
            let bytes = seal::to_bytes(&run).unwrap();
            parse_run_receipt(&bytes).unwrap()
        };
        let mut votes = Votes::new();
        votes.add(with(None), 1);
        votes.add(with(Some("state")), 2);
        votes.add(with(Some("finality")), 3);
        let count = votes.count();
        assert_eq!((count.valid, count.disagreement), (3, None));
        assert!(count.votes.iter().all(|vote| vote.attestation.as_ref().unwrap().run == with(None)));
        assert_eq!(first_difference(&with(Some("state")), &with(None)), None);
        // Nobody can write into an attestation that more was shown.
        let path = votes.add(with(None), 4);
        let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        file["run"][seal::TRUST] = json!({ "level": "finality" });
        std::fs::write(&path, seal::to_bytes(&file).unwrap()).unwrap();
        let problem = votes.count().votes[3].problem.clone().unwrap();
        assert!(problem.contains("no signature covers"), "{problem}");
    }

    #[test]
    fn the_first_difference_is_found_at_any_depth() {
        let (a, b) = (json!({ "a": [1, 2], "b": 1 }), json!({ "a": [1, 3], "b": 2 }));
        let found = first_difference(&a, &b).unwrap();
        assert_eq!((found.place.as_str(), found.first.as_str(), found.second.as_str()), ("a/1", "2", "3"));
        assert_eq!(first_difference(&json!([1]), &json!([1, 2])).unwrap().first, "nothing");
        assert_eq!(first_difference(&a, &a), None);
    }
}
