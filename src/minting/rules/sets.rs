//! Every rule set since period 45, each told as what it changed of an earlier one.

use super::parameters::{
    Bugs, Carbon, FixupForm, FloorUnit, LateBoot, Mismatch, OverviewForm, Prices, ReceiptForm, ReportTime,
    Retries, Rules, Scaling, SeenEarly, SleepWaiver, TestNetPolicy, UseSource, ViolationTexts,
};
use crate::minting::arithmetic::Arithmetic;

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
    pub inferred: &'static [(&'static str, &'static str)],
    /// Its parameters.
    pub(super) rules: fn() -> Rules,
}

/// Said of all sets that read use from consumption reports.
const FIRST_REPORT: (&str, &str) = (
    "use_source",
    "archives begin with the period, so the first report of an older contract only says from when on the next one \
     counts; the reference implementation looked for its last report in the 72 hours before",
);

/// Why some values of the first version, which has not been run again, are inferred.
const FIRST_VERSION: &[(&str, &str)] = &[
    ("violation_texts", "the wording is that of period 46"),
    ("overview_form", "uptime, bytes and price are as in period 46"),
    FIRST_REPORT,
];

/// As [`FIRST_VERSION`], for the second one.
const SECOND_VERSION: &[(&str, &str)] =
    &[("scaling", "the share of a node's own period is taken from period 45"), FIRST_REPORT];

/// As [`FIRST_VERSION`], for those that read network reports, too.
const NETWORK_VERSION: &[(&str, &str)] =
    &[FIRST_REPORT, ("report_time", "network reports beside consumption reports are taken to be in order")];

/// Every rule set, in the order of periods, a correction after what it corrects.
pub const RULE_SETS: &[RuleSet] = &[
    RuleSet {
        name: "r45",
        periods: Some((45, Some(45))),
        documented: &[45],
        about: "first minting on this chain (v3.0.0)",
        commit: ("f2a9e5f", "2022-02-07"),
        inferred: FIRST_VERSION,
        rules: r45,
    },
    RuleSet {
        name: "r46",
        periods: Some((46, Some(46))),
        documented: &[46],
        about: "violations and virtual machines cost the payout (v3.1.0)",
        commit: ("3b32624", "2022-03-09"),
        inferred: SECOND_VERSION,
        rules: r46,
    },
    RuleSet {
        name: "r46-fix",
        periods: None,
        documented: &[],
        about: "correction of period 46: two CU a core, payout in proportion to uptime (v3.1.1)",
        commit: ("69b48f4", "2022-03-14"),
        inferred: &[FIRST_REPORT],
        rules: r46_fix,
    },
    RuleSet {
        name: "r47",
        periods: Some((47, Some(47))),
        documented: &[47],
        about: "reports that do not fit the time are credited (v3.2.0)",
        commit: ("923b807", "2022-04-11"),
        inferred: &[FIRST_REPORT],
        rules: r47,
    },
    RuleSet {
        name: "r48",
        periods: Some((48, Some(49))),
        documented: &[48],
        about: "network use from its own reports (v3.3.0)",
        commit: ("374ca14", "2022-05-22"),
        inferred: NETWORK_VERSION,
        rules: r48,
    },
    RuleSet {
        name: "r52",
        periods: Some((52, Some(54))),
        documented: &[],
        about: "prices of farming policies (v3.4.0)",
        commit: ("ead7801", "2022-09-13"),
        inferred: &[],
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

fn r45() -> Rules {
    Rules {
        name: "r45".to_owned(),
        uptime_grace_secs: 60,
        clock_skew_limit_secs: None,
        report_credit_max_secs: None,
        too_high: Mismatch::ViolationIgnored,
        too_low: Mismatch::Violation,
        sleep_max_secs: None,
        sleep_waiver: None,
        boot_max_secs: None,
        late_boot: LateBoot::Ignored,
        late_boots_allowed: 0,
        late_boot_after_long_sleep: false,
        post_period_power: false,
        post_window_hours: 2,
        use_source: UseSource::ConsumptionReports,
        report_time: ReportTime::Report,
        twin_checks: false,
        violation_costs_payout: false,
        virtualized_costs_payout: false,
        scaling: Scaling::Step,
        // 2022-01-29 00:00:00 UTC, and six hours.
        seen_early: Some(SeenEarly { since: 1_643_414_400, uptime_over_secs: 21_600 }),
        linear_policies: vec![],
        test_net_policy: None,
        floor_diy_permille: 0,
        floor_certified_permille: 0,
        policy_floor_unit: FloorUnit::Permille,
        own_period: true,
        prices: Some(Prices { cu: 2_400, su: 1_000, nu: 30, ipv4: 5 }),
        bonus_policy: None,
        bonus: (5, 4),
        cu_per_core: 2,
        payout_price_musd: Some(80),
        receipt_price_musd: 80,
        carbon: Some(Carbon { cu: 354, su: 122, price_musd: Some(80) }),
        missing_farm_skipped: false,
        receipt_form: ReceiptForm::CoresInGib,
        overview_form: OverviewForm::Period45,
        violation_texts: ViolationTexts::Period45,
        fixup_form: FixupForm::Period46,
        overview_only: false,
        retries: Retries::None,
        arithmetic: Arithmetic::Wrapping,
        bugs: Bugs { one_cu_per_core: true, use_of_nothing_is_no_number: true, ..Bugs::default() },
    }
}

fn r46() -> Rules {
    Rules {
        name: "r46".to_owned(),
        uptime_grace_secs: 300,
        violation_costs_payout: true,
        virtualized_costs_payout: true,
        seen_early: None,
        overview_form: OverviewForm::Period46,
        retries: Retries::Minting,
        bugs: Bugs { one_cu_per_core: true, ..Bugs::default() },
        ..r45()
    }
}

fn r46_fix() -> Rules {
    Rules {
        name: "r46-fix".to_owned(),
        scaling: Scaling::Linear,
        receipt_form: ReceiptForm::WithoutPolicy,
        retries: Retries::None,
        bugs: Bugs { carbon_memo_of_hex: true, ..Bugs::default() },
        ..r46()
    }
}

fn r47() -> Rules {
    Rules {
        name: "r47".to_owned(),
        too_high: Mismatch::Credit,
        too_low: Mismatch::Credit,
        missing_farm_skipped: true,
        violation_texts: ViolationTexts::Period47,
        retries: Retries::MintingAndFixups,
        bugs: Bugs::default(),
        ..r46_fix()
    }
}

fn r48() -> Rules {
    Rules { name: "r48".to_owned(), use_source: UseSource::NetworkReports, ..r47() }
}

fn r52() -> Rules {
    Rules {
        name: "r52".to_owned(),
        scaling: Scaling::ByPolicy,
        linear_policies: vec![1],
        prices: None,
        bonus_policy: Some(1),
        use_source: UseSource::UsedResources,
        carbon: Some(Carbon { cu: 354, su: 122, price_musd: None }),
        receipt_form: ReceiptForm::WithPolicy,
        overview_form: OverviewForm::Period52,
        ..r48()
    }
}

fn r58() -> Rules {
    Rules {
        name: "r58".to_owned(),
        linear_policies: vec![1, 2],
        report_time: ReportTime::Block,
        payout_price_musd: None,
        bugs: Bugs { post_period_growth_multiplied: true, ..Bugs::default() },
        ..r52()
    }
}

fn r59() -> Rules {
    Rules {
        name: "r59".to_owned(),
        sleep_max_secs: Some(90_000),
        post_window_hours: 27,
        test_net_policy: Some(TestNetPolicy { id: 3, minimal_uptime: 95 }),
        bugs: Bugs { power_state_not_kept: true, ..Bugs::default() },
        ..r58()
    }
}

fn r60_strict() -> Rules {
    Rules {
        name: "r60-strict".to_owned(),
        uptime_grace_secs: 60,
        report_credit_max_secs: Some(2_460),
        too_high: Mismatch::Violation,
        too_low: Mismatch::Violation,
        sleep_max_secs: Some(86_400),
        twin_checks: true,
        missing_farm_skipped: false,
        overview_form: OverviewForm::Period60,
        violation_texts: ViolationTexts::Period60,
        ..r59()
    }
}

fn r60_fix_b2() -> Rules {
    Rules {
        name: "r60-fix-B2".to_owned(),
        fixup_form: FixupForm::Period60,
        retries: Retries::None,
        bugs: Bugs { power_state_not_kept: true, imprecise_floats: true, ..Bugs::default() },
        ..r59()
    }
}

/// The same as in period 59.
fn r61_lenient_b2() -> Rules {
    Rules { name: "r61-lenient-B2".to_owned(), ..r59() }
}

fn r61_fix() -> Rules {
    Rules {
        name: "r61-fix".to_owned(),
        fixup_form: FixupForm::Period60,
        retries: Retries::None,
        bugs: Bugs { imprecise_floats: true, ..Bugs::default() },
        ..r62_lenient()
    }
}

fn r62_lenient() -> Rules {
    Rules { name: "r62-lenient".to_owned(), bugs: Bugs::default(), ..r61_lenient_b2() }
}

fn r67() -> Rules {
    Rules {
        name: "r67".to_owned(),
        clock_skew_limit_secs: Some(120),
        boot_max_secs: Some(1_800),
        late_boot: LateBoot::Violation,
        late_boot_after_long_sleep: true,
        violation_texts: ViolationTexts::Period67,
        bugs: Bugs::default(),
        ..r60_strict()
    }
}

fn r67_noslash() -> Rules {
    Rules {
        name: "r67-noslash".to_owned(),
        late_boot: LateBoot::Ignored,
        overview_only: true,
        retries: Retries::None,
        ..r67()
    }
}

fn r73() -> Rules {
    Rules {
        name: "r73".to_owned(),
        late_boot: LateBoot::Counted,
        late_boots_allowed: 1,
        late_boot_after_long_sleep: false,
        floor_diy_permille: 950,
        floor_certified_permille: 980,
        own_period: false,
        ..r67()
    }
}

fn r73_fix() -> Rules {
    Rules {
        name: "r73-fix".to_owned(),
        fixup_form: FixupForm::Period73,
        retries: Retries::None,
        bugs: Bugs { imprecise_floats: true, ..r74().bugs },
        ..r74()
    }
}

fn r74() -> Rules {
    Rules {
        name: "r74".to_owned(),
        late_boot_after_long_sleep: true,
        post_period_power: true,
        bugs: Bugs { post_period_sleep_debits: true, ..Bugs::default() },
        ..r73()
    }
}

fn r75_fix() -> Rules {
    // 2024-07-15 12:30 UTC to 2024-07-19 16:00 UTC, and a day around it.
    const FROM: i64 = 1_721_046_600;
    const UNTIL: i64 = 1_721_404_800;
    const DAY: i64 = 86_400;
    Rules {
        name: "r75-fix".to_owned(),
        sleep_waiver: Some(SleepWaiver { reported: (FROM, UNTIL + DAY), asleep: (FROM - DAY, UNTIL) }),
        ..r73_fix()
    }
}

impl Rules {
    /// The rules of period 81 (January 2025) and after, with the right numbers.
    pub fn r81() -> Self {
        Self {
            name: "r81".to_owned(),
            carbon: None,
            fixup_form: FixupForm::Period73,
            bugs: Bugs::default(),
            arithmetic: Arithmetic::Exact,
            ..r74()
        }
    }
}
