//! Nodes with contracts, and what their use is.

use super::{Profile, profile};
use crate::scenario::action::Action;
use crate::scenario::script::{DAY, HOUR, Script};
use crate::scenario::world::GIB;
use crate::types::smart_contract::{
    Contract, ContractData, ContractResources, ContractState, NameContract, NodeContract, RentContract,
};
use crate::types::tfgrid::{PublicIP, Resources};

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("rented out", "one contract with a public address all the time: use and traffic count", rented),
    profile("contract in the period", "use counts from the contract's start on; it grows once", in_period),
    profile(
        "reports that do not count",
        "traffic of a name contract, of nobody's, twice a block: skipped",
        odd,
    ),
];

/// Public addresses, resources of a contract.
fn deploy(script: &mut Script<'_>, time: u64, public_ips: u32, used: Resources) -> u64 {
    let id = script.new_contract();
    let ip = |at: u32| PublicIP {
        ip: format!("185.206.{}.{}/24", script.id, at + 40).into(),
        gateway: format!("185.206.{}.1", script.id).into(),
        contract_id: id,
    };
    let mut deployment_hash = [b'0'; 32];
    if let Some(last) = deployment_hash.last_mut() {
        *last = b'1';
    }
    let data = ContractData::NodeContract(NodeContract {
        node_id: script.id,
        deployment_hash,
        deployment_data: br#"{"type":"vm","name":"vm1","projectName":""}"#.to_vec(),
        public_ips,
        public_ips_list: (0..public_ips).map(ip).collect(),
    });
    create(script, time, id, data);
    let used = ContractResources { contract_id: id, used };
    script.act(time + 20 * 60, Action::UseResources(used));
    id
}

fn create(script: &mut Script<'_>, time: u64, contract_id: u64, contract_type: ContractData) {
    let contract = Contract {
        version: 4,
        state: ContractState::Created,
        contract_id,
        twin_id: 1,
        contract_type,
        solution_provider_id: None,
    };
    script.act(time, Action::CreateContract(Box::new(contract)));
}

/// Reports of traffic and bills, every hour.
fn meter(script: &mut Script<'_>, contract: u64, from: u64, until: u64) {
    let mut time = from + HOUR;
    while time < until {
        let nru = script.random(2 * GIB);
        script.act(time, Action::ReportTraffic { contract, window: HOUR, nru });
        script.act(time, Action::Bill { contract, amount: u128::from(nru / 50_000) });
        time += HOUR;
    }
}

fn rented(script: &mut Script<'_>) {
    let used = Resources { hru: 0, sru: 50 * GIB, cru: 2, mru: 4 * GIB };
    let since = script.first_report() + HOUR;
    let contract = deploy(script, since, 1, used);
    meter(script, contract, since, script.last());
    script.up_throughout();
}

fn in_period(script: &mut Script<'_>) {
    let used = Resources { hru: 0, sru: 100 * GIB, cru: 4, mru: 8 * GIB };
    let (since, until) = (script.start(10 * DAY), script.start(25 * DAY));
    let contract = deploy(script, since, 2, used);
    let more = Resources { cru: 6, mru: 16 * GIB, ..used };
    script
        .act(since + 5 * DAY, Action::UseResources(ContractResources { contract_id: contract, used: more }));
    meter(script, contract, since, until);
    script.up_throughout();
}

fn odd(script: &mut Script<'_>) {
    let used = Resources { hru: 0, sru: 10 * GIB, cru: 1, mru: GIB };
    let since = script.start(12 * DAY);
    let contract = deploy(script, since, 0, used);
    let name = script.new_contract();
    create(script, since, name, ContractData::NameContract(NameContract { name: b"example".to_vec() }));
    let rent = script.new_contract();
    create(script, since, rent, ContractData::RentContract(RentContract { node_id: script.id }));
    let report = |contract| Action::ReportTraffic { contract, window: HOUR, nru: GIB };
    script.act(since, report(contract));
    for contract in [contract, contract, name, rent, 987_654] {
        script.act(since + HOUR, report(contract));
    }
    script.up_throughout();
}
