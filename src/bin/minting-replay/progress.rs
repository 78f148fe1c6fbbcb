//! A bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use minting::replay::Progress;

/// Blocks that were folded.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar over so many blocks; hidden if `quiet` or standard error is no terminal.
    pub fn new(blocks: u64, quiet: bool) -> Bar {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let template = "{bar:30} {percent:>3} %  {human_pos} of {human_len} blocks, {per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Bar(ProgressBar::with_draw_target(Some(blocks), target).with_style(style))
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
