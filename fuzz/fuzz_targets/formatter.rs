#![no_main]

use kql_syntax::{FormatOptions, format};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let options = FormatOptions::default();
    if let Ok(once) = format(text, &options) {
        let twice = format(&once, &options).expect("a formatted query is a query");
        assert_eq!(once, twice);
    }
});
