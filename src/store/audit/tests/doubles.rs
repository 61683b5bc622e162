//! Messages that two nodes named alike, as a program from before numbers were held could write them: they are told
//! apart by their receipts, and what was changed among them is found.

use super::*;

const AT: i64 = 5;

fn found(house: &House) -> Option<String> {
    house.verified().first_break.map(|found| found.what)
}

#[test]
fn messages_with_one_name_are_told_apart_and_a_changed_one_is_found() {
    for mut house in houses() {
        house.send(AT, 0, &readings(AT, &[70.0, 71.0]));
        house.send(AT, 0, &readings(AT + 1, &[80.0, 81.0, 82.0]));
        house.send(AT, 0, &readings(AT, &[70.0, 71.0]));
        house.seal(60);
        assert_eq!(found(&house), None, "twice the same name, and once nothing new: whole");
        let at = Instant::from_secs(NOW.secs() + AT + 1).micros();
        house.tamper(&format!("UPDATE readings SET masked = masked + 1 WHERE at = {at}"));
        assert!(found(&house).unwrap().contains("were changed"), "{:?}", found(&house));
        house.tamper(&format!("UPDATE readings SET masked = masked - 1 WHERE at = {at}"));
        assert_eq!(found(&house), None);
        house.tamper(&format!("DELETE FROM readings WHERE at = {at}"));
        assert!(found(&house).is_some(), "a reading that is gone is missed among twins too");
    }
}

#[test]
fn long_messages_with_one_name_are_told_apart_when_each_was_measured_in_a_row_and_else_called_double() {
    for mut house in houses() {
        let long =
            |at: i64, from: f64| readings(at, &(0..20).map(|n| from + f64::from(n)).collect::<Vec<_>>());
        house.send(AT, 0, &long(AT, 60.0));
        house.send(AT, 0, &long(AT + 1, 90.0));
        house.seal(60);
        assert_eq!(found(&house), None);
        let (even, odd): (Vec<_>, Vec<_>) =
            long(AT + 2, 60.0).into_iter().partition(|r| r.value % 2.0 == 0.0);
        house.send(AT + 2, 0, &even);
        house.send(AT + 2, 0, &odd);
        house.seal(120);
        let what = found(&house).unwrap();
        assert!(what.contains("share its name") && !what.contains("changed"), "{what}");
    }
}
