//! A chain, nodes that serve it, and exports of it that are compared with an archive written without a node.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock},
    time::Duration,
};

use simchain::{
    Options, Scenario,
    chain::Chain,
    scenario::Kind,
    serve::{self, Config, Figures, Served},
    write,
};

#[path = "../common/ran.rs"]
mod ran;
pub use ran::{Ran, ended, files};

/// Files of an archive by name.
pub type Content = BTreeMap<String, Vec<u8>>;

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 3_600, nodes: Some(6), seed: 7, upgrade: true };
/// Small, so that a chain of some hundred blocks makes a dozen chunks.
const CHUNK_BLOCKS: u32 = 64;

/// Serves every node of the tests.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});
static CHAIN: LazyLock<Arc<Chain>> =
    LazyLock::new(|| Arc::new(Chain::collect(Scenario::new(OPTIONS).unwrap().produce())));
/// The archive of the period, written without a node.
pub static WRITTEN: LazyLock<Content> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    write::write(Scenario::new(OPTIONS).unwrap(), folder.path(), CHUNK_BLOCKS).unwrap();
    content(folder.path())
});

/// Requests of an export from an honest node.
static REQUESTS: LazyLock<u64> = LazyLock::new(|| {
    let node = Node::honest();
    Export::new().run(&[&node]).exits(0);
    node.figures().requests
});

/// The fault, from the time on when most blocks are read.
pub fn late(fault: &str) -> String {
    format!("{fault}:after={}", *REQUESTS * 9 / 10)
}

/// Length of the chain.
pub fn blocks() -> u64 {
    u64::try_from(CHAIN.blocks().len()).unwrap()
}

/// A node that serves the chain until it is dropped.
pub struct Node {
    served: Served,
    faults: Vec<String>,
}

impl Node {
    /// A node with these faults.
    pub fn with(faults: &[&str]) -> Node {
        Node::slow(faults, 0, 1)
    }

    /// A node with these faults that holds every request back.
    pub fn slow(faults: &[&str], latency_ms: u64, fault_seed: u64) -> Node {
        let config = Config {
            port: 0,
            latency: Duration::from_millis(latency_ms),
            faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
            fault_seed,
        };
        let served = RUNTIME.block_on(serve::serve(Arc::clone(&CHAIN), config)).unwrap();
        Node { served, faults: faults.iter().map(|fault| (*fault).to_owned()).collect() }
    }

    pub fn honest() -> Node {
        Node::with(&[])
    }

    /// Host and port, as messages name it.
    pub fn name(&self) -> String {
        self.served.address.to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.served.address)
    }

    pub fn figures(&self) -> Figures {
        self.served.figures()
    }

    /// Checks that every fault struck.
    #[track_caller]
    pub fn has_struck(&self) {
        for (fault, strikes) in self.faults.iter().zip(self.served.strikes()) {
            assert!(strikes > 0, "{fault} never struck");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.served.handle.stop();
    }
}

/// A folder for an export, and the options of the command that makes it.
pub struct Export {
    folder: tempfile::TempDir,
    pub options: String,
}

impl Export {
    /// An export in small requests, which does not wait long for a node.
    pub fn new() -> Export {
        Export::with("--own-node --jobs 2 --batch 30 --timeout 2 --patience 2")
    }

    pub fn with(options: &str) -> Export {
        Export { folder: tempfile::tempdir().unwrap(), options: options.to_owned() }
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// The command, not yet started.
    pub fn command(&self, urls: &[String]) -> Command {
        self.command_into(&self.out(), urls)
    }

    /// The command for another folder.
    pub fn command_into(&self, out: &Path, urls: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minting-fetch"));
        command.args(["period", "81", "--chunk-blocks", &CHUNK_BLOCKS.to_string(), "--out"]);
        command.arg(out).args(self.options.split_whitespace()).arg("--rpc").args(urls);
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, nodes: &[&Node]) -> Ran {
        let urls: Vec<String> = nodes.iter().map(|node| node.url()).collect();
        ended(self.command(&urls).output().unwrap())
    }

    /// Starts the command.
    pub fn start(&self, node: &Node) -> Child {
        let mut command = self.command(&[node.url()]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Finished chunks; they, and finished states, must be those of the written archive to the byte.
    #[track_caller]
    pub fn kept(&self) -> usize {
        if !self.out().exists() {
            return 0;
        }
        let mut kept = 0;
        for (name, bytes) in files(&self.out()) {
            let is_chunk = name.starts_with("chunks/");
            if name.ends_with(".tfa") && (is_chunk || name.starts_with("state/")) {
                assert!(WRITTEN.get(&name) == Some(&bytes), "{name} is kept, and is not that of the archive");
                kept += usize::from(is_chunk);
            }
        }
        kept
    }

    /// Checks that the folder has the written archive, and nothing besides.
    #[track_caller]
    pub fn is_whole(&self) {
        let content = content(&self.out());
        let names = |content: &Content| content.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&content), names(&WRITTEN));
        for (name, bytes) in &content {
            assert!(WRITTEN.get(name) == Some(bytes), "{name} is another");
        }
    }

    /// Checks that the same command finishes the archive from an honest node, and reads nothing twice.
    #[track_caller]
    pub fn goes_on(&self) {
        let (kept, node) = (u64::try_from(self.kept()).unwrap(), Node::honest());
        self.run(&[&node]).exits(0);
        self.is_whole();
        let not_asked = kept * u64::from(CHUNK_BLOCKS) * 2;
        let items = node.figures().items;
        assert!(
            items < 2 * blocks() + 300 - not_asked.min(2 * blocks()),
            "{items} calls, {kept} chunks kept"
        );
    }
}

/// The files of an archive, without provenance.
pub fn content(archive: &Path) -> Content {
    let mut all = files(archive);
    assert!(all.remove("provenance.json").is_some(), "there is no archive");
    all
}
