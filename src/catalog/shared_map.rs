//! A map of which copies share what they have in common.
//!
//! Owns: [`SharedMap`]. A copy costs the same however large the map is, and a change of a copy costs one of its parts: a
//! DDL statement makes a new picture of the schema without copying the one there was. Must not know: what is in it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The number of parts. A change copies one of them, a copy of the map counts them all up.
const PARTS: usize = 256;

/// A hash map in parts that copies have together until one of them changes.
#[derive(Clone, Debug)]
pub struct SharedMap<K, V> {
    parts: Vec<Arc<HashMap<K, V>>>,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        SharedMap { parts: vec![Arc::default(); PARTS] }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> SharedMap<K, V> {
    /// The value of a key.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts.get(part(key))?.get(key)
    }

    /// Whether there is a value of a key.
    pub fn contains_key<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Sets a key's value; gives the one there was.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        Arc::make_mut(self.parts.get_mut(part(&key))?).insert(key, value)
    }

    /// Removes a key; gives its value.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        // What is not there is no reason to copy anything.
        if !self.contains_key(key) {
            return None;
        }
        Arc::make_mut(self.parts.get_mut(part(key))?).remove(key)
    }

    /// All keys with their values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.is_empty())
    }

    /// The entries whose keys are not in another map. What both share is not looked at.
    pub fn missing_in<'m>(&'m self, other: &'m Self) -> impl Iterator<Item = (&'m K, &'m V)> {
        let changed = self.parts.iter().zip(&other.parts).filter(|(own, others)| !Arc::ptr_eq(own, others));
        changed.flat_map(|(own, others)| own.iter().filter(|(key, _)| !others.contains_key(*key)))
    }
}

/// The part a key is in: the same in all maps of its type, unlike what the parts' own hashing says.
fn part<Q: Hash + ?Sized>(key: &Q) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % PARTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_copy_leaves_the_original_and_shares_the_rest() {
        let mut first = SharedMap::default();
        (0..1000).for_each(|i| assert_eq!(first.insert(i, i.to_string()), None));
        let mut second = first.clone();
        assert_eq!(second.remove(&7).as_deref(), Some("7"));
        assert_eq!(second.remove(&7), None);
        assert_eq!(second.insert(8, "eight".into()).as_deref(), Some("8"));
        second.insert(2000, "new".into());
        assert_eq!((first.get(&7).unwrap().as_str(), first.get(&8).unwrap().as_str()), ("7", "8"));
        assert!(!first.contains_key(&2000) && first.len() == 1000 && second.iter().count() == 1000);
        assert_eq!(first.missing_in(&second).map(|(key, _)| *key).collect::<Vec<_>>(), [7]);
        assert_eq!(second.missing_in(&first).map(|(key, _)| *key).collect::<Vec<_>>(), [2000]);
        let shared = first.parts.iter().zip(&second.parts).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert!(shared >= PARTS - 3, "{shared}");
        assert!(SharedMap::<u8, u8>::default().is_empty() && !first.is_empty());
    }
}
