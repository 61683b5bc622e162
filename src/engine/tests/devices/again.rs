//! What a device says again, with another value, while what it measured changes hands and afterwards: the first that
//! was committed is in force, and the other waits for a clinician.

use super::*;

fn calmly(pulses: &[(u64, f64)]) -> Vec<(u64, f64)> {
    pulses.iter().map(|(before, _)| (*before, 70.0)).collect()
}

#[test]
fn another_value_that_comes_in_the_middle_of_a_move_never_takes_over() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&of_bia());
            if rolled {
                ward.roll();
            }
            ward.settle();
            ward.unbind(ago(3_590));
            ward.bind(ward.bia.id, ago(3_590));
            // Nothing has moved yet; then some has, and some of that is given.
            ward.send(&calmly(&of_bia()[..300]));
            for _stretch in 0..2 {
                ward.moves().round(NOW).unwrap();
            }
            ward.send(&calmly(&of_bia()[..40]));
            ward.send(&[(2_995, 71.0)]);
            ward.settle();
            let mut all = of_bia();
            all.insert(60, (2_995, 71.0));
            assert_eq!((ward.has(&ward.bia), ward.waits()), (all, 0), "rolled: {rolled}");
            assert_eq!(ward.has(&ward.ana), Vec::new());
            let red = ward.alerts(&ward.bia).remove(0);
            assert!(red.case.facts.level == Level::Red && ward.escalates(&red), "the red is there");
            assert_eq!(ward.aside(&ward.bia).len(), 10, "as many as are looked at");
            assert!(ward.aside(&ward.bia).iter().all(|value| *value == 70.0));
        }
    }
}

#[test]
fn another_value_of_what_was_given_is_a_conflict_and_the_same_is_known() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&[(700, 140.0), (600, 72.0)]);
            ward.unbind(ago(3_590));
            ward.bind(ward.bia.id, ago(3_590));
            ward.settle();
            if rolled {
                ward.roll();
            }
            for _twice in 0..2 {
                ward.send(&[(700, 140.0), (600, 72.0)]);
            }
            assert_eq!(ward.aside(&ward.bia), Vec::<f64>::new());
            ward.send(&[(700, 78.0)]);
            assert_eq!(ward.aside(&ward.bia), [78.0]);
            assert_eq!(
                (ward.corrected(&ward.bia), ward.old(&ward.bia)),
                (vec![], vec![]),
                "nobody did anything"
            );
            // Back where it came from it is as it was, and so is what came first there.
            ward.hand_over(ward.ana.id, 3_580);
            ward.send(&[(600, 79.0)]);
            assert_eq!(
                (ward.has(&ward.ana), ward.aside(&ward.ana)),
                (vec![(700, 140.0), (600, 72.0)], vec![79.0])
            );
        }
    }
}

#[test]
fn a_correction_in_the_middle_of_a_move_is_given_as_it_put_it() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&[(700, 140.0), (600, 72.0)]);
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        ward.says("corrected", &[(700, 70.0), (500, 73.0)]);
        ward.settle();
        assert_eq!(ward.has(&ward.bia), [(700, 70.0), (600, 72.0), (500, 73.0)]);
        assert_eq!((ward.aside(&ward.bia), ward.waits()), (vec![], 0));
    }
}

/// What one instant is of, and what waits for a clinician there.
type Story = (Vec<(u64, f64)>, Vec<f64>);

/// A value reported, reported again, then put right or taken back: when nothing moves, and in the middle of a move.
fn stories(again: f64, then: &str, pulse: (u64, f64), moving: bool) -> Vec<Story> {
    let story = |mut ward: Ward| {
        ward.send(&[(700, 80.0), (600, 72.0)]);
        if !moving {
            ward.hand_over(ward.bia.id, 3_590);
            // Sent as the other's from the beginning, so that nothing was given.
            ward.send(&[(500, 80.0)]);
        }
        let at = if moving { 700 } else { 500 };
        if moving {
            ward.unbind(ago(3_590));
            ward.bind(ward.bia.id, ago(3_590));
        }
        ward.send(&[(at, again)]);
        ward.says(then, &[(at, pulse.1)]);
        ward.settle();
        let of = |all: Vec<(u64, f64)>| all.into_iter().filter(|(before, _)| *before == at);
        (of(ward.has(&ward.bia)).map(|(_, value)| (0, value)).collect(), ward.aside(&ward.bia))
    };
    Ward::each(Some(ago(60 * DAY))).into_iter().map(story).collect()
}

#[test]
fn what_a_source_puts_right_or_takes_back_in_the_middle_of_a_move_counts_though_it_said_it_again() {
    for (again, then, value) in [
        (80.0, "corrected", 78.0),
        (81.0, "corrected", 78.0),
        (81.0, "entered-in-error", 80.0),
        (80.0, "entered-in-error", 80.0),
        (81.0, "corrected", 80.0),
    ] {
        let moving = stories(again, then, (0, value), true);
        let still = stories(again, then, (0, value), false);
        let in_force = |all: &[Story]| all.iter().map(|(has, _)| has.clone()).collect::<Vec<_>>();
        assert_eq!(in_force(&moving), in_force(&still), "{again} again, then {then} {value}");
        // What was put right takes the place of what waited; else another value waits for a clinician as ever.
        let aside = |all: &[Story]| all.iter().map(|(_, aside)| aside.clone()).collect::<Vec<_>>();
        if then == "entered-in-error" {
            assert_eq!(aside(&moving), aside(&still), "{again} again, then {then} {value}");
        }
    }
}
