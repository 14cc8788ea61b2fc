#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut end = 0;
    for token in kql_syntax::tokenize(text) {
        assert!(token.span.start as usize >= end && token.span.end > token.span.start);
        end = token.span.end as usize;
        assert!(text.get(token.span.start as usize..end).is_some());
    }
});
