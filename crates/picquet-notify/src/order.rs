//! Which of the waiting messages may be sent now.

use std::collections::HashSet;

use jiff::Timestamp;

/// A message that waits to be sent by one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Place in the order in which messages came; unique within an output.
    pub seq: i64,
    /// Name of the output.
    pub output: String,
    /// [`Message::order_key`](crate::Message::order_key).
    pub order_key: Option<String>,
    /// Not to be sent before.
    pub not_before: Timestamp,
    /// Being sent at this moment: not to be sent again, and still before its followers.
    pub in_flight: bool,
}

/// Which entries may be sent now: their indices, by `seq`.
///
/// Of the entries with one order key at one output only the first counts, whatever the order of `entries`: until it is sent or
/// given up, and so no longer listed, those behind it wait. Entries without a key wait for none. So what is returned can be sent
/// in any order, or at the same time.
#[must_use]
pub fn sendable(entries: &[Pending], now: Timestamp) -> Vec<usize> {
    let mut by_seq: Vec<(usize, &Pending)> = entries.iter().enumerate().collect();
    by_seq.sort_by_key(|(_, entry)| entry.seq);
    let mut seen = HashSet::new();
    by_seq.retain(|(_, entry)| {
        let head = entry.order_key.is_none() || seen.insert((&entry.output, &entry.order_key));
        head && !entry.in_flight && entry.not_before <= now
    });
    by_seq.into_iter().map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `seq output key time`, where `-` is no key and `!` after the time says in flight; sendable at 100.
    fn check(lines: &[&str], expected: &[i64]) {
        let entries: Vec<Pending> = lines.iter().map(|line| pending(line)).collect();
        let indices = sendable(&entries, Timestamp::from_second(100).unwrap());
        let sent: Vec<i64> = indices.into_iter().map(|index| entries[index].seq).collect();
        assert_eq!(sent, expected, "{lines:?}");
    }

    fn pending(line: &str) -> Pending {
        let parts: Vec<&str> = line.split(' ').collect();
        let time = parts[3].trim_end_matches('!').parse().unwrap();
        Pending {
            seq: parts[0].parse().unwrap(),
            output: parts[1].to_owned(),
            order_key: (parts[2] != "-").then(|| parts[2].to_owned()),
            not_before: Timestamp::from_second(time).unwrap(),
            in_flight: parts[3].ends_with('!'),
        }
    }

    #[test]
    fn heads_go_first() {
        check(&[], &[]);
        check(&["1 a - 0", "2 a - 100", "3 a - 101"], &[1, 2]);
        check(&["2 a 7 0", "1 a 7 0", "3 a 8 0", "4 b 7 0"], &[1, 3, 4]);
    }

    #[test]
    fn a_waiting_head_blocks_its_own() {
        check(&["1 a 7 200", "2 a 7 0", "3 a 8 0", "4 a - 0", "5 b 7 0"], &[3, 4, 5]);
        check(&["1 a 7 0!", "2 a 7 0", "3 a - 0!"], &[]);
    }

    #[test]
    fn without_the_head_the_next_goes() {
        check(&["2 a 7 0", "3 a 7 0"], &[2]);
    }
}
