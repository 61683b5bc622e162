//! From what was stored to what a replay tells, as the fewest changes that lose nothing: ids live on,
//! acknowledgements live on, and what late data disproves is retracted, never deleted.

use std::cmp::Reverse;
use std::time::Duration;

use domain::{AlertId, Instant, Level};

use super::episode::Episode;

/// How old a finding may be and still page.
pub const WATERMARK: Duration = Duration::from_secs(600);

/// An episode and the alert that it is stored under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEpisode {
    /// The alert's id.
    pub id: AlertId,
    /// What is known of it so far.
    pub episode: Episode,
}

/// One thing to change in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EpisodeChange {
    /// The stored episode now reads so. Its case hears [`domain::AlertCase::judged`].
    Updated {
        /// Which.
        id: AlertId,
        /// What it reads now.
        episode: Episode,
        /// The level it newly reached, when worse than any before: to be paged like a new one.
        rose_to: Option<Level>,
        /// Whether that rise is [too old to page](retrospective).
        retrospective: bool,
    },
    /// Another alert covers part of the same episode. `into` [absorbs](domain::AlertCase::absorbing) it and it is
    /// withdrawn as a duplicate.
    Merged {
        /// Which.
        id: AlertId,
        /// The oldest of them, which lives on.
        into: AlertId,
    },
    /// A new episode, to be stored under a new id.
    Opened {
        /// What to store.
        episode: Episode,
        /// The alert that late data split it from: its acknowledgements are copied.
        split_from: Option<AlertId>,
        /// Whether it is [too old to page](retrospective).
        retrospective: bool,
    },
    /// Late data disproved it: withdrawn as retracted, not deleted.
    Retracted {
        /// Which.
        id: AlertId,
    },
}

/// Whether an episode was found too late to page: by the readings up to `head`, its worst level was last in
/// force before the watermark. One that was raised long ago and is still in force pages, so this is to be asked
/// again while readings come in: a backlog may open it in the past and catch up with the present.
#[must_use]
pub fn retrospective(episode: &Episode, head: Instant, now: Instant) -> bool {
    let peak = episode.peak();
    let last = episode.levels.iter().rposition(|l| l.level == peak).map_or(0, |index| index + 1);
    let left = episode.levels.get(last).map(|next| next.at).or(episode.ended_at);
    left.unwrap_or_else(|| head.max(episode.peaked_at())) < now.minus(WATERMARK)
}

/// What to change so that the store tells `new`. `old` are the live (not retracted, not merged) episodes that
/// reach the replay's `from`; `head` is the newest judged reading. Apply in the order given, in one transaction:
/// what ends or goes comes before what opens.
#[must_use]
pub fn reconcile(old: &[StoredEpisode], new: &[Episode], head: Instant, now: Instant) -> Vec<EpisodeChange> {
    let heirs: Vec<Option<usize>> = old.iter().map(|stored| heir(&stored.episode, new)).collect();
    let (mut gone, mut updated, mut opened) = (Vec::new(), Vec::new(), Vec::new());
    for (stored, heir) in old.iter().zip(&heirs) {
        if heir.is_none() {
            gone.push(EpisodeChange::Retracted { id: stored.id });
        }
    }
    for (index, episode) in new.iter().enumerate() {
        let mut parents: Vec<_> =
            old.iter().zip(&heirs).filter(|(_, heir)| **heir == Some(index)).map(|(o, _)| o).collect();
        parents.sort_by_key(|parent| parent.id);
        let Some((survivor, merged)) = parents.split_first() else {
            let split_from = old.iter().find(|o| overlap(&o.episode, episode).is_some()).map(|o| o.id);
            let retrospective = retrospective(episode, head, now);
            opened.push(EpisodeChange::Opened { episode: episode.clone(), split_from, retrospective });
            continue;
        };
        gone.extend(merged.iter().map(|m| EpisodeChange::Merged { id: m.id, into: survivor.id }));
        if survivor.episode != *episode {
            let known = parents.iter().map(|parent| parent.episode.peak()).max();
            let rose_to = Some(episode.peak()).filter(|peak| Some(*peak) > known);
            let retrospective = rose_to.is_some() && retrospective(episode, head, now);
            let (id, episode) = (survivor.id, episode.clone());
            updated.push((
                episode.ended_at.is_none(),
                EpisodeChange::Updated { id, episode, rose_to, retrospective },
            ));
        }
    }
    updated.sort_by_key(|(open, _)| *open);
    gone.into_iter().chain(updated.into_iter().map(|(_, change)| change)).chain(opened).collect()
}

/// The new episode that a stored one lives on in: the one it shares most time with, the earlier of equals.
fn heir(stored: &Episode, new: &[Episode]) -> Option<usize> {
    new.iter()
        .enumerate()
        .filter_map(|(index, episode)| Some((overlap(stored, episode)?, Reverse(index))))
        .max()
        .map(|(_, Reverse(index))| index)
}

/// The microseconds that both last, 0 when they only touch.
fn overlap(a: &Episode, b: &Episode) -> Option<i64> {
    let end = |e: &Episode| e.ended_at.unwrap_or(Instant::MAX);
    let (from, to) = (a.started_at.max(b.started_at), end(a).min(end(b)));
    (from <= to).then(|| to.micros().saturating_sub(from.micros()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::LevelAt;

    const NOW: Instant = Instant::from_secs(10_000);

    fn episode(start: i64, end: Option<i64>, level: Level) -> Episode {
        let at = Instant::from_secs(start + 60);
        Episode {
            rule: "tachycardia".into(),
            version: 1,
            started_at: Instant::from_secs(start),
            levels: vec![LevelAt { at, level }],
            ended_at: end.map(Instant::from_secs),
            by_hand: false,
        }
    }

    fn stored(id: u128, episode: Episode) -> StoredEpisode {
        StoredEpisode { id: AlertId(Uuid::from_u128(id)), episode }
    }

    fn id(id: u128) -> AlertId {
        AlertId(Uuid::from_u128(id))
    }

    #[test]
    fn what_was_told_right_changes_nothing() {
        let replayed = [episode(0, Some(500), Level::Red), episode(900, None, Level::Yellow)];
        let old = [stored(2, replayed[0].clone()), stored(1, replayed[1].clone())];
        assert_eq!(reconcile(&old, &replayed, NOW, NOW), []);
    }

    #[test]
    fn merged_episodes_keep_the_oldest_id_even_when_it_began_later() {
        let old =
            [stored(7, episode(0, Some(500), Level::Red)), stored(3, episode(700, None, Level::Yellow))];
        let whole = episode(0, None, Level::Red);
        let changes = reconcile(&old, std::slice::from_ref(&whole), NOW, NOW);
        let updated =
            EpisodeChange::Updated { id: id(3), episode: whole, rose_to: None, retrospective: false };
        assert_eq!(changes, [EpisodeChange::Merged { id: id(7), into: id(3) }, updated]);
    }

    #[test]
    fn a_split_episode_lives_on_where_it_was_longest_and_lends_its_acknowledgements() {
        let old = [stored(1, episode(0, None, Level::Red))];
        let replayed = [episode(0, Some(300), Level::Red), episode(400, None, Level::Red)];
        let changes = reconcile(&old, &replayed, NOW, NOW);
        assert!(matches!(&changes[0], EpisodeChange::Updated { episode, .. } if *episode == replayed[1]));
        assert!(matches!(changes[1], EpisodeChange::Opened { split_from: Some(from), .. } if from == id(1)));
    }

    #[test]
    fn a_disproved_episode_is_retracted_before_another_opens() {
        let old = [stored(1, episode(0, Some(200), Level::Red)), stored(2, episode(500, None, Level::Red))];
        let replayed = [episode(201, Some(400), Level::Red)];
        let changes = reconcile(&old, &replayed, NOW, NOW);
        let retracted = |n| EpisodeChange::Retracted { id: id(n) };
        assert_eq!(changes[..2], [retracted(1), retracted(2)]);
        assert!(matches!(changes[2], EpisodeChange::Opened { split_from: None, retrospective: true, .. }));
    }

    #[test]
    fn a_rise_is_told_apart_from_a_mere_correction() {
        let rose = |was, is| match reconcile(
            &[stored(1, episode(9_000, None, was))],
            &[episode(9_001, None, is)],
            NOW,
            NOW,
        )
        .remove(0)
        {
            EpisodeChange::Updated { rose_to, .. } => rose_to,
            other => panic!("{other:?}"),
        };
        assert_eq!(rose(Level::Yellow, Level::Red), Some(Level::Red));
        assert_eq!(rose(Level::Red, Level::Red), None);
        assert_eq!(rose(Level::Red, Level::Yellow), None);
    }

    #[test]
    fn only_what_was_over_before_the_watermark_is_retrospective() {
        let edge = NOW.minus(WATERMARK).secs();
        let judged = |episode: &Episode, head: i64| retrospective(episode, Instant::from_secs(head), NOW);
        assert!(!judged(&episode(0, None, Level::Red), 10_000), "red for hours and red now");
        assert!(judged(&episode(0, None, Level::Red), edge - 1), "no reading since");
        assert!(judged(&episode(0, Some(edge - 1), Level::Red), 10_000));
        assert!(!judged(&episode(0, Some(edge), Level::Red), 10_000));
        let mut stepped_down = episode(0, None, Level::Red);
        stepped_down.levels.push(LevelAt { at: Instant::from_secs(edge - 1), level: Level::Yellow });
        assert!(judged(&stepped_down, 10_000), "its red is long over");
    }
}
