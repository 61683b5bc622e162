//! Pure judgement: readings in, episodes and findings out. No clock, no store, no randomness: the same
//! readings tell the same story in whatever order they come.

mod episode;
mod finding;
mod machine;
mod reconcile;
mod replay;
mod speaker;
mod tongue;
mod watch;
mod window;

#[cfg(test)]
mod complaints;
#[cfg(test)]
mod laws;

pub use episode::{Change, Episode, LevelAt};
pub use finding::{Finding, Spoken};
pub use machine::{Arrival, JudgedReading, Machine};
pub use reconcile::{EpisodeChange, StoredEpisode, WATERMARK, reconcile, retrospective};
pub use replay::{Replay, Replayed, ReplayedEpisode, replay};
pub use speaker::Speaker;
pub use watch::{Arrived, Late, Seen, SeriesKey, Watchlist};
