//! An archive node and a Horizon server for the commands of pages, under the addresses of the real ones.

use std::{sync::Arc, time::Duration};

use horizon::Server;
use simchain::{Options, Scenario, chain::Chain, scenario::Kind, serve};
use tokio::runtime::Runtime;

/// The servers, for as long as this is there.
pub struct Services {
    /// Address on a page, and where it is answered.
    addresses: Vec<(&'static str, String)>,
    _horizon: Server,
    _runtime: Runtime,
}

impl Services {
    pub fn start() -> Services {
        let runtime = Runtime::new().unwrap();
        let options = Options {
            scenario: Kind::Small,
            period: 81,
            block_time: 7_200,
            nodes: Some(6),
            seed: 7,
            upgrade: true,
        };
        let chain = Arc::new(Chain::collect(Scenario::new(options).unwrap().produce()));
        let (node, server) = runtime.block_on(serve::start(chain, 0, Duration::ZERO)).unwrap();
        runtime.spawn(server.stopped());
        let payments =
            std::fs::read_to_string(format!("{}/testdata/small/expected/payouts.csv", crate::ROOT));
        let operations = payments.unwrap().lines().zip(0..).map(|(line, n)| operation(line, n)).collect();
        let options = horizon::Options { operations, ..horizon::Options::default() };
        let (address, horizon) = runtime.block_on(Server::start(0, options)).unwrap();
        let addresses = vec![
            ("https://tfchain.grid.tf", format!("http://{node}")),
            ("https://horizon.stellar.org", format!("http://{address}")),
        ];
        Services { addresses, _horizon: horizon, _runtime: runtime }
    }

    /// A command with the addresses at which it reaches the servers.
    pub fn reach(&self, command: &str) -> String {
        self.addresses.iter().fold(command.to_owned(), |text, (public, own)| text.replace(public, own))
    }

    /// A text with the addresses that pages show.
    pub fn hide(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_owned(), |text, (public, own)| text.replace(own, public))
    }
}

/// A payout as it is found on Stellar, ten days after the period.
fn operation(line: &str, second: i64) -> horizon::Operation {
    let fields: Vec<_> = line.split(',').collect();
    let [address, amount, memo] = fields.as_slice() else { panic!("{line} is no payout") };
    let value = serde_json::json!({
        "time": 1_739_188_800 + second, "hash": memo, "amount": amount, "to": address,
    });
    serde_json::from_value(value).unwrap()
}
