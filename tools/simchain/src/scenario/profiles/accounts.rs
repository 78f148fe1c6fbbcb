//! Nodes whose twin, farm, capacity or policy decides what they are paid.

use super::{Profile, profile};
use crate::scenario::action::Action;
use crate::scenario::script::{DAY, REPORT_EVERY, Script};
use crate::scenario::world::{FARM_WITHOUT_ADDRESS, GIB};

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("twin goes away", "no twin at the end: violation, nothing", twin_goes),
    profile("no relay", "the twin names no relay: violation, nothing", no_relay),
    profile("empty relay", "the twin names an empty relay: violation, nothing", empty_relay),
    profile("bad key", "the twin's key has 66 bytes, not 33: violation, nothing", bad_key),
    profile("no key", "a twin without a key is fine: paid in full", no_key),
    profile("virtualized", "runs in a virtual machine: nothing", virtualized),
    profile("turns virtualized", "says so in the middle of the period, then takes it back: nothing", turns),
    profile("grows", "capacity raised in the period counts for all of it: paid in full", grows),
    profile("shrinks", "capacity lowered in the period counts for all of it", shrinks),
    profile("farm without address", "a receipt, and no payout line", no_address),
    profile("other farm", "belongs to farm 2: paid in full", other_farm),
    profile("policy 2", "paid in proportion by policy 2", policy_2),
    profile("policy 3", "policy 3 is neither default nor immutable: paid in proportion", policy_3),
    profile(
        "all or nothing",
        "policy 4 with 30 % uptime: paid in full (its floor of 95 is permille)",
        policy_4,
    ),
    profile("dearer token", "connected at 0.150 $: fewer tokens", dearer),
    profile("storage node", "24 TiB of disk, little else: storage units", storage),
];

fn twin_goes(script: &mut Script<'_>) {
    let twin = script.twin.id;
    script.act(script.start(20 * DAY), Action::DeleteTwin(twin));
    script.up_throughout();
}

fn no_relay(script: &mut Script<'_>) {
    script.twin.relay = None;
    script.up_throughout();
}

fn empty_relay(script: &mut Script<'_>) {
    script.twin.relay = Some(vec![]);
    script.up_throughout();
}

fn bad_key(script: &mut Script<'_>) {
    // A client once wrote the hexadecimal digits of the key.
    script.twin.pk = Some([b'a'; 66].to_vec());
    script.up_throughout();
}

fn no_key(script: &mut Script<'_>) {
    script.twin.pk = None;
    script.up_throughout();
}

fn virtualized(script: &mut Script<'_>) {
    script.node.virtualized = true;
    script.up_throughout();
}

fn turns(script: &mut Script<'_>) {
    for (day, virtualized) in [(12, true), (13, false)] {
        let mut node = Box::new(script.node.clone());
        node.virtualized = virtualized;
        script.act(script.start(day * DAY), Action::UpdateNode(node));
    }
    script.up_throughout();
}

fn grows(script: &mut Script<'_>) {
    let mut node = Box::new(script.node.clone());
    node.resources.cru = 32;
    node.resources.mru = 128 * GIB;
    script.act(script.start(25 * DAY), Action::UpdateNode(node));
    script.up_throughout();
}

fn shrinks(script: &mut Script<'_>) {
    let mut node = Box::new(script.node.clone());
    node.resources.sru = 256 * GIB;
    node.resources.mru = 16 * GIB;
    script.act(script.start(6 * DAY), Action::UpdateNode(node));
    script.up_throughout();
}

fn no_address(script: &mut Script<'_>) {
    script.node.farm_id = FARM_WITHOUT_ADDRESS;
    script.up_throughout();
}

fn other_farm(script: &mut Script<'_>) {
    script.node.farm_id = 2;
    script.up_throughout();
}

fn policy_2(script: &mut Script<'_>) {
    script.node.farming_policy_id = 2;
    script.up_throughout();
}

fn policy_3(script: &mut Script<'_>) {
    script.node.farming_policy_id = 3;
    script.up_throughout();
}

fn policy_4(script: &mut Script<'_>) {
    script.node.farming_policy_id = 4;
    let from = script.start(21 * DAY);
    script.reboot(from);
    script.up_from(from + REPORT_EVERY);
}

fn dearer(script: &mut Script<'_>) {
    script.node.connection_price = 150;
    script.up_throughout();
}

fn storage(script: &mut Script<'_>) {
    script.node.resources.hru = 24 * 1024 * GIB;
    script.node.resources.sru = 64 * GIB;
    script.up_throughout();
}
