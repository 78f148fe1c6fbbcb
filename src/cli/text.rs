//! Printing: errors with their causes, text from the chain, and readers that went away.

use std::{
    error::Error,
    io::{self, Write},
};

use super::Exit;

/// An error and its causes on one line, each cause once.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    // What libraries say may have lines of its own.
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Whether a character steers a terminal, turns the direction of writing, or breaks lines.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text that somebody else chose, safe for a terminal: control characters, and those that turn the direction of writing
/// or break lines, are shown as `\u{..}`.
pub fn escape(text: &str) -> String {
    text.chars().flat_map(|c| if steers(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A value as JSON with indents and a final line break, safe for a terminal as by [`escape`]; a program reads the same.
///
/// # Errors
/// A value that is no JSON.
pub fn json_text(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(safe_json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// A value as one line of JSON, as [`json_text`] but without its line break.
///
/// # Errors
/// A value that is no JSON.
pub fn json_line(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(safe_json(&serde_json::to_string(value)?))
}

/// JSON in which characters that steer are escaped. Those of ASCII are escaped already where they are not its layout, all
/// others can only be in strings.
fn safe_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c >= '\u{7f}' && steers(c) {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// Prints to standard output. A reader that went away, as with `| head`, is no failure.
pub fn print(bytes: &[u8]) -> Exit {
    match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: failed to write to standard output: {error}");
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let name = "a\u{9b}31m\u{7f}\u{202e}\u{1b}é \u{1f600}\n";
        let json = json_text(&[name]).unwrap();
        assert_eq!(json, "[\n  \"a\\u009b31m\\u007f\\u202e\\u001bé \u{1f600}\\n\"\n]\n");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [name]);
        assert_eq!(json_line(&name).unwrap(), "\"a\\u009b31m\\u007f\\u202e\\u001bé \u{1f600}\\n\"");
        assert_eq!(escape("Gent é \u{1b}[31m\n"), "Gent é \\u{1b}[31m\\n");
        assert_eq!(escape("a\u{202e}b\u{2028}c\u{61c}"), "a\\u{202e}b\\u{2028}c\\u{61c}");
    }
}
