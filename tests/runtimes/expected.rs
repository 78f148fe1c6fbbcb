//! What the decoder must make of a value, told apart from it: by the names in the survey, with the documented
//! defaults.

use minting::chain::types::{
    Consumption, Event, Farm, FarmingPolicy, Node, NodeCertification, NodeContract, NodePower,
    NruConsumption, PowerState, PowerTarget, Resources, Twin,
};

use super::value::Value;

fn resources(value: &Value, path: &str) -> Option<Resources> {
    let number = |name: &str| value.number(&format!("{path}{name}"));
    Some(Resources { cru: number("cru")?, mru: number("mru")?, hru: number("hru")?, sru: number("sru")? })
}

pub fn certification(name: &str) -> NodeCertification {
    match name {
        "Diy" => NodeCertification::Diy,
        "Certified" => NodeCertification::Certified,
        other => panic!("no node is {other}"),
    }
}

pub fn node(value: &Value) -> Node {
    // The event of the first runtimes is a list: version, id, farm, resources, location, country, city, address,
    // role, twin, public configuration.
    let place =
        |name: &'static str, place: &'static str| if value.get("id").is_some() { name } else { place };
    let resources_at = place("resources.", "3.");
    let certified = value.variant("certification").or_else(|| value.variant("certification_type"));
    Node {
        id: value.number32(place("id", "1")).unwrap(),
        farm_id: value.number32(place("farm_id", "2")).unwrap(),
        twin_id: value.number32(place("twin_id", "9")).unwrap(),
        resources: resources(value, resources_at)
            .or_else(|| resources(value, "resources.total_resources."))
            .unwrap_or_default(),
        certification: certified.map_or(NodeCertification::Diy, |(name, _)| certification(name)),
        virtualized: value.number("virtualized") == Some(1),
        farming_policy_id: value.number32("farming_policy_id").unwrap_or(0),
        connection_price: value.number32("connection_price").unwrap_or(80),
    }
}

fn target(name: &str) -> PowerTarget {
    match name {
        "Up" => PowerTarget::Up,
        "Down" => PowerTarget::Down,
        other => panic!("no target is {other}"),
    }
}

fn state((name, inner): (&str, Value)) -> PowerState {
    match name {
        "Up" => PowerState::Up,
        "Down" => PowerState::Down(inner.number32("").unwrap()),
        other => panic!("no state is {other}"),
    }
}

pub fn power(value: &Value) -> NodePower {
    NodePower {
        state: state(value.variant("state").unwrap()),
        target: target(value.variant("target").unwrap().0),
    }
}

pub fn farm(value: &Value) -> Farm {
    Farm { id: value.number32("id").unwrap(), name: value.bytes("name").unwrap() }
}

pub fn twin(value: &Value) -> Twin {
    Twin { id: value.number32("id").unwrap(), relay: value.bytes("relay"), pk: value.bytes("pk") }
}

pub fn policy(value: &Value) -> FarmingPolicy {
    FarmingPolicy {
        id: value.number32("id").unwrap(),
        cu: value.number32("cu").unwrap(),
        su: value.number32("su").unwrap(),
        nu: value.number32("nu").unwrap(),
        ipv4: value.number32("ipv4").unwrap(),
        minimal_uptime: u16::try_from(value.number("minimal_uptime").unwrap_or(0)).unwrap(),
        immutable: value.number("immutable") == Some(1),
        default: value.number("default") == Some(1),
    }
}

/// None if it is no node contract, or names no node.
pub fn contract(value: &Value) -> Option<NodeContract> {
    let (contract_id, node) = match value.variant("contract_type") {
        Some(("NodeContract", node)) => (value.number("contract_id")?, node),
        Some(_) => return None,
        None => (value.number("contract_id")?, value.clone()),
    };
    Some(NodeContract {
        contract_id,
        node_id: node.number32("node_id").unwrap(),
        public_ips: node.number32("public_ips").unwrap(),
    })
}

pub fn used(value: &Value) -> (u64, Resources) {
    (value.number("contract_id").unwrap(), resources(value, "used.").unwrap())
}

/// The event that the fields of an item are; none if the rules do not read it after all.
pub fn event(item: &str, fields: &[(Option<String>, Value)]) -> Option<Event> {
    let value = Value::whole(fields);
    let (_, name) = item.split_once('.').unwrap();
    Some(match name {
        "NodeStored" => Event::NodeStored(Box::new(node(&value))),
        "NodeUpdated" => Event::NodeUpdated(Box::new(node(&value))),
        "NodeUptimeReported" => Event::NodeUptimeReported {
            node: value.number32("0").unwrap(),
            now: value.number("1").unwrap(),
            uptime: value.number("2").unwrap(),
        },
        "PowerTargetChanged" => Event::PowerTargetChanged {
            node: value.number32("node_id").unwrap(),
            target: target(value.variant("power_target").unwrap().0),
        },
        "PowerStateChanged" => Event::PowerStateChanged {
            node: value.number32("node_id").unwrap(),
            state: state(value.variant("power_state").unwrap()),
        },
        "ContractCreated" => Event::NodeContractCreated(contract(&value)?),
        "UpdatedUsedResources" => {
            let (contract, used) = used(&value);
            Event::UpdatedUsedResources { contract, used }
        }
        "NruConsumptionReportReceived" => Event::NruConsumptionReportReceived(NruConsumption {
            contract_id: value.number("contract_id").unwrap(),
            timestamp: value.number("timestamp").unwrap(),
            window: value.number("window").unwrap(),
            nru: value.number("nru").unwrap(),
        }),
        "ConsumptionReportReceived" => Event::ConsumptionReportReceived(Consumption {
            contract_id: value.number("contract_id").unwrap(),
            timestamp: value.number("timestamp").unwrap(),
            used: resources(&value, "").unwrap(),
            nru: value.number("nru").unwrap(),
        }),
        other => panic!("{other} is not needed"),
    })
}
