//! The order in which the engine gives sets of cells: that of an unordered set of texts in the GNU C++ library, which
//! the frozen answers show. It depends on nothing but the texts and the order in which they were put in.

use std::collections::HashSet;

/// The counts of buckets that the library chooses from: the first that is no less than the texts. They reach for the most
/// cells that a function gives.
const BUCKETS: [usize; 115] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 103, 109, 113, 127,
    137, 139, 149, 157, 167, 179, 193, 199, 211, 227, 241, 257, 277, 293, 313, 337, 359, 383, 409, 439, 467, 503, 541,
    577, 619, 661, 709, 761, 823, 887, 953, 1031, 1109, 1193, 1289, 1381, 1493, 1613, 1741, 1879, 2029, 2179, 2357,
    2549, 2753, 2971, 3209, 3469, 3739, 4027, 4349, 4703, 5087, 5503, 5953, 6427, 6949, 7517, 8123, 8783, 9497, 10273,
    11113, 12011, 12983, 14033, 15173, 16411, 17749, 19183, 20753, 22447, 24281, 26267, 28411, 30727, 33223, 35933,
    38873, 42043, 45481, 49201, 53201, 57557, 62233, 67307,
];

/// The different ones of the texts, in the order of a set that was made from them.
pub(super) fn in_set_order(texts: Vec<String>) -> Vec<String> {
    let count = BUCKETS.into_iter().find(|n| *n >= texts.len()).unwrap_or(BUCKETS[BUCKETS.len() - 1]);
    let mut seen: HashSet<String> = HashSet::new();
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut place: Vec<Option<usize>> = vec![None; count];
    for text in texts {
        if !seen.insert(text.clone()) {
            continue;
        }
        let bucket = usize::try_from(hash(text.as_bytes()) % count as u64).unwrap_or(0);
        let group = *place[bucket].get_or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(text);
    }
    // A text goes to the front of its bucket, and a new bucket before all others.
    groups.into_iter().rev().flat_map(|group| group.into_iter().rev()).collect()
}

/// Appleby's MurmurHash64A with the library's seed.
fn hash(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0xc70f_6907;
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
    let shifted = |n: u64| n ^ (n >> 47);
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let mixed = shifted(number(word).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
        hash = (hash ^ mixed).wrapping_mul(MULTIPLIER);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash = (hash ^ number(rest)).wrapping_mul(MULTIPLIER);
    }
    shifted(shifted(hash).wrapping_mul(MULTIPLIER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_once_and_all() {
        let texts: Vec<String> = (0..100).map(|n| (n % 60).to_string()).collect();
        let set = in_set_order(texts.clone());
        assert_eq!(set.len(), 60);
        assert!(texts.iter().all(|text| set.contains(text)));
        assert_eq!(in_set_order(Vec::new()), Vec::<String>::new());
    }
}
