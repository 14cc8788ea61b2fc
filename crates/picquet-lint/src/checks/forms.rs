//! Forms of ids and versions.

/// Whether a text is `1.2.3`.
pub(crate) fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The numbers of a version.
pub(crate) fn version_numbers(text: &str) -> Option<Vec<u64>> {
    is_version(text).then(|| text.split('.').filter_map(|part| part.parse().ok()).collect())
}

/// Whether a text is `T1059` or `T1059.001`.
pub(crate) fn is_technique(text: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = text.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((parent, sub)) => digits(parent, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// Whether a text is a GUID.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!(is_version("1.0.12") && !is_version("1.0") && !is_version("1.0.x") && !is_version("1..0"));
        assert!(
            is_technique("T1059") && is_technique("T1059.001") && !is_technique("t1059") && !is_technique("T1059.1")
        );
        assert!(is_guid("7d3f1a52-0000-4000-8000-00000000000A") && !is_guid("7d3f1a52000040008000000000000001"));
        assert!(version_numbers("1.10.0") > version_numbers("1.9.9"));
    }
}
