//! Every rule set since period 45: when it was used, and what is certain about it.

use super::history::{
    r45, r46, r46_fix, r47, r48, r52, r58, r59, r60_fix_b2, r60_strict, r61_fix, r61_lenient_b2, r62_lenient,
    r67, r67_noslash, r73, r73_fix, r74, r75_fix,
};
use super::parameters::Rules;

/// A rule set, and what is known about its use.
#[derive(Clone, Copy, Debug)]
pub struct RuleSet {
    /// Its name.
    pub name: &'static str,
    /// First and last period of which it was the first run; none for a correction. Without a last period, it is in
    /// force.
    pub periods: Option<(u32, Option<u32>)>,
    /// The periods of these that its source names; the others are inferred from the dates of its code.
    pub documented: &'static [u32],
    /// What it is.
    pub about: &'static str,
    /// Commit of the reference implementation (minting_v3), and its date; of two only the parent's date is known.
    pub commit: (&'static str, &'static str),
    /// Parameters whose values are inferred rather than known, each with the reason.
    pub inferred: &'static [Inferred],
    /// Its parameters.
    pub(super) rules: fn() -> Rules,
}

/// A parameter whose value is inferred, and why.
type Inferred = (&'static str, &'static str);

/// Of sets that read use from consumption reports.
const DELTAS: Inferred = (
    "use_source",
    "known is that use is counted from the last report on; that it is what the report states, for all the time since \
     then, and traffic by the growth of its counter, is taken from what the chain reports. Without an earlier report, the \
     first one only says from when on the next one counts",
);

/// Of sets before the farming policies.
const PRICE: Inferred = (
    "payout_price_musd",
    "known is that it was 80; that this is a constant, and not the price that nodes had then, is taken from period 52",
);

/// Of sets in which violations are of one kind.
const UNREAD: Inferred = (
    "too_high",
    "known is that it is a violation; that the report is not read, as with every other violation of these versions, is \
     taken from period 60 being the first said to read it",
);

const TEXTS_WITHOUT_TIME: Inferred = (
    "violation_texts",
    "the wording of period 58 without the time of the report before, which violations hold only since 923b807",
);

const TEXTS_WITH_TIME: Inferred = ("violation_texts", "the wording is that of period 58");

/// Every rule set, in the order of periods, a correction after what it corrects.
pub const RULE_SETS: &[RuleSet] = &[
    RuleSet {
        name: "r45",
        periods: Some((45, Some(45))),
        documented: &[45],
        about: "first minting on this chain (v3.0.0)",
        commit: ("f2a9e5f", "2022-02-07"),
        inferred: &[
            UNREAD,
            DELTAS,
            PRICE,
            TEXTS_WITHOUT_TIME,
            ("use_of_nothing_is_no_number", "that it was period 45 that was paid so"),
        ],
        rules: r45,
    },
    RuleSet {
        name: "r46",
        periods: Some((46, Some(46))),
        documented: &[46],
        about: "violations and virtual machines cost the payout (v3.1.0)",
        commit: ("3b32624", "2022-03-09"),
        inferred: &[
            UNREAD,
            DELTAS,
            ("scaling", "the share of a node's own period is taken from period 45"),
            PRICE,
            TEXTS_WITHOUT_TIME,
        ],
        rules: r46,
    },
    RuleSet {
        name: "r46-fix",
        periods: None,
        documented: &[],
        about: "correction of period 46: two CU a core, payout in proportion to uptime (v3.1.1)",
        commit: ("69b48f4", "2022-03-14"),
        inferred: &[UNREAD, DELTAS, PRICE, TEXTS_WITHOUT_TIME],
        rules: r46_fix,
    },
    RuleSet {
        name: "r47",
        periods: Some((47, Some(47))),
        documented: &[47],
        about: "reports that do not fit the time are credited (v3.2.0)",
        commit: ("923b807", "2022-04-11"),
        inferred: &[DELTAS, PRICE, TEXTS_WITH_TIME],
        rules: r47,
    },
    RuleSet {
        name: "r48",
        periods: Some((48, Some(49))),
        documented: &[48],
        about: "network use from its own reports (v3.3.0)",
        commit: ("374ca14", "2022-05-22"),
        inferred: &[
            DELTAS,
            ("report_time", "network reports beside consumption reports are taken to be in order"),
            PRICE,
            TEXTS_WITH_TIME,
        ],
        rules: r48,
    },
    RuleSet {
        name: "r52",
        periods: Some((52, Some(54))),
        documented: &[],
        about: "prices of farming policies (v3.4.0)",
        commit: ("ead7801", "2022-09-13"),
        inferred: &[TEXTS_WITH_TIME],
        rules: r52,
    },
    RuleSet {
        name: "r58",
        periods: Some((58, Some(58))),
        documented: &[58],
        about: "policy 2 in proportion to uptime, the price of the node",
        commit: ("b6dfca3", "2023-03-06"),
        inferred: &[],
        rules: r58,
    },
    RuleSet {
        name: "r59",
        periods: Some((59, Some(59))),
        documented: &[],
        about: "power management",
        commit: ("0930734", "2023-04-08"),
        inferred: &[],
        rules: r59,
    },
    RuleSet {
        name: "r60-strict",
        periods: Some((60, Some(60))),
        documented: &[],
        about: "strict judgement of reports; withdrawn after one period",
        commit: ("95f4074", "2023-05-10"),
        inferred: &[],
        rules: r60_strict,
    },
    RuleSet {
        name: "r60-fix-B2",
        periods: None,
        documented: &[60],
        about: "correction of period 60 by the rules of the periods before",
        commit: ("8d46a78", "after 2023-06-01"),
        inferred: &[],
        rules: r60_fix_b2,
    },
    RuleSet {
        name: "r61-lenient-B2",
        periods: Some((61, Some(61))),
        documented: &[],
        about: "the rules of period 59 again",
        commit: ("4fa0c51", "2023-06-01"),
        inferred: &[],
        rules: r61_lenient_b2,
    },
    RuleSet {
        name: "r61-fix",
        periods: None,
        documented: &[61],
        about: "correction of period 61: the power state of nodes is kept",
        commit: ("94937be", "2024-01-03"),
        inferred: &[],
        rules: r61_fix,
    },
    RuleSet {
        name: "r62-lenient",
        periods: Some((62, Some(66))),
        documented: &[],
        about: "the power state of nodes is kept",
        commit: ("4bf38e1", "2023-07-05"),
        inferred: &[],
        rules: r62_lenient,
    },
    RuleSet {
        name: "r67",
        periods: Some((67, Some(72))),
        documented: &[],
        about: "strict judgement again, by a vote of the DAO; half an hour to boot",
        commit: ("c93b0c6", "2023-12-08"),
        inferred: &[],
        rules: r67,
    },
    RuleSet {
        name: "r67-noslash",
        periods: None,
        documented: &[67, 68, 69, 70, 71],
        about: "as r67, but late boots cost nothing; made to size a bonus",
        commit: ("e0a2d22", "after 2023-12-08"),
        inferred: &[],
        rules: r67_noslash,
    },
    RuleSet {
        name: "r73",
        periods: Some((73, Some(73))),
        documented: &[],
        about: "floors of 95 and 98 percent, one late boot is free, by a vote of the DAO",
        commit: ("280fece", "2024-06-05"),
        inferred: &[],
        rules: r73,
    },
    RuleSet {
        name: "r73-fix",
        periods: None,
        documented: &[73],
        about: "correction of period 73 by the rules of period 74",
        commit: ("c5dbc96", "2024-07-08"),
        inferred: &[],
        rules: r73_fix,
    },
    RuleSet {
        name: "r74",
        periods: Some((74, Some(79))),
        documented: &[],
        about: "power management is followed after the period, too",
        commit: ("ee5ff04", "2024-06-21"),
        inferred: &[],
        rules: r74,
    },
    RuleSet {
        name: "r75-fix",
        periods: None,
        documented: &[75],
        about: "correction of period 75: the outage of July 2024 is forgiven",
        commit: ("0cf597a", "2024-09-03"),
        inferred: &[],
        rules: r75_fix,
    },
    RuleSet {
        name: "r81",
        periods: Some((81, None)),
        documented: &[],
        about: "no carbon offset",
        commit: ("fc7e17d", "2025-02-05"),
        inferred: &[],
        rules: Rules::r81,
    },
];
