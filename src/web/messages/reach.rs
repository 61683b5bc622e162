//! Whether an address that somebody types may be called from here. It is asked when it is saved, for the sake of whoever
//! types it, and again at each call, where it counts: a name may lead elsewhere by then.

use std::net::SocketAddr;
use std::time::Duration;

use crate::state::State;
use domain::messages::webhook::{self, NotCallable};

/// How long a name is waited for. One that is not found now is looked up again at each call.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a program may be called there, as far as is known now.
///
/// # Errors
/// [`NotCallable`].
pub(crate) async fn may_be_called(state: &State, url: &str) -> Result<(), NotCallable> {
    let allowed = &state.webhook_networks;
    let host = webhook::check(url, allowed)?;
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host(host)).await {
        Ok(Ok(found)) => webhook::check_addresses(found.map(|address: SocketAddr| address.ip()), allowed),
        Ok(Err(_unknown)) => Ok(()),
        Err(_too_slow) => Ok(()),
    }
}
