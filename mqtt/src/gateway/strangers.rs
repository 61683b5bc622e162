//! Who has connected and not yet shown who they are. They have places of their own, in all and for one network: when
//! those are taken, the one that has kept us waiting longest leaves. A device that has shown who it is, is not here.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::Instant;

/// What a stranger is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// We wait for its greeting: TLS, then CONNECT; or for it to take its refusal.
    Theirs,
    /// It waits for us to say who it is.
    Ours,
}

struct Row {
    network: IpAddr,
    since: Instant,
    phase: Phase,
    /// Dropped to make the connection leave.
    _stay: watch::Sender<()>,
}

#[derive(Default)]
struct Table {
    next: u64,
    rows: HashMap<u64, Row>,
    networks: HashMap<IpAddr, usize>,
}

impl Table {
    fn forget(&mut self, id: u64) -> bool {
        let Some(row) = self.rows.remove(&id) else { return false };
        if let Some(theirs) = self.networks.get_mut(&row.network) {
            *theirs = theirs.saturating_sub(1);
            if *theirs == 0 {
                self.networks.remove(&row.network);
            }
        }
        true
    }

    /// The one that has kept us waiting longest, of one network or of all.
    fn longest(&self, network: Option<IpAddr>) -> Option<u64> {
        let of = |row: &Row| row.phase == Phase::Theirs && network.is_none_or(|asked| row.network == asked);
        self.rows.iter().filter(|(_, row)| of(row)).min_by_key(|(_, row)| row.since).map(|(id, _)| *id)
    }
}

/// All strangers of a gateway.
pub(crate) struct Strangers {
    all: usize,
    of_network: usize,
    table: Mutex<Table>,
}

impl Strangers {
    pub(crate) fn new(all: usize, of_network: usize) -> Arc<Self> {
        Arc::new(Self { all, of_network, table: Mutex::default() })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection that was just accepted; `None`: it is closed at once. Whether another had to leave.
    pub(crate) fn seat(self: &Arc<Self>, peer: IpAddr) -> Option<(Stranger, bool)> {
        let network = network(peer);
        let mut table = self.table();
        let crowded = table.networks.get(&network).is_some_and(|theirs| *theirs >= self.of_network);
        let full = crowded || table.rows.len() >= self.all;
        if full {
            let longest = table.longest(crowded.then_some(network))?;
            table.forget(longest);
        }
        table.next += 1;
        let id = table.next;
        let (stay, leave) = watch::channel(());
        table.rows.insert(id, Row { network, since: Instant::now(), phase: Phase::Theirs, _stay: stay });
        *table.networks.entry(network).or_default() += 1;
        Some((Stranger { id, strangers: Arc::clone(self), leave }, full))
    }
}

/// The place of one connection, until it is somebody.
pub(crate) struct Stranger {
    id: u64,
    strangers: Arc<Strangers>,
    leave: watch::Receiver<()>,
}

impl Stranger {
    /// What comes of `greeting`, unless others need the place meanwhile.
    pub(crate) async fn greet<T>(&mut self, greeting: impl Future<Output = T>) -> Option<T> {
        tokio::select! { biased;
            _dropped = self.leave.changed() => None,
            greeted = greeting => Some(greeted),
        }
    }

    /// It has said who it is and waits for our word: it is not sent away. Whether it still has its place.
    pub(crate) fn is_asked(&self) -> bool {
        self.turn(Phase::Ours)
    }

    /// It is refused, and has to take it.
    pub(crate) fn is_refused(&self) {
        self.turn(Phase::Theirs);
    }

    fn turn(&self, phase: Phase) -> bool {
        let mut table = self.strangers.table();
        let Some(row) = table.rows.get_mut(&self.id) else { return false };
        row.phase = phase;
        true
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.strangers.table().forget(self.id);
    }
}

/// IPv6 hands a whole /64 to each customer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    async fn stays(stranger: &mut Stranger) -> bool {
        stranger.greet(std::future::ready(())).await.is_some()
    }

    #[tokio::test]
    async fn who_waited_longest_of_a_crowded_network_leaves_and_no_other() {
        let strangers = Strangers::new(10, 2);
        let mut elsewhere = strangers.seat(address(9)).unwrap().0;
        let (mut first, mut second) =
            (strangers.seat(address(1)).unwrap().0, strangers.seat(address(1)).unwrap().0);
        let (mut third, made_room) = strangers.seat(address(1)).unwrap();
        assert!(made_room && !stays(&mut first).await && first.greet(pending::<()>()).await.is_none());
        for stranger in [&mut elsewhere, &mut second, &mut third] {
            assert!(stays(stranger).await);
        }
        drop(second);
        assert!(!strangers.seat(address(1)).unwrap().1, "a place that was left is free");
    }

    #[tokio::test]
    async fn who_waits_for_our_word_is_not_sent_away_and_beyond_that_nobody_is_taken() {
        let strangers = Strangers::new(2, 2);
        let (mut one, mut two) =
            (strangers.seat(address(1)).unwrap().0, strangers.seat(address(2)).unwrap().0);
        assert!(one.is_asked() && two.is_asked());
        assert!(strangers.seat(address(3)).is_none());
        two.is_refused();
        let three = strangers.seat(address(3)).unwrap().0;
        assert!(stays(&mut one).await && !stays(&mut two).await && !two.is_asked());
        drop((one, two, three));
        let table = strangers.table();
        assert_eq!((table.rows.len(), table.networks.len()), (0, 0));
    }

    #[test]
    fn an_ipv6_customer_is_one_network() {
        let ip = |text: &str| network(text.parse().unwrap());
        assert_eq!(ip("2001:db8:0:1::1"), ip("2001:db8:0:1:ffff::2"));
        assert_ne!(ip("2001:db8:0:1::1"), ip("2001:db8:0:2::1"));
        assert_eq!(ip("::ffff:203.0.113.7"), address(7));
    }
}
