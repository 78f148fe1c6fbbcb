//! Lint: whether a set of results is consistent in itself. Needs no archive; every invariant has a name and is
//! evaluated, or says why it cannot be.

mod payouts;
mod receipts;
mod references;

use serde_json::Value;

use super::{
    outputs::{self, ResultError},
    results::Results,
};

/// An invariant of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
}

/// Every invariant, in the order in which they are reported.
pub const INVARIANTS: &[Invariant] = &[
    Invariant { name: "receipt-name", about: "the name of a receipt is the hash of its content" },
    Invariant { name: "receipt-form", about: "a receipt has all fields of its kind, each of its type" },
    Invariant { name: "receipt-bytes", about: "a receipt that is read and written again has the same bytes" },
    Invariant { name: "receipt-period", about: "a receipt is of the period whose folder it lies in" },
    Invariant { name: "one-receipt", about: "a node has one receipt in a period" },
    Invariant {
        name: "uptime",
        about: "uptime is not longer than the period, but for a minute with every report",
    },
    Invariant { name: "payout-form", about: "a row of payouts.csv is an address, an amount and a hash" },
    Invariant { name: "payout-receipt", about: "every payout has its receipt" },
    Invariant { name: "payout-amount", about: "a payout has the amount of its receipt" },
    Invariant { name: "payout-address", about: "a payout goes to the address of its receipt" },
    Invariant { name: "payout-once", about: "no receipt is paid twice" },
    Invariant { name: "payout-complete", about: "every receipt with an amount and an address is paid" },
    Invariant {
        name: "carbon",
        about: "the carbon line is the sum of the offsets, and stands for their receipts",
    },
    Invariant {
        name: "overview",
        about: "every receipt has its row in overview.csv, and every row its receipt",
    },
    Invariant { name: "retry-row", about: "retries.csv has a row for every retry receipt, and no other" },
    Invariant { name: "retry-period", about: "a retry is of the period before, and has an amount" },
    Invariant { name: "retry-reference", about: "a retry repeats the receipt that it names" },
    Invariant { name: "fixup-row", about: "fixup.csv has a row for every fix-up receipt" },
    Invariant {
        name: "fixup-reference",
        about: "a fix-up is the difference of the two receipts that it names",
    },
    Invariant { name: "totals", about: "the totals of run.json are the sums over receipts" },
    Invariant { name: "run-receipt", about: "run.json is whole, and lists the files that are there" },
];

/// What became of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It holds for so many things; for none if there are none of its kind.
    Passed(usize),
    /// It does not, for each of these reasons.
    Failed(Vec<String>),
    /// It cannot be evaluated, and why.
    LeftOut(String),
}

/// An invariant and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The invariant.
    pub invariant: Invariant,
    /// What became of it.
    pub state: State,
}

/// Results, and other results in which references are looked up.
#[derive(Debug)]
struct Subject<'a> {
    results: &'a Results,
    others: &'a [Results],
    period: &'a str,
}

/// Collects what one invariant comes to.
#[derive(Debug, Default)]
struct Tally {
    checked: usize,
    problems: Vec<String>,
    left_out: Option<String>,
}

impl Tally {
    fn left_out(why: impl Into<String>) -> Tally {
        Tally { left_out: Some(why.into()), ..Tally::default() }
    }

    /// Counts one thing that has to hold, and says what is wrong if it does not.
    fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        self.checked = self.checked.saturating_add(1);
        if !holds {
            self.problems.push(problem());
        }
    }

    fn state(self) -> State {
        match (self.left_out, self.problems.is_empty()) {
            (_, false) => State::Failed(self.problems),
            (Some(why), true) => State::LeftOut(why),
            (None, true) => State::Passed(self.checked),
        }
    }
}

/// Evaluates every invariant. `others` are results in which retries and fix-ups find what they refer to; `period`
/// names the folder of the period that the results are of.
///
/// # Errors
/// I/O errors.
pub fn lint(results: &Results, others: &[Results], period: &str) -> Result<Vec<Verdict>, ResultError> {
    let subject = Subject { results, others, period };
    let mut verdicts = Vec::new();
    for invariant in INVARIANTS {
        let mut tally = match invariant.name {
            "receipt-name" | "receipt-form" | "receipt-bytes" => {
                Tally { checked: results.receipts, ..Tally::default() }
            }
            "receipt-period" => receipts::period(&subject),
            "one-receipt" => receipts::one_a_node(&subject),
            "uptime" => receipts::uptime(&subject),
            "payout-form" => match &results.payouts {
                Some(payouts) => Tally { checked: payouts.len(), ..Tally::default() },
                None => payouts::missing(),
            },
            "payout-receipt" => payouts::receipt(&subject),
            "payout-amount" => payouts::amount(&subject),
            "payout-address" => payouts::address(&subject),
            "payout-once" => payouts::once(&subject),
            "payout-complete" => payouts::complete(&subject),
            "carbon" => payouts::carbon(&subject),
            "overview" => receipts::overview(&subject),
            "retry-row" => references::retry_rows(&subject),
            "retry-period" => references::retry_periods(&subject),
            "retry-reference" => references::retries(&subject),
            "fixup-row" => references::fixup_rows(&subject),
            "fixup-reference" => references::fixups(&subject),
            "totals" => payouts::totals(&subject),
            _ => run_receipt(results)?,
        };
        let unreadable = results.unreadable.iter().filter(|u| u.invariant == invariant.name);
        tally.problems.extend(unreadable.map(|u| u.what.clone()));
        verdicts.push(Verdict { invariant: *invariant, state: tally.state() });
    }
    Ok(verdicts)
}

fn run_receipt(results: &Results) -> Result<Tally, ResultError> {
    let path = results.folder.join(crate::report::run::RUN_JSON);
    if !path.is_file() {
        return Ok(Tally::left_out("there is no run.json"));
    }
    let mut tally = Tally::default();
    match outputs::run_receipt(&path) {
        Err(error) => tally.expect(false, || error.to_string()),
        Ok(run) => {
            tally.checked = run.get("outputs").and_then(Value::as_object).map_or(0, serde_json::Map::len);
            tally.problems = outputs::problems(&results.folder, &run)?;
        }
    }
    Ok(tally)
}
