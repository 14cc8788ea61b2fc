//! How a command ended.

use std::process::ExitCode;

/// What the exit status says. Words that the command line does not know give 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done, and nothing to tell.
    Good,
    /// 1: something failed, and it was told.
    Failed,
    /// 3: done, and there is something that whoever asked will want to look at.
    Told,
}

impl From<bool> for Exit {
    fn from(good: bool) -> Self {
        if good { Self::Good } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => ExitCode::SUCCESS,
            Exit::Failed => ExitCode::FAILURE,
            Exit::Told => ExitCode::from(3),
        }
    }
}
