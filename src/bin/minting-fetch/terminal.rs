//! What a person sees while an export runs: a line that moves on a terminal, nothing in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use minting::fetch::{Progress, Stage};

const COUNTED: &str = "{msg} [{wide_bar}] {human_pos}/{human_len}, {per_sec}, {eta} left";
const UNCOUNTED: &str = "{spinner} {msg} {human_pos}";
const WAITING: &str = "{spinner} {msg}";

/// Standard error.
pub struct Terminal {
    bar: ProgressBar,
    is_quiet: bool,
    is_verbose: bool,
}

impl Terminal {
    pub fn new(is_quiet: bool, is_verbose: bool) -> Terminal {
        let target = if is_quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(ProgressStyle::default_spinner());
        Terminal { bar, is_quiet, is_verbose }
    }

    /// Takes the moving line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line, unless asked to be quiet.
    pub fn say(&self, text: &str) {
        if !self.is_quiet {
            self.line(text);
        }
    }

    /// Prints an error.
    pub fn error(&self, text: &str) {
        self.line(&format!("error: {text}"));
    }

    /// What is printed may come from a node; it must not steer the terminal.
    fn line(&self, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        self.bar.suspend(|| eprintln!("minting-fetch: {text}"));
    }
}

impl Progress for Terminal {
    fn stage(&self, stage: Stage, total: u64) {
        let (text, template) = match stage {
            Stage::Greeting => ("greeting the nodes".to_owned(), WAITING),
            Stage::Locating => ("looking for the blocks".to_owned(), WAITING),
            Stage::Runtimes => ("looking for the runtimes".to_owned(), WAITING),
            Stage::State(height) => (format!("state of block {height}: entries"), UNCOUNTED),
            Stage::Blocks => ("blocks".to_owned(), COUNTED),
            Stage::Payments => ("operations on Stellar".to_owned(), UNCOUNTED),
        };
        if self.is_verbose && self.bar.is_hidden() {
            self.line(&text);
        }
        self.bar.reset();
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(total);
        self.bar.set_message(text);
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    fn note(&self, text: &str) {
        if self.is_verbose {
            self.line(text);
        }
    }
}
