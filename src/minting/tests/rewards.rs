//! Capacity, prices, floors and the bonus.

use super::*;
use crate::minting::Reward;
use crate::minting::arithmetic::{Arithmetic, Calculator};
use crate::minting::capacity::{compute_units, network_units, storage_units};
use crate::minting::consumption::Consumption;
use crate::minting::reward::{Earned, Presence, earned};

const FULL: i128 = 2_630_880;

fn reward_in(
    node: &Node,
    used: &Consumption,
    uptime: i128,
    policy: &FarmingPolicy,
    period: &Period,
) -> Earned {
    let presence = Presence { uptime, own_secs: DURATION.into(), seen_early: false };
    earned(node, used, presence, policy, &Rules::r81(), period, &mut Calculator::new(Arithmetic::Exact))
}

fn reward(node: &Node, used: &Consumption, uptime: i128, policy: &FarmingPolicy) -> Earned {
    reward_in(node, used, uptime, policy, &Period::numbered(81).unwrap())
}

fn amount(musd: u64, tft: u64) -> Earned {
    Earned::Amount(Reward { musd, tft })
}

fn certified() -> Node {
    Node { certification: NodeCertification::Certified, ..node(NODE) }
}

const UNUSED: Consumption = Consumption { cru: 0, mru: 0, hru: 0, sru: 0, ips: 0, nru: 0 };

#[test]
fn compute_units_are_bound_by_the_scarcest_resource() {
    let units = |cru: u64, mru: u64, sru: u64| compute_units(&Resources { cru, mru, hru: 0, sru }, 2);
    // 8 cores: 16. (33 - 1) / 4 GiB of memory: 8. 400 / 50 GiB of SSD: 8.
    assert_eq!(units(8, 33 << 30, 400 << 30), 8_000_000);
    assert_eq!(units(3, 33 << 30, 400 << 30), 6_000_000);
    assert_eq!(units(8, 5 << 30, 400 << 30), 1_000_000);
    assert_eq!(units(8, 33 << 30, 75 << 30), 1_500_000);
    // Rounded down: 2 / 3 of 50 GiB would be 0.666666...
    assert_eq!(units(8, 33 << 30, (100 << 30) / 3), 666_666);
}

#[test]
fn memory_below_its_reserve_does_not_limit_compute_units() {
    let units = |mru: u64| compute_units(&Resources { cru: 8, mru, hru: 0, sru: 400 << 30 }, 2);
    assert_eq!(units(1 << 30), 0);
    assert_eq!(units((1 << 30) - 1), 8_000_000);
    assert_eq!(units(0), 8_000_000);
}

#[test]
fn storage_units_add_disk_and_ssd() {
    let units = |hru: u64, sru: u64| storage_units(&Resources { cru: 0, mru: 0, hru, sru });
    assert_eq!(units(0, 400 << 30), 1_600_000);
    assert_eq!(units(1_200 << 30, 0), 1_000_000);
    assert_eq!(units(600 << 30, 125 << 30), 1_000_000);
    // 1 TB of disk: 10^12 * 10^6 / 1200 / 2^30 = 776102.1...
    assert_eq!(units(1_000_000_000_000, 0), 776_102);
}

#[test]
fn network_units_are_gibibytes() {
    assert_eq!(network_units(3 << 29), 1_500_000);
    // 1000 bytes: 10^9 / 2^30 = 0.93.
    assert_eq!(network_units(1_000), 0);
}

#[test]
fn the_largest_capacity_does_not_overflow() {
    let all = Resources { cru: u64::MAX, mru: u64::MAX, hru: u64::MAX, sru: u64::MAX };
    // (2^64 - 1) * 20000 / 2^30 = 2^34 * 20000 - 1 after rounding down; memory and cores allow more.
    assert_eq!(compute_units(&all, 2), (1 << 34) * 20_000 - 1);
    assert!(storage_units(&all) > 0);
    assert_eq!(compute_units(&all, u32::MAX), (1 << 34) * 20_000 - 1);
}

#[test]
fn a_full_period_earns_units_times_prices() {
    // 8 CU * 2400 + 1.6 SU * 1000 = 20800 mUSD. 20.8 $ / 0.080 $ = 260 TFT.
    assert_eq!(reward(&node(NODE), &UNUSED, FULL, &policy(1, 95)), amount(20_800, 2_600_000_000));
}

#[test]
fn uptime_beyond_the_period_earns_no_more() {
    assert_eq!(reward(&node(NODE), &UNUSED, FULL * 2, &policy(1, 95)), amount(20_800, 2_600_000_000));
}

#[test]
fn network_and_addresses_are_paid_by_use() {
    // 10 NU * 30 = 300 mUSD. 2 addresses for an hour: 7200 * 5 / 3600 = 10 mUSD.
    let used = Consumption { nru: 10 << 30, ips: 7_200, ..UNUSED };
    assert_eq!(reward(&node(NODE), &used, FULL, &policy(1, 95)), amount(21_110, 2_638_750_000));
    // 719 s * 5 / 3600 is less than 1 mUSD, 720 s are 1.
    let musd = |ips: u128| match reward(&node(NODE), &Consumption { ips, ..UNUSED }, FULL, &policy(1, 95)) {
        Earned::Amount(reward) => reward.musd,
        other => panic!("{other:?}"),
    };
    assert_eq!((musd(719), musd(720)), (20_800, 20_801));
}

#[test]
fn uptime_is_paid_in_whole_thousandths() {
    // 999 permille begin at 2628249.12 s: 20800 * 999 / 1000 = 20779.2, and 2600000000 * 999 / 1000.
    assert_eq!(reward(&node(NODE), &UNUSED, 2_628_250, &policy(1, 95)), amount(20_779, 2_597_400_000));
    assert_eq!(reward(&node(NODE), &UNUSED, FULL - 1, &policy(1, 95)), amount(20_779, 2_597_400_000));
    // 998 permille below that: 20758.4.
    assert_eq!(reward(&node(NODE), &UNUSED, 2_628_249, &policy(1, 95)), amount(20_758, 2_594_800_000));
}

#[test]
fn nodes_built_by_their_farmer_are_paid_from_950_permille_on() {
    // 0.95 * 2630880 = 2499336. 20800 * 0.95 = 19760; 260 TFT * 0.95 = 247.
    assert_eq!(reward(&node(NODE), &UNUSED, 2_499_336, &policy(1, 95)), amount(19_760, 2_470_000_000));
    assert_eq!(reward(&node(NODE), &UNUSED, 2_499_335, &policy(1, 95)), Earned::BelowFloor);
    assert_eq!(reward(&node(NODE), &UNUSED, 2_499_336, &policy(2, 95)), amount(19_760, 2_470_000_000));
}

#[test]
fn certified_nodes_are_paid_from_980_permille_on() {
    // 0.98 * 2630880 = 2578262.4. On policy 2 there is no bonus: 20800 * 0.98 = 20384.
    assert_eq!(reward(&certified(), &UNUSED, 2_578_263, &policy(2, 95)), amount(20_384, 2_548_000_000));
    assert_eq!(reward(&certified(), &UNUSED, 2_578_262, &policy(2, 95)), Earned::BelowFloor);
}

#[test]
fn certified_nodes_on_policy_1_get_a_quarter_more() {
    // 20800 * 5 / 4 = 26000 mUSD, 325 TFT.
    assert_eq!(reward(&certified(), &UNUSED, FULL, &policy(1, 95)), amount(26_000, 3_250_000_000));
    assert_eq!(reward(&certified(), &UNUSED, FULL, &policy(2, 95)), amount(20_800, 2_600_000_000));
}

#[test]
fn policy_3_is_linear_only_in_its_test_network_shape() {
    let linear = policy(3, 95);
    assert_eq!(reward(&node(NODE), &UNUSED, 2_499_335, &linear), Earned::BelowFloor);
    assert_eq!(reward(&node(NODE), &UNUSED, 2_499_336, &linear), amount(19_760, 2_470_000_000));
    // In any other shape it pays in full from its minimal uptime on, in thousandths.
    let full = amount(20_800, 2_600_000_000);
    for other in [
        FarmingPolicy { default: true, ..linear },
        FarmingPolicy { immutable: true, ..linear },
        FarmingPolicy { minimal_uptime: 96, ..linear },
    ] {
        assert_eq!(reward(&node(NODE), &UNUSED, 2_499_335, &other), full);
    }
}

#[test]
fn other_policies_pay_in_full_from_their_minimal_uptime_on() {
    // 95 permille, not percent: 0.095 * 2630880 = 249933.6 s.
    let full = amount(20_800, 2_600_000_000);
    assert_eq!(reward(&node(NODE), &UNUSED, 249_934, &policy(4, 95)), full);
    assert_eq!(reward(&node(NODE), &UNUSED, 249_933, &policy(4, 95)), Earned::BelowFloor);
    assert_eq!(reward(&node(NODE), &UNUSED, 0, &policy(4, 0)), full);
    // More than 1000 permille can not be reached.
    assert_eq!(reward(&node(NODE), &UNUSED, FULL * 2, &policy(4, 1_001)), Earned::BelowFloor);
}

#[test]
fn the_price_of_the_node_turns_dollars_into_tft() {
    let at = |connection_price: u32| {
        reward(&Node { connection_price, ..node(NODE) }, &UNUSED, FULL, &policy(1, 95))
    };
    assert_eq!(at(800), amount(20_800, 260_000_000));
    // 20800 * 10^7 / 3 = 69333333333.3
    assert_eq!(at(3), amount(20_800, 69_333_333_333));
    assert_eq!(at(0), Earned::PriceZero);
}

#[test]
fn the_floor_comes_before_the_price() {
    let free = Node { connection_price: 0, ..node(NODE) };
    assert_eq!(reward(&free, &UNUSED, 0, &policy(1, 95)), Earned::BelowFloor);
}

#[test]
fn tft_are_scaled_from_the_unscaled_dollars() {
    // 1 mUSD at 950 permille is 0 mUSD, but 125000 * 0.95 units of TFT.
    let poor = Node { resources: Resources::default(), ..node(NODE) };
    let used = Consumption { ips: 720, ..UNUSED };
    assert_eq!(reward(&poor, &used, 2_499_336, &policy(1, 95)), amount(0, 118_750));
}

#[test]
fn an_amount_that_does_not_fit_is_not_paid() {
    let used = Consumption { nru: u128::MAX, ips: u128::MAX, ..UNUSED };
    assert_eq!(reward(&node(NODE), &used, FULL, &policy(1, 95)), Earned::TooLarge);
}

#[test]
fn a_free_range_is_measured_against_its_own_length() {
    // Half a period: half of 20800 for capacity, all of the 300 for 10 NU and the 10 for addresses.
    let half = Period::range(START, START + 1_315_440).unwrap();
    let used = Consumption { nru: 10 << 30, ips: 7_200, ..UNUSED };
    assert_eq!(
        reward_in(&node(NODE), &used, 1_315_440, &policy(1, 95), &half),
        amount(10_710, 1_338_750_000)
    );
    // 0.95 * 1315440 = 1249668 s.
    assert_eq!(reward_in(&node(NODE), &used, 1_249_667, &policy(1, 95), &half), Earned::BelowFloor);
    // (10400 + 310) * 0.95 = 10174.5
    assert_eq!(
        reward_in(&node(NODE), &used, 1_249_668, &policy(1, 95), &half),
        amount(10_174, 1_271_812_500)
    );
}

#[test]
fn a_range_as_long_as_a_period_earns_the_same() {
    let range = Period::range(START + 5, START + 5 + DURATION).unwrap();
    let used = Consumption { nru: 12_345_678_901, ips: 98_765, ..UNUSED };
    let odd = Resources { cru: 7, mru: 12_345_678_901, hru: 987_654_321_987, sru: 123_456_789_123 };
    let node = Node { resources: odd, ..node(NODE) };
    assert_eq!(
        reward_in(&node, &used, FULL, &policy(1, 95), &range),
        reward(&node, &used, FULL, &policy(1, 95))
    );
}
