//! What people read: the files of a run, and reading back what was published.

pub mod addresses;
pub mod csv;
pub mod details;
pub mod explain;
pub mod farm;
pub mod fixup;
pub mod output;
pub mod page;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod partial;
pub mod payment_dates;
pub mod published;
pub mod results;
pub mod run;
pub mod seal;
pub mod trust;
pub mod watch_list;
