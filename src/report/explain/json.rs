//! An explanation for programs.

use serde_json::{Map, Value, json};

use super::{
    Explanation, Step,
    breach::Breach,
    late::Late,
    words::{date_of, int},
};
use crate::{
    minting::{Entry, Sealed, Violation, ViolationKind},
    report::run::{finding_json, period_json, rules_json, tft},
};

impl Explanation<'_> {
    /// Everything as one JSON object.
    pub fn json(&self) -> Value {
        let result = &self.followed.result;
        let receipt = result.receipt.as_ref();
        let timeline: Vec<Value> = self.followed.entries.iter().map(|entry| self.entry_json(entry)).collect();
        let stalls: Vec<Value> = self
            .stalls
            .iter()
            .map(|stall| json!({ "block": stall.block, "from": stall.from, "until": stall.until }))
            .collect();
        let mut rules = rules_json(self.rules);
        if let Some(rules) = rules.as_object_mut() {
            rules.remove("parameters");
        }
        json!({
            "node": self.node(),
            "period": period_json(self.period),
            "rules": rules,
            "answer": self.answer(),
            "outcome": result.outcome.label(),
            "measured_uptime": receipt.map(|sealed| sealed.receipt.measured_uptime),
            "reward": receipt.map(|sealed| json!({
                "musd": sealed.receipt.reward.musd,
                "tft": sealed.receipt.reward.tft,
            })),
            "reward_tft": tft(self.reward_tft().into()),
            "receipt": receipt.map(Sealed::hash_hex),
            "farm": json!({
                "id": result.node.farm_id,
                "name": receipt.map(|sealed| sealed.receipt.farm_name.clone()),
                "payout_address": receipt.map(|sealed| sealed.receipt.stellar_payout_address.clone()),
            }),
            "violation": result.violation.map(|violation| self.violation_json(&violation)),
            "steps": self.steps().iter().map(Step::json).collect::<Vec<_>>(),
            "timeline": timeline,
            "what_if": self.what_if(),
            "late_boots": self.followed.ending.late_boots,
            "unanswered_wake_request": self.unanswered(),
            "chain_stalls": stalls,
            "findings": self.followed.findings.iter().map(finding_json).collect::<Vec<_>>(),
        })
    }

    fn violation_json(&self, violation: &Violation) -> Value {
        let mut object = Map::new();
        object.insert("kind".into(), violation.kind().label().into());
        object.insert("text".into(), violation.text(self.rules.violation_texts).into());
        object.insert("words".into(), self.violation_words(violation).into());
        if let Some(breach) = self.breach_of(violation) {
            object.extend(breach.json());
        }
        if violation.kind() == ViolationKind::BootRequestExpired {
            object.insert("late_boots".into(), self.late_boots().iter().map(Late::json).collect());
        }
        Value::Object(object)
    }

    fn entry_json(&self, entry: &Entry) -> Value {
        let told = self.told(entry);
        let mut object = Map::new();
        object.insert("block".into(), entry.block.into());
        object.insert("time".into(), int(entry.time));
        object.insert("date".into(), date_of(entry.time).into());
        object.insert("kind".into(), told.kind.into());
        object.insert("credit".into(), int(entry.credit));
        object.insert("lost".into(), int(entry.lost));
        object.insert("total".into(), int(entry.total));
        object.insert("why".into(), told.why.into());
        object.extend(told.facts);
        if let Some(breach) = Breach::of(entry, &self.followed.entries, self.rules) {
            object.insert("violation".into(), Value::Object(breach.json()));
        }
        Value::Object(object)
    }
}
