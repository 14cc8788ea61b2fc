#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for d in kql_syntax::parse(text).diagnostics {
        assert!(text.get(d.span.start as usize..d.span.end as usize).is_some());
    }
});
