//! How a command ends: its exit code, and the message of a failure.

use std::process::ExitCode;

use crate::resource::status::VerdictState;

/// Exit code for a wrong command line or unusable input (`EX_USAGE`). Below it are a verdict's own codes.
pub const USAGE: u8 = 64;

/// The exit code of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// All is well.
    pub const OK: Exit = Exit(0);
}

impl From<VerdictState> for Exit {
    fn from(state: VerdictState) -> Self {
        Exit(match state {
            VerdictState::Healthy => 0,
            VerdictState::Degraded => 1,
            VerdictState::Failing => 2,
            VerdictState::Inconclusive => 3,
            VerdictState::Unknown => 4,
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.0)
    }
}

/// Why a command could not do its work, as a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong and what to do, without `error:` and without a secret.
    pub message: String,
    /// The exit code to end with.
    pub exit: Exit,
}

impl Failure {
    /// The command line or a file that it names cannot be used: exit code 64.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit(USAGE),
        }
    }

    /// The work could not be done for a reason outside the command line: exit code 4, the code of verdict `Unknown`.
    #[must_use]
    pub fn runtime(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::from(VerdictState::Unknown),
        }
    }
}
