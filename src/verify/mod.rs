//! What a guardian asks before signing: is the input whole, is the result consistent, do two results agree, who
//! vouches for them. Everything here reads what others made and believes none of it.

pub mod against;
pub mod attestation;
pub mod checked;
pub mod diff;
pub mod finality;
pub mod frozen;
pub mod keys;
pub mod lint;
pub mod outputs;
pub mod overview;
pub mod proofs;
pub mod reached;
pub mod results;
