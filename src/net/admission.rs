//! How many connections there are: those that have not logged in yet, in all and of each address, and sessions.
//!
//! Owns: [`Admission`], [`Place`]. Must not know: what is sent over a connection.
//!
//! Connections count from the moment they are accepted, so that nobody without a password can take the descriptors of
//! those who have one. Where there is no place left for one that has not logged in, the oldest of them makes room,
//! not the newcomer: logging in takes a moment, and who has been there longest says nothing. PostgreSQL refuses the
//! newcomer until its authentication_timeout has passed for the others.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Connections that have been told to make room and have not gone yet, at most; newcomers beyond them are not admitted.
const LEAVING: usize = 64;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub sessions: usize,
    /// Connections that have not logged in yet.
    pub waiting: usize,
    /// Of these, from one address.
    pub of_an_address: usize,
}

impl Bounds {
    /// All sockets they come to.
    pub fn sockets(&self) -> usize {
        // Of those who have not logged in there may be as many in a quarter of them, see `within`.
        (self.sessions + self.waiting).max(self.waiting * 4) + LEAVING
    }

    /// The same within so many sockets in all. A quarter of them is for those that have not logged in, and no address
    /// gets all of these.
    pub fn within(self, sockets: usize) -> Bounds {
        let waiting = self.waiting.min(sockets.saturating_sub(LEAVING) / 4).max(2);
        Bounds {
            sessions: self.sessions.min(sockets.saturating_sub(waiting + LEAVING)).max(1),
            waiting,
            of_an_address: self.of_an_address.min(waiting / 2).max(1),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Admission {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their arrival.
    waiting: BTreeMap<u64, Waiting>,
    of_address: HashMap<IpAddr, usize>,
    arrivals: u64,
    leaving: usize,
    sessions: usize,
}

#[derive(Debug)]
struct Waiting {
    address: IpAddr,
    make_room: oneshot::Sender<()>,
}

impl State {
    fn remove(&mut self, arrival: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&arrival)?;
        if let Some(count) = self.of_address.get_mut(&waiting.address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&waiting.address);
            }
        }
        Some(waiting)
    }

    /// Tells the oldest connection of that address to go.
    fn evict(&mut self, address: IpAddr) {
        let oldest = self.waiting.iter().find(|(_, waiting)| waiting.address == address).map(|(arrival, _)| *arrival);
        if let Some(waiting) = oldest.and_then(|arrival| self.remove(arrival)) {
            self.leaving += 1;
            // It may be on its way out already.
            let _ = waiting.make_room.send(());
        }
    }
}

/// The address as far as it tells clients apart: of IPv6 the first half, all of which belongs to one site.
pub fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

impl Admission {
    /// Nobody is there.
    pub fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Admission { bounds, state: Mutex::default() })
    }

    /// A connection has been accepted. Its place, and what resolves if it is to make room; `None` if there is no room for
    /// it, not even for a moment.
    pub fn arrive(self: &Arc<Self>, address: IpAddr) -> Option<(Place, oneshot::Receiver<()>)> {
        let address = origin(address);
        let mut state = self.state();
        if state.of_address.get(&address).is_some_and(|count| *count >= self.bounds.of_an_address) {
            state.evict(address);
        } else if state.waiting.len() >= self.bounds.waiting
            && let Some(most) = state.of_address.iter().max_by_key(|(_, count)| **count).map(|(address, _)| *address)
        {
            state.evict(most);
        }
        if state.leaving > LEAVING {
            return None;
        }
        state.arrivals += 1;
        let arrival = state.arrivals;
        let (make_room, told) = oneshot::channel();
        state.waiting.insert(arrival, Waiting { address, make_room });
        *state.of_address.entry(address).or_default() += 1;
        Some((Place { admission: Arc::clone(self), kind: Kind::Waiting(arrival) }, told))
    }

    /// The data are valid after any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place; dropping it gives it up.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The number of its arrival.
    Waiting(u64),
    Session,
}

impl Place {
    /// The client has logged in: the place becomes a session's. False if there are too many, or if it was to make room.
    pub fn begin_session(&mut self) -> bool {
        let mut state = self.admission.state();
        let Kind::Waiting(arrival) = self.kind else { return true };
        if state.sessions >= self.admission.bounds.sessions || state.remove(arrival).is_none() {
            return false;
        }
        state.sessions += 1;
        self.kind = Kind::Session;
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        match self.kind {
            Kind::Session => state.sessions -= 1,
            // One that is not among the others any more was told to go, and has gone now.
            Kind::Waiting(arrival) if state.remove(arrival).is_none() => state.leaving -= 1,
            Kind::Waiting(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_oldest_of_an_address_makes_room_for_its_newest() {
        let admission = Admission::new(Bounds { sessions: 9, waiting: 9, of_an_address: 2 });
        let (_other, mut other_told) = admission.arrive(address(2)).unwrap();
        let (first, mut first_told) = admission.arrive(address(1)).unwrap();
        let (_second, mut second_told) = admission.arrive(address(1)).unwrap();
        let (mut third, mut third_told) = admission.arrive(address(1)).unwrap();
        assert_eq!(first_told.try_recv(), Ok(()));
        for told in [&mut other_told, &mut second_told, &mut third_told] {
            assert_eq!(told.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        }
        let mut first = first;
        assert!(!first.begin_session(), "it was to go");
        assert!(third.begin_session());
        let counts = || {
            let state = admission.state();
            (state.waiting.len(), state.leaving)
        };
        assert_eq!(counts(), (2, 1));
        drop(first);
        assert_eq!(counts(), (2, 0));
    }

    #[test]
    fn the_address_with_most_connections_makes_room_for_others() {
        let admission = Admission::new(Bounds { sessions: 9, waiting: 3, of_an_address: 3 });
        let mut of_one: Vec<_> = (0..3).map(|_| admission.arrive(address(1)).unwrap()).collect();
        let (_place, mut told) = admission.arrive(address(2)).unwrap();
        assert_eq!(of_one[0].1.try_recv(), Ok(()));
        assert_eq!(told.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }

    #[test]
    fn those_who_are_to_go_and_do_not_are_no_way_around_the_bound() {
        let admission = Admission::new(Bounds { sessions: 9, waiting: 9, of_an_address: 1 });
        let mut held = Vec::new();
        while let Some(place) = admission.arrive(address(1)) {
            held.push(place);
        }
        assert!(held.len() <= LEAVING + 2, "{}", held.len());
        held.clear();
        assert!(admission.arrive(address(1)).is_some());
    }

    #[test]
    fn sessions_are_bounded_and_give_their_places_back() {
        let admission = Admission::new(Bounds { sessions: 1, waiting: 9, of_an_address: 9 });
        let (mut one, _) = admission.arrive(address(1)).unwrap();
        let (mut two, _) = admission.arrive(address(1)).unwrap();
        assert!(one.begin_session() && !two.begin_session());
        drop(one);
        assert!(two.begin_session());
        drop(two);
        let state = admission.state();
        assert_eq!((state.sessions, state.waiting.len(), state.of_address.len(), state.leaving), (0, 0, 0, 0));
    }

    #[test]
    fn descriptors_bound_everything() {
        let wanted = Bounds { sessions: 10_000, waiting: 1_000, of_an_address: 200 };
        assert_eq!(wanted.within(1_000_000), wanted);
        let few = wanted.within(464);
        assert_eq!(few, Bounds { sessions: 300, waiting: 100, of_an_address: 50 });
        assert!(few.sessions + few.waiting + LEAVING <= 464);
    }

    #[test]
    fn a_site_is_one_address() {
        let same = |a: &str, b: &str| origin(a.parse().unwrap()) == origin(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1") && !same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1") && !same("192.0.2.1", "192.0.2.2"));
    }
}
