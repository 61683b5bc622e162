//! The facts of messages: a provider took one, or it did not arrive. What stands on the dashboard at once has no provider.

use super::Stored;
use crate::db::tx::Tx;
use crate::kpis::facts::append;
use domain::kpis::{Amount, Dimension, Fact, Kind};
use domain::messages::State;

/// A message moved to where it stands now; `first` says that no provider had taken it before.
pub(super) fn moved(tx: &mut Tx<'_>, stored: &Stored, first: bool, code: &str) {
    let kind = match stored.way.state {
        State::Accepted => Kind::MessageAccepted,
        State::Failed => Kind::MessageFailed,
        _ => return,
    };
    let now = tx.now();
    let fact = Fact::new(kind, stored.id, i64::from(stored.way.attempt), now)
        .of(stored.ground.map(|ground| ground.patient()))
        .with(Dimension::Channel, stored.channel.name())
        .with(Dimension::Template, &stored.template)
        .with(Dimension::Outcome, code);
    // A replay is asked for long after it was planned.
    let timed = kind == Kind::MessageAccepted && first;
    append(tx, if timed { fact.amounting(Amount::took(now.since(stored.created_at))) } else { fact });
}
