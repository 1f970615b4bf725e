//! Addresses from which passwords were guessed, and how long their next attempts are kept waiting.
//!
//! Owns: [`FailedLogins`]. Must not know: how passwords are checked.
//!
//! PostgreSQL has the module auth_delay for this, which waits after a failure; who guesses over many connections at once
//! does not wait for that. Here the wait is before the check, so that the answer is late, whatever it is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::net::admission::origin;

/// So many failures of an address cost nothing but their own delay: people mistype.
const FREE: u32 = 5;
/// What the first attempt after these waits; each failure more doubles it.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);
/// An address from which no attempt has failed for so long is like any other.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// Addresses remembered. Beyond them the one whose last failure is longest ago is forgotten.
const REMEMBERED: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub struct FailedLogins(Mutex<HashMap<IpAddr, Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl FailedLogins {
    /// How long an attempt from there has to wait before it is looked at.
    pub fn delay(&self, address: IpAddr, now: Instant) -> Duration {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get(&origin(address)) {
            Some(failures) if now.saturating_duration_since(failures.last) < FORGOTTEN && failures.count > FREE => {
                FIRST.saturating_mul(1 << (failures.count - FREE - 1).min(16)).min(LONGEST)
            }
            _ => Duration::ZERO,
        }
    }

    /// An attempt from there has failed.
    pub fn failed(&self, address: IpAddr, now: Instant) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = origin(address);
        if !table.contains_key(&address) && table.len() >= REMEMBERED {
            let oldest = table.iter().min_by_key(|(_, failures)| failures.last).map(|(address, _)| *address);
            oldest.and_then(|address| table.remove(&address));
        }
        let failures = table.entry(address).or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(failures.last) >= FORGOTTEN {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last: now };
    }

    /// Somebody there knows the password.
    pub fn succeeded(&self, address: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&origin(address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn attempts_become_slower_with_each_failure() {
        let (logins, now) = (FailedLogins::default(), Instant::now());
        let delays: Vec<u64> = (0..12)
            .map(|_| {
                logins.failed(address(1), now);
                logins.delay(address(1), now).as_millis() as u64
            })
            .collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(logins.delay(address(2), now), Duration::ZERO);
        assert_eq!(logins.delay(address(1), now + FORGOTTEN), Duration::ZERO);
        logins.succeeded(address(1));
        assert_eq!(logins.delay(address(1), now), Duration::ZERO);
    }

    #[test]
    fn the_table_is_bounded() {
        let (logins, now) = (FailedLogins::default(), Instant::now());
        for number in 0..5000 {
            logins.failed(address(number), now + Duration::from_millis(number.into()));
        }
        let table = logins.0.lock().unwrap();
        assert!(table.len() == REMEMBERED && table.contains_key(&address(4999)) && !table.contains_key(&address(0)));
    }
}
