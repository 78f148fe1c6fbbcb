//! What both programs do the same way on a terminal: how they end, how they name times, how they print.

mod exit;
mod help;
mod jobs;
mod text;
mod time;

pub use exit::Exit;
pub use help::{Group, grouped, manual, manuals};
pub use jobs::parse_jobs;
pub use text::{error_chain, escape, json_line, json_text, print};
pub use time::{date, duration, parse_heights, parse_time, parse_time_range};

/// The part of `--help` that documents the exit codes.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed: bad input or environment; the message says what to do
  2    wrong usage
  3    finished with findings that nobody accepted
  4    verification found a difference
  130  interrupted";
