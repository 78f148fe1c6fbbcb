//! What a person, or a script, sees while an export runs: a line that moves on a terminal, nothing in a pipe; with
//! `--json` an object a line on standard output.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use minting::cli::{escape, json_line};
use minting::fetch::{Progress, Stage};
use serde_json::{Value, json};

const COUNTED: &str = "{msg} [{wide_bar}] {human_pos}/{human_len}, {per_sec}, {eta} left";
const UNCOUNTED: &str = "{spinner} {msg} {human_pos}";
const WAITING: &str = "{spinner} {msg}";
/// Time between two JSON lines about progress.
const JSON_INTERVAL: Duration = Duration::from_secs(1);

/// Standard error, and standard output for scripts.
pub struct Terminal {
    bar: ProgressBar,
    is_quiet: bool,
    is_verbose: bool,
    /// The stage as scripts are told of it, with `--json`.
    script: Option<Mutex<Told>>,
}

/// How far a stage is, and when that was told last.
struct Told {
    stage: &'static str,
    done: u64,
    total: u64,
    begun: Instant,
    last: Instant,
}

impl Terminal {
    pub fn new(is_quiet: bool, is_verbose: bool, is_json: bool) -> Terminal {
        let is_hidden = is_quiet || is_json;
        let target = if is_hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(ProgressStyle::default_spinner());
        let now = Instant::now();
        let told = Told { stage: "start", done: 0, total: 0, begun: now, last: now };
        Terminal { bar, is_quiet, is_verbose, script: is_json.then(|| Mutex::new(told)) }
    }

    /// Standard output is for scripts.
    pub fn is_for_scripts(&self) -> bool {
        self.script.is_some()
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

    /// Prints an error, with the code by which the program will exit.
    pub fn error(&self, text: &str, exit: u8) {
        self.line(&format!("error: {text}"));
        self.tell(|| json!({ "event": "error", "message": text, "exit": exit }));
    }

    /// Prints an object for scripts, with `--json`.
    pub fn tell(&self, event: impl FnOnce() -> Value) {
        if self.script.is_some()
            && let Ok(line) = json_line(&event())
        {
            // A reader that went away is none of our business.
            let _ = writeln!(io::stdout().lock(), "{line}");
        }
    }

    /// What is printed may come from a node; it must not steer the terminal.
    fn line(&self, text: &str) {
        // A reader that went away is none of our business here, either.
        self.bar.suspend(|| {
            let _ = writeln!(io::stderr().lock(), "minting-fetch: {}", escape(text));
        });
    }

    /// Changes what scripts are told, and tells it if it is time.
    fn told(&self, is_due: bool, change: impl FnOnce(&mut Told)) {
        let Some(script) = &self.script else { return };
        let mut told = script.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut told);
        if is_due || told.last.elapsed() >= JSON_INTERVAL || (told.total > 0 && told.done == told.total) {
            told.last = Instant::now();
            let event = told.event();
            self.tell(|| event);
        }
    }
}

impl Told {
    fn event(&self) -> Value {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let a_second = self.done.saturating_mul(1_000) / millis;
        let left = self.total.saturating_sub(self.done);
        let eta = (self.total > 0 && a_second > 0).then(|| left / a_second.max(1));
        json!({
            "event": "progress", "stage": self.stage, "done": self.done,
            "total": (self.total > 0).then_some(self.total), "per_second": a_second, "eta_seconds": eta,
        })
    }
}

impl Progress for Terminal {
    fn stage(&self, stage: Stage, total: u64) {
        let (name, text, template) = match stage {
            Stage::Greeting => ("greeting", "greeting the nodes".to_owned(), WAITING),
            Stage::Locating => ("locating", "looking for the blocks".to_owned(), WAITING),
            Stage::Runtimes => ("runtimes", "looking for the runtimes".to_owned(), WAITING),
            Stage::State(height) => ("state", format!("state of block {height}: entries"), UNCOUNTED),
            Stage::Blocks => ("blocks", "blocks".to_owned(), COUNTED),
            Stage::Finality => ("finality", "looking for a justified block".to_owned(), WAITING),
            Stage::CrossCheck => ("cross-check", "blocks compared".to_owned(), COUNTED),
            Stage::Payments => ("payments", "operations on Stellar".to_owned(), UNCOUNTED),
        };
        if self.is_verbose && self.bar.is_hidden() {
            self.line(&text);
        }
        let now = Instant::now();
        self.told(true, |told| *told = Told { stage: name, done: 0, total, begun: now, last: now });
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
        self.told(false, |told| told.done = told.done.saturating_add(by));
    }

    fn note(&self, text: &str) {
        self.say(&format!("note: {text}"));
        self.tell(|| json!({ "event": "note", "text": text }));
    }

    fn detail(&self, text: &str) {
        if self.is_verbose {
            self.line(text);
        }
    }
}
