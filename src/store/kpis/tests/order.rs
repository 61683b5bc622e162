//! Numbers in the order of commits, the day of the organisation, and what leaves nothing.

use std::sync::mpsc::channel;

use diesel::RunQueryDsl;
use diesel::sql_types::Bool;

use super::*;
use crate::db::settings;
use crate::kpis::facts::{Window, append, page, save};
use crate::{Ask, Url};
use domain::kpis::{Amount, Fact};

fn raised(subject: &str, at: Instant) -> Fact {
    Fact::new(Kind::AlertRaised, subject, 1, at)
}

fn subjects(facts: &[Recorded]) -> Vec<&str> {
    facts.iter().filter_map(|fact| fact.subject.as_deref()).collect()
}

#[test]
fn a_worker_that_has_read_a_number_skips_nothing_that_commits_later() {
    for store in stores() {
        // SQLite has one writer: there is nothing to interleave.
        let Url::Postgres(_) = store.url() else { continue };
        let say = |store: &Store, subject: &str, before_commit: &mut dyn FnMut()| {
            alone(store, NOW, |tx| {
                append(tx, raised(subject, NOW));
                before_commit();
                Ok(())
            })
        };
        let (begun, has_begun) = channel();
        let (go, may_go) = channel();
        let slow = (*store).clone();
        let slow = std::thread::spawn(move || {
            say(&slow, "slow", &mut || {
                begun.send(()).unwrap();
                may_go.recv().unwrap();
            })
        });
        has_begun.recv().unwrap();
        say(&store, "quick", &mut || ()).unwrap();
        let read = newest(&store);
        assert_eq!(subjects(&behind(&store, 0)), ["quick"]);
        go.send(()).unwrap();
        slow.join().unwrap().unwrap();
        assert_eq!(subjects(&behind(&store, read)), ["slow"], "it began first and has the higher number");
    }
}

#[test]
fn where_numbers_are_given_and_not_committed_nobody_else_gets_one() {
    for store in stores() {
        let Url::Postgres(_) = store.url() else { continue };
        let is_free = || {
            let asked = "pg_try_advisory_xact_lock(hashtext('zelo.facts'), hashtext(current_schema()))";
            let asked = diesel::select(diesel::dsl::sql::<Bool>(asked));
            store.read(|view| Ok(asked.get_result::<bool>(view.conn)?)).unwrap()
        };
        alone(&store, NOW, |tx| {
            append(tx, raised("a", NOW));
            assert!(is_free(), "what is still at work holds up nobody");
            save(tx)?;
            assert!(!is_free());
            assert_eq!(newest(&store), 0);
            Ok(())
        })
        .unwrap();
        assert!(is_free() && newest(&store) > 0);
    }
}

/// So no number is seen before a lower one.
#[test]
fn many_writers_and_a_reader_that_never_looks_back_agree() {
    const EACH: usize = 40;
    for store in stores() {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = (*store).clone();
                std::thread::spawn(move || {
                    for n in 0..EACH {
                        let facts = |tx: &mut Tx<'_>| {
                            append(tx, raised(&format!("{writer}:{n}:a"), NOW));
                            append(tx, raised(&format!("{writer}:{n}:b"), NOW));
                            Ok(())
                        };
                        alone(&store, NOW, facts).unwrap();
                    }
                })
            })
            .collect();
        let (mut read, mut after) = (std::collections::BTreeSet::new(), 0);
        loop {
            let over = writers.iter().all(std::thread::JoinHandle::is_finished);
            let next = store.read(|view| since(view, after, 7)).unwrap();
            after = next.last().map_or(after, |fact| fact.id);
            let done = over && next.is_empty();
            read.extend(next.into_iter().filter_map(|fact| fact.subject));
            if done {
                break;
            }
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!(read.len(), 4 * EACH * 2, "none was skipped");
    }
}

#[test]
fn what_is_told_twice_is_one_fact_and_what_is_rolled_back_is_none() {
    for store in stores() {
        for _ in 0..2 {
            alone(&store, NOW, |tx| {
                append(tx, raised("a", NOW).amounting(Amount::people(1)));
                append(tx, raised("a", NOW));
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(only(&store, 0, Kind::AlertRaised).amount.map(|amount| amount.value), Some(1));
        let failed = alone(&store, NOW, |tx| {
            append(tx, raised("b", NOW));
            Err::<(), _>(Error::Conflict("no"))
        });
        assert!(failed.is_err());
        alone(&store, NOW, |tx| {
            let item = tx.item(|tx| {
                append(tx, raised("c", NOW));
                Err::<(), _>(Error::Conflict("no"))
            });
            assert!(item.is_err());
            append(tx, raised("d", NOW));
            Ok(())
        })
        .unwrap();
        assert_eq!(subjects(&behind(&store, 0)), ["a", "d"]);
    }
}

#[test]
fn a_fact_has_the_day_of_the_organisation_and_keeps_it() {
    for store in stores() {
        // 2026-11-22T02:30Z is still the 21st in São Paulo.
        let night = NOW.minus(Duration::from_secs(9 * 3_600 + 1_800));
        let tell = |subject: &str| {
            alone(&store, NOW, |tx| {
                append(tx, raised(subject, night));
                Ok(())
            })
            .unwrap();
        };
        tell("before");
        act(&store, |tx| settings::set(tx, settings::ZONE, "Asia/Tokyo")).unwrap();
        tell("after");
        act(&store, |tx| settings::set(tx, settings::ZONE, "Nowhere/Land")).unwrap();
        tell("broken");
        let days: Vec<_> =
            behind(&store, 0).into_iter().map(|fact| (fact.date.to_string(), fact.zone)).collect();
        let day = |date: &str, zone: &str| (date.to_owned(), zone.to_owned());
        let home = day("2026-11-21", "America/Sao_Paulo");
        assert_eq!(days, [home.clone(), day("2026-11-22", "Asia/Tokyo"), home]);
    }
}

#[test]
fn a_page_goes_through_a_time_in_the_order_of_what_happened() {
    for store in stores() {
        alone(&store, NOW, |tx| {
            for (subject, second) in [("c", 30), ("a", 10), ("late", 5), ("b", 10)] {
                append(tx, raised(subject, at(second)));
            }
            append(tx, Fact::new(Kind::AlertResolved, "a", 2, at(20)));
            Ok(())
        })
        .unwrap();
        let read = |kind, from, to, limit| {
            let (mut all, mut ask) = (Vec::new(), Ask { limit, ..Ask::default() });
            loop {
                let window = Window { from: at(from), to: at(to), kind };
                let next = store.read(|view| page(view, window, &ask)).unwrap();
                all.extend(next.items.into_iter().filter_map(|fact| fact.subject));
                match next.next {
                    Some(place) => ask.after = place,
                    None => return all,
                }
            }
        };
        for limit in [1, 2, 100] {
            assert_eq!(read(None, 0, 100, limit), ["late", "a", "b", "a", "c"]);
            assert_eq!(read(None, 10, 30, limit), ["a", "b", "a"], "from inclusive, to exclusive");
            assert_eq!(read(Some(Kind::AlertRaised), 6, 100, limit), ["a", "b", "c"]);
        }
    }
}
