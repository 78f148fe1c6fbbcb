//! The form of `run.json`, what of it is signed, and the short digest that two people can read to each other.
//!
//! `docs/run-receipt.md` documents both.

use serde_json::Value;

use crate::archive::container::sha256;

/// Name of the line that holds the short digest.
pub const SHORT_DIGEST: &str = "short_digest";

/// Name of the field that says how far the archives can be trusted by themselves. It is left out of every digest: whoever
/// has proofs and whoever has none hold the same archive, and agree about the same results.
pub const TRUST: &str = "trust";

/// Canonical bytes: fields sorted by name, two blanks for each level, a line feed at the end.
///
/// # Errors
/// Only if writing to memory fails.
pub fn to_bytes(run: &Value) -> std::io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(run)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A run receipt without what each one's own archive shows: what digests and signatures cover.
pub fn agreed(mut run: Value) -> Value {
    if let Some(fields) = run.as_object_mut() {
        fields.remove(TRUST);
    }
    run
}

/// Canonical bytes, with the short digest added.
///
/// # Errors
/// Only if writing to memory fails.
pub fn seal(mut run: Value) -> std::io::Result<Vec<u8>> {
    let short = short_digest(&run)?;
    if let Some(fields) = run.as_object_mut() {
        fields.insert(SHORT_DIGEST.to_owned(), short.into());
    }
    to_bytes(&run)
}

/// The first 16 hex digits, in groups of four, of the SHA-256 of the canonical bytes without the short digest and without
/// `trust`: `5f1c-09ab-77e2-d31c`.
///
/// # Errors
/// Only if writing to memory fails.
pub fn short_digest(run: &Value) -> std::io::Result<String> {
    let mut rest = agreed(run.clone());
    if let Some(fields) = rest.as_object_mut() {
        fields.remove(SHORT_DIGEST);
    }
    Ok(short(&sha256(&to_bytes(&rest)?)))
}

/// The first 16 hex digits of a digest, in groups of four.
pub fn short(digest: &[u8; 32]) -> String {
    let digits = hex::encode(digest.iter().take(8).copied().collect::<Vec<u8>>());
    let digits: Vec<char> = digits.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// SHA-256 of what `sha256sum` prints for files in the order of their names: a line `<SHA-256>  <name>` for each.
pub fn digest_of_files<'a>(files: impl Iterator<Item = (&'a str, [u8; 32])>) -> [u8; 32] {
    let mut lines: Vec<(&str, [u8; 32])> = files.collect();
    lines.sort_unstable();
    let lines = lines.iter().map(|(name, digest)| format!("{}  {name}\n", hex::encode(digest)));
    sha256(lines.collect::<String>().as_bytes())
}

/// SHA-256 of a list of lines, sorted, each once.
pub fn digest_of_lines(mut lines: Vec<String>) -> [u8; 32] {
    lines.sort_unstable();
    lines.dedup();
    sha256(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `printf '{\n  "a": 1,\n  "b": []\n}\n' | sha256sum`
    const DIGEST: &str = "791494d78ba5d2c7";

    #[test]
    fn the_short_digest_is_that_of_all_other_lines() {
        let run = json!({ "b": [], "a": 1 });
        assert_eq!(to_bytes(&run).unwrap(), b"{\n  \"a\": 1,\n  \"b\": []\n}\n");
        let short = short_digest(&run).unwrap();
        assert_eq!(short.replace('-', ""), DIGEST);
        let sealed: Value = serde_json::from_slice(&seal(run.clone()).unwrap()).unwrap();
        assert_eq!(sealed[SHORT_DIGEST], short);
        assert_eq!(short_digest(&sealed).unwrap(), short);
        assert_ne!(short_digest(&json!({ "a": 2, "b": [] })).unwrap(), short);
        let trusted = json!({ "a": 1, "b": [], "trust": { "level": "finality" } });
        assert_eq!(short_digest(&trusted).unwrap(), short);
        assert_eq!(agreed(trusted), run);
        // Only the field of the receipt itself is left out.
        let inside = json!({ "a": { "trust": 1 }, "b": [] });
        assert_eq!(agreed(inside.clone()), inside);
    }

    /// `printf 1 >a; printf 2 >b; sha256sum a b | sha256sum`
    #[test]
    fn files_are_digested_as_sha256sum_lists_them() {
        let files = [("b", sha256(b"2")), ("a", sha256(b"1"))];
        let digest = hex::encode(digest_of_files(files.into_iter()));
        assert!(digest.starts_with("68c2919f4305e508"), "{digest}");
    }
}
