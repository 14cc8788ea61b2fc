//! Entries of sets and bags, each with the place where it first appeared.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash};

use super::hll::QuickHasher;

/// Where an entry first appeared: its row, and its number among the entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) position: i64,
    serial: u64,
}

/// Entries by encoded text or number, each with its first place and what came with it.
pub(super) struct Entries<K, T> {
    map: HashMap<K, (Place, T), BuildHasherDefault<QuickHasher>>,
    serial: u64,
    /// Bytes of the keys and of what came with them.
    pub(super) bytes: usize,
}

/// What entries are known by.
pub(super) trait Key: Eq + Hash + Borrow<Self::Borrowed> {
    type Borrowed: Eq + Hash + ?Sized;

    fn owned(borrowed: &Self::Borrowed) -> Self;

    /// Bytes that it holds beside itself.
    fn heap(&self) -> usize;
}

impl Key for Box<str> {
    type Borrowed = str;

    fn owned(borrowed: &str) -> Self {
        borrowed.into()
    }

    fn heap(&self) -> usize {
        self.len()
    }
}

impl Key for i64 {
    type Borrowed = i64;

    fn owned(borrowed: &i64) -> Self {
        *borrowed
    }

    fn heap(&self) -> usize {
        0
    }
}

impl<K: Key, T: AsRef<str>> Entries<K, T> {
    pub(super) fn new() -> Entries<K, T> {
        Entries { map: HashMap::default(), serial: 0, bytes: 0 }
    }

    pub(super) fn offer(&mut self, key: &K::Borrowed, position: i64, value: impl FnOnce() -> T) {
        self.serial += 1;
        let place = Place { position, serial: self.serial };
        match self.map.get_mut(key) {
            Some((known, slot)) => {
                if place < *known {
                    *known = place;
                    *slot = value();
                }
            }
            None => {
                let (key, value) = (K::owned(key), value());
                self.bytes += key.heap() + value.as_ref().len();
                self.map.insert(key, (place, value));
            }
        }
    }

    /// Entries in order of appearance, as far as the limit.
    pub(super) fn sorted(&self, limit: usize) -> Vec<(Place, &K::Borrowed, &T)> {
        let mut entries: Vec<_> =
            self.map.iter().map(|(key, (place, value))| (*place, Borrow::borrow(key), value)).collect();
        entries.sort_unstable_by_key(|(place, ..)| *place);
        entries.truncate(limit);
        entries
    }

    /// Drops what lies beyond the limit, now and then.
    pub(super) fn trim(&mut self, limit: usize) {
        if self.map.len() < limit.saturating_mul(2).max(1024) {
            return;
        }
        let mut places: Vec<Place> = self.map.values().map(|(place, _)| *place).collect();
        places.sort_unstable();
        let first_beyond = places.get(limit).copied();
        self.map.retain(|_, (place, _)| first_beyond.is_none_or(|beyond| *place < beyond));
        self.bytes = self.map.iter().map(|(key, (_, value))| key.heap() + value.as_ref().len()).sum();
    }

    pub(super) fn size(&self) -> usize {
        self.bytes + self.map.capacity() * (size_of::<K>() + size_of::<(Place, T)>() + 1)
    }
}

/// A set needs nothing with its entries.
pub(super) struct Nothing;

impl AsRef<str> for Nothing {
    fn as_ref(&self) -> &str {
        ""
    }
}
