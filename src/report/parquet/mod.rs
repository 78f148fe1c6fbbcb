//! Events and results as Parquet, for DuckDB, Polars, Spark and the like. The columns are specified in
//! `docs/parquet.md`.

mod events;
mod results;
mod table;

pub use events::{EVENTS, EventsError, write_events};
pub use results::{DAYS, NODES, RETRIES, write_results};
pub use table::WriteError;
