//! How a program ends.

use std::process::ExitCode;

/// Exit codes of both programs; they do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// Bad input or environment.
    Failed,
    /// A replay finished with findings that nobody accepted.
    Findings,
    /// A verification found a difference.
    Differs,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number; 2 stands for wrong usage and is given by the command line parser.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Findings => 3,
            Exit::Differs => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
