//! What people read: the files of a run, and reading back what was published.

pub mod addresses;
pub mod csv;
pub mod fixup;
pub mod output;
pub mod published;
pub mod run;
pub mod seal;
