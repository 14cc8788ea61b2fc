//! The program is killed again and again; what it had acknowledged is there, once, and the rest not in part.
//!
//! `picquet-dev crash --kills 1000` is the same for longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, clippy::panic)]

#[path = "../../picquet-dev/src/crash/mod.rs"]
mod crash;

use std::path::Path;

#[test]
fn thirty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_picquet"));
    let plan = crash::Plan { binary, folder: folder.path(), kills: 30, seed: 1 };
    match crash::run(&plan, &mut |text| eprintln!("{text}")) {
        Ok(summary) => eprintln!("{summary}"),
        Err(error) => panic!("{error:?}\nthe workspace and the log stay in {}", folder.keep().display()),
    }
}
