//! What can go wrong.

/// Why a chain could not be made, written or served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The block time makes no chain.
    #[error("this block time makes no chain; give between 1 and 3600 seconds")]
    BlockTime,
    /// The number of months makes no chain.
    #[error("this number of months makes no chain; give at least 0.001, like 0.25, 1 or 3")]
    Months,
    /// The scenario made not even a genesis block.
    #[error("the scenario has no blocks")]
    NoBlocks,
    /// The archive could not be written.
    #[error("cannot write the archive: {0}")]
    Archive(#[from] minting::archive::Error),
    /// The decoder does not understand the metadata of the chain.
    #[error("cannot read the metadata of the chain: {0}")]
    Metadata(#[from] minting::chain::Error),
    /// The server could not listen or could not run.
    #[error("cannot serve the chain on 127.0.0.1: {0}")]
    Serve(#[from] std::io::Error),
    /// Two methods of the server have the same name.
    #[error("cannot set up the server: {0}")]
    Method(#[from] jsonrpsee::core::RegisterMethodError),
}
