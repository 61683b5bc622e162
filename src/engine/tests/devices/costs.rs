//! What a change of hands costs others, and what is reported of how much it moves.

use super::*;
use store::db::plans;

#[test]
fn a_stretch_is_a_few_statements_however_many_readings_it_moves() {
    plans::prepare();
    // On SQLite rows go in one after the other: there a statement is no journey.
    for mut ward in Ward::each(Some(ago(60 * DAY))).into_iter().skip(1) {
        ward.send(&of_bia());
        ward.settle();
        ward.unbind(ago(3_595));
        ward.bind(ward.bia.id, ago(3_595));
        let moves = ward.moves();
        for what in ["takes", "takes and gives"] {
            let ran = plans::count(&ward.home, || {
                moves.round(NOW).unwrap();
            });
            assert!((1..128).contains(&ran), "a stretch of 128 readings that {what}: {ran} statements");
        }
        let moved = ward.home.read(|view| moves::of_patient(view, ward.bia.key, 1)).unwrap();
        assert!(moved[0].moved > 100, "{moved:?}");
    }
}

#[test]
fn what_several_changes_take_is_counted_once() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_bia());
        ward.settle();
        // Nothing moves in between, as on a node that stands still.
        ward.unbind(ago(3_595));
        ward.bind(ward.ana.id, ago(1_005));
        ward.unbind(ago(505));
        let coming = ward.home.read(|view| moves::coming(view, ward.device_key, ago(505))).unwrap();
        assert_eq!(coming, Counted { readings: 51, more: false });
        ward.bind(ward.bia.id, ago(505));
        ward.settle();
        assert_eq!(ward.has(&ward.bia).len(), coming.readings);
    }
}
