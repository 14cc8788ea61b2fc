//! Compiled regular expressions, kept a thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

use crate::EvalError;

const MOST: usize = 256;

thread_local! {
    static CACHE: RefCell<HashMap<String, Rc<Regex>>> = RefCell::new(HashMap::new());
}

/// The compiled form of `pattern` (Kusto's dialect is that of the Rust regex crate).
pub fn regex(pattern: &str) -> Result<Rc<Regex>, EvalError> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(pattern) {
            return Ok(Rc::clone(known));
        }
        let compiled =
            Regex::new(pattern).map_err(|e| EvalError(format!("Regex pattern is ill-formed: '{pattern}': {e}")))?;
        if cache.len() >= MOST {
            cache.clear();
        }
        let compiled = Rc::new(compiled);
        cache.insert(pattern.to_string(), Rc::clone(&compiled));
        Ok(compiled)
    })
}
