//! What a source put right of its readings, when the device turns out to have been at somebody else.

use consent::TelemetryCollect;

use super::*;
use domain::Flags;
use store::readings::quarantine;

const EVER: Window = Window { from: Instant::MIN, to: Instant::MAX };

impl Ward {
    /// What the source says of pulses that it sent before: seconds before now, and values.
    pub(super) fn says(&mut self, status: &str, pulses: &[(u64, f64)]) {
        // A message amends at most 256.
        for pulses in pulses.chunks(200) {
            let entry = |(before, value): &(u64, f64)| {
                format!(
                    r#"{{"resource":{{"resourceType":"Observation","status":"{status}","effectiveDateTime":"{}",
                    "valueQuantity":{{"value":{value},"code":"/min"}},
                    "code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}}}}}}"#,
                    ago(*before).rfc3339(),
                )
            };
            let entries: Vec<_> = pulses.iter().map(entry).collect();
            self.deliver(format!(
                r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#,
                entries.join(",")
            ));
        }
    }

    /// The device was the other's from an instant on.
    pub(super) fn hand_over(&mut self, to: PatientId, before: u64) {
        self.unbind(ago(before));
        self.bind(to, ago(before));
        self.settle();
    }

    /// What is in no look any more: seconds before now, value, whether it was withdrawn.
    pub(super) fn old(&self, whose: &Person) -> Vec<(u64, f64, bool)> {
        let (span, signals) = (EVER, [Signal::HeartRate]);
        let old = self.shown(whose, |tx, permit| {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = readings::superseded(tx, permit, whose.key, &signals, span, after, 2)?;
                assert!(page.values.len() <= 2);
                all.extend(page.values);
                after = page.next;
                if after.is_none() {
                    return Ok(all);
                }
            }
        });
        let plain = |old: &readings::Superseded| {
            (before_now(old.stored.reading.at), old.stored.reading.value, old.withdrawn)
        };
        old.iter().map(plain).collect()
    }

    /// The values that wait for a clinician.
    pub(super) fn aside(&self, whose: &Person) -> Vec<f64> {
        self.waiting(whose).iter().map(|item| item.reading.unwrap().value).collect()
    }

    fn waiting(&self, whose: &Person) -> Vec<quarantine::Item> {
        self.shown(whose, |tx, permit| {
            let collect = collects(tx, whose)?;
            quarantine::waiting(tx, &collect, permit, whose.key, 10)
        })
    }

    /// A clinician puts in force what waits.
    fn release(&self, whose: &Person) {
        for item in self.waiting(whose) {
            let release = |tx: &mut Tx<'_>| {
                let collect = collects(tx, whose)?;
                assert!(readings::put_in_force(tx, &collect, Keyed { key: whose.key, id: whose.id }, &item)?);
                quarantine::decide(tx, &item, whose.id, true, "seen on paper")
            };
            self.home.write(Actor::Operator, NOW, release).unwrap();
        }
    }

    /// Messages that were refused whole.
    fn refused(&self) -> u64 {
        self.stats.refused.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn corrected(&self, whose: &Person) -> Vec<u64> {
        let corrected = self.readings(whose).into_iter().filter(|one| one.flags.has(Flags::CORRECTED));
        corrected.map(|one| before_now(one.at)).collect()
    }
}

fn collects(tx: &mut Tx<'_>, whose: &Person) -> Result<Permit<TelemetryCollect>> {
    let patient = roster::patient(tx, whose.key)?;
    let context = Context { data: &[Datum::Reading], ..Context::system(NOW.micros()) };
    let (bases, records, subject) = (&consent::Bases::default(), &patient.records, &patient.subject);
    Ok(decide(&Request { bases, records, subject, context: &context }).unwrap())
}

const NOTHING: [(u64, f64); 0] = [];

#[test]
fn what_the_source_took_back_stays_so_at_whoever_wore_the_device() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&of_bia());
            ward.settle();
            ward.says("entered-in-error", &of_bia());
            ward.settle();
            assert_eq!(ward.has(&ward.ana), NOTHING);
            if rolled {
                ward.roll();
            }
            ward.hand_over(ward.bia.id, 3_595);
            // It connects again and sends all that it still has, also what it took back, and that it did.
            let refused = ward.refused();
            ward.send(&of_bia());
            ward.settle();
            assert_eq!((ward.has(&ward.bia), ward.has(&ward.ana)), (NOTHING.into(), NOTHING.into()));
            ward.says("entered-in-error", &of_bia());
            ward.settle();
            assert_eq!(ward.refused(), refused, "it is known");
            assert_eq!(ward.alerts(&ward.bia).len(), 0, "nobody is called for it");
            // Another value of such an instant waits for a clinician; what its source puts there is in force.
            ward.send(&[(500, 88.0)]);
            ward.says("corrected", &[(100, 90.0)]);
            ward.settle();
            assert_eq!((ward.has(&ward.bia), ward.aside(&ward.bia)), (vec![(100, 90.0)], vec![88.0]));
            // And goes with it.
            ward.hand_over(ward.ana.id, 3_594);
            ward.send(&of_bia());
            ward.settle();
            assert_eq!((ward.has(&ward.bia), ward.has(&ward.ana)), (NOTHING.into(), vec![(100, 90.0)]));
        }
    }
}

#[test]
fn what_was_taken_back_and_is_sent_while_the_device_is_nobodys_is_given_to_nobody() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_bia());
        ward.says("entered-in-error", &of_bia());
        ward.unbind(ago(3_595));
        ward.send(&[(3_700, 72.0), (700, 131.0), (600, 131.0), (500, 88.0)]);
        assert_eq!(ward.waits(), 3);
        ward.bind(ward.bia.id, ago(3_595));
        ward.settle();
        assert_eq!((ward.has(&ward.bia), ward.waits()), (NOTHING.into(), 0));
        assert_eq!(ward.aside(&ward.bia), [88.0], "a value that it did not take back");
    }
}

#[test]
fn what_a_source_takes_back_while_its_device_is_nobodys_is_given_to_nobody() {
    for step in ["it waits", "it is about to wait", "it is about to be given"] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            let sent = [(700, 131.0), (600, 131.0), (500, 88.0)];
            ward.send(&sent);
            ward.unbind(ago(3_595));
            if step != "it is about to wait" {
                ward.settle();
            }
            if step == "it is about to be given" {
                ward.bind(ward.bia.id, ago(3_595));
            }
            ward.says("entered-in-error", &sent[..2]);
            ward.says("entered-in-error", &sent[..2]);
            assert_eq!(ward.refused(), 0, "{step}: it is known, once and twice");
            // Another value than the one that waits stays where it is, and a reading that never was is not known.
            ward.says("entered-in-error", &[(500, 90.0)]);
            ward.says("entered-in-error", &[(400, 131.0)]);
            assert_eq!(ward.refused(), 2, "{step}");
            if step == "it waits" {
                assert_eq!(ward.waits(), 1, "{step}");
            }
            if step != "it is about to be given" {
                ward.settle();
                ward.bind(ward.bia.id, ago(3_595));
            }
            ward.settle();
            assert_eq!((ward.has(&ward.bia), ward.waits()), (sent[2..].into(), 0), "{step}");
            // The device sends its buffer again.
            ward.send(&sent);
            ward.settle();
            let (has, aside) = (ward.has(&ward.bia), ward.aside(&ward.bia));
            assert_eq!((has, aside), (sent[2..].into(), vec![]), "{step}");
        }
    }
}

#[test]
fn what_a_source_takes_back_after_the_device_left_waits_for_a_clinician() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            let sent = [(7_300, 150.0), (7_200, 72.0)];
            ward.send(&sent);
            if rolled {
                ward.roll();
            }
            ward.unbind(ago(3_590));
            for whose in ["nobody's", "another's"] {
                if whose == "another's" {
                    ward.bind(ward.bia.id, ago(3_580));
                }
                ward.settle();
                for _twice in 0..2 {
                    ward.says("entered-in-error", &sent[..1]);
                }
                assert_eq!((ward.refused(), ward.aside(&ward.ana)), (0, vec![150.0]), "{whose}");
            }
            ward.says("entered-in-error", &[(7_100, 72.0)]);
            assert_eq!(ward.refused(), 1, "it never was");
            ward.settle();
            assert_eq!(ward.has(&ward.ana), sent, "until somebody has looked");
            ward.release(&ward.ana);
            ward.settle();
            assert_eq!(
                (ward.has(&ward.ana), ward.old(&ward.ana)),
                (sent[1..].into(), vec![(7_300, 150.0, true)])
            );
            ward.says("entered-in-error", &sent[..1]);
            assert_eq!((ward.refused(), ward.aside(&ward.ana)), (1, vec![]), "it is known");
        }
    }
}

#[test]
fn what_a_source_puts_right_while_its_device_is_nobodys_is_given_as_it_put_it() {
    for step in ["it waits", "it is about to wait"] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&[(700, 140.0), (600, 72.0)]);
            ward.unbind(ago(3_595));
            if step == "it waits" {
                ward.settle();
            }
            ward.says("corrected", &[(700, 70.0)]);
            ward.says("corrected", &[(500, 70.0)]);
            assert_eq!(ward.refused(), 1, "{step}: one of them never was");
            ward.settle();
            ward.bind(ward.bia.id, ago(3_595));
            ward.settle();
            assert_eq!(ward.has(&ward.bia), [(700, 70.0), (600, 72.0)], "{step}");
            assert_eq!((ward.aside(&ward.bia), ward.waits()), (vec![], 0), "{step}");
            // The device sends its buffer again.
            ward.send(&[(700, 140.0), (700, 70.0)]);
            assert_eq!(ward.has(&ward.bia), [(700, 70.0), (600, 72.0)], "{step}");
        }
    }
}

#[test]
fn what_was_never_sent_is_taken_back_of_nothing_that_moves_and_is_kept_when_it_comes() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&[(700, 72.0), (600, 73.0)]);
            if rolled {
                ward.roll();
            }
            ward.unbind(ago(3_590));
            ward.bind(ward.bia.id, ago(3_590));
            ward.says("entered-in-error", &[(650, 150.0)]);
            ward.says("entered-in-error", &[(700, 99.0)]);
            assert_eq!(ward.refused(), 2, "nothing of it was committed");
            ward.says("entered-in-error", &[(600, 73.0)]);
            assert_eq!(ward.refused(), 2, "this one is on its way");
            ward.settle();
            ward.send(&[(650, 150.0), (600, 73.0)]);
            assert_eq!(
                (ward.has(&ward.bia), ward.aside(&ward.bia)),
                (vec![(700, 72.0), (650, 150.0)], vec![])
            );
            // What was taken back on its way is nobody's, and counts as nobody's.
            let given = ward.home.read(|view| moves::of_patient(view, ward.bia.key, 1)).unwrap();
            assert_eq!(given.iter().map(|one| (one.gives, one.moved)).collect::<Vec<_>>(), [(true, 1)]);
        }
    }
}

#[test]
fn what_a_source_put_right_is_listed_however_much_was_given_before_it() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_bia());
        ward.hand_over(ward.bia.id, 3_595);
        ward.hand_over(ward.ana.id, 3_594);
        ward.hand_over(ward.bia.id, 3_593);
        ward.says("corrected", &[(10, 72.0)]);
        let look = |tx: &mut Tx<'_>, permit: &Permit<AlertEvaluate>| {
            let page = readings::superseded(tx, permit, ward.bia.key, Signal::ALL, EVER, None, 10)?;
            assert_eq!(page.next, None, "what only changed hands is not gone over");
            Ok(page.values)
        };
        let old = ward.shown(&ward.bia, look);
        assert_eq!(old.iter().map(|old| old.stored.reading.value).collect::<Vec<_>>(), [131.0]);
        assert_eq!(ward.old(&ward.ana), []);
    }
}

#[test]
fn what_a_clinician_put_in_place_of_what_was_taken_back_moves_with_the_device() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&[(600, 170.0), (500, 72.0)]);
        ward.says("entered-in-error", &[(600, 170.0)]);
        ward.send(&[(600, 70.0)]);
        ward.release(&ward.ana);
        for (to, end) in [(1, 3_590), (0, 3_580), (1, 3_570)] {
            let to = [ward.ana.id, ward.bia.id][to];
            ward.hand_over(to, end);
            let whose = if to == ward.ana.id { &ward.ana } else { &ward.bia };
            assert_eq!(ward.has(whose), [(600, 70.0), (500, 72.0)]);
        }
    }
}

#[test]
fn superseded_values_and_the_flag_of_corrections_follow_whose_the_reading_is() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&[(600, 170.0), (500, 190.0), (400, 72.0)]);
            ward.says("corrected", &[(600, 71.0)]);
            ward.says("entered-in-error", &[(500, 190.0)]);
            ward.send(&[(4_000, 150.0)]);
            ward.says("corrected", &[(4_000, 73.0)]);
            if rolled {
                ward.roll();
            }
            let all = [(4_000, 150.0, false), (600, 170.0, false), (500, 190.0, true)];
            assert_eq!((ward.old(&ward.ana), ward.corrected(&ward.ana)), (all.into(), vec![4_000, 600]));

            ward.hand_over(ward.bia.id, 3_590);
            assert_eq!(ward.has(&ward.bia), [(600, 71.0), (400, 72.0)]);
            assert_eq!((ward.old(&ward.bia), ward.corrected(&ward.bia)), (vec![], vec![]));
            assert_eq!((ward.old(&ward.ana), ward.corrected(&ward.ana)), (all[..1].into(), vec![4_000]));

            // Sent again, the right ones are what they were, and the wrong one is another value, for a clinician to
            // judge.
            ward.send(&[(600, 71.0), (400, 72.0)]);
            ward.send(&[(600, 170.0)]);
            assert_eq!((ward.old(&ward.bia), ward.corrected(&ward.bia)), (vec![], vec![]));
            assert_eq!(
                (ward.has(&ward.bia), ward.aside(&ward.bia)),
                (vec![(600, 71.0), (400, 72.0)], vec![170.0])
            );
            ward.hand_over(ward.ana.id, 3_580);
            assert_eq!((ward.old(&ward.ana), ward.corrected(&ward.ana)), (all.into(), vec![4_000, 600]));
            assert_eq!((ward.old(&ward.bia), ward.has(&ward.bia)), (vec![], NOTHING.into()));
        }
    }
}

#[test]
fn a_reading_that_only_went_from_hand_to_hand_is_not_corrected() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let sent = [(600, 70.0), (500, 71.0), (400, 72.0)];
        ward.send(&sent);
        ward.unbind(ago(3_590));
        ward.settle();
        ward.bind(ward.ana.id, ago(3_590));
        ward.settle();
        ward.send(&sent);
        assert_eq!((ward.has(&ward.ana), ward.corrected(&ward.ana)), (sent.into(), vec![]));
        ward.hand_over(ward.bia.id, 3_580);
        ward.send(&sent);
        assert_eq!((ward.has(&ward.bia), ward.corrected(&ward.bia)), (sent.into(), vec![]));
        assert_eq!((ward.old(&ward.bia), ward.old(&ward.ana)), (vec![], vec![]));
        ward.hand_over(ward.ana.id, 3_570);
        assert_eq!((ward.has(&ward.ana), ward.corrected(&ward.ana)), (sent.into(), vec![]));
        assert_eq!(ward.old(&ward.ana), []);
    }
}
