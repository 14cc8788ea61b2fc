//! The demo finds what it plants: ten scripts that ran once, in one alert.
#![allow(clippy::unwrap_used)]

mod support;

use support::picquet;

#[test]
fn the_demo_finds_the_unique_scripts() {
    for seed in ["42", "7"] {
        let folder = tempfile::tempdir().unwrap();
        let output = picquet().args(["demo", "--seed", seed, "--dir"]).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("10 rows, 1 alert"), "seed {seed}:\n{text}");
        assert!(text.contains("picquet run "), "the next command is missing:\n{text}");
    }
}
