//! Capacity: the cloud units a node offers, in millionths.

use crate::chain::types::Resources;

/// Millionths in one unit.
pub(super) const MICRO: u128 = 1_000_000;

/// Bytes in a GiB.
pub(super) const GIB: u128 = 1 << 30;

/// Memory the node keeps for itself.
const RESERVED_MEMORY: u128 = GIB;

/// GiB of memory, and of SSD, that one compute unit takes.
const MEMORY_PER_CU: u128 = 4;
const SSD_PER_CU: u128 = 50;

/// GiB of disk, and of SSD, that one storage unit takes.
const DISK_PER_SU: u128 = 1_200;
const SSD_PER_SU: u128 = 250;

/// Compute units, in millionths: as many as the scarcest of cores, memory and SSD allows.
///
/// Memory below the GiB that the node keeps for itself does not limit them. In the reference implementation
/// the difference wraps in `u128`, and every published payout was made so.
pub(super) fn compute_units(capacity: &Resources, cu_per_core: u32) -> u128 {
    let limits = ComputeLimits::of(capacity, cu_per_core);
    limits.by_cores.min(limits.by_ssd).min(limits.by_memory.unwrap_or(u128::MAX))
}

/// Compute units, in millionths, that cores, memory and SSD each allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeLimits {
    /// By cores.
    pub by_cores: u128,
    /// By memory; none if it does not limit them.
    pub by_memory: Option<u128>,
    /// By SSD.
    pub by_ssd: u128,
}

impl ComputeLimits {
    /// What a capacity allows.
    pub(super) fn of(capacity: &Resources, cu_per_core: u32) -> Self {
        let cores = u128::from(capacity.cru) * u128::from(cu_per_core);
        Self {
            by_cores: cores.saturating_mul(GIB * MICRO) / GIB,
            by_memory: u128::from(capacity.mru)
                .checked_sub(RESERVED_MEMORY)
                .map(|memory| memory * MICRO / MEMORY_PER_CU / GIB),
            by_ssd: u128::from(capacity.sru) * MICRO / SSD_PER_CU / GIB,
        }
    }
}

/// Storage units, in millionths. Disk and SSD are each rounded down, then their sum is.
pub(super) fn storage_units(capacity: &Resources) -> u128 {
    let by_disk = u128::from(capacity.hru) * MICRO / DISK_PER_SU;
    let by_ssd = u128::from(capacity.sru) * MICRO / SSD_PER_SU;
    (by_disk + by_ssd) / GIB
}

/// Network units, in millionths, of so many bytes of public traffic.
pub(super) fn network_units(nru: u128) -> u128 {
    nru.saturating_mul(MICRO) / GIB
}
