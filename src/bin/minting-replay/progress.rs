//! A bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use minting::replay::Progress;

/// How far a command is, how fast, and how long it still takes.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar over so many blocks; hidden if `quiet` or standard error is no terminal.
    pub fn new(blocks: u64, quiet: bool) -> Bar {
        Bar::over(blocks, "blocks", quiet)
    }

    /// A bar over so many of something else.
    pub fn over(count: u64, what: &str, quiet: bool) -> Bar {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let template = format!(
            "{{bar:30}} {{percent:>3}} %  {{human_pos}} of {{human_len}} {what}, {{per_sec}}, {{eta}} left"
        );
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Bar(ProgressBar::with_draw_target(Some(count), target).with_style(style))
    }
}

impl Progress for Bar {
    fn blocks(&self, count: u64) {
        self.0.inc(count);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
