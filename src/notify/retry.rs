//! When to try again: twice as long each time, with jitter, so that what failed together does not return together.

use std::time::Duration;

use ring::digest::{SHA256, digest};

use domain::messages::Class;

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Attempts of anything that is not a page.
const ATTEMPTS: u32 = 8;

/// How long to wait after a failed attempt (counted from 1) of the message with this key; `None`: no more. A page
/// never gives up by number: its `not_after` and its escalation end it. The same key and attempt wait the same time.
#[must_use]
pub fn wait(class: Class, key: &str, attempt: u32) -> Option<Duration> {
    if attempt >= ATTEMPTS && class != Class::Clinical {
        return None;
    }
    let longest = if class == Class::Clinical { LONGEST / 15 } else { LONGEST };
    let full = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(longest);
    // Between half of it and all of it.
    let spread = digest(&SHA256, format!("{key}#{attempt}").as_bytes());
    let byte = spread.as_ref().first().copied().unwrap_or(0);
    Some(full / 2 + full / 2 * u32::from(byte) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_end_for_all_but_pages() {
        let within = |class, attempt, from, to| {
            let wait = wait(class, "esc:1:2", attempt).unwrap();
            assert!(
                (Duration::from_millis(from)..=Duration::from_secs(to)).contains(&wait),
                "{attempt}: {wait:?}"
            );
        };
        within(Class::Care, 1, 2_500, 5);
        within(Class::Care, 2, 5_000, 10);
        within(Class::Care, 7, 160_000, 320);
        within(Class::Clinical, 40, 30_000, 60);
        assert_eq!(wait(Class::Care, "esc:1:2", ATTEMPTS), None);
    }

    #[test]
    fn what_failed_together_does_not_return_together() {
        let waits: std::collections::BTreeSet<Duration> =
            (0..100).filter_map(|n| wait(Class::Clinical, &format!("esc:{n}"), 3)).collect();
        assert!(waits.len() > 50, "{}", waits.len());
    }
}
