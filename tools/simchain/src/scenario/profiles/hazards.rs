//! Data on which the reference implementation stops or computes nonsense: each must lead to a finding.

use super::{Profile, profile};
use crate::scenario::action::Action;
use crate::scenario::script::{DAY, MINUTE, Script};
use crate::scenario::world::{FARM_THAT_CLOSES, GIB};
use crate::types::smart_contract::{Contract, ContractData, ContractResources, ContractState, NodeContract};
use crate::types::tfgrid::{Power, Resources};

/// A node that was never registered.
const NOBODY: u32 = 900_001;

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("unknown node reports", "a node that nobody registered reports its uptime", unknown_reports),
    profile("unknown node is asked", "a node that nobody registered gets a power target", unknown_power),
    profile("unknown node changes", "a node that nobody registered is updated", unknown_updates),
    profile("unknown contract", "resources of a contract that nobody made", unknown_contract),
    profile("contract on unknown node", "traffic of a contract whose node is unknown", contract_on_nobody),
    profile("farm goes away", "no farm at the end", farm_goes),
    profile("unknown policy", "no farming policy with the node's id", unknown_policy),
    profile("price of zero", "the payout is divided by zero", price_zero),
    profile("little memory", "less than 1 GiB: the memory for cloud units is negative", little_memory),
    profile(
        "violations on both sides of the end",
        "a violation, then an impossible reboot in the window",
        both,
    ),
];

fn unknown_reports(script: &mut Script<'_>) {
    script.act(script.start(2 * DAY), Action::ReportUptime { node: NOBODY, uptime: 1_000 });
    script.up_throughout();
}

fn unknown_power(script: &mut Script<'_>) {
    let target = Action::SetPowerTarget { node: NOBODY + 1, target: Power::Up };
    script.act(script.start(3 * DAY), target);
    script.up_throughout();
}

fn unknown_updates(script: &mut Script<'_>) {
    let mut node = Box::new(script.node.clone());
    node.id = NOBODY + 2;
    script.act(script.start(4 * DAY), Action::UpdateNode(node));
    script.up_throughout();
}

fn unknown_contract(script: &mut Script<'_>) {
    let used = Resources { cru: 1, ..Resources::default() };
    let action = Action::UseResources(ContractResources { contract_id: 888_888, used });
    script.act(script.start(5 * DAY), action);
    script.up_throughout();
}

fn contract_on_nobody(script: &mut Script<'_>) {
    let contract_id = script.new_contract();
    let contract = Contract {
        version: 4,
        state: ContractState::Created,
        contract_id,
        twin_id: 1,
        contract_type: ContractData::NodeContract(NodeContract {
            node_id: NOBODY + 3,
            deployment_hash: [b'0'; 32],
            deployment_data: vec![],
            public_ips: 0,
            public_ips_list: vec![],
        }),
        solution_provider_id: None,
    };
    script.act(script.start(6 * DAY), Action::CreateContract(Box::new(contract)));
    let traffic = Action::ReportTraffic { contract: contract_id, window: 3_600, nru: GIB };
    script.act(script.start(7 * DAY), traffic);
    script.up_throughout();
}

fn farm_goes(script: &mut Script<'_>) {
    script.node.farm_id = FARM_THAT_CLOSES;
    script.act(script.start(21 * DAY), Action::DeleteFarm(FARM_THAT_CLOSES));
    script.up_throughout();
}

fn unknown_policy(script: &mut Script<'_>) {
    script.node.farming_policy_id = 99;
    script.up_throughout();
}

fn price_zero(script: &mut Script<'_>) {
    script.node.connection_price = 0;
    script.up_throughout();
}

fn little_memory(script: &mut Script<'_>) {
    script.node.resources.mru = GIB / 2;
    script.up_throughout();
}

fn both(script: &mut Script<'_>) {
    let (jump, end) = (script.start(8 * DAY), script.end(0));
    script.up_until(jump);
    script.ahead += 300;
    script.up(jump + 20 * MINUTE, end);
    script.booted += 5 * DAY;
    script.up_from(end + 20 * MINUTE);
}
