//! An explanation for a terminal.

use std::fmt::Write;

use super::{
    Explanation, Told,
    words::{date_of, int},
};
use crate::{
    cli::{duration, escape},
    minting::{Entry, Outcome},
};

/// Ordinary entries that follow each other are folded into one line from so many on.
const FOLD_FROM: usize = 3;

/// What a part of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The answer, and headings.
    Strong,
    /// Good news.
    Good,
    /// What costs money.
    Bad,
    /// What may be passed over.
    Faint,
}

/// How styles look: text between two codes, or bare.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether there are colours.
    pub colours: bool,
}

impl Paint {
    fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Strong => "1",
            Style::Good => "32;1",
            Style::Bad => "31;1",
            Style::Faint => "2",
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

impl Explanation<'_> {
    /// The explanation as text: the answer, the calculation, the timeline, what would have changed it. With `all`,
    /// every entry of the timeline has a line.
    pub fn text(&self, paint: Paint, all: bool) -> String {
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let result = &self.followed.result;
        let good = matches!(result.outcome, Outcome::Paid);
        let style = if good { Style::Good } else { Style::Bad };
        line(paint.paint(style, &escape(&self.answer())));
        line(self.heading());
        line(String::new());
        line(paint.paint(Style::Strong, "Calculation"));
        for step in self.steps() {
            let value = format!("{} {}", step.value, step.unit);
            line(format!("  {:<14} {:>22}  {}", step.name, value.trim_end(), escape(&step.formula)));
        }
        line(String::new());
        line(paint.paint(Style::Strong, "Timeline (UTC; block; uptime credited)"));
        for told in self.lines(paint, all) {
            line(told);
        }
        if let Some(unanswered) = self.unanswered() {
            line(format!("  {}", paint.paint(Style::Bad, &unanswered)));
        }
        if !self.stalls.is_empty() {
            line(String::new());
            line(paint.paint(Style::Strong, "The chain stood still"));
            for stall in &self.stalls {
                let secs = duration(stall.until.saturating_sub(stall.from).into());
                line(format!("  {secs} after block {}, from {}", stall.block, date_of(stall.from.into())));
            }
        }
        let changes = self.what_if();
        if !changes.is_empty() {
            line(String::new());
            line(paint.paint(Style::Strong, "What would have changed the result"));
            for change in changes {
                line(format!("  {}", escape(&change)));
            }
        }
        if !self.followed.findings.is_empty() {
            line(String::new());
            line(
                paint.paint(
                    Style::Strong,
                    "Findings (a run withholds its results until someone accepts them)",
                ),
            );
            for finding in &self.followed.findings {
                line(format!("  {}: {}", finding.rule, escape(&finding.message)));
            }
        }
        text
    }

    /// Which node, when and by which rules.
    fn heading(&self) -> String {
        let result = &self.followed.result;
        let period = match self.period.number {
            Some(number) => format!("period {number}"),
            None => "range".to_owned(),
        };
        let farm = match &result.receipt {
            Some(sealed) => format!("farm {} ({})", result.node.farm_id, escape(&sealed.receipt.farm_name)),
            None => format!("farm {}", result.node.farm_id),
        };
        format!(
            "Node {} of {farm}, {period} from {} to {}, rules {}",
            self.node(),
            date_of(self.period.start.into()),
            date_of(self.period.end.into()),
            escape(self.rules.name())
        )
    }

    fn lines(&self, paint: Paint, all: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let mut ordinary: Vec<(&Entry, Told)> = Vec::new();
        let flush = |ordinary: &mut Vec<(&Entry, Told)>, lines: &mut Vec<String>| {
            if ordinary.len() < FOLD_FROM || all {
                lines.extend(ordinary.iter().map(|(entry, told)| entry_line(entry, told, paint)));
            } else if let (Some((first, _)), Some((last, _))) = (ordinary.first(), ordinary.last()) {
                lines.push(folded_line(first, last, ordinary, paint));
            }
            ordinary.clear();
        };
        // Kind of the last entry with a line of its own.
        let mut shown = None;
        for entry in &self.followed.entries {
            let told = self.told(entry);
            let is_old = told.repeats && shown == Some(told.kind);
            if (told.ordinary || is_old) && entry.violation.is_none() {
                ordinary.push((entry, told));
                continue;
            }
            flush(&mut ordinary, &mut lines);
            shown = Some(told.kind);
            lines.push(entry_line(entry, &told, paint));
        }
        flush(&mut ordinary, &mut lines);
        lines
    }
}

fn entry_line(entry: &Entry, told: &Told, paint: Paint) -> String {
    let block = entry.block.map(|block| block.to_string()).unwrap_or_default();
    let credit = if entry.credit == 0 { String::new() } else { format!("{:+} s", entry.credit) };
    let style = match told.kind {
        _ if entry.violation.is_some() || told.why.starts_with("violation") => Some(Style::Bad),
        "gap" => Some(Style::Strong),
        "report" | "use" | "resources-reserved" | "contract-created" | "report-after-end" => {
            Some(Style::Faint)
        }
        _ => None,
    };
    let why = escape(&told.why);
    let why = style.map_or(why.clone(), |style| paint.paint(style, &why));
    format!("  {} {block:>9} {credit:>11}  {why}", when(entry.time))
}

fn folded_line(first: &Entry, last: &Entry, ordinary: &[(&Entry, Told)], paint: Paint) -> String {
    let credit: i128 = ordinary.iter().map(|(entry, _)| entry.credit).sum();
    let reports = ordinary.iter().filter(|(_, told)| told.kind == "report").count();
    let after = ordinary.iter().filter(|(_, told)| told.kind == "report-after-end").count();
    let again = ordinary.iter().filter(|(_, told)| told.repeats).count();
    let others = ordinary.len() - reports - after - again;
    let mut parts = Vec::new();
    if reports > 0 {
        parts.push(format!("{reports} reports in order"));
    }
    if again > 0 {
        parts.push(format!("{again} more reports like the one before"));
    }
    if after > 0 {
        parts.push(format!("{after} reports after the end"));
    }
    if others > 0 {
        parts.push(format!("{others} events of contracts"));
    }
    let blocks = match (first.block, last.block) {
        (Some(first), Some(last)) => format!(" (blocks {first} to {last})"),
        _ => String::new(),
    };
    let why = format!("… {} up to {}{blocks}", parts.join(", "), when(last.time));
    let credit = if credit == 0 { String::new() } else { format!("{credit:+} s") };
    format!("  {} {:>9} {credit:>11}  {}", when(first.time), "", paint.paint(Style::Faint, &why))
}

/// A time without its zone, for columns.
fn when(time: i128) -> String {
    let date = date_of(time);
    date.strip_suffix(" UTC").map(str::to_owned).unwrap_or_else(|| int(time).to_string())
}
