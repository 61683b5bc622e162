//! What a node tells the others outside of transactions: its announcements, and a regular word that shows listeners
//! that their connection works. It has a connection of its own, so that listening never waits for an answer.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant as Moment};

use diesel::pg::PgConnection;

use super::{AT_MOST, CHUNK, Row, Word};
use crate::{Conn, Error, Inner, Opener, Result, Url};
use supervise::Watched;

/// How often the other nodes are told of what was announced here.
const ALOUD: Duration = Duration::from_millis(250);
/// How often a word is spoken for its own sake: whoever listens knows by it that nothing is missing.
const HEARTBEAT: Duration = Duration::from_millis(750);

/// Starts to speak, until the store is gone.
///
/// # Errors
/// The thread cannot start.
pub(super) fn start(inner: &Arc<Inner>) -> std::io::Result<()> {
    let (weak, url) = (Arc::downgrade(inner), inner.url.clone());
    let (mut conn, mut spoken) = (None, None);
    let speak = move |watched: &Watched| {
        while let Some(inner) = weak.upgrade() {
            watched.works();
            if let Err(error) = turn(&inner, &url, &mut conn, &mut spoken) {
                conn = None;
                tracing::debug!(%error, "this node does not reach the others; it tries again");
            }
            drop(inner);
            watched.rests();
            std::thread::park_timeout(ALOUD);
        }
    };
    inner.threads.start("speak", AT_MOST, speak).map(drop)
}

fn turn(
    inner: &Inner,
    url: &Url,
    conn: &mut Option<PgConnection>,
    spoken: &mut Option<Moment>,
) -> Result<()> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(connect(url)?),
    };
    let announced = std::mem::take(&mut *inner.announced.lock().unwrap_or_else(PoisonError::into_inner));
    let rows: Vec<Row> = announced.into_iter().map(|(name, subject)| (0, name.to_owned(), subject)).collect();
    for rows in rows.chunks(CHUNK) {
        aloud(inner, rows.to_vec()).notify(conn)?;
    }
    if spoken.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
        aloud(inner, Vec::new()).notify(conn)?;
        *spoken = Some(Moment::now());
    }
    Ok(())
}

fn aloud(inner: &Inner, rows: Vec<Row>) -> Word {
    Word { from: inner.name.clone(), told: rows, touched: Vec::new(), destroyed: false, aloud: true }
}

fn connect(url: &Url) -> Result<PgConnection> {
    let opener = Opener { url: url.clone(), read_only: false };
    match opener.open().map_err(|error| Error::Open(error.to_string()))? {
        Conn::Pg(conn) => Ok(conn),
        Conn::Sqlite(_) => Err(Error::Open("only PostgreSQL tells other nodes".into())),
    }
}
