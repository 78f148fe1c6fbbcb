//! One HTML page over the results of runs: self-contained, no network, everything on it escaped.

use serde_json::{Value, json};

use super::{results::Results, run::tft, watch_list::known_until};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// The page.
///
/// # Errors
/// Only if writing to memory fails.
pub fn page(runs: &[Results]) -> std::io::Result<String> {
    let data: Vec<Value> = runs.iter().map(|run| run_json(run, &name_among(run, runs))).collect();
    let data = script_safe(&serde_json::to_string(&data)?);
    let title = match runs {
        [one] => format!("Minting, {}", one.name()),
        _ => "Minting".to_owned(),
    };
    // The data comes last, so that nothing in it is taken for a place to fill.
    Ok(PAGE
        .replace("{{title}}", &title)
        .replacen("{{style}}", STYLE, 1)
        .replacen("{{script}}", SCRIPT, 1)
        .replacen("{{data}}", &data, 1))
}

/// JSON in which nothing ends a script element or a line of a script.
fn script_safe(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Name of a run on a page; with its folder if there are several of its period.
fn name_among(run: &Results, runs: &[Results]) -> String {
    let is_alone = runs.iter().filter(|other| other.name() == run.name()).count() < 2;
    if is_alone { run.name() } else { format!("{} ({})", run.name(), run.folder.display()) }
}

/// A run as the script reads it. Amounts are text, so that no digit is lost.
fn run_json(run: &Results, name: &str) -> Value {
    let nodes: Vec<Value> = run
        .nodes
        .iter()
        .map(|row| {
            let receipt = row.receipt.as_ref();
            json!({
                "id": row.detail.node,
                "farm": row.detail.farm,
                "name": receipt.map(|receipt| receipt.farm_name.clone()),
                "address": receipt.map(|receipt| receipt.stellar_payout_address.clone()),
                "type": receipt.map(|receipt| receipt.node_type),
                "uptime": receipt.map(|receipt| receipt.measured_uptime),
                "cu": receipt.map(|receipt| receipt.cloud_units.cu),
                "su": receipt.map(|receipt| receipt.cloud_units.su),
                "nu": receipt.map(|receipt| receipt.cloud_units.nu),
                "musd": receipt.map(|receipt| receipt.reward.musd),
                "earned": receipt.map(|receipt| tft(receipt.reward.tft.into())),
                "paid": tft(row.paid_tft.into()),
                "outcome": row.detail.outcome,
                "violation": row.detail.violation,
                "days": row.detail.days,
                "late": row.detail.late_boots,
                "receipt": row.detail.receipt,
            })
        })
        .collect();
    let total: u128 = run.nodes.iter().map(|row| u128::from(row.paid_tft)).sum();
    let asked = match run.period.number {
        Some(number) => format!("--period {number}"),
        None => format!("--range {}..{}", run.period.start, run.period.end),
    };
    let retries: u128 = run.retries.values().map(|retry| u128::from(run.retry_paid(retry).0)).sum();
    json!({
        "name": name,
        "asked": asked,
        "start": run.period.start,
        "end": run.period.end,
        "until": known_until(run),
        "partial": run.is_partial(),
        "status": run.run.get("status"),
        "rules": run.run.pointer("/rules/name"),
        "rules_digest": run.run.pointer("/rules/digest"),
        "retries": run.retries.len(),
        "retries_paid": tft(retries),
        "total": tft(total),
        "nodes": nodes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_leave_its_script_element() {
        let text = script_safe(&json!({ "name": "</script><script>alert(1)</script>\u{2028}&" }).to_string());
        assert!(!text.contains(['<', '>', '&', '\u{2028}']));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], "</script><script>alert(1)</script>\u{2028}&");
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page(&[]).unwrap();
        for forbidden in ["http://", "https://", "src=", "@import", "url(", "fetch(", "{{"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}
