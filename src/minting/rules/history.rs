//! The parameters of every rule set since period 45, each told as what it changed of an earlier one.

use std::num::NonZeroU32;

use super::parameters::{Bugs, Rules};
use super::values::{
    Carbon, FixupForm, FloorUnit, LateBoot, Mismatch, OverviewForm, Prices, RaisedCapacity, ReceiptForm,
    ReportTime, Retries, Scaling, SecondViolation, SeenEarly, SleepWaiver, TestNetPolicy, UseSource,
    ViolationTexts,
};
use crate::minting::arithmetic::Arithmetic;

const QUARTERS: NonZeroU32 = match NonZeroU32::new(4) {
    Some(four) => four,
    None => NonZeroU32::MIN,
};

pub(super) fn r45() -> Rules {
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
        use_baseline_hours: 72,
        report_time: ReportTime::Report,
        raised_capacity: RaisedCapacity::WholePeriod,
        last_block_twice: true,
        second_violation: SecondViolation::Any,
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
        bonus: (5, QUARTERS),
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

pub(super) fn r46() -> Rules {
    Rules {
        name: "r46".to_owned(),
        uptime_grace_secs: 300,
        violation_costs_payout: true,
        virtualized_costs_payout: true,
        seen_early: None,
        second_violation: SecondViolation::InvalidRebootAfterPeriod,
        overview_form: OverviewForm::Period46,
        retries: Retries::Minting,
        bugs: Bugs { one_cu_per_core: true, ..Bugs::default() },
        ..r45()
    }
}

pub(super) fn r46_fix() -> Rules {
    Rules {
        name: "r46-fix".to_owned(),
        scaling: Scaling::Linear,
        receipt_form: ReceiptForm::WithoutPolicy,
        retries: Retries::None,
        bugs: Bugs { carbon_memo_of_hex: true, ..Bugs::default() },
        ..r46()
    }
}

pub(super) fn r47() -> Rules {
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

pub(super) fn r48() -> Rules {
    Rules { name: "r48".to_owned(), use_source: UseSource::NetworkReports, ..r47() }
}

pub(super) fn r52() -> Rules {
    Rules {
        name: "r52".to_owned(),
        scaling: Scaling::ByPolicy,
        linear_policies: vec![1],
        prices: None,
        bonus_policy: Some(1),
        use_source: UseSource::UsedResources,
        use_baseline_hours: 0,
        carbon: Some(Carbon { cu: 354, su: 122, price_musd: None }),
        receipt_form: ReceiptForm::WithPolicy,
        overview_form: OverviewForm::Period52,
        ..r48()
    }
}

pub(super) fn r58() -> Rules {
    Rules {
        name: "r58".to_owned(),
        linear_policies: vec![1, 2],
        report_time: ReportTime::Block,
        last_block_twice: false,
        payout_price_musd: None,
        bugs: Bugs { post_period_growth_multiplied: true, ..Bugs::default() },
        ..r52()
    }
}

pub(super) fn r59() -> Rules {
    Rules {
        name: "r59".to_owned(),
        sleep_max_secs: Some(90_000),
        post_window_hours: 27,
        test_net_policy: Some(TestNetPolicy { id: 3, minimal_uptime: 95 }),
        bugs: Bugs { power_state_not_kept: true, ..Bugs::default() },
        ..r58()
    }
}

pub(super) fn r60_strict() -> Rules {
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

pub(super) fn r60_fix_b2() -> Rules {
    Rules {
        name: "r60-fix-B2".to_owned(),
        fixup_form: FixupForm::Period60,
        retries: Retries::None,
        bugs: Bugs { power_state_not_kept: true, imprecise_floats: true, ..Bugs::default() },
        ..r59()
    }
}

/// The same as in period 59.
pub(super) fn r61_lenient_b2() -> Rules {
    Rules { name: "r61-lenient-B2".to_owned(), ..r59() }
}

pub(super) fn r61_fix() -> Rules {
    Rules {
        name: "r61-fix".to_owned(),
        fixup_form: FixupForm::Period60,
        retries: Retries::None,
        bugs: Bugs { imprecise_floats: true, ..Bugs::default() },
        ..r62_lenient()
    }
}

pub(super) fn r62_lenient() -> Rules {
    Rules { name: "r62-lenient".to_owned(), bugs: Bugs::default(), ..r61_lenient_b2() }
}

pub(super) fn r67() -> Rules {
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

pub(super) fn r67_noslash() -> Rules {
    Rules {
        name: "r67-noslash".to_owned(),
        late_boot: LateBoot::Ignored,
        overview_only: true,
        retries: Retries::None,
        ..r67()
    }
}

pub(super) fn r73() -> Rules {
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

pub(super) fn r73_fix() -> Rules {
    Rules {
        name: "r73-fix".to_owned(),
        fixup_form: FixupForm::Period73,
        retries: Retries::None,
        bugs: Bugs { imprecise_floats: true, ..r74().bugs },
        ..r74()
    }
}

pub(super) fn r74() -> Rules {
    Rules {
        name: "r74".to_owned(),
        late_boot_after_long_sleep: true,
        post_period_power: true,
        bugs: Bugs { post_period_sleep_debits: true, ..Bugs::default() },
        ..r73()
    }
}

pub(super) fn r75_fix() -> Rules {
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
