//! The address of an endpoint, and what of it may be shown.

use std::error::Error as StdError;
use std::sync::Arc;

use super::error::Error;

/// The address of an endpoint, and the part of it that may be shown.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) is_web_socket: bool,
    /// Scheme, host and port; the rest of the address may be a secret.
    pub(super) name: Arc<str>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Address, Error> {
        let bad = || Error::Address(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
        let scheme = scheme.to_ascii_lowercase();
        let is_web_socket = match scheme.as_str() {
            "http" | "https" => false,
            "ws" | "wss" => true,
            _ => return Err(bad()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_credentials, host)| host);
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(bad());
        }
        Ok(Address { url: url.to_owned(), is_web_socket, name: format!("{scheme}://{host}").into() })
    }

    /// The text of an error and of what caused it, without the parts of the address that may be a secret.
    pub(super) fn explain(&self, error: &dyn StdError) -> String {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        text.replace(&self.url, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_address_shows_no_secret() {
        for (url, name) in [
            ("https://user:secret@node.example:443/token?key=1", "https://node.example:443"),
            ("wss://tfchain.grid.tf", "wss://tfchain.grid.tf"),
            ("HTTP://127.0.0.1:9944/", "http://127.0.0.1:9944"),
            ("ws://[::1]:9944", "ws://[::1]:9944"),
            ("http://a@b@host", "http://host"),
        ] {
            assert_eq!(&*Address::parse(url).unwrap().name, name);
        }
        for url in [
            "",
            "node.example",
            "ftp://node.example",
            "http://",
            "http:///path",
            "http://user@",
            "http://a b",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn errors_do_not_repeat_the_secret_part_of_an_address() {
        let address = Address::parse("http://host/secret").unwrap();
        let error = std::io::Error::other("can not open http://host/secret");
        assert!(!address.explain(&error).contains("secret"));
    }
}
