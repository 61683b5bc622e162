//! What a store does when the program, or the way to the other nodes, fails in the midst of it.

use std::time::{Duration, Instant as Moment};

use crate::db::settings;
use crate::health::nodes;
use crate::testing::{NOW, seated, stores};
use crate::{Error, Tx, Urgency, Url};

const NAME: &str = "probe";

#[test]
fn a_transaction_that_panics_is_rolled_back_and_swallows_nothing_that_comes_after() {
    for home in stores() {
        let house = |f: &dyn Fn(&mut Tx<'_>) -> crate::Result<()>| {
            home.keep_house(Urgency::Patient, "test", NOW, |tx| f(tx))
        };
        let fell = house(&|tx| {
            settings::save(tx, NAME, "lost")?;
            panic!("in the midst of it")
        });
        assert!(matches!(fell, Err(Error::Panicked)));
        house(&|tx| settings::save(tx, NAME, "kept")).unwrap();
        // As another process sees it: on the disk.
        let seen = home.reopened().unwrap().read(|view| settings::get(view, NAME)).unwrap();
        assert_eq!(seen.as_deref(), Some("kept"));
    }
}

#[test]
fn who_lost_its_number_writes_nothing_under_it_and_who_holds_it_is_waited_for() {
    for home in stores() {
        let Url::Postgres(_) = home.url() else { continue };
        seated(&home);
        let hold = |tx: &mut Tx<'_>| nodes::keep_seat(tx, 0, home.name());
        home.keep_house(Urgency::Patient, "test", NOW, hold).unwrap();
        let there = home.reopened().unwrap();
        let minute = NOW.plus(nodes::GONE_AFTER + Duration::from_secs(1));
        let other = nodes::Node { id: there.name().to_owned(), home: "other".into(), number: None };
        // While the former holder writes, whoever buries it waits.
        let (began, begins) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let taken = home
                .keep_house(Urgency::Patient, "test", NOW, |tx| {
                    nodes::keep_seat(tx, 0, home.name())?;
                    let take = scope.spawn(|| {
                        began.send(()).unwrap();
                        there.keep_house(Urgency::Patient, "test", minute, |tx| {
                            nodes::take(tx, &other, nodes::Clocks::agree(minute))
                        })
                    });
                    begins.recv().unwrap();
                    std::thread::park_timeout(Duration::from_millis(300));
                    assert!(!take.is_finished(), "it waits");
                    Ok(take)
                })
                .unwrap();
            assert_eq!(taken.join().unwrap().unwrap(), 0);
        });
        let lost = home.keep_house(Urgency::Patient, "test", NOW, hold);
        assert!(matches!(lost, Err(Error::Unseated)));
    }
}

#[test]
fn a_node_whose_words_do_not_come_round_says_that_it_hears_nobody_and_connects_again() {
    for home in stores() {
        let Url::Postgres(_) = home.url() else { continue };
        let mut hears = home.hears();
        let mut heard = |wanted: bool| {
            let began = Moment::now();
            while *hears.borrow_and_update() != wanted {
                assert!(began.elapsed() < Duration::from_secs(15), "hears: {wanted}");
                std::thread::park_timeout(Duration::from_millis(2));
            }
        };
        heard(true);
        // Down for 250 + 500 + 1,000 + 2,000 ms.
        home.threads().strike("speak", 4);
        heard(false);
        heard(true);
        let mut announced = home.signals();
        let say = |tx: &mut Tx<'_>| {
            tx.tell_nodes("device.connected", "again");
            Ok(())
        };
        home.reopened().unwrap().keep_house(Urgency::Urgent, "test", NOW, say).unwrap();
        crate::tests::hears(&mut announced, "device.connected", &"again");
    }
}
