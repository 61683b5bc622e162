//! Signed outgoing webhooks, as the Standard Webhooks specification writes them: the receiver checks with one HMAC
//! that a call is ours, whole and recent, and by its id that it did not come before.

mod hook;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use domain::Instant;

pub use hook::Hook;

/// How far a receiver's clock may be from ours.
pub(crate) const TOLERANCE_SECS: u64 = 300;

/// A secret that both sides hold, `whsec_` and base64 on paper.
pub struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is wrong with a secret, or with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// Not `whsec_` and 24 to 64 bytes of base64.
    #[error("a webhook secret is whsec_ and 24 to 64 bytes in base64")]
    Secret,
    /// The timestamp is no number of seconds.
    #[error("webhook-timestamp is no number of seconds")]
    Timestamp,
    /// Older or newer than five minutes.
    #[error("webhook-timestamp is more than five minutes away")]
    Stale,
    /// No signature of the list is ours.
    #[error("webhook-signature does not fit")]
    Signature,
}

impl Secret {
    /// From its written form.
    ///
    /// # Errors
    /// [`Unsigned::Secret`].
    pub fn parse(text: &str) -> Result<Self, Unsigned> {
        let bytes = text.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len())).ok_or(Unsigned::Secret)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The three headers of a call: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, at: Instant, body: &[u8]) -> [(&'static str, String); 3] {
        let timestamp = at.secs().to_string();
        let tag = hmac::sign(&self.0, &signed(id, &timestamp, body));
        let signature = format!("v1,{}", STANDARD.encode(tag));
        [("webhook-id", id.into()), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    }

    /// Checks a call as a receiver does; `signature` may list several, as during a change of secrets.
    ///
    /// # Errors
    /// [`Unsigned`].
    pub fn verify(
        &self,
        id: &str,
        timestamp: &str,
        signature: &str,
        body: &[u8],
        now: Instant,
    ) -> Result<(), Unsigned> {
        let at: i64 = timestamp.parse().map_err(|_not_a_number| Unsigned::Timestamp)?;
        if now.secs().abs_diff(at) > TOLERANCE_SECS {
            return Err(Unsigned::Stale);
        }
        let text = signed(id, timestamp, body);
        let ours = |listed: &str| {
            let tag = listed.strip_prefix("v1,").and_then(|tag| STANDARD.decode(tag).ok());
            tag.is_some_and(|tag| hmac::verify(&self.0, &text, &tag).is_ok())
        };
        if signature.split(' ').any(ours) { Ok(()) } else { Err(Unsigned::Signature) }
    }
}

fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn it_signs_as_the_specification_does() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let at = Instant::from_secs(1_614_265_330);
        let [_, (_, timestamp), (_, signature)] = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        assert_eq!(timestamp, "1614265330");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_changed_body_id_time_or_secret_does_not_fit() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let other = Secret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let now = Instant::from_secs(1_800_000_000);
        let [(_, id), (_, at), (_, signature)] = secret.sign("m1", now, b"{}");
        let check =
            |secret: &Secret, id: &str, at: &str, body: &[u8]| secret.verify(id, at, &signature, body, now);
        assert_eq!(check(&secret, &id, &at, b"{}"), Ok(()));
        assert_eq!(secret.verify(&id, &at, &format!("v1,AAAA {signature}"), b"{}", now), Ok(()));
        assert_eq!(check(&secret, "m2", &at, b"{}"), Err(Unsigned::Signature));
        assert_eq!(check(&secret, &id, &at, b"{ }"), Err(Unsigned::Signature));
        assert_eq!(check(&secret, &id, "1800000001", b"{}"), Err(Unsigned::Signature));
        assert_eq!(check(&other, &id, &at, b"{}"), Err(Unsigned::Signature));
        assert_eq!(check(&secret, &id, "1799999699", b"{}"), Err(Unsigned::Stale));
        assert_eq!(check(&secret, &id, "soon", b"{}"), Err(Unsigned::Timestamp));
        assert!(matches!(Secret::parse("whsec_AAAA"), Err(Unsigned::Secret)));
    }
}
