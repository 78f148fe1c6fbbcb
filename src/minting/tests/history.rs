//! What earlier rule sets did differently: one test for each parameter and each mistake, named after it.

use super::*;
use crate::chain::types::{Consumption, NodeContract, NruConsumption};
use crate::minting::{Bugs, Mismatch, Prices, Reward, Scaling, SeenEarly, Span};

/// Node 1 is there and up, under the rules of this name.
fn scene(name: &str) -> Scene {
    scene_of(&Rules::named(name).unwrap())
}

fn scene_of(rules: &Rules) -> Scene {
    Scene::with(rules, StartState { nodes: vec![node(NODE)], ..StartState::default() })
}

fn text(end: &End, name: &str) -> String {
    end.violation().unwrap().text(Rules::named(name).unwrap().violation_texts)
}

/// A node that was up from the start to its last report, one a day.
fn up_until(scene: Scene, last: i64) -> Scene {
    let times: Vec<i64> = (1..=30).map(|day| day * 86_400).filter(|at| *at < last).chain([last]).collect();
    scene.reports_since(0, &times)
}

/// Growth of 300 s beside the time is within the grace of the lenient sets; 301 s is too high and credited.
#[test]
fn uptime_grace_secs() {
    // 1000 s from the start, then 2000 + 300 s more.
    let end = scene("r62-lenient").report(1_000, 1_000).report(3_000, 3_300).close();
    assert_eq!(end.clean_uptime(), 1_000 + 2_300);
    let end = scene("r67").report(1_000, 1_000).report(3_000, 3_061).close();
    assert_eq!(end.kind(), Some(ViolationKind::UptimeTooHigh));
}

#[test]
fn clock_skew_limit_secs() {
    // The boot moves by 2 * 60 s in steps within the grace.
    let drift = |name| scene(name).report(1_000, 1_000).report(2_000, 2_060).report(3_000, 3_120).close();
    assert_eq!(drift("r67").kind(), Some(ViolationKind::ClockSkew));
    assert_eq!(drift("r60-strict").kind(), None);
}

#[test]
fn report_credit_max_secs() {
    // 10000 s between two reports: all of them without a cap, 2460 s with it; so the first 1000 s.
    let reports = |name| scene(name).report(1_000, 1_000).report(11_000, 11_000).close().clean_uptime();
    assert_eq!(reports("r62-lenient"), 11_000);
    assert_eq!(reports("r60-strict"), 1_000 + 2_460);
}

#[test]
fn too_high() {
    // 2301 s of growth in 2000 s: more than the grace of 300 s.
    let rules = Rules::named("r62-lenient").unwrap();
    let reports = |rules: &Rules| scene_of(rules).report(1_000, 1_000).report(3_000, 3_301).close();
    assert_eq!(reports(&rules).clean_uptime(), 3_301);
    let strict = reports(&Rules { too_high: Mismatch::Violation, ..rules });
    assert_eq!((strict.kind(), strict.uptime()), (Some(ViolationKind::UptimeTooHigh), 1_000));
}

#[test]
fn too_low() {
    // 500 s of growth in 1000 s, and no boot after the last report: 1500 > 1000.
    let rules = Rules::named("r62-lenient").unwrap();
    let reports = |rules: &Rules| scene_of(rules).report(1_000, 1_000).report(2_000, 1_500).close();
    assert_eq!(reports(&rules).clean_uptime(), 1_500);
    let strict = reports(&Rules { too_low: Mismatch::Violation, ..rules });
    assert_eq!((strict.kind(), strict.uptime()), (Some(ViolationKind::UptimeTooLow), 1_000));
}

/// A sleep of 25 hours and not a second more, without any request to wake up.
#[test]
fn sleep_max_secs() {
    let slept = |name, secs: i64| {
        let woken = 10_000 + secs;
        scene(name).report(10_000, 10_000).sleep(10_000).report(woken, 100).close().clean_uptime()
    };
    assert_eq!(slept("r62-lenient", 90_000), 10_000 + 90_000);
    assert_eq!(slept("r62-lenient", 90_001), 10_000);
    assert_eq!(slept("r60-strict", 86_400), 2_460 + 86_400);
    assert_eq!(slept("r60-strict", 86_401), 2_460);
    // Before power management the node rebooted after a long time: only the time since its boot counts.
    assert_eq!(slept("r58", 90_000), 10_000 + 100);
}

/// A node asleep from day 3 to day 5 of a time range around the outage: the whole sleep counts.
#[test]
fn sleep_waiver() {
    let (first, outage) = (1_721_046_600 - 86_400, 1_721_404_800);
    let slept = |rules: &Rules, asleep: i64, woken: i64| {
        let period = Period::range(1_719_817_000, 1_722_447_880).unwrap();
        let bounds = Boundaries { period, first_block_time: period.start + 6, ..bounds() };
        let start = StartState { nodes: vec![node(NODE)], ..StartState::default() };
        let mut fold = Fold::new(rules, &bounds, start);
        let mut apply = |at: i64, event: Event| fold.apply(FIRST_BLOCK, at, &event);
        apply(asleep, Event::PowerTargetChanged { node: NODE, target: PowerTarget::Down });
        apply(asleep, Event::PowerStateChanged { node: NODE, state: PowerState::Down(1) });
        apply(woken - 60, Event::PowerTargetChanged { node: NODE, target: PowerTarget::Up });
        let now = u64::try_from(woken).unwrap();
        apply(woken, Event::NodeUptimeReported { node: NODE, now, uptime: 30 });
        End(fold.close(&end_state())).uptime()
    };
    let with = Rules::named("r75-fix").unwrap();
    let without = Rules::named("r73-fix").unwrap();
    assert_eq!(slept(&with, first, first + 172_800), 172_800);
    assert_eq!(slept(&without, first, first + 172_800), 0);
    // Asleep a second too early, or from the end of the outage on.
    assert_eq!(slept(&with, first - 1, first + 172_800), 0);
    assert_eq!(slept(&with, outage, outage + 86_401), 0);
    // Woken a day after the end of the outage, or a second before.
    assert_eq!(slept(&with, outage - 1, outage + 86_400), 0);
    assert_eq!(slept(&with, outage - 2, outage + 86_399), 86_401);
}

/// Without a limit on boots, no request is needed; with it, the reports of a node nobody woke are not read.
#[test]
fn boot_max_secs() {
    let woken = |name| scene(name).report(1_000, 1_000).sleep(1_000).report(5_000, 100).close();
    assert_eq!(woken("r62-lenient").clean_uptime(), 5_000);
    assert_eq!(woken("r67").clean_uptime(), 1_000);
}

/// Asked at 2000 s, booted at 3801 s: a second late.
#[test]
fn late_boot() {
    let late = |name| scene(name).report(1_000, 1_000).sleep(1_000).wake(2_000).report(4_000, 199).close();
    let violated = late("r67");
    let expected = "Power managed node requested to boot at 1735604280 but only booted at 1735606081";
    assert_eq!(text(&violated, "r67"), expected);
    // The sleep of 3000 s counts all the same.
    assert_eq!(violated.uptime(), 4_000);
    assert_eq!(late("r67-noslash").clean_uptime(), 4_000);
    // Since period 73 one late boot costs only the sleep.
    assert_eq!(late("r73").clean_uptime(), 1_000);
}

#[test]
fn late_boot_that_never_comes() {
    let end = scene("r67").report(1_000, 1_000).sleep(1_000).wake(2_000).close();
    assert_eq!(text(&end, "r67"), "Power managed node requested to boot at 1735604280 but never booted");
    assert_eq!(scene("r67-noslash").report(1_000, 1_000).sleep(1_000).wake(2_000).close().kind(), None);
}

/// Two late boots after sleeps of more than a day: in period 73 the length of the sleep is tested first.
#[test]
fn late_boot_after_long_sleep() {
    let scene = |name| {
        scene(name)
            .report(1_000, 1_000)
            .sleep(1_000)
            .wake(100_000)
            .report(110_000, 100)
            .sleep(110_000)
            .wake(210_000)
            .report(220_000, 100)
            .close()
    };
    assert_eq!(scene("r73").kind(), None);
    assert_eq!(scene("r74").kind(), Some(ViolationKind::BootRequestExpired));
}

/// A node is put to sleep after the end; its report is then one of a node that sleeps, or one like any other.
#[test]
fn post_period_power() {
    let last = DURATION - 1_000;
    let slept = |name| {
        let scene = scene(name).report(last, u64::try_from(last).unwrap());
        scene.sleep(DURATION + 60).report(DURATION + 200, u64::try_from(DURATION + 200).unwrap())
    };
    assert_eq!(slept("r73").close().clean_uptime(), 2_460 + 1_000);
    assert_eq!(slept("r81").close().clean_uptime(), 2_460);
}

#[test]
fn twin_checks() {
    let without_twin = |name| {
        let mut scene = scene(name).report(1_000, 1_000);
        scene.end.twins.clear();
        scene.close().kind()
    };
    assert_eq!(without_twin("r60-strict"), Some(ViolationKind::MissingTwin));
    assert_eq!(without_twin("r62-lenient"), None);
}

#[test]
fn violation_costs_payout() {
    // Up for the whole period but for a report that goes back.
    let violated = |name| up_until(scene(name), DURATION - 7).report(DURATION - 1, 2_600_000).close();
    assert_eq!(violated("r46").receipt().reward.musd, 0);
    let paid = violated("r45");
    assert!(paid.violation().is_some());
    // r45: one CU a core; 8 * 2400 + 1.6 * 1000 = 20800.
    assert_eq!(paid.receipt().reward, Reward { musd: 20_800, tft: 2_600_000_000 });
}

#[test]
fn virtualized_costs_payout() {
    let virtualized = |name| {
        let mut scene = up_until(scene(name), DURATION - 7);
        let changed = Node { virtualized: true, ..node(NODE) };
        scene = scene.event(DURATION - 1, &Event::NodeUpdated(Box::new(changed)));
        scene.close().receipt().reward.musd
    };
    assert_eq!((virtualized("r45"), virtualized("r46")), (20_800, 0));
}

/// Up for 94 % of the period: nothing where payouts are all or nothing at 95 %, 940 of 1000 where they are in
/// proportion, and nothing below the floor of 95 % since period 73.
#[test]
fn scaling_and_floors() {
    let most = DURATION * 94 / 100 + 1;
    let musd = |name| up_until(scene(name), most).close().receipt().reward.musd;
    assert_eq!(musd("r46"), 0);
    assert_eq!(musd("r47"), 20_800 * 940 / 1_000);
    assert_eq!(musd("r62-lenient"), 20_800 * 940 / 1_000);
    let uncapped = Rules { report_credit_max_secs: None, ..Rules::r81() };
    assert_eq!(up_until(scene_of(&uncapped), most).close().receipt().reward.musd, 0);
    let linear = Rules { scaling: Scaling::Linear, ..uncapped };
    assert_eq!(up_until(scene_of(&linear), most).close().receipt().reward.musd, 20_800 * 940 / 1_000);
}

/// Policy 2 is all or nothing in period 52 at 95 thousandths (B3), and in proportion from period 58 on.
#[test]
fn linear_policies_and_policy_floor_unit() {
    let musd = |name| {
        let start =
            StartState { nodes: vec![Node { farming_policy_id: 2, ..node(NODE) }], ..StartState::default() };
        up_until(Scene::with(&Rules::named(name).unwrap(), start), DURATION / 2).close().receipt().reward.musd
    };
    assert_eq!((musd("r52"), musd("r58")), (20_800, 10_400));
}

/// A node seen since 29 January 2022 is paid in full for a little more than six hours.
#[test]
fn seen_early() {
    let rules = Rules::named("r45").unwrap();
    let early =
        Rules { seen_early: Some(SeenEarly { since: START + 21_601, uptime_over_secs: 21_600 }), ..rules };
    let musd = |at| up_until(scene_of(&early), at).close().receipt().reward.musd;
    assert_eq!((musd(21_600), musd(21_601)), (0, 20_800));
}

/// A node registered in the middle of the period, up from then on.
#[test]
fn own_period() {
    let half = DURATION / 2;
    let registered = |name| {
        let rules = Rules::named(name).unwrap();
        let scene = Scene::with(&rules, StartState::default());
        let scene = scene.event(half, &Event::NodeStored(Box::new(node(NODE))));
        scene.reports_since(half, &[half + 2_000, DURATION]).close()
    };
    let end = registered("r62-lenient");
    assert_eq!(end.receipt().period, Span { start: START + half, end: START + DURATION });
    // The payout is measured by the whole period all the same.
    assert_eq!(end.receipt().reward.musd, 20_800 * 500 / 1_000);
    assert_eq!(end.node().own.uptime, u64::try_from(half).unwrap());
    assert_eq!(registered("r73").receipt().period, Span { start: START, end: START + DURATION });
    // All or nothing for half a period: half of the full amount.
    assert_eq!(registered("r46").receipt().reward.musd, 10_400);
}

#[test]
fn prices_and_payout_price_and_bonus_policy() {
    let reward = |name| {
        let changed =
            Node { connection_price: 160, certification: NodeCertification::Certified, ..node(NODE) };
        let start =
            StartState { nodes: vec![Node { farming_policy_id: 2, ..changed }], ..StartState::default() };
        let mut scene = up_until(Scene::with(&Rules::named(name).unwrap(), start), DURATION);
        scene.end.policies.insert(2, FarmingPolicy { cu: 3_000, ..policy(2, 95) });
        scene.close().receipt().reward
    };
    // Constant prices and a bonus for all: (8 * 2400 + 1600) * 5/4 = 26000; at 80 that is 325 TFT.
    assert_eq!(reward("r47"), Reward { musd: 26_000, tft: 3_250_000_000 });
    // Those of the policy, without a bonus: 8 * 3000 + 1600 = 25600; at 80 still, 320 TFT.
    assert_eq!(reward("r52"), Reward { musd: 25_600, tft: 3_200_000_000 });
    // At the price of the node, 160 TFT.
    assert_eq!(reward("r58"), Reward { musd: 25_600, tft: 1_600_000_000 });
    assert_eq!(Rules::named("r47").unwrap().prices, Some(Prices { cu: 2_400, su: 1_000, nu: 30, ipv4: 5 }));
}

/// 8 CU * 354 + 1.6 SU * 122 = 3027.2, rounded down to 3027; at 80 that is 378375000 units; half of both for half of the
/// period.
#[test]
fn carbon() {
    let offset = |name: &str, last| up_until(scene(name), last).close().receipt().carbon_offset;
    assert_eq!(offset("r62-lenient", DURATION), Some(Reward { musd: 3_027, tft: 378_375_000 }));
    assert_eq!(offset("r62-lenient", DURATION / 2), Some(Reward { musd: 1_513, tft: 189_187_500 }));
    assert_eq!(offset("r81", DURATION), None);
    // Nothing for a node with a violation, except in period 45.
    let violated = |name| up_until(scene(name), DURATION - 7).report(DURATION - 1, 2_600_000).close();
    assert_eq!(violated("r46").receipt().carbon_offset, Some(Reward::default()));
    assert_ne!(violated("r45").receipt().carbon_offset, Some(Reward::default()));
}

#[test]
fn carbon_of_a_price_of_zero_is_a_finding_for_a_node_that_never_reported() {
    let start =
        StartState { nodes: vec![Node { connection_price: 0, ..node(NODE) }], ..StartState::default() };
    let end = |name: &str| Scene::with(&Rules::named(name).unwrap(), start.clone()).close();
    assert_eq!(end("r74").findings()[0].rule, "price-zero");
    assert_eq!(end("r81").findings(), &[]);
}

#[test]
fn missing_farm_skipped() {
    let without_farm = |name| {
        let mut scene = scene(name);
        scene.end.farms.clear();
        scene.close()
    };
    let skipped = without_farm("r62-lenient");
    assert!(skipped.findings().is_empty() && skipped.node().receipt.is_none());
    assert_eq!(without_farm("r67").findings()[0].rule, "farm-missing");
}

#[test]
fn use_source() {
    let used = |name| {
        let start = StartState {
            nodes: vec![node(NODE)],
            contracts: vec![(
                NodeContract { contract_id: 9, node_id: NODE, public_ips: 1 },
                Resources { cru: 4, ..Resources::default() },
            )],
            ..StartState::default()
        };
        let timestamp = u64::try_from(START + 100).unwrap();
        let report = NruConsumption { contract_id: 9, timestamp, window: 3_600, nru: 1 << 30 };
        let scene = Scene::with(&Rules::named(name).unwrap(), start);
        let end = scene.event(100, &Event::NruConsumptionReportReceived(report)).close();
        (end.receipt().cloud_units.nu, end.receipt().resource_utilization.ip)
    };
    assert_eq!(used("r47"), (0.0, 0.0));
    assert_eq!(used("r48"), (1.0, 0.0));
    assert_eq!(used("r52"), (1.0, 1.0));
}

/// Contract 9 with an address is made at 600 s. Reports: 4 cores and 1 GiB an hour later; 2 cores and 1.5 GiB after
/// another hour; one again; and after half an hour 0.25 GiB, so that the counter of traffic had started again.
#[test]
fn use_source_consumption_reports() {
    let report = |at: i64, cru: u64, nru: u64| {
        let timestamp = u64::try_from(START + at).unwrap();
        let used = Resources { cru, ..Resources::default() };
        Event::ConsumptionReportReceived(Consumption { contract_id: 9, timestamp, used, nru })
    };
    let used = |name| {
        let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 1 };
        let end = scene(name)
            .event(600, &Event::NodeContractCreated(contract))
            .event(4_206, &report(4_200, 4, 1 << 30))
            .event(7_806, &report(7_800, 2, 3 << 29))
            .event(7_812, &report(7_800, 2, 3 << 29))
            .event(9_606, &report(9_600, 0, 1 << 28))
            .event(9_612, &Event::ConsumptionReportReceived(Consumption { contract_id: 8, ..consumption() }))
            .close();
        let used = end.receipt().resource_utilization;
        // 4 and 2 cores for an hour each are 21600 core seconds: less than a core on average.
        assert_eq!((end.findings(), used.cru), (&[][..], 0.0));
        (end.receipt().cloud_units.nu, used.ip)
    };
    for name in ["r45", "r46", "r46-fix", "r47", "r48"] {
        // 1 + 0.5 + 0.25 GiB; an address for 2.5 hours.
        assert_eq!(used(name), (1.75, 2.5), "{name}");
    }
    assert_eq!(used("r52"), (0.0, 0.0));
}

fn consumption() -> Consumption {
    Consumption { contract_id: 9, timestamp: 0, used: Resources::default(), nru: 0 }
}

/// A contract from before the period: its first report says from when on the next one counts, and one of a time before
/// the period counts for nothing. Eight cores for a quarter of the period are a quarter of the node.
#[test]
fn use_source_before_the_period() {
    let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 0 };
    let report = |at: i64, nru: u64| {
        let timestamp = u64::try_from(START + at).unwrap();
        let used = Resources { cru: 8, ..Resources::default() };
        Event::ConsumptionReportReceived(Consumption { timestamp, used, nru, ..consumption() })
    };
    let start = || StartState {
        nodes: vec![node(NODE)],
        contracts: vec![(contract, Resources::default())],
        ..StartState::default()
    };
    let quarter = DURATION / 4;
    let used = |first: i64, last: i64| {
        let scene = Scene::with(&Rules::named("r47").unwrap(), start());
        let end = scene.event(60, &report(first, 5 << 30)).event(last + 60, &report(last, 6 << 30)).close();
        (end.receipt().resource_utilization.cru, end.receipt().cloud_units.nu)
    };
    assert_eq!(used(50, 50 + quarter), (25.0, 1.0));
    // 60 s before the start are counted as well, as the reference implementation does.
    assert_eq!(used(-60, quarter - 60), (25.0, 1.0));
    assert_eq!(used(-60, -30), (0.0, 0.0));
}

/// Reports of contract 9 out of the order of their own times.
#[test]
fn report_time() {
    let used = |name| {
        let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 1 };
        let start = StartState {
            nodes: vec![node(NODE)],
            contracts: vec![(contract, Resources::default())],
            ..StartState::default()
        };
        let report = |at: i64| {
            let timestamp = u64::try_from(START + at).unwrap();
            Event::NruConsumptionReportReceived(NruConsumption {
                contract_id: 9,
                timestamp,
                window: 3_600,
                nru: 0,
            })
        };
        let scene = Scene::with(&Rules::named(name).unwrap(), start);
        let unknown = NruConsumption { contract_id: 8, timestamp: 0, window: 0, nru: 0 };
        let end = scene
            .event(100, &report(90))
            .event(200, &report(80))
            .event(300, &report(-1))
            .event(400, &Event::NruConsumptionReportReceived(unknown))
            .close();
        (end.receipt().resource_utilization.ip, end.findings().len())
    };
    // One of three counts, and an unknown contract stops the reference implementation.
    assert_eq!(used("r52"), (1.0, 1));
    assert_eq!(used("r58"), (3.0, 0));
}

/// A node that goes to sleep in the last block, 6 s after the end, and reports again.
#[test]
fn a_sleep_in_the_last_block_is_a_finding() {
    let findings = |name| {
        let scene = scene(name).report(1_000, 1_000).sleep(DURATION + 6);
        let end = scene.report(DURATION + 3_600, 60).close();
        end.findings().iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(findings("r62-lenient"), ["asleep-in-last-block"]);
    assert_eq!(findings("r60-strict"), ["asleep-in-last-block"]);
    assert!(findings("r74").is_empty());
}

/// 5000 s of growth in 1000 s; then a report that fits the first one, but not the second.
#[test]
fn too_high_that_is_not_read() {
    let end = |name| scene(name).report(1_000, 1_000).report(2_000, 6_000).report(3_000, 3_000).close();
    let ignored = end("r46");
    assert_eq!((ignored.kind(), ignored.uptime()), (Some(ViolationKind::UptimeTooHigh), 3_000));
    // The report of 6000 s counts as the last one: 3000 s are fewer, and more than the 1000 s since then.
    let read = end("r60-strict");
    assert_eq!((read.kind(), read.uptime()), (Some(ViolationKind::UptimeTooHigh), 1_000));
}

#[test]
fn receipt_form() {
    let bytes = |name| String::from_utf8(scene(name).close().node().receipt.clone().unwrap().bytes).unwrap();
    // Eight cores divided by 2^30.
    assert!(bytes("r46").contains(r#""resource_units":{"cru":7.450580596923828e-9,"#));
    assert!(bytes("r47").contains(r#""resource_units":{"cru":8.0,"#));
    assert!(bytes("r47").ends_with(r#""node_type":"DIY"}"#));
    assert!(bytes("r52").contains(r#""farming_policy_id":1,"#));
    assert!(bytes("r74").contains(r#""carbon_offset":{"musd":0,"tft":0}"#));
}

#[test]
fn every_form_of_receipt_is_read_and_written_again_to_the_same_bytes() {
    for set in crate::minting::RULE_SETS {
        let sealed = up_until(scene_of(&set.rules()), DURATION).close().node().receipt.clone().unwrap();
        let read = Receipt::parse(&sealed.bytes).unwrap();
        assert_eq!((read.to_bytes(), read.hash()), (sealed.bytes.clone(), sealed.hash), "{}", set.name);
    }
}

#[test]
fn violation_texts() {
    // Back to 600 s at 2000 s: before the last report, at 1000 s; in block 1000 + (2000 - 6) / 6 = 1332.
    let end = |name| scene(name).report(1_000, 1_600).report(2_000, 1_500).close();
    assert_eq!(text(&end("r46"), "r46"), "violation of uptime measurement in block 1332");
    assert_eq!(
        text(&end("r62-lenient"), "r62-lenient"),
        "violation of uptime measurement in block 1332 (previous report 1735603280)"
    );
    assert!(
        text(&end("r60-strict"), "r60-strict").contains("report! Previous datapoint (1735603280 - 1600) new")
    );
    assert!(text(&end("r67"), "r67").contains("report | Previous datapoint (1735603280 - 1600) new"));
}

fn with_bugs(name: &str, bugs: Bugs) -> Rules {
    Rules { bugs, ..Rules::named(name).unwrap() }
}

/// Eight cores make 16 CU, of which memory allows 8; at one CU a core, four cores make 4.
#[test]
fn b0_one_cu_per_core() {
    let small = Node { resources: Resources { cru: 4, mru: 33 << 30, hru: 0, sru: 400 << 30 }, ..node(NODE) };
    let cu = |rules: &Rules| {
        let start = StartState { nodes: vec![small.clone()], ..StartState::default() };
        Scene::with(rules, start).close().receipt().cloud_units.cu
    };
    assert_eq!(cu(&Rules::named("r46").unwrap()), 4.0);
    assert_eq!(cu(&with_bugs("r46", Bugs::default())), 8.0);
}

/// The last report, 1000 s before the end, is of 2000 s, the next one 500 s after the end of 3500 s. By mistake the
/// uptime grew by 3500 - 2000 * 3500 = -6996500 s, which is added as 2^64 - 6996500.
#[test]
fn b1_post_period_growth_multiplied() {
    let last = DURATION - 1_000;
    let end = |rules: &Rules| scene_of(rules).report(last, 2_000).report(DURATION + 500, 3_500).close();
    assert_eq!(end(&with_bugs("r58", Bugs::default())).clean_uptime(), 2_000 + 1_000);
    let wrapped = end(&Rules::named("r58").unwrap());
    assert_eq!(wrapped.uptime(), 2_000 + (u64::MAX - 6_996_500 + 1));
}

/// A node asleep at the start falls asleep a second time: by mistake it is still taken to sleep, so that the
/// second sleep does not begin.
#[test]
fn b2_power_state_not_kept() {
    let uptime = |rules: &Rules| {
        let power = StartPower {
            power: NodePower { state: PowerState::Down(1), target: PowerTarget::Down },
            down_since: Some(START - 100),
        };
        let start =
            StartState { nodes: vec![node(NODE)], power: [(NODE, power)].into(), ..StartState::default() };
        let scene = Scene::with(rules, start).report(1_000, 500).up(1_000);
        scene.sleep(2_000).report(12_000, 100).close().clean_uptime()
    };
    // 1000 s up to the first report, 1000 s to the sleep, 10000 s of sleep.
    assert_eq!(uptime(&Rules::named("r62-lenient").unwrap()), 12_000);
    // 1000 s up to the first report, then a reboot of 100 s.
    assert_eq!(uptime(&Rules::named("r59").unwrap()), 1_100);
}

/// Asleep 600 s after the end and woken in time: by mistake 600 s are taken off.
#[test]
fn b4_post_period_sleep_debits() {
    let last = DURATION - 1_000;
    let uptime = |rules: &Rules| {
        let scene = scene_of(rules).report(last, u64::try_from(last).unwrap());
        let scene = scene.sleep(DURATION + 600).wake(DURATION + 900);
        scene.report(DURATION + 1_200, 100).close().clean_uptime()
    };
    assert_eq!(uptime(&with_bugs("r74", Bugs::default())), 2_460);
    assert_eq!(uptime(&Rules::named("r74").unwrap()), 2_460 - 600);
}

#[test]
fn b5_report_credit_max_is_least() {
    let bugs = Bugs { report_credit_max_is_least: true, ..Bugs::default() };
    // 1000 s and 500 s are each taken for 2460 s.
    let end = scene_of(&with_bugs("r60-strict", bugs)).report(1_000, 1_000).report(1_500, 1_500).close();
    assert_eq!(end.clean_uptime(), 2 * 2_460);
}

#[test]
fn b9_use_of_nothing_is_no_number() {
    let json = |rules: &Rules| {
        String::from_utf8(scene_of(rules).close().node().receipt.clone().unwrap().bytes).unwrap()
    };
    assert!(json(&Rules::named("r45").unwrap()).contains(r#""hru":null,"#));
    assert!(!json(&with_bugs("r45", Bugs::default())).contains("null"));
}
