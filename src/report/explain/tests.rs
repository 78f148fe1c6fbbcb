//! Explanations of nodes to which one thing happens each.

use serde_json::Value;

use super::{Explanation, Paint};
use crate::{
    chain::types::{
        Event, Farm, FarmingPolicy, Height, Node, NodeCertification, NodePower, PowerState, PowerTarget,
        Resources, Twin,
    },
    minting::{Boundaries, EndState, Followed, Period, Rules, StartPower, StartState, Timeline},
    replay::{Activity, Explained, Located},
};

const NODE: u32 = 1;
const FIRST_BLOCK: Height = 1_000;
const LAST_BLOCK: Height = FIRST_BLOCK + 438_480;
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// Seconds between two reports.
const INTERVAL: i64 = 2_400;

fn period() -> Period {
    Period::numbered(81).unwrap()
}

fn length() -> i64 {
    period().end - period().start
}

/// Eight cores, 33 GiB of memory and 400 GiB of SSD: 8 CU and 1.6 SU.
fn node() -> Node {
    Node {
        id: NODE,
        farm_id: 3,
        twin_id: 2,
        resources: Resources { cru: 8, mru: 33 << 30, hru: 0, sru: 400 << 30 },
        certification: NodeCertification::Diy,
        virtualized: false,
        farming_policy_id: 1,
        connection_price: 80,
    }
}

fn end_state() -> EndState {
    let twin = Twin { id: 2, relay: Some(b"relay.grid.tf".to_vec()), pk: Some(vec![2; 33]) };
    let policy = FarmingPolicy {
        id: 1,
        cu: 2_400,
        su: 1_000,
        nu: 30,
        ipv4: 5,
        minimal_uptime: 95,
        immutable: false,
        default: false,
    };
    EndState {
        farms: [(3, Farm { id: 3, name: b"example".to_vec() })].into(),
        twins: [(2, twin)].into(),
        payout_addresses: [(3, b"GBOVQKJYHXRR3DX6NOX2RRYFRCUMSADGDESTDNBDS6CDVLGVESRTAC47".to_vec())].into(),
        policies: [(1, policy)].into(),
    }
}

/// A chain with a block every 6 seconds on which things happen to node 1; times are seconds since the start.
struct Scene {
    rules: Rules,
    timeline: Timeline,
    end: EndState,
    /// Reports of other nodes in every hundredth block.
    others: u32,
    /// From when until when there are no blocks, or no reports of anyone.
    no_blocks: (i64, i64),
    no_reports: (i64, i64),
}

impl Scene {
    /// Node 1 is there and up, by the rules of period 81.
    fn new() -> Scene {
        Scene::by(Rules::r81())
    }

    fn by(rules: Rules) -> Scene {
        Scene::from(rules, StartState { nodes: vec![node()], ..StartState::default() })
    }

    fn from(rules: Rules, start: StartState) -> Scene {
        let bounds = Boundaries {
            period: period(),
            first_block: FIRST_BLOCK,
            first_block_time: period().start + 6,
            last_block: LAST_BLOCK,
            known_until: None,
        };
        let timeline = Timeline::new(&rules, &bounds, NODE, start);
        Scene { rules, timeline, end: end_state(), others: 5, no_blocks: (0, 0), no_reports: (0, 0) }
    }

    /// Node 1 fell asleep so many seconds before the start.
    fn asleep(seconds: i64) -> Scene {
        let power = StartPower {
            power: NodePower { state: PowerState::Down(FIRST_BLOCK - 1), target: PowerTarget::Down },
            down_since: Some(period().start - seconds),
        };
        let start =
            StartState { nodes: vec![node()], power: [(NODE, power)].into(), ..StartState::default() };
        Scene::from(Rules::r81(), start)
    }

    fn event(mut self, at: i64, event: &Event) -> Scene {
        self.timeline.apply(block_at(at), period().start + at, event);
        self
    }

    fn report(self, at: i64, uptime: i64) -> Scene {
        let now = u64::try_from(period().start + at).unwrap();
        self.event(at, &Event::NodeUptimeReported { node: NODE, now, uptime: uptime.try_into().unwrap() })
    }

    /// Reports in order, of a node that booted at `booted`.
    fn runs(mut self, from: i64, until: i64, booted: i64) -> Scene {
        let mut at = from;
        while at < until {
            self = self.report(at, at - booted);
            at += INTERVAL;
        }
        self
    }

    /// Reports in order up to the end, and one after it.
    fn runs_on(self, from: i64, booted: i64) -> Scene {
        self.runs(from, length() + 2 * INTERVAL, booted)
    }

    fn target(self, at: i64, target: PowerTarget) -> Scene {
        self.event(at, &Event::PowerTargetChanged { node: NODE, target })
    }

    fn state(self, at: i64, state: PowerState) -> Scene {
        self.event(at, &Event::PowerStateChanged { node: NODE, state })
    }

    fn sleep(self, at: i64) -> Scene {
        self.target(at, PowerTarget::Down).state(at, PowerState::Down(block_at(at)))
    }

    fn activity(&self) -> Activity {
        let mut activity = Activity::from(FIRST_BLOCK);
        let within = |(from, until): (i64, i64), at: i64| from < at && at < until;
        let times = (0..=LAST_BLOCK - FIRST_BLOCK).map(|block| 6 + i64::from(block) * 6);
        let blocks = times.filter(|at| !within(self.no_blocks, *at)).map(|at| {
            let reports = if at % 600 == 0 && !within(self.no_reports, at) { self.others } else { 0 };
            (period().start + at, reports)
        });
        activity.extend(blocks.collect());
        activity
    }

    fn told(self) -> Told {
        let activity = self.activity();
        let followed = self.timeline.close(&self.end).unwrap();
        let located = Located {
            baseline_first: FIRST_BLOCK,
            first_block: FIRST_BLOCK,
            last_block: LAST_BLOCK,
            window_last: LAST_BLOCK + 16_200,
            end_state: Some(LAST_BLOCK),
            first_assumed: false,
            known_until: None,
            fold_from: FIRST_BLOCK,
            ended: true,
            block_time_ms: 6_000,
        };
        let explained = Explained { located, activity, end: self.end, node: Ok(Box::new(followed)) };
        let followed: &Followed = explained.node.as_ref().unwrap();
        let period = period();
        let explanation = Explanation::new(&period, &self.rules, &explained, followed);
        Told { text: explanation.text(Paint { colours: false }, false), json: explanation.json() }
    }
}

fn block_at(at: i64) -> Height {
    FIRST_BLOCK + Height::try_from((at - 6).max(0) / 6).unwrap()
}

/// An explanation, as both forms have it.
struct Told {
    text: String,
    json: Value,
}

impl Told {
    fn answer(&self) -> &str {
        self.text.lines().next().unwrap()
    }

    #[track_caller]
    fn says(self, parts: &[&str]) -> Told {
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in\n{}", self.text);
        }
        self
    }

    #[track_caller]
    fn does_not_say(self, part: &str) -> Told {
        assert!(!self.text.contains(part), "{part:?} in\n{}", self.text);
        self
    }

    /// The first entry of a kind.
    #[track_caller]
    fn entry(&self, kind: &str) -> &Value {
        let timeline = self.json["timeline"].as_array().unwrap();
        timeline
            .iter()
            .find(|entry| entry["kind"] == kind)
            .unwrap_or_else(|| panic!("no {kind} in\n{}", self.text))
    }
}

/// When the node of most tests booted.
const BOOT: i64 = -10 * DAY;

#[test]
fn a_node_that_ran_all_the_time_is_paid_in_full() {
    let told = Scene::new().runs_on(1_000, BOOT).told();
    assert_eq!(told.answer(), "Paid in full: 260.0000000 TFT");
    assert_eq!(told.json["measured_uptime"], length());
    let told = told.does_not_say("What would have changed").does_not_say("violation");
    assert_eq!(told.json["what_if"], Value::Array(vec![]));
    assert_eq!(told.json["violation"], Value::Null);
}

#[test]
fn a_node_below_the_floor_is_told_by_how_much_and_what_was_lost() {
    // The last report comes 1,726,600 s after the start; 950 thousandths of the period are 2,499,336 s.
    let told = Scene::new().runs(1_000, 20 * DAY, BOOT).told();
    assert_eq!(told.answer(), "Below 95 % by 8 d 22 h: paid 0 TFT");
    let told = told.says(&[
        "it was this node that was silent",
        "to 2025-01-30 10:32:40 UTC, the end of the period",
        "8 d 22 h more uptime would have reached the floor of 95 %",
        "no report counts for the end of the period; without it the floor would have been reached",
    ]);
    assert_eq!(told.json["measured_uptime"], 1_726_600);
}

#[test]
fn a_stall_of_the_chain_is_told_from_the_silence_of_a_node() {
    let silent = || Scene::new().runs(1_000, 5 * DAY, BOOT).runs_on(5 * DAY + 10 * HOUR, BOOT);
    let own = silent().told().says(&["it was this node that was silent"]);
    assert_eq!(own.entry("gap")["cause"], "node");
    let stalled = Scene { no_blocks: (5 * DAY, 5 * DAY + 10 * HOUR), ..silent() };
    let stalled =
        stalled.told().says(&["not this node's doing: the chain stood still for", "The chain stood still"]);
    assert_eq!(stalled.entry("gap")["cause"], "chain");
    assert_eq!(stalled.json["chain_stalls"].as_array().map(Vec::len), Some(1));
    let quiet = Scene { no_reports: (5 * DAY - HOUR, 5 * DAY + 10 * HOUR), ..silent() };
    let quiet = quiet.told().says(&["not this node's doing: hardly any node reported: "]);
    assert_eq!(quiet.entry("gap")["cause"], "chain");
}

#[test]
fn a_node_without_reports_is_told_so() {
    let told = Scene::new().told();
    assert_eq!(told.answer(), "Paid 0 TFT: no uptime report of it counts in this period");
    assert_eq!(told.json["outcome"], "no-uptime");
    let told = Scene::asleep(HOUR)
        .told()
        .says(&["It is asleep by the chain since", "it was never asked to wake up"]);
    assert_eq!(told.json["outcome"], "no-uptime");
}

#[test]
fn of_a_sleep_from_before_the_period_only_the_part_in_it_counts() {
    let told = Scene::asleep(5 * HOUR).target(HOUR, PowerTarget::Up).runs_on(HOUR + 600, HOUR + 300).told();
    let told = told.says(&[
        "woke up after a sleep of 6 h 10 min (at most 24 h: passed)",
        "the 1 h 10 min of it in this period count",
    ]);
    assert!(told.answer().starts_with("Paid in full"), "{}", told.text);
}

/// A node that sleeps from `at` on, is asked to wake up an hour later, and boots an hour after that.
fn late_boot(scene: Scene, at: i64, state_up: i64) -> Scene {
    let (requested, boot) = (at + HOUR, at + 2 * HOUR - 60);
    scene
        .sleep(at)
        .target(requested, PowerTarget::Up)
        .state(state_up, PowerState::Up)
        .report(at + 2 * HOUR, at + 2 * HOUR - boot)
}

#[test]
fn a_late_boot_is_told_from_a_node_that_was_up_and_did_not_report() {
    let first = late_boot(Scene::new().runs(1_000, DAY, BOOT), DAY, DAY + 2 * HOUR - 30);
    let running = first.runs(DAY + 2 * HOUR + INTERVAL, 2 * DAY, DAY + 2 * HOUR - 60);
    let second = late_boot(running, 2 * DAY, 2 * DAY + HOUR + 300);
    let told = second.runs_on(2 * DAY + 2 * HOUR + INTERVAL, 2 * DAY + 2 * HOUR - 60).told().says(&[
        "Paid 0 TFT: violation: it booted late, or not at all, 2 times",
        "more often than the 1 allowed",
        "59 min later: 29 min over the 30 min that it may take",
        "(at most 24 h: passed)",
        "(at most 30 min: failed by 29 min)",
        "a real late boot",
        "not a late wake-up by the chain: it was up (state Up) in block",
        "With at most 1 late boot, it would have earned",
    ]);
    let late = &told.json["violation"]["late_boots"];
    assert_eq!(late.as_array().map(Vec::len), Some(2), "{late}");
    let first = &late[0];
    assert_eq!(
        (&first["boot_secs"], &first["limit_secs"], &first["passed_by_secs"]),
        (&3_540.into(), &1_800.into(), &1_740.into())
    );
    assert_eq!(first["request_block"], block_at(DAY + HOUR));
    assert_eq!(first["report_block"], block_at(DAY + 2 * HOUR));
    let wakes: Vec<&Value> =
        told.json["timeline"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "wake").collect();
    assert_eq!(wakes[0]["wake"]["late"], "late-boot");
    assert_eq!(wakes[1]["wake"]["late"], "state-up-without-uptime-report");
}

#[test]
fn a_request_that_nobody_answered_is_told_with_what_the_chain_says() {
    let asked = || Scene::new().runs(1_000, DAY, BOOT).sleep(DAY).target(DAY + HOUR, PowerTarget::Up);
    let never = asked().told().says(&["it never came up by the chain; that counts as a late boot"]);
    assert!(never.answer().starts_with("Below 95 % by"), "{}", never.text);
    asked()
        .state(DAY + HOUR + 300, PowerState::Up)
        .told()
        .says(&["it is up by the chain (state Up) from block", "but no uptime report that counts followed"]);
    let rules = Rules::named("r67").unwrap();
    let strict =
        Scene::by(rules).runs(1_000, DAY, BOOT).sleep(DAY).target(DAY + HOUR, PowerTarget::Up).told();
    let strict = strict.says(&[
        "Paid 0 TFT: violation: a late boot: asked in block",
        "no report that counts followed; 30 min are allowed",
    ]);
    assert_eq!(strict.json["violation"]["late_boots"][0]["booted_at"], Value::Null);
}

#[test]
fn a_sleep_of_more_than_a_day_fails_its_check() {
    let scene = Scene::new().runs(1_000, DAY, BOOT).sleep(DAY).target(2 * DAY + HOUR, PowerTarget::Up);
    let woken =
        scene.state(2 * DAY + HOUR + 60, PowerState::Up).runs_on(2 * DAY + HOUR + 600, 2 * DAY + HOUR + 300);
    let told = woken.told().says(&[
        "woke up after a sleep of 1 d 1 h (at most 24 h: failed by 1 h 10 min)",
        "booted 5 min after it was asked to (at most 30 min: passed)",
        "the sleep does not count",
        "a sleep that does not count, from",
    ]);
    let wake = &told.entry("wake")["wake"];
    assert_eq!((&wake["sleep"]["passed"], &wake["sleep"]["over_secs"]), (&false.into(), &4_200.into()));
    assert_eq!((&wake["boot"]["passed"], &wake["late"]), (&true.into(), &Value::Null));
}

#[test]
fn a_node_woken_by_hand_is_told_why_its_reports_are_not_read() {
    let woken = Scene::new().runs(1_000, DAY, BOOT).sleep(DAY).state(DAY + HOUR, PowerState::Up);
    woken
        .runs_on(DAY + 2 * HOUR, DAY + HOUR - 60)
        .told()
        .says(&["nobody asked it to wake up, so no boot can be timed"]);
}

#[test]
fn a_violation_by_a_report_has_its_limit_and_by_how_much_it_was_passed() {
    let run = || Scene::new().runs(1_000, DAY, BOOT);
    // The last report comes at 85,000 s.
    let cases = [
        ("uptime-too-high", run().report(DAY, DAY - BOOT + 500), 1_900, 1_460, 440),
        ("uptime-too-low", run().report(DAY + HOUR, DAY - BOOT + 500), 1_900, 4_940, 3_040),
        ("invalid-reboot", run().report(DAY, 5 * HOUR), 16_600, 0, 16_600),
    ];
    for (kind, scene, measured, limit, passed_by) in cases {
        let told = scene.told();
        assert!(told.answer().starts_with("Paid 0 TFT: violation: "), "{}", told.text);
        let violation = &told.json["violation"];
        assert_eq!(violation["kind"], kind);
        assert_eq!(violation["previous_block"], block_at(85_000), "{kind}");
        assert!(violation["block"].as_u64() > violation["previous_block"].as_u64(), "{kind}");
        let numbers =
            ["measured_secs", "limit_secs", "passed_by_secs"].map(|name| violation[name].as_i64().unwrap());
        assert_eq!(numbers, [measured, limit, passed_by], "{kind}");
    }
}

#[test]
fn reports_that_do_not_count_are_no_silence_and_are_folded() {
    // From the second day on every report is of an uptime that is 100,000 s too small.
    let told = Scene::new().runs(1_000, DAY, BOOT).runs_on(DAY, BOOT + 100_000).told();
    let told = told
        .does_not_say("no report for")
        .says(&["violation: uptime shrank", "more reports like the one before"]);
    assert!(told.text.lines().count() < 40, "{}", told.text);
    assert!(told.json["timeline"].as_array().unwrap().len() > 1_000);
}

#[test]
fn what_is_missing_at_the_end_of_the_period_is_told() {
    let change = |change: fn(&mut EndState)| {
        let mut scene = Scene::new().runs_on(1_000, BOOT);
        change(&mut scene.end);
        scene.told()
    };
    change(|end| end.farms.clear()).says(&["Not paid: farm 3 of the node does not exist", "Findings"]);
    change(|end| end.policies.clear()).says(&["Not paid: farming policy 1 of the node does not exist"]);
    change(|end| end.twins.clear())
        .says(&["Paid 0 TFT: violation: Node twin does not exist", "With a twin, it would have earned"]);
    change(|end| end.payout_addresses.clear())
        .says(&["Earned 260.0000000 TFT, but not paid: farm 3 has no payout address"]);
    change(|end| end.payout_addresses = [(3, b"GADDRESS".to_vec())].into())
        .says(&["no valid Stellar address"]);
}

#[test]
fn a_node_that_was_registered_in_the_period_is_told_so() {
    let born = |rules: Rules| {
        let scene = Scene::from(rules, StartState::default());
        scene.event(10 * DAY, &Event::NodeStored(Box::new(node()))).runs_on(10 * DAY + 600, 10 * DAY).told()
    };
    let told =
        born(Rules::r81()).says(&["the node was registered", "Below 95 % by", "it did not exist before"]);
    assert_eq!(told.entry("registered")["block"], block_at(10 * DAY));
    // Before the floor was brought in, any uptime earned its part.
    assert!(born(Rules::named("r67").unwrap()).answer().starts_with("Paid in part: "));
}

#[test]
fn rules_without_floors_limits_and_power_management_are_told_as_they_were() {
    let told = |name: &str| {
        let rules = Rules::named(name).unwrap();
        Scene::by(rules)
            .runs(1_000, 20 * DAY, BOOT)
            .report(20 * DAY + HOUR, 20 * DAY - BOOT + 500)
            .runs_on(22 * DAY, BOOT)
            .told()
    };
    told("r47").says(&["these rules credit it", "rules r47"]);
    told("r45").says(&["violated, which costs nothing by these rules"]);
    told("r46").says(&["Paid 0 TFT: violation"]);
    told("r67")
        .does_not_say("to spare")
        .says(&["these rules have no floor"])
        .says(&["Paid 0 TFT: violation"]);
    for name in ["r52", "r58", "r59", "r60-strict", "r61-lenient-B2", "r73", "r74", "r75-fix"] {
        told(name).says(&["Calculation", "Timeline"]);
    }
}
