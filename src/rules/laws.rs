//! The replay law and its kin, on random streams with gaps, oscillation on the line, duplicates, suspect
//! readings, two devices and cuts by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use domain::rules::Kind;
use domain::{AlertId, DeviceId, Flags, Instant, Level, Rule};

use super::*;

/// What ingest and engine do with a store, in memory.
struct Story {
    rule: Rule,
    journal: BTreeMap<(Instant, DeviceId), JudgedReading>,
    machine: Machine,
    live: Vec<StoredEpisode>,
    retired: Vec<AlertId>,
    cuts: Vec<Instant>,
    reevaluate: Option<(Instant, Instant)>,
    ids: u128,
}

impl Story {
    fn new(rule: &Rule) -> Self {
        let (machine, rule) = (Machine::new(rule), rule.clone());
        let (journal, live, retired, cuts) = (BTreeMap::new(), vec![], vec![], vec![]);
        Self { rule, journal, machine, live, retired, cuts, reevaluate: None, ids: 0 }
    }

    fn of_all(rule: &Rule, readings: &[JudgedReading]) -> Vec<Episode> {
        let mut story = Self::new(rule);
        readings.iter().for_each(|r| story.receive(r));
        story.episodes()
    }

    fn receive(&mut self, reading: &JudgedReading) {
        if self.journal.contains_key(&(reading.at, reading.device)) {
            return;
        }
        self.journal.insert((reading.at, reading.device), *reading);
        match self.machine.arrival(reading) {
            Arrival::Absent => {}
            Arrival::InOrder => {
                let change = self.machine.step(reading);
                self.hear(change);
            }
            Arrival::Late => {
                let (from, until) = self.reevaluate.unwrap_or((reading.at, reading.at));
                self.reevaluate = Some((from.min(reading.at), until.max(reading.at)));
            }
        }
    }

    fn hear(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        if let Some(episode) = Episode::opened(&self.rule, &change) {
            self.store(episode);
        } else {
            self.live.iter_mut().find(|s| s.episode.ended_at.is_none()).unwrap().episode.apply(&change);
        }
        self.holds_at_most_one_open();
    }

    fn store(&mut self, episode: Episode) {
        self.ids += 1;
        self.live.push(StoredEpisode { id: AlertId(Uuid::from_u128(self.ids)), episode });
    }

    fn cut(&mut self, at: Instant) {
        self.cuts.push(at);
        let change = self.machine.cut(at);
        self.hear(change);
    }

    /// Where the replay meets what is stored, the machine that stepped in place goes on; else it is replaced.
    fn settle(&mut self) {
        let Some((from, until)) = self.reevaluate.take() else { return };
        let lookback = self.rule.lookback();
        let start = from.minus(lookback);
        let before: Vec<_> = self.live.iter().map(|s| s.episode.clone()).collect();
        let cuts: Vec<_> = self.cuts.iter().copied().filter(|cut| *cut >= start).collect();
        let mut replay = Replay::new(&self.rule, &before, &cuts, from);
        let met = self.journal.values().filter(|r| r.at >= start).find_map(|reading| {
            replay.hear(reading);
            let far = reading.at >= until.plus(lookback);
            Some((reading.at, replay.met(&before, reading.at).filter(|_| far)?))
        });
        let (end, replayed, head) = if let Some((at, replayed)) = met {
            (at, replayed, self.machine.head().unwrap())
        } else {
            let Replayed { episodes, machine } = replay.end();
            self.machine = machine;
            (Instant::MAX, episodes, self.machine.head().unwrap())
        };
        let episodes: Vec<Episode> = replayed.into_iter().map(|replayed| replayed.episode).collect();
        let touched = |s: &StoredEpisode| s.episode.reaches(from) && s.episode.raised_at() <= end;
        let (old, settled): (Vec<_>, Vec<_>) = self.live.drain(..).partition(touched);
        let count = old.len();
        self.live = [settled, old.clone()].concat();
        for change in reconcile(&old, &episodes, head, head) {
            match change {
                EpisodeChange::Updated { id, episode, .. } => {
                    self.live.iter_mut().find(|s| s.id == id).unwrap().episode = episode;
                }
                EpisodeChange::Merged { id, into } => {
                    assert!(
                        into < id && self.live.iter().any(|s| s.id == into),
                        "into an older one that lives"
                    );
                    self.retire(id);
                }
                EpisodeChange::Retracted { id } => self.retire(id),
                EpisodeChange::Opened { episode, .. } => self.store(episode),
            }
            self.holds_at_most_one_open();
        }
        assert!(self.retired.len() + self.live.len() >= count, "nothing is lost");
    }

    fn retire(&mut self, id: AlertId) {
        self.live.retain(|s| s.id != id);
        self.retired.push(id);
    }

    fn holds_at_most_one_open(&self) {
        let open = self.live.iter().filter(|s| s.episode.ended_at.is_none()).count();
        assert!(open <= 1, "{open} open at once: the database would refuse");
    }

    fn episodes(mut self) -> Vec<Episode> {
        self.settle();
        self.live.sort_by_key(|s| s.episode.started_at);
        self.live.into_iter().map(|s| s.episode).collect()
    }
}

/// (value, readings, milliseconds between them).
type Stretch = (f64, usize, i64);

fn stretches(rule: &Rule) -> impl Strategy<Value = Vec<Stretch>> + use<> {
    let heart = rule.id == "tachycardia";
    let values: &[f64] = match rule.id.as_str() {
        "tachycardia" => &[70.0, 94.0, 95.0, 100.0, 101.0, 118.0, 120.0, 121.0, 140.0],
        "glucose_low" => &[40.0, 53.9, 54.0, 69.9, 70.0, 90.0],
        _ => &[120.0, 180.0, 181.0, 250.0, 251.0, 300.0],
    };
    let (count, steps): (_, &[i64]) = if heart {
        (1..90_usize, &[1_000, 1_000, 1_000, 1_003, 500, 2_000, 5_000, 30_000, 30_001, 61_000])
    } else {
        (1..9_usize, &[300_000, 300_000, 60_000, 301_500, 660_000, 660_001, 1_000_000])
    };
    proptest::collection::vec(
        (proptest::sample::select(values.to_vec()), count, proptest::sample::select(steps.to_vec())),
        1..14,
    )
}

/// Per reading: what befalls it (0 lost, 1 suspect, 2 LOW, 3 HIGH, 4 and 5 a second device, 6 and 7 far
/// out and suspect, the rest nothing).
fn readings(stretches: &[Stretch], fates: &[u8]) -> Vec<JudgedReading> {
    let device = |n| DeviceId(Uuid::from_u128(n));
    let (mut at, mut all, mut fates) = (0, Vec::new(), fates.iter().cycle());
    for (value, count, step) in stretches {
        for index in 0..*count {
            at += step;
            // every other stretch swings around its value, so that lines are crossed back and forth
            let swing = if count % 2 == 0 && index % 7 == 3 { 6.0 } else { 0.0 };
            let mut reading = JudgedReading {
                at: Instant::from_millis(at),
                value: value - swing,
                flags: Flags::default(),
                device: device(2),
            };
            match fates.next().unwrap() {
                0 => continue,
                1 => reading.flags = Flags::SUSPECT,
                6 => (reading.flags, reading.value) = (Flags::SUSPECT, 15.0),
                7 => (reading.flags, reading.value) = (Flags::UNIT_SUSPECT, 450.0),
                2 => reading.flags = Flags::LOW,
                3 => reading.flags = Flags::HIGH,
                4 => all.push(JudgedReading { device: device(1), value: value + 30.0, ..reading }),
                5 => all.push(JudgedReading { device: device(3), value: value + 30.0, ..reading }),
                _ => {}
            }
            all.push(reading);
        }
    }
    all.sort_by_key(|r| (r.at, r.device));
    all
}

/// Moves each reading back by its delay, in places; some come twice; some blocks come only after all others.
fn shuffled(clean: &[JudgedReading], delays: &[usize]) -> Vec<(JudgedReading, usize)> {
    let mut mixed: Vec<_> = (clean.iter().copied().zip(delays.iter().copied().cycle()).enumerate())
        .flat_map(|(place, (reading, delay))| {
            let block = delays[place / 40 % delays.len()];
            let place = if block.is_multiple_of(3) { place + 5_000 + block } else { place + delay };
            let again = delay.is_multiple_of(5).then_some((place + 3 * delay, reading, delay));
            std::iter::once((place, reading, delay)).chain(again)
        })
        .collect();
    mixed.sort_by_key(|(place, ..)| *place);
    mixed.into_iter().map(|(_, reading, delay)| (reading, delay)).collect()
}

fn stream() -> impl Strategy<Value = (Rule, Vec<JudgedReading>)> {
    (0..3_usize)
        .prop_flat_map(|index| {
            let rule = Rule::seeds().remove(index);
            let fates = proptest::collection::vec(0..60_u8, 1..200);
            (stretches(&rule), fates, Just(rule))
        })
        .prop_map(|(stretches, fates, rule)| (rule, readings(&stretches, &fates)))
        .prop_filter("something came", |(_, readings)| !readings.is_empty())
}

fn late() -> impl Strategy<Value = Vec<usize>> {
    let delay = prop_oneof![6 => Just(1_usize), 2 => 0..20_usize, 1 => 0..2_000_usize];
    proptest::collection::vec(delay, 1..300)
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_tells_the_clean_story((rule, clean) in stream(), delays in late()) {
        let mut story = Story::new(&rule);
        for (reading, delay) in shuffled(&clean, &delays) {
            story.receive(&reading);
            if delay.is_multiple_of(17) {
                story.settle();
            }
        }
        prop_assert_eq!(story.episodes(), Story::of_all(&rule, &clean));
    }

    #[test]
    fn any_order_around_a_cut_tells_the_clean_story(
        (rule, clean) in stream(), delays in late(), share in 1..100_usize,
    ) {
        let middle = clean.len() * share / 100;
        let cut = clean[middle].at;
        let mut shuffled_story = Story::new(&rule);
        for (reading, _) in shuffled(&clean[..=middle], &delays) {
            shuffled_story.receive(&reading);
        }
        shuffled_story.cut(cut);
        for (reading, _) in shuffled(&clean[middle + 1..], &delays) {
            shuffled_story.receive(&reading);
        }
        let mut clean_story = Story::new(&rule);
        clean.iter().filter(|r| r.at <= cut).for_each(|r| clean_story.receive(r));
        clean_story.settle();
        clean_story.cut(cut);
        clean.iter().filter(|r| r.at > cut).for_each(|r| clean_story.receive(r));
        prop_assert_eq!(shuffled_story.episodes(), clean_story.episodes());
    }

    #[test]
    fn resuming_anywhere_goes_on_as_the_straight_run((rule, clean) in stream(), share in 0..100_usize) {
        let straight = Story::of_all(&rule, &clean);
        let from = clean[clean.len() * share / 100].at;
        let warm = clean.iter().copied().filter(|r| r.at >= from.minus(rule.lookback()));
        let replayed = replay(&rule, &straight, &[], warm, from);
        let expected: Vec<_> = straight.into_iter().filter(|e| e.reaches(from)).collect();
        let episodes: Vec<_> = replayed.episodes.into_iter().map(|replayed| replayed.episode).collect();
        prop_assert_eq!(episodes, expected);
    }

    #[test]
    fn duplicates_change_nothing((rule, clean) in stream()) {
        let twice: Vec<_> = clean.iter().flat_map(|r| [*r, *r]).collect();
        prop_assert_eq!(Story::of_all(&rule, &twice), Story::of_all(&rule, &clean));
        let (mut once, mut doubled) = (Machine::new(&rule), Machine::new(&rule));
        for reading in &clean {
            let change = once.step(reading);
            prop_assert_eq!(doubled.step(reading), change);
            prop_assert_eq!(doubled.step(reading), None);
        }
        prop_assert_eq!(once, doubled);
    }

    #[test]
    fn one_suspect_reading_between_safe_ones_raises_yellow_and_never_red(
        (rule, clean) in stream(), extreme in prop_oneof![Just(15.0), Just(450.0)], n in 2..9_usize,
    ) {
        let safe = if rule.id == "tachycardia" { 70.0 } else { 100.0 };
        let mut clean = clean;
        clean.dedup_by_key(|r| r.at);
        let stream: Vec<_> = clean.iter().enumerate().map(|(index, r)| {
            let alone = index % n == 0;
            let (flags, value) = if alone { (Flags::SUSPECT, extreme) } else { (Flags::default(), safe) };
            JudgedReading { flags, value, ..*r }
        }).collect();
        let episodes = Story::of_all(&rule, &stream);
        prop_assert!(episodes.iter().all(|e| e.peak() == Level::Yellow && e.is_suspicion(&rule)), "{episodes:?}");
        let Kind::Threshold(t) = &rule.kind;
        prop_assert_eq!(episodes.is_empty(), !t.yellow.op.holds(extreme, t.yellow.value));
    }

    #[test]
    fn what_is_red_stays_red_however_suspect(
        (rule, clean) in stream(), fates in proptest::collection::vec(0..4_u8, 1..60), bit in 0..2_u8,
    ) {
        let suspect = [Flags::SUSPECT, Flags::UNIT_SUSPECT][usize::from(bit)];
        let plain = |r: &JudgedReading| JudgedReading { flags: Flags::default(), ..*r };
        let clean: Vec<_> = clean.iter().map(plain).collect();
        let flagged: Vec<_> = clean.iter().zip(fates.iter().cycle()).map(|(r, fate)| JudgedReading {
            flags: if *fate < 3 { suspect } else { r.flags }, ..*r
        }).collect();
        let (mut believed, mut doubted) = (Machine::new(&rule), Machine::new(&rule));
        for (plain, flagged) in clean.iter().zip(&flagged) {
            let change = believed.step(plain);
            doubted.step(flagged);
            let red = match change {
                Some(Change::Opened { level, .. } | Change::LevelChanged { level, .. }) => level == Level::Red,
                _ => false,
            };
            prop_assert!(!red || doubted.level() == Level::Red, "at {}", plain.at);
        }
    }

    #[test]
    fn a_value_oscillating_on_the_line_gives_one_episode(
        swings in proptest::collection::vec((1..59_i64, 1..200_i64), 1..40), low in 0..2_u8, high in 0..3_u8,
    ) {
        let rule = &Rule::seeds()[0];
        let (low, high) = ([94.9, 95.0][usize::from(low)], [100.1, 120.1, 140.0][usize::from(high)]);
        let mut values = vec![high; 61];
        for (below, above) in swings {
            values.extend(std::iter::repeat_n(low, usize::try_from(below).unwrap()));
            values.extend(std::iter::repeat_n(high, usize::try_from(above).unwrap()));
        }
        let stream: Vec<_> = (0..).zip(&values).map(|(s, v)| JudgedReading {
            at: Instant::from_secs(s), value: *v, flags: Flags::default(), device: DeviceId(Uuid::from_u128(1)),
        }).collect();
        let episodes = Story::of_all(rule, &stream);
        prop_assert_eq!(episodes.len(), 1);
        prop_assert_eq!((episodes[0].started_at, episodes[0].ended_at), (Instant::from_secs(0), None));
    }

    #[test]
    fn levels_alternate_and_every_change_lies_inside_its_episode((rule, clean) in stream()) {
        let episodes = Story::of_all(&rule, &clean);
        for episode in &episodes {
            prop_assert!(episode.started_at <= episode.raised_at());
            prop_assert!(episode.levels.windows(2).all(|w| w[0].at < w[1].at && w[0].level != w[1].level));
            prop_assert!(episode.levels.iter().all(|l| l.level > Level::Green));
            prop_assert!(episode.ended_at.is_none_or(|end| end > episode.levels.last().unwrap().at));
        }
        prop_assert!(episodes.windows(2).all(|w| w[0].ended_at.unwrap() < w[1].started_at));
    }
}
