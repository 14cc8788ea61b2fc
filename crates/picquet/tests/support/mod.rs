//! What the tests of the command line share.
#![allow(dead_code, clippy::print_stderr)]

pub(crate) mod service;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The binary under test.
pub(crate) fn picquet() -> Command {
    Command::new(env!("CARGO_BIN_EXE_picquet"))
}

/// A path beside the checkout, or `None` with a message.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

pub(crate) fn scenario() -> Option<PathBuf> {
    shared("seed-rule/scenario")
}

pub(crate) fn seed_rule() -> Option<PathBuf> {
    shared("seed-rule/RareRunCommandPowerShellScript.yaml")
}
