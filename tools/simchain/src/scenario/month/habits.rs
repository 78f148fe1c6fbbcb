//! How the nodes of a month behave: in tables, so that the next action of a node is known without its whole story.

use crate::scenario::script::{DAY, HOUR, MINUTE};
use crate::scenario::world::{FARM_WITHOUT_ADDRESS, GIB};
use crate::types::tfgrid::{Node, NodeCertification, Power, Twin};

/// Seconds of a minting period, after which the steps of a habit begin anew.
pub const PERIOD: u64 = 2_630_880;
/// A node that was asked to sleep says so a block later.
const A_BLOCK: i64 = 6;
const M: i64 = MINUTE.cast_signed();
const H: i64 = HOUR.cast_signed();
const D: i64 = DAY.cast_signed();
const END: i64 = PERIOD.cast_signed();

/// What a node does apart from reporting its uptime every 40 minutes.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Its farmer asks it to wake up or to sleep.
    Ask(Power),
    /// It says that it goes down, and is silent from then on.
    GoDown,
    /// It boots if it is down, says that it is up, and reports.
    Boot,
    /// It boots without having said that it was down, and reports.
    Restart,
    /// Its reports stop.
    Silence,
    /// Its reports go on.
    Resume,
    /// Its counter is off by so many seconds more from now on.
    Jump(i64),
    /// Its next report alone is off by so many seconds.
    Once(i64),
    /// With every report from now on its counter gains so many seconds more.
    Drift(i64),
    /// It claims to have booted so many seconds later than it did.
    Forget(u64),
    /// It reports twice in a block, the second time less.
    Twice,
    /// It is updated.
    Change(fn(&mut Node)),
    /// It is registered, or registered anew.
    Store,
    /// Its twin goes away.
    DropTwin,
}

/// A way to behave.
#[derive(Debug)]
pub struct Habit {
    /// Name, for people.
    pub name: &'static str,
    /// So many nodes of [`total`] behave like this.
    pub share: u32,
    /// Seconds after which the steps begin anew.
    pub every: u64,
    /// How node and twin differ from ordinary ones at genesis.
    pub prepare: fn(&mut Node, &mut Twin),
    /// Steps in order, each so many seconds behind the start of the period (or of the day).
    pub steps: &'static [(i64, Step)],
}

const fn ordinary(_: &mut Node, _: &mut Twin) {}

/// A habit that is a matter of steps.
const fn steps(name: &'static str, share: u32, steps: &'static [(i64, Step)]) -> Habit {
    Habit { name, share, every: PERIOD, prepare: ordinary, steps }
}

/// A habit that is a matter of how the node is registered.
const fn made(name: &'static str, share: u32, prepare: fn(&mut Node, &mut Twin)) -> Habit {
    Habit { name, share, every: PERIOD, prepare, steps: &[] }
}

const DOWN: Step = Step::Ask(Power::Down);
const UP: Step = Step::Ask(Power::Up);

/// A node that is not registered at genesis: these nodes have the highest ids.
pub const ARRIVAL: &Habit = &steps("new in the period", 0, &[(12 * H, Step::Store)]);

/// All habits but [`ARRIVAL`]; the first is the normal one. Only a small share of nodes misbehaves, as on the real
/// chain, and no node breaks rules twice on both sides of a period's end, which would be a finding.
pub const HABITS: &[Habit] = &[
    steps("normal", 760, &[]),
    steps(
        "restarts",
        40,
        &[
            (5 * D, Step::Silence),
            (5 * D + 10 * M, Step::Restart),
            (19 * D, Step::Silence),
            (19 * D + 10 * M, Step::Restart),
        ],
    ),
    steps(
        "gaps",
        20,
        &[
            (5 * D, Step::Silence),
            (5 * D + 5 * H, Step::Resume),
            (15 * D, Step::Silence),
            (15 * D + 5 * H, Step::Resume),
        ],
    ),
    steps("below the floor", 8, &[(12 * D, Step::Silence), (12 * D + 44 * H, Step::Restart)]),
    steps("dies", 4, &[(D, Step::Restart), (15 * D, Step::Silence)]),
    steps("reboots behind the end", 4, &[(END, Step::Silence), (END + H, Step::Restart)]),
    steps("silent behind the end", 4, &[(2 * D, Step::Restart), (END, Step::Silence)]),
    steps("silent", 4, &[(-8 * H, Step::Silence)]),
    // Whose counter runs wrong.
    steps(
        "clock is a little fast",
        20,
        &[(4 * D, Step::Jump(20)), (12 * D, Step::Jump(20)), (20 * D, Step::Jump(20))],
    ),
    steps(
        "clock is a little slow",
        20,
        &[(4 * D, Step::Jump(-20)), (12 * D, Step::Jump(-20)), (20 * D, Step::Jump(-20))],
    ),
    steps("counter jumps ahead", 3, &[(8 * D, Step::Jump(300))]),
    steps("counter jumps back", 3, &[(9 * D, Step::Jump(-300))]),
    steps("jumps ahead behind the end", 2, &[(END + 20 * M, Step::Jump(300))]),
    steps("jumps back behind the end", 2, &[(END + 20 * M, Step::Jump(-300))]),
    steps(
        "impossible reboot",
        2,
        &[(D, Step::Restart), (10 * D, Step::Forget(5 * DAY)), (END - H, Step::Silence)],
    ),
    steps("clock skew", 2, &[(3 * D, Step::Drift(5)), (4 * D, Step::Drift(-5))]),
    steps("reports twice in a block", 2, &[(11 * D, Step::Twice)]),
    steps("exactly at the grace", 2, &[(14 * D, Step::Once(45))]),
    // Whom a farmer puts to sleep and wakes up.
    Habit {
        name: "sleeps every day",
        share: 40,
        every: DAY,
        prepare: ordinary,
        steps: &[(0, DOWN), (A_BLOCK, Step::GoDown), (20 * H, UP), (20 * H + 4 * M, Step::Boot)],
    },
    steps(
        "boots late once",
        4,
        &[
            (7 * D, DOWN),
            (7 * D + A_BLOCK, Step::GoDown),
            (7 * D + 10 * H, UP),
            (7 * D + 690 * M, Step::Boot),
        ],
    ),
    steps(
        "boots late twice",
        2,
        &[
            (7 * D, DOWN),
            (7 * D + A_BLOCK, Step::GoDown),
            (7 * D + 10 * H, UP),
            (7 * D + 690 * M, Step::Boot),
            (14 * D, DOWN),
            (14 * D + A_BLOCK, Step::GoDown),
            (14 * D + 10 * H, UP),
            (14 * D + 690 * M, Step::Boot),
        ],
    ),
    steps(
        "sleeps too long",
        4,
        &[
            (6 * D, DOWN),
            (6 * D + A_BLOCK, Step::GoDown),
            (6 * D + 30 * H, UP),
            (6 * D + 1804 * M, Step::Boot),
        ],
    ),
    steps(
        "asleep at the start",
        4,
        &[(-6 * H, DOWN), (A_BLOCK - 6 * H, Step::GoDown), (10 * H, UP), (10 * H + 4 * M, Step::Boot)],
    ),
    steps(
        "wakes by itself",
        2,
        &[(16 * D, DOWN), (16 * D + A_BLOCK, Step::GoDown), (16 * D + 3 * H, Step::Boot)],
    ),
    steps(
        "never answers",
        2,
        &[(2 * D, Step::Boot), (28 * D, DOWN), (28 * D + A_BLOCK, Step::GoDown), (28 * D + 12 * H, UP)],
    ),
    steps(
        "down twice",
        2,
        &[
            (13 * D, DOWN),
            (13 * D + A_BLOCK, Step::GoDown),
            (13 * D + 2 * H, Step::GoDown),
            (13 * D + 12 * H, UP),
            (13 * D + 724 * M, Step::Boot),
        ],
    ),
    steps("down without being asked", 2, &[(17 * D, Step::GoDown), (17 * D + 8 * H, Step::Boot)]),
    steps(
        "asked twice",
        2,
        &[
            (18 * D, DOWN),
            (18 * D + A_BLOCK, Step::GoDown),
            (18 * D + 9 * H, UP),
            (18 * D + 10 * H, UP),
            (18 * D + 604 * M, Step::Boot),
        ],
    ),
    // Whose twin, farm, capacity or policy decides what they are paid.
    steps("twin goes away", 2, &[(20 * D, Step::DropTwin)]),
    made("no relay", 2, |_, twin| twin.relay = None),
    made("bad key", 2, |_, twin| twin.pk = Some([b'a'; 66].to_vec())),
    made("no key", 2, |_, twin| twin.pk = None),
    made("virtualized", 2, |node, _| node.virtualized = true),
    steps(
        "turns virtualized",
        2,
        &[
            (12 * D, Step::Change(|node| node.virtualized = true)),
            (13 * D, Step::Change(|node| node.virtualized = false)),
        ],
    ),
    steps("grows", 4, &[(25 * D, Step::Change(|node| node.resources.cru = 32))]),
    steps("shrinks", 4, &[(6 * D, Step::Change(|node| node.resources.sru = 256 * GIB))]),
    steps("registered anew", 2, &[(15 * D, Step::Store)]),
    made("farm without address", 8, |node, _| node.farm_id = FARM_WITHOUT_ADDRESS),
    made("certified", 20, |node, _| node.certification = NodeCertification::Certified),
    made("other policy", 8, |node, _| node.farming_policy_id = 3),
    made("dearer token", 8, |node, _| node.connection_price = 150),
    made("storage node", 30, |node, _| node.resources.hru = 24 * 1024 * GIB),
];

/// Sum of all shares.
pub fn total() -> u32 {
    HABITS.iter().map(|habit| habit.share).sum()
}

/// The habit that holds the share `at`, counted from 0.
pub fn at(mut at: u32) -> Option<&'static Habit> {
    HABITS.iter().find(|habit| {
        let here = at < habit.share;
        at = at.saturating_sub(habit.share);
        here
    })
}
