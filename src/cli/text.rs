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
    text
}

/// Text that somebody else chose, safe for a terminal: control characters, and those that turn the direction of writing
/// or break lines, are shown as `\u{..}`.
pub fn escape(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().flat_map(|c| if steers(c) { c.escape_default().collect() } else { vec![c] }).collect()
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
        assert_eq!(escape("Gent é \u{1b}[31m\n"), "Gent é \\u{1b}[31m\\n");
        assert_eq!(escape("a\u{202e}b\u{2028}c"), "a\\u{202e}b\\u{2028}c");
    }
}
