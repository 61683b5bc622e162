//! A verification that somebody follows says the same as one that nobody does, grows, comes to its end, and stops where it
//! is told to.

use super::tampering::lived_in;
use super::*;
use crate::Error;
use crate::audit::verify_at_pace;
use crate::live::pace::Pace;

/// The report, and each word on the way.
fn followed(house: &House, stop_at: Option<usize>) -> (Result<Report>, Vec<(u64, u64)>) {
    let mut words = Vec::new();
    let mut step = |done, total| {
        words.push((done, total));
        if Some(words.len()) == stop_at { Err(Error::Stopped) } else { Ok(()) }
    };
    let report = verify_at_pace(&house.home, house.key(), None, &[], &mut Pace::followed(&mut step));
    (report, words)
}

#[test]
fn a_verification_that_is_followed_says_what_one_says_that_is_not() {
    for mut house in houses() {
        lived_in(&mut house);
        let (report, words) = followed(&house, None);
        assert_eq!(report.unwrap(), house.verified());
        assert!(words.iter().is_sorted_by_key(|(done, _)| *done), "{words:?}");
        let (done, total) = *words.last().unwrap();
        assert!(done == total && total > house.verified().size, "{done} of {total}: readings count too");
        house.tamper("UPDATE audit_entries SET kind = 'access.read' WHERE leaf = 5");
        let (report, _) = followed(&house, None);
        let report = report.unwrap();
        assert_eq!(report, house.verified());
        assert_eq!(report.first_break.unwrap().index, Some(5));
    }
}

#[test]
fn a_verification_stops_wherever_it_is_told_to() {
    for mut house in houses() {
        lived_in(&mut house);
        let (_, all) = followed(&house, None);
        for at in 1..=all.len() {
            let (stopped, words) = followed(&house, Some(at));
            assert!(matches!(stopped, Err(Error::Stopped)), "at word {at} of {}: {stopped:?}", all.len());
            assert_eq!(words.len(), at, "and says nothing more");
        }
        assert!(house.verified().ok, "a look changes nothing");
    }
}
