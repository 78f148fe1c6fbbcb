//! What people read: files made of results.

pub mod csv;
