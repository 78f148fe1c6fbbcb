//! The files of a run, and `run.json`, which says what they were made of.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    addresses, csv,
    details::{self, DETAILS_JSON},
    partial,
    published::PaidSource,
    seal,
    trust::Trust,
};
use crate::{
    archive::container::sha256,
    minting::{Finding, NodeResult, Outcome, Period, Previous, Retry, Rules},
    replay::{Replayed, SavedState, Source},
};

/// Name of the run's own file.
pub const RUN_JSON: &str = "run.json";
/// `format.name` of `run.json`.
pub const FORMAT_NAME: &str = "minting-run-receipt";
/// `format.version` of `run.json`.
pub const FORMAT_VERSION: u32 = 1;

/// Everything that the files of a run are made of.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The archives.
    pub source: &'a Source,
    /// The period.
    pub period: &'a Period,
    /// The rules.
    pub rules: &'a Rules,
    /// The nodes and findings.
    pub replayed: &'a Replayed,
    /// What is paid again.
    pub retries: &'a [Retry],
    /// Receipts of the period before, as far as they were given.
    pub previous: Option<&'a Previous>,
    /// What says which receipts were paid.
    pub paid: &'a [PaidSource],
    /// Findings were looked at and accepted.
    pub accept_findings: bool,
    /// The saved state that was gone on from.
    pub from: Option<&'a SavedState>,
    /// Payouts to addresses that no payment can reach are left out.
    pub withhold_invalid_addresses: bool,
    /// How far the archives can be trusted; none of a run whose files nobody keeps.
    pub trust: Option<Trust>,
}

/// Sums of a run, for `run.json` and the summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Nodes that exist.
    pub nodes: usize,
    /// Nodes that are paid.
    pub paid: usize,
    /// Nodes that are not paid, by reason.
    pub not_paid: BTreeMap<String, usize>,
    /// Ten-millionths of a TFT in payouts of this period.
    pub tft: u128,
    /// Retries that are paid.
    pub retries_paid: usize,
    /// Ten-millionths of a TFT in retries that are paid.
    pub retry_tft: u128,
}

impl Totals {
    /// Adds up nodes and retries; what goes to an address that is not `payable` is not paid.
    pub fn of(nodes: &[NodeResult], retries: &[Retry], payable: impl Fn(&str) -> bool) -> Totals {
        let mut totals = Totals { nodes: nodes.len(), ..Totals::default() };
        for node in nodes {
            let address = node.receipt.as_ref().map(|r| r.receipt.stellar_payout_address.as_str());
            if node.outcome == Outcome::Paid && !address.is_some_and(&payable) {
                *totals.not_paid.entry("invalid-address".to_owned()).or_default() += 1;
            } else if node.outcome == Outcome::Paid {
                totals.paid += 1;
                totals.tft += node.receipt.as_ref().map_or(0, |r| u128::from(r.receipt.reward.tft));
            } else {
                *totals.not_paid.entry(node.outcome.label().to_string()).or_default() += 1;
            }
        }
        for receipt in retries.iter().map(|r| &r.receipt.receipt) {
            let address = &receipt.stellar_payout_address;
            if !address.is_empty() && receipt.reward.tft != 0 && payable(address) {
                totals.retries_paid += 1;
                totals.retry_tft += u128::from(receipt.reward.tft);
            }
        }
        totals
    }

    fn json(&self) -> Value {
        json!({
            "nodes": self.nodes,
            "not_paid": self.not_paid,
            "paid": self.paid,
            "retries_paid": self.retries_paid,
            "retry_tft": tft(self.retry_tft),
            "tft": tft(self.tft),
        })
    }
}

/// Ten-millionths of a TFT as a decimal number of TFT.
pub fn tft(units: u128) -> String {
    format!("{}.{:07}", units / 10_000_000, units % 10_000_000)
}

impl Run<'_> {
    /// Whether findings keep the results from being written.
    pub fn withheld(&self) -> bool {
        !self.accept_findings && !self.replayed.findings.is_empty()
    }

    /// Whether the archives end before everything that counts, so that the result is preliminary.
    pub fn is_partial(&self) -> bool {
        self.replayed.located.known_until.is_some()
    }

    /// The name that a file has: as given, or marked as preliminary.
    pub fn name(&self, file: &str) -> String {
        if self.is_partial() { partial::name(file) } else { file.to_owned() }
    }

    /// Whether payouts to an address are written.
    pub fn payable(&self, address: &str) -> bool {
        !self.withhold_invalid_addresses || addresses::is_payable(address)
    }

    /// Sums of the run.
    pub fn totals(&self) -> Totals {
        Totals::of(&self.replayed.nodes, self.retries, |address| self.payable(address))
    }

    /// Name and bytes of every file, `run.json` among them; of that alone if findings are not accepted. The names of a
    /// preliminary result are marked, see [`partial`].
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn files(&self) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        if !self.withheld() {
            self.results(&mut files)?;
        }
        if self.is_partial() {
            files = files.into_iter().map(|(name, bytes)| (partial::name(&name), bytes)).collect();
        }
        let run = seal::seal(self.json(&files))?;
        files.insert(self.name(RUN_JSON), run);
        Ok(files)
    }

    fn results(&self, files: &mut BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
        let nodes = &self.replayed.nodes;
        let folder = self.period.folder();
        let mut write = |name: &str, fill: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
            let mut bytes = Vec::new();
            fill(&mut bytes)?;
            files.insert(name.to_string(), bytes);
            Ok::<_, std::io::Error>(())
        };
        write("overview.csv", &|out| csv::write_overview(out, nodes, self.rules))?;
        if self.rules.overview_only {
            return Ok(());
        }
        write("payouts.csv", &|out| {
            csv::write_payouts(out, nodes, self.retries, |address| self.payable(address))?;
            if self.rules.carbon.is_some() {
                let (tft, memo) = csv::carbon_of(nodes);
                csv::write_carbon(out, tft, memo)?;
            }
            Ok(())
        })?;
        write(DETAILS_JSON, &|out| {
            out.extend(details::details_json(nodes, self.rules)?);
            Ok(())
        })?;
        write("retries.csv", &|out| csv::write_retries(out, self.retries))?;
        for receipt in nodes.iter().filter_map(|n| n.receipt.as_ref()) {
            files.insert(format!("receipts/{folder}/{}", receipt.hash_hex()), receipt.bytes.clone());
        }
        for retry in self.retries {
            let name = format!("receipts/retries/{folder}/{}", retry.receipt.hash_hex());
            files.insert(name, retry.receipt.bytes.clone());
        }
        Ok(())
    }

    /// `run.json` but for its short digest. Only `archive_roots`, `state_snapshot`, `trust` and that digest depend on how
    /// the blocks were put into archives.
    fn json(&self, files: &BTreeMap<String, Vec<u8>>) -> Value {
        let Replayed { located, .. } = self.replayed;
        let hash = |hash: &[u8; 32]| format!("0x{}", hex::encode(hash));
        let earlier = self.from.into_iter().flat_map(|saved| &saved.head.archive_roots).map(|root| root.0);
        let own = self.source.archives().iter().map(|archive| archive.manifest().archive_root.0);
        let roots = earlier.chain(own).map(hex::encode);
        let genesis = self.source.archives().first().map(|a| hash(&a.manifest().genesis_hash.0));
        let status = match (self.replayed.findings.is_empty(), self.accept_findings, self.is_partial()) {
            (true, _, false) => "done",
            (true, _, true) => "partial",
            (false, true, false) => "done-with-accepted-findings",
            (false, true, true) => "partial-with-accepted-findings",
            (false, false, _) => "withheld-for-findings",
        };
        let mut run = json!({
            "archive_roots": roots.collect::<Vec<_>>(),
            "blocks": {
                "first": located.first_block,
                "first_hash": hash(&self.replayed.first_hash),
                "last": located.last_block,
                "last_hash": hash(&self.replayed.last_hash),
                "window_last": located.window_last,
                "window_last_hash": hash(&self.replayed.window_last_hash),
            },
            "format": format_json(),
            "findings": self.replayed.findings.iter().map(finding_json).collect::<Vec<_>>(),
            "genesis_hash": genesis,
            "invalid_addresses": {
                "by_farm": addresses::invalid(&self.replayed.nodes, self.retries),
                "withheld": self.withhold_invalid_addresses,
            },
            "outputs": outputs_json(files),
            "outputs_digest": outputs_digest(files, ""),
            "paid": self.paid.iter().map(paid_json).collect::<Vec<_>>(),
            "partial": self.is_partial(),
            "period": period_json(self.period),
            "previous": self.previous.map(|previous| hex::encode(previous_digest(previous, self.period))),
            "program": program_json(),
            "receipts_digest": outputs_digest(files, "receipts/"),
            "rules": rules_json(self.rules),
            "state_snapshot": self.from.map(|saved| hex::encode(saved.sha256)),
            "status": status,
            "totals": if self.withheld() { Value::Null } else { self.totals().json() },
        });
        if let (Some(known), Some(fields)) = (located.known_until, run.as_object_mut()) {
            let partial = json!({ "end_state": located.end_state, "known_until": known });
            fields.insert("preliminary".to_owned(), partial);
        }
        if let (Some(trust), Some(fields)) = (&self.trust, run.as_object_mut()) {
            fields.insert(seal::TRUST.to_owned(), trust.json());
        }
        run
    }
}

/// `run.json` of a correction: what it was made by, and what it holds.
///
/// # Errors
/// Only if writing to memory fails.
pub fn fixup_json(
    period: &Period,
    rules: &Rules,
    invalid: &BTreeMap<u32, String>,
    withheld: bool,
    files: &BTreeMap<String, Vec<u8>>,
) -> std::io::Result<Vec<u8>> {
    seal::seal(json!({
        "format": format_json(),
        "invalid_addresses": { "by_farm": invalid, "withheld": withheld },
        "outputs": outputs_json(files),
        "outputs_digest": outputs_digest(files, ""),
        "partial": false,
        "period": period_json(period),
        "program": program_json(),
        "receipts_digest": outputs_digest(files, "receipts/"),
        "rules": rules_json(rules),
        "status": "fix-ups",
    }))
}

/// SHA-256 of the sorted list of receipts of the period before, `80/<hash>` or `fixed/80/<hash>` a line.
fn previous_digest(previous: &Previous, period: &Period) -> [u8; 32] {
    let before = period.previous().map(|period| period.folder()).unwrap_or_default();
    let minting = previous.minting.keys().map(|hash| format!("{before}/{}", hex::encode(hash)));
    let fixups = previous.fixups.keys().map(|hash| format!("fixed/{before}/{}", hex::encode(hash)));
    seal::digest_of_lines(minting.chain(fixups).collect())
}

fn format_json() -> Value {
    json!({ "name": FORMAT_NAME, "version": FORMAT_VERSION })
}

/// One digest for all files whose names start like this: that of the list which `sha256sum` prints of them.
fn outputs_digest(files: &BTreeMap<String, Vec<u8>>, start: &str) -> String {
    let listed = files.iter().filter(|(name, _)| name.starts_with(start));
    hex::encode(seal::digest_of_files(listed.map(|(name, bytes)| (name.as_str(), sha256(bytes)))))
}

/// SHA-256 of every file.
fn outputs_json(files: &BTreeMap<String, Vec<u8>>) -> Map<String, Value> {
    files.iter().map(|(name, bytes)| (name.clone(), hex::encode(sha256(bytes)).into())).collect()
}

pub(super) fn period_json(period: &Period) -> Value {
    json!({ "end": period.end, "number": period.number, "start": period.start })
}

fn program_json() -> Value {
    json!({ "name": "minting-replay", "version": env!("CARGO_PKG_VERSION") })
}

/// The rule set with all its parameters, so that others can use it as it was.
pub(super) fn rules_json(rules: &Rules) -> Value {
    json!({
        "bugs": rules.bug_mode(),
        "digest": hex::encode(rules.digest()),
        "name": rules.name(),
        "parameters": rules.to_json(),
    })
}

/// A file that says what was paid, as JSON; `read_until` of a list is null.
fn paid_json(source: &PaidSource) -> Value {
    json!({
        "content_sha256": hex::encode(source.content_sha256),
        "memos": source.memos,
        "read_until": source.read_until,
    })
}

/// A finding as JSON; what it does not concern is null.
pub fn finding_json(finding: &Finding) -> Value {
    json!({
        "block": finding.block,
        "contract": finding.contract,
        "message": finding.message,
        "node": finding.node,
        "rule": finding.rule,
    })
}
