//! Keys of guardians: ed25519 in the files that OpenSSL makes.

use std::{collections::BTreeMap, path::Path};

use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey},
};

use super::outputs::{ResultError, read};

const BEGIN_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----";
const END_PUBLIC: &str = "-----END PUBLIC KEY-----";

/// Keys that are trusted, by their 32 bytes, each with the line of text that stands before it.
pub type Trusted = BTreeMap<[u8; 32], String>;

/// The private key in a PKCS#8 file in PEM form, as `openssl genpkey -algorithm ed25519` writes it.
///
/// # Errors
/// Says which command makes such a file.
pub fn private_key(path: &Path) -> Result<SigningKey, ResultError> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    if text.contains("ENCRYPTED") {
        let what = "the key has a passphrase; take it off with `openssl pkey -in <FILE> -out <OTHER FILE>`";
        return Err(ResultError::malformed(path, what));
    }
    SigningKey::from_pkcs8_pem(&text).map_err(|e| {
        let what = format!(
            "it holds no private key of ed25519 in PKCS#8 PEM form ({e}); \
             `openssl genpkey -algorithm ed25519 -out <FILE>` makes one"
        );
        ResultError::malformed(path, what)
    })
}

/// The public keys in a file of PEM blocks, as `openssl pkey -pubout` writes them, one after the other.
///
/// # Errors
/// A block that is no key of ed25519, a file without a block.
pub fn public_keys(path: &Path) -> Result<Trusted, ResultError> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    parse_public_keys(&text).map_err(|what| ResultError::malformed(path, what))
}

/// As [`public_keys`], from text.
///
/// # Errors
/// Says which block is wrong.
pub fn parse_public_keys(text: &str) -> Result<Trusted, String> {
    let mut keys = Trusted::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(BEGIN_PUBLIC) {
        let count = keys.len().saturating_add(1);
        let (base64, after) =
            block.split_once(END_PUBLIC).ok_or_else(|| format!("key {count} has no end line"))?;
        let pem = format!("{BEGIN_PUBLIC}{base64}{END_PUBLIC}\n");
        let key = VerifyingKey::from_public_key_pem(&pem)
            .map_err(|e| format!("key {count} is no public key of ed25519: {e}"))?;
        let name = before.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let name = name.trim().trim_start_matches('#').trim().to_owned();
        if keys.insert(key.to_bytes(), name).is_some() {
            return Err(format!("key {count}, {}, is there twice", hex::encode(key.to_bytes())));
        }
        rest = after;
    }
    if keys.is_empty() {
        let what = "it holds no public key in PEM form; `openssl pkey -in <KEY> -pubout` prints one";
        return Err(what.into());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.1 and 10.3.
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    #[test]
    fn keys_are_read_as_the_standard_shows_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, PRIVATE).unwrap();
        let public = private_key(&path).unwrap().verifying_key().to_bytes();
        let trusted = parse_public_keys(&format!("# Alice\n{PUBLIC}")).unwrap();
        assert_eq!(trusted, BTreeMap::from([(public, "Alice".to_owned())]));
        assert!(private_key(&folder.path().join("none")).is_err());
        std::fs::write(&path, PUBLIC).unwrap();
        assert!(private_key(&path).unwrap_err().to_string().contains("openssl genpkey"));
    }

    #[test]
    fn what_is_no_key_or_is_there_twice_is_named() {
        assert!(parse_public_keys("").unwrap_err().contains("no public key"));
        assert!(parse_public_keys(PRIVATE).unwrap_err().contains("no public key"));
        assert!(parse_public_keys(&format!("{PUBLIC}{PUBLIC}")).unwrap_err().contains("twice"));
        assert!(parse_public_keys(&PUBLIC.replace("MCow", "MCoA")).unwrap_err().contains("key 1"));
        assert!(parse_public_keys(BEGIN_PUBLIC).unwrap_err().contains("no end line"));
    }
}
