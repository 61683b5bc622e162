//! Whom a step pages, and whom it leaves out.

use std::time::Duration;

use super::act;
use crate::escalation::paging::{Finder, LeftOut, candidates};
use crate::on_call::certify;
use crate::on_call::testing::person;
use crate::people::users;
use crate::testing::{NOW, stores};
use domain::Role;
use domain::escalation::{Step, Target};

#[test]
fn a_step_that_asks_for_a_certificate_pages_only_who_holds_a_valid_one() {
    for store in stores() {
        let [valid, over, none, gone] = std::array::from_fn(|_| person(&store, Role::Clinician));
        act(&store, |tx| {
            certify(tx, valid, NOW.plus(Duration::from_micros(1)))?;
            certify(tx, over, NOW)?;
            certify(tx, gone, NOW.plus(Duration::from_secs(86_400)))?;
            users::disable(tx, gone).map(drop)
        })
        .unwrap();
        let named = [valid, over, none, gone, valid].map(Target::Person).to_vec();
        let step =
            |certificate| Step { targets: named.clone(), minutes: 5, certificate, skip_if_empty: true };
        let all = store.read(|view| candidates(view, &step(true), NOW)).unwrap();
        let left: Vec<Option<LeftOut>> = all.iter().map(|one| one.left_out).collect();
        let lacks = Some(LeftOut::NoCertificate);
        assert_eq!(left, [None, lacks, lacks, Some(LeftOut::Disabled), Some(LeftOut::Twice)]);
        let found =
            |certificate| store.read(|view| Finder::default().find(view, &step(certificate), NOW)).unwrap();
        assert_eq!(found(true), [valid]);
        assert_eq!(found(false), [valid, over, none]);
    }
}
