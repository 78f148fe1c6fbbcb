//! Violations: what a node can do, or be, that costs its whole payout.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chain::types::Height;

use super::rules::ViolationTexts;

/// An uptime report, as violations quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPoint {
    /// Time of the report, seconds since the epoch.
    pub at: i128,
    /// Uptime reported, seconds.
    pub uptime: i128,
}

/// Why a node earns nothing. The first violation of a node stands; later ones never replace it.
///
/// `Display` gives the text of overview files, which is that of the reference implementation;
/// [`Violation::text`] that of any period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Violation {
    /// The uptime grew more than the time.
    UptimeTooHigh {
        /// The report before.
        previous: DataPoint,
        /// The report that violates.
        reported: DataPoint,
        /// Its block.
        block: Height,
    },
    /// The uptime grew less than the time, though the node did not reboot.
    UptimeTooLow {
        /// The report before.
        previous: DataPoint,
        /// The report that violates.
        reported: DataPoint,
        /// Its block.
        block: Height,
    },
    /// The uptime shrank, but not to a boot after the last report.
    InvalidReboot {
        /// The report before.
        previous: DataPoint,
        /// The report that violates.
        reported: DataPoint,
        /// Its block.
        block: Height,
    },
    /// The boot time that follows from the reports moved.
    ClockSkew {
        /// Boot time first seen, seconds since the epoch.
        boot: i128,
        /// When it was seen.
        boot_seen_at: i128,
        /// Boot time that follows from the report that violates.
        moved_boot: i128,
        /// When that was seen.
        moved_boot_seen_at: i128,
    },
    /// The node booted late.
    BootedLate {
        /// When it was asked to, seconds since the epoch.
        requested: i128,
        /// When it did.
        booted: i128,
    },
    /// The node was asked to boot and did not.
    NeverBooted {
        /// When it was asked to, seconds since the epoch.
        requested: i128,
    },
    /// The node did not boot, or booted late, more often than allowed.
    BootRequestExpired {
        /// How often.
        late_boots: u32,
    },
    /// The twin of the node names no relay.
    MissingRelay,
    /// The public key of the twin is none.
    InvalidPublicKey,
    /// The node has no twin.
    MissingTwin,
}

/// Which violation, without its data: what summaries count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViolationKind {
    /// [`Violation::UptimeTooHigh`].
    UptimeTooHigh,
    /// [`Violation::UptimeTooLow`].
    UptimeTooLow,
    /// [`Violation::InvalidReboot`].
    InvalidReboot,
    /// [`Violation::ClockSkew`].
    ClockSkew,
    /// [`Violation::BootRequestExpired`], [`Violation::BootedLate`] or [`Violation::NeverBooted`].
    BootRequestExpired,
    /// [`Violation::MissingRelay`].
    MissingRelay,
    /// [`Violation::InvalidPublicKey`].
    InvalidPublicKey,
    /// [`Violation::MissingTwin`].
    MissingTwin,
}

impl Violation {
    /// The text of an overview, as it was worded at some time.
    pub fn text(&self, texts: ViolationTexts) -> String {
        match (texts, self) {
            (
                ViolationTexts::Period45 | ViolationTexts::Period47,
                Self::UptimeTooHigh { previous, block, .. }
                | Self::UptimeTooLow { previous, block, .. }
                | Self::InvalidReboot { previous, block, .. },
            ) => {
                let previous = match texts {
                    ViolationTexts::Period47 => format!(" (previous report {})", previous.at),
                    _ => String::new(),
                };
                format!("violation of uptime measurement in block {block}{previous}")
            }
            (ViolationTexts::Period60, Self::MissingRelay) => {
                format!("{self}. As a result the node is not useable and receives no tokens")
            }
            (ViolationTexts::Period60, _) => self.to_string().replacen(" | ", "! ", 1),
            _ => self.to_string(),
        }
    }

    /// Block of the report that violates, where the violation names one.
    pub fn block(&self) -> Option<Height> {
        match self {
            Self::UptimeTooHigh { block, .. }
            | Self::UptimeTooLow { block, .. }
            | Self::InvalidReboot { block, .. } => Some(*block),
            _ => None,
        }
    }

    /// Which violation this is.
    pub fn kind(&self) -> ViolationKind {
        match self {
            Self::UptimeTooHigh { .. } => ViolationKind::UptimeTooHigh,
            Self::UptimeTooLow { .. } => ViolationKind::UptimeTooLow,
            Self::InvalidReboot { .. } => ViolationKind::InvalidReboot,
            Self::ClockSkew { .. } => ViolationKind::ClockSkew,
            Self::BootRequestExpired { .. } | Self::BootedLate { .. } | Self::NeverBooted { .. } => {
                ViolationKind::BootRequestExpired
            }
            Self::MissingRelay => ViolationKind::MissingRelay,
            Self::InvalidPublicKey => ViolationKind::InvalidPublicKey,
            Self::MissingTwin => ViolationKind::MissingTwin,
        }
    }
}

impl ViolationKind {
    /// Name for machines: `uptime-too-high`.
    pub fn label(self) -> &'static str {
        match self {
            Self::UptimeTooHigh => "uptime-too-high",
            Self::UptimeTooLow => "uptime-too-low",
            Self::InvalidReboot => "invalid-reboot",
            Self::ClockSkew => "clock-skew",
            Self::BootRequestExpired => "boot-request-expired",
            Self::MissingRelay => "missing-relay",
            Self::InvalidPublicKey => "invalid-public-key",
            Self::MissingTwin => "missing-twin",
        }
    }
}

impl fmt::Display for DataPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} - {})", self.at, self.uptime)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, previous, reported, block) = match self {
            Self::UptimeTooHigh { previous, reported, block } => {
                ("Node uptime increased more than time increased", previous, reported, block)
            }
            Self::UptimeTooLow { previous, reported, block } => (
                "Node uptime increased less than time increased and node was not rebooted",
                previous,
                reported,
                block,
            ),
            Self::InvalidReboot { previous, reported, block } => {
                ("Node rebooted before the previous uptime report", previous, reported, block)
            }
            Self::ClockSkew { boot, boot_seen_at, moved_boot, moved_boot_seen_at } => {
                return write!(
                    f,
                    "Node has significant clock skew over a period of time | original boot time {boot} \
                     detected at {boot_seen_at} - {moved_boot} detected at {moved_boot_seen_at}"
                );
            }
            Self::BootedLate { requested, booted } => {
                return write!(
                    f,
                    "Power managed node requested to boot at {requested} but only booted at {booted}"
                );
            }
            Self::NeverBooted { requested } => {
                return write!(f, "Power managed node requested to boot at {requested} but never booted");
            }
            Self::BootRequestExpired { late_boots } => {
                return write!(f, "Power managed node failed {late_boots} boot requests");
            }
            Self::MissingRelay => {
                return f.write_str("Node has uptime but the node twin does not have a relay set");
            }
            Self::InvalidPublicKey => {
                return f.write_str("Node twin has a public key set but it's not in a valid format");
            }
            Self::MissingTwin => return f.write_str("Node twin does not exist"),
        };
        write!(f, "{what} | Previous datapoint {previous} new datapoint {reported} in block {block}")
    }
}
