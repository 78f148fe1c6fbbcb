//! What earlier rule sets did differently: one test for each parameter and each mistake, named after it. That none is
//! missing is checked by `every_parameter_and_every_bug_has_a_test_named_after_it`.

mod bugs;
mod payout;
mod uptime;
mod usage;

use super::*;
use crate::minting::Bugs;

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

fn with_bugs(name: &str, bugs: Bugs) -> Rules {
    Rules { bugs, ..Rules::named(name).unwrap() }
}
