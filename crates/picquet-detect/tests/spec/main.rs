//! The rule service against the specification: Markdown files that state what Microsoft Sentinel does, and show it.
//!
//! `README.md` beside tells the format. A file is a section of the specification and a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod case;
mod document;
mod during;
mod elsewhere;
mod runner;
mod table;
mod when;

use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/spec")
}

/// A test for each file, and one that no file is left out.
macro_rules! sections {
    ($($test:ident: $file:literal,)*) => {
        $(#[test]
        fn $test() {
            case::check(&folder().join($file));
        })*

        #[test]
        fn every_file_is_a_test() {
            let listed = [$($file),*];
            for entry in std::fs::read_dir(folder()).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let is_section = name.ends_with(".md") && name != "README.md";
                assert!(!is_section || listed.contains(&name.as_str()), "{name} is not listed in main.rs");
            }
        }

        #[test]
        fn what_is_covered_elsewhere_is_there() {
            for file in [$($file),*] {
                elsewhere::check(&folder().join(file));
            }
        }
    };
}

sections! {
    section_2_scheduled_run: "2-scheduled-run.md",
    section_2_1_scheduling: "2.1-scheduling.md",
    section_2_2_failures: "2.2-failures.md",
    section_2_3_simulation: "2.3-simulation.md",
    section_3_trigger: "3-trigger.md",
    section_4_event_grouping: "4-event-grouping.md",
    section_5_enrichment: "5-enrichment.md",
    section_6_suppression: "6-suppression.md",
    section_7_incidents: "7-incidents.md",
    section_8_tables: "8-tables.md",
    section_9_nrt: "9-nrt.md",
}
