//! What the file keeps, and that it is believed only whole.

use super::*;
use audit::note::Checkpoint;
use domain::{Clock, DeviceIdentity, Role};
use lab::demo::prepare;
use store::db::snapshot;
use store::people::users;
use store::testing::{bare, put_back, stores};
use store::{Actor, devices};

const NOW: Instant = Instant::from_secs(1_795_348_800);

fn disable(store: &Store, nth: usize) {
    let all = store.read(|view| users::page(view, &store::Ask { limit: 100, ..Default::default() }));
    // The last administrator may not go.
    let may_go = |user: &users::User| !matches!(user.role, Role::Patient | Role::Admin);
    let mut staff = all.unwrap().items.into_iter().filter(may_go);
    let id = staff.nth(nth).unwrap().id;
    store.write(Actor::Operator, NOW, |tx| users::disable(tx, id)).unwrap();
}

#[test]
fn the_log_is_caught_up_once_also_after_a_line_that_was_cut_short_and_ends_with_the_checkpoint() {
    let demo = prepare(None, &Clock::driven(NOW)).unwrap();
    let (store, dir) = (&demo.store, demo.home.dir());
    let path = dir.join(FILE);
    let _seeded = catch_up(store, dir).unwrap();
    let before = read(&path, &dir.join("keys")).unwrap().withdrawn.len();
    disable(store, 0);
    assert_eq!(catch_up(store, dir).unwrap(), 1);
    assert_eq!(catch_up(store, dir).unwrap(), 0);
    let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
    log::Sequencer::begin(store, signer).unwrap().sequence(store, NOW, 1_000).unwrap();
    assert_eq!(catch_up(store, dir).unwrap(), 0);
    let whole = read(&path, &dir.join("keys")).unwrap();
    assert_eq!(whole.withdrawn.len(), before + 1);
    assert_eq!(whole.head, store.read(log::newest_note).unwrap());
    assert!(whole.head.is_some());
    let bytes = std::fs::read(&path).unwrap();
    for cut in [9, 400] {
        std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        catch_up(store, dir).unwrap();
        assert_eq!(read(&path, &dir.join("keys")).unwrap(), whole, "{cut}");
    }
    disable(store, 1);
    assert_eq!(catch_up(store, dir).unwrap(), 1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"checkpoint\"").count(), 1, "the last one only");
    assert!(text.lines().last().unwrap().contains("checkpoint"));
}

#[test]
fn a_database_that_was_put_back_by_hand_is_healed_at_the_next_start() {
    let demo = prepare(None, &Clock::driven(NOW)).unwrap();
    let (store, dir) = (&demo.store, demo.home.dir());
    let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
    log::Sequencer::begin(store, signer).unwrap().sequence(store, NOW, 1_000).unwrap();
    catch_up(store, dir).unwrap();
    assert!(heal(store, dir, NOW).unwrap().is_none());
    let ahead = ends_with_a_longer_log(store, dir);
    let healed = heal(store, dir, NOW).unwrap().unwrap();
    assert_eq!(healed.lost, Some(ahead));
    assert!(store.read(withdrawals::unacknowledged).unwrap().is_some());
    assert!(heal(store, dir, NOW).unwrap().is_none(), "once");
}

/// As if the database were older than the file; the checkpoint at its end now.
fn ends_with_a_longer_log(store: &Store, dir: &Path) -> String {
    let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
    let head = read(&dir.join(FILE), &dir.join("keys")).unwrap().head.unwrap();
    let mut longer = Checkpoint::open(&head, signer.vkey()).unwrap();
    longer.size += 7;
    let (ahead, seals) = (longer.sign(&signer), seals(dir).unwrap());
    let tail = Tail::read(&dir.join(FILE), &seals).unwrap();
    tail.write(&dir.join(FILE), Vec::new(), Some(ahead.clone()), &seals).unwrap();
    ahead
}

/// A house whose file has lines and a checkpoint.
fn house() -> lab::demo::Prepared {
    let demo = prepare(None, &Clock::driven(NOW)).unwrap();
    let (store, dir) = (&demo.store, demo.home.dir());
    (0..3).for_each(|nth| disable(store, nth));
    let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
    log::Sequencer::begin(store, signer).unwrap().sequence(store, NOW, 1_000).unwrap();
    catch_up(store, dir).unwrap();
    demo
}

#[test]
fn a_file_is_believed_whole_or_refused_by_the_line_that_does_not_hold() {
    let demo = house();
    let (dir, keys) = (demo.home.dir(), demo.home.keys());
    let path = dir.join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (count, end) = (lines.len(), lines[lines.len() - 1]);
    assert!(count >= 4, "{text}");
    let of = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    let without = |nth: usize| {
        let mut left = lines.clone();
        left.remove(nth);
        of(&left)
    };
    let mut turned = lines.clone();
    turned.swap(0, 1);
    let plain = |line: &&str| format!("{}}}", line.rsplit_once(",\"seal\"").unwrap().0);
    let unsealed: Vec<String> = lines.iter().map(plain).collect();
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = Seals::open(elsewhere.path()).unwrap();
    let theirs = elsewhere.path().join(FILE);
    let signed = read(&path, &keys).unwrap();
    Tail::none(&foreign).write(&theirs, signed.withdrawn.clone(), signed.head.clone(), &foreign).unwrap();
    let ours = seals(dir).unwrap();
    let note = signed.head.clone().unwrap();
    let forged = elsewhere.path().join("forged");
    Tail::none(&ours)
        .write(&forged, signed.withdrawn.clone(), Some(note.replacen('\n', "\n1", 1)), &ours)
        .unwrap();
    for (name, bytes, line) in [
        ("nothing", Vec::new(), 1),
        ("noise", (0..=255).cycle().skip(40).take(600).collect(), 1),
        ("only the checkpoint", of(&[end]), 1),
        ("without the checkpoint", without(count - 1), count),
        ("without its last withdrawal", without(count - 2), count - 1),
        ("a line cut out", without(1), 2),
        ("the first line cut out", without(0), 1),
        ("two lines in another order", of(&turned), 1),
        ("another word", text.replacen("\"disabled\":true", "\"disabled\":false", 1).into_bytes(), 1),
        ("a line twice", of(&[&lines[..1], lines.as_slice()].concat()), 2),
        ("more behind the end", of(&[lines.as_slice(), &lines[..1]].concat()), count + 1),
        ("cut short", text.as_bytes()[..text.len() - 30].to_vec(), count),
        ("no seals", of(&unsealed.iter().map(String::as_str).collect::<Vec<_>>()), 1),
        ("another house's", std::fs::read(&theirs).unwrap(), 1),
        ("a checkpoint of another", std::fs::read(&forged).unwrap(), count),
    ] {
        let copy = elsewhere.path().join("copy");
        std::fs::write(&copy, bytes).unwrap();
        let error = read(&copy, &keys).unwrap_err();
        assert_eq!(error.exit_code(), 4, "{name}");
        let error = error.to_string();
        assert!(error.contains(&format!("copy line {line} ")) || name == "another word", "{name}: {error}");
        assert!(error.contains("--no-revocations"), "{name}: {error}");
    }
    let copy = elsewhere.path().join("copy");
    std::fs::write(&copy, of(&unsealed.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
    assert_eq!(read_unproven(&copy, &keys).unwrap(), signed, "somebody vouches for it");
}

#[test]
fn a_file_that_is_not_whole_is_written_again_from_the_database_and_replayed_by_nobody() {
    let demo = house();
    let (store, dir) = (&demo.store, demo.home.dir());
    let path = dir.join(FILE);
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, whole.replacen("\"disabled\":true", "\"disabled\":false", 1)).unwrap();
    assert!(heal(store, dir, NOW).unwrap().is_none());
    catch_up(store, dir).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    assert!(dir.join("revocations-set-aside-1.log").exists());
    ends_with_a_longer_log(store, dir);
    let longer = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, longer.replacen("\"disabled\":true", "\"disabled\":false", 1)).unwrap();
    assert_eq!(heal(store, dir, NOW).unwrap_err().exit_code(), 4);
}

/// A node's store and data directory: the first has the keys, others a copy of them.
fn another(first: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("keys")).unwrap();
    for file in std::fs::read_dir(first.join("keys")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), dir.path().join("keys").join(file.file_name())).unwrap();
    }
    dir
}

fn devices_of(store: &Store, n: usize) -> Vec<domain::DeviceId> {
    let identity = DeviceIdentity { label: "P".into(), model: "A".into(), serial: None };
    let one = |_| store.write(Actor::Operator, NOW, |tx| devices::insert(tx, &identity)).unwrap().id;
    (0..n).map(one).collect()
}

fn put_out_of_use(store: &Store, id: domain::DeviceId) {
    store.write(Actor::Operator, NOW, |tx| devices::disable(tx, id)).unwrap();
}

fn is_out_of_use(store: &Store, id: domain::DeviceId) -> bool {
    store.read(|view| devices::get(view, id)).unwrap().disabled_at.is_some()
}

fn lines(dir: &Path) -> Vec<Withdrawn> {
    read(&dir.join(FILE), &dir.join("keys")).unwrap().withdrawn
}

fn rows(store: &Store) -> Vec<Withdrawn> {
    store.read(|view| withdrawals::after(view, 0, 1_000)).unwrap()
}

fn seal(store: &Store, dir: &Path) {
    let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
    log::Sequencer::begin(store, signer).unwrap().sequence(store, NOW, 1_000).unwrap();
}

#[test]
fn the_file_of_either_node_suffices_for_a_restore_whichever_took_the_power_away() {
    for (home, empties) in stores().into_iter().zip(bare().into_iter().zip(bare())) {
        seal(&home, home.dir());
        let (a, b) = (home.dir().to_owned(), another(home.dir()));
        let b = b.path();
        // On SQLite there is one process: its second data directory stands for another node's all the same.
        let elsewhere = if home.url().file().is_some() { (*home).clone() } else { home.reopened().unwrap() };
        let all = devices_of(&home, 9);
        let out = tempfile::tempdir().unwrap();
        snapshot::take(home.url(), out.path(), NOW).unwrap();
        for (n, id) in all.iter().enumerate().take(6) {
            put_out_of_use(if n % 2 == 0 { &home } else { &elsewhere }, *id);
            catch_up(&home, &a).unwrap();
            catch_up(&elsewhere, b).unwrap();
        }
        // The second is stopped while the first goes on.
        all.iter().skip(6).for_each(|id| put_out_of_use(&home, *id));
        seal(&home, &a);
        catch_up(&home, &a).unwrap();
        assert_eq!((lines(&a).len(), lines(b).len()), (9, 6));
        assert!(heal(&elsewhere, b, NOW).unwrap().is_none());
        assert_eq!(complete(&elsewhere, b, NOW).unwrap(), 3, "it catches up when it starts");
        assert_eq!(
            read(&a.join(FILE), &a.join("keys")).unwrap(),
            read(&b.join(FILE), &b.join("keys")).unwrap()
        );
        for (dir, empty) in [(&*a, empties.0), (b, empties.1)] {
            let known = read(&dir.join(FILE), &dir.join("keys")).unwrap();
            let restored = put_back(&home, &a.join("keys"), out.path(), &empty);
            assert!(all.iter().all(|id| !is_out_of_use(&restored, *id)), "as it was");
            let report = Restored { lost: known.head, revocations: Believed::Proven, ..Restored::default() };
            let report = replay::replay(&restored, &known.withdrawn, report, NOW).unwrap();
            assert_eq!((report.replayed, report.beyond), (9, 0));
            assert!(all.iter().all(|id| is_out_of_use(&restored, *id)));
        }
    }
}

/// What each node does when it starts on a database that was restored by another's file.
#[test]
fn a_file_of_before_a_restore_is_made_whole_and_replayed_only_where_it_knows_more() {
    for (home, empty) in stores().into_iter().zip(bare()) {
        seal(&home, home.dir());
        let (a, b, c) = (home.dir().to_owned(), another(home.dir()), another(home.dir()));
        let all = devices_of(&home, 4);
        let out = tempfile::tempdir().unwrap();
        snapshot::take(home.url(), out.path(), NOW).unwrap();
        all.iter().take(3).for_each(|id| put_out_of_use(&home, *id));
        seal(&home, &a);
        for dir in [&*a, b.path()] {
            catch_up(&home, dir).unwrap();
        }
        // The third goes on alone.
        put_out_of_use(&home, all[3]);
        seal(&home, &a);
        catch_up(&home, c.path()).unwrap();

        let known = read(&a.join(FILE), &a.join("keys")).unwrap();
        let restored = put_back(&home, &a.join("keys"), out.path(), &empty);
        let report = Restored { lost: known.head, revocations: Believed::Proven, ..Restored::default() };
        replay::replay(&restored, &known.withdrawn, report, NOW).unwrap();
        restored.write(Actor::Operator, NOW, |tx| devices::enable(tx, all[0])).unwrap();

        assert!(heal(&restored, b.path(), NOW).unwrap().is_none(), "its lines were replayed");
        complete(&restored, b.path(), NOW).unwrap();
        assert_eq!(lines(b.path()), rows(&restored));
        assert!(!is_out_of_use(&restored, all[0]), "the last word stands");
        assert!(!is_out_of_use(&restored, all[3]));

        let healed = heal(&restored, c.path(), NOW).unwrap().expect("it knows more than the first did");
        complete(&restored, c.path(), NOW).unwrap();
        assert!(healed.replayed >= 1 && is_out_of_use(&restored, all[3]), "{healed:?}");
        assert_eq!(lines(c.path()), rows(&restored));
        complete(&restored, b.path(), NOW).unwrap();
        assert_eq!(lines(b.path()), rows(&restored), "and the second hears of it");
    }
}

#[test]
fn a_file_that_lacks_a_row_far_back_is_written_again() {
    let home = stores().remove(0);
    seal(&home, home.dir());
    let all = devices_of(&home, 3);
    all.iter().for_each(|id| put_out_of_use(&home, *id));
    let seals = seals(home.dir()).unwrap();
    let tail = Tail::read(&home.dir().join(FILE), &seals).unwrap();
    let mut known = rows(&home);
    known.remove(1);
    // As if the row had become visible after more than the window of others.
    known.last_mut().unwrap().seq += 2 * WINDOW;
    tail.write(&home.dir().join(FILE), known, None, &seals).unwrap();
    catch_up(&home, home.dir()).unwrap();
    assert_eq!(lines(home.dir()).len(), 2, "from the end alone it cannot be known");
    complete(&home, home.dir(), NOW).unwrap();
    assert_eq!(lines(home.dir()), rows(&home));
}
