//! Signed tokens: five minutes for people and services (RFC 9068), long or endless for devices. Ed25519 and
//! nothing else (RFC 8725): no other algorithm, no key out of a token's own header. `now` is a parameter.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, Instant, Role, SessionId, TokenId, UserId};

/// How long a person's token lives.
pub const USER_LIFE: Duration = Duration::from_secs(300);

const USER_AUDIENCE: &str = "zelo-api";
const DEVICE_AUDIENCE: &str = "zelo-device";
const USER_TYPE: &str = "at+jwt";
const DEVICE_TYPE: &str = "JWT";
/// Clocks of nodes may differ by this much; a token from further ahead is refused.
const SKEW: Duration = Duration::from_secs(60);
/// Our tokens are some 400 bytes; anything longer is not one of them.
const LONGEST: usize = 4_096;

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a token that this house signed, or not one for this door.
    #[error("the token is not valid here")]
    Invalid,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Stamped later than now.
    #[error("the token is from the future: check the clocks")]
    Early,
    /// The key cannot be used.
    #[error("the signing key is not an Ed25519 key in PKCS#8 form")]
    Key,
}

/// What a person's or a service's token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserClaims {
    aud: String,
    /// Who.
    pub sub: UserId,
    /// As what; the session row is asked again with every request.
    pub role: Role,
    /// The session it belongs to.
    pub sid: SessionId,
    /// Ends, in seconds since the epoch.
    pub exp: i64,
    /// Issued, in seconds since the epoch.
    pub iat: i64,
    /// Its own name.
    pub jti: TokenId,
}

/// What a device's token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceClaims {
    aud: String,
    /// Which device.
    pub sub: DeviceId,
    /// The token's row, by which it is revoked.
    pub jti: TokenId,
    /// Ends, in seconds since the epoch; absent: when revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Issued, in seconds since the epoch.
    pub iat: i64,
}

/// Signs and verifies with one Ed25519 key.
pub struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: String,
    kid: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

/// A fresh Ed25519 key as PKCS#8 (RFC 8410), for a file that only its owner reads.
///
/// # Errors
/// [`Refused::Key`] without randomness.
pub fn fresh_key() -> Result<Vec<u8>, Refused> {
    let document =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_unspecified| Refused::Key)?;
    Ok(document.as_ref().to_vec())
}

impl Signer {
    /// From a key in PKCS#8 form.
    ///
    /// # Errors
    /// [`Refused::Key`].
    pub fn new(pkcs8: &[u8]) -> Result<Self, Refused> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_rejected| Refused::Key)?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        // RFC 7638: the thumbprint of the key in its canonical form is its name.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        Ok(Self {
            encoding: EncodingKey::from_ed_der(pkcs8),
            decoding: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            public,
            kid,
        })
    }

    /// The key set as `/.well-known/jwks.json` shows it (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.public,
        }] })
    }

    /// A token of five minutes for one session.
    ///
    /// # Errors
    /// [`Refused::Key`].
    pub fn for_user(
        &self,
        user: UserId,
        role: Role,
        sid: SessionId,
        now: Instant,
    ) -> Result<String, Refused> {
        self.sign(
            USER_TYPE,
            &UserClaims {
                aud: USER_AUDIENCE.to_owned(),
                sub: user,
                role,
                sid,
                exp: now.plus(USER_LIFE).secs(),
                iat: now.secs(),
                jti: TokenId::new(now),
            },
        )
    }

    /// The token of a device; `jti` names its row.
    ///
    /// # Errors
    /// [`Refused::Key`].
    pub fn for_device(
        &self,
        device: DeviceId,
        jti: TokenId,
        expires: Option<Instant>,
        now: Instant,
    ) -> Result<String, Refused> {
        let exp = expires.map(Instant::secs);
        self.sign(
            DEVICE_TYPE,
            &DeviceClaims { aud: DEVICE_AUDIENCE.to_owned(), sub: device, jti, exp, iat: now.secs() },
        )
    }

    /// What a person's token says, if it holds now. Whether the session lives is for the store to say.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn user(&self, token: &str, now: Instant) -> Result<UserClaims, Refused> {
        let claims: UserClaims = self.open(token, USER_TYPE, USER_AUDIENCE)?;
        in_time(claims.iat, Some(claims.exp), now).map(|()| claims)
    }

    /// What a device's token says, if it holds now. Whether it is revoked is for the store to say.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn device(&self, token: &str, now: Instant) -> Result<DeviceClaims, Refused> {
        let claims: DeviceClaims = self.open(token, DEVICE_TYPE, DEVICE_AUDIENCE)?;
        in_time(claims.iat, claims.exp, now).map(|()| claims)
    }

    fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, Refused> {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        encode(&header, claims, &self.encoding).map_err(|_failed| Refused::Key)
    }

    fn open<T: DeserializeOwned>(&self, token: &str, typ: &str, audience: &str) -> Result<T, Refused> {
        if token.len() > LONGEST {
            return Err(Refused::Invalid);
        }
        let header = decode_header(token).map_err(|_shape| Refused::Invalid)?;
        let ours = header.alg == Algorithm::EdDSA
            && header.kid.as_deref() == Some(self.kid.as_str())
            && header.typ.as_deref() == Some(typ);
        let brings_its_own_key = header.jwk.is_some()
            || header.jku.is_some()
            || header.x5u.is_some()
            || header.x5c.is_some()
            || header.crit.is_some();
        if !ours || brings_its_own_key {
            return Err(Refused::Invalid);
        }
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_required_spec_claims(&["aud", "sub"]);
        rules.set_audience(&[audience]);
        rules.validate_exp = false;
        decode(token, &self.decoding, &rules).map(|data| data.claims).map_err(|_refused| Refused::Invalid)
    }
}

fn in_time(issued: i64, ends: Option<i64>, now: Instant) -> Result<(), Refused> {
    if ends.is_some_and(|ends| now >= Instant::from_secs(ends)) {
        return Err(Refused::Expired);
    }
    if Instant::from_secs(issued) > now.plus(SKEW) { Err(Refused::Early) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1_795_348_800);

    fn signer() -> Signer {
        Signer::new(&fresh_key().unwrap()).unwrap()
    }

    fn user_token(signer: &Signer) -> (UserId, SessionId, String) {
        let (user, sid) = (UserId::new(NOW), SessionId::new(NOW));
        let token = signer.for_user(user, Role::Clinician, sid, NOW).unwrap();
        (user, sid, token)
    }

    fn part(json: &serde_json::Value) -> String {
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    #[test]
    fn a_person_is_known_for_five_minutes_and_no_longer() {
        let signer = signer();
        let (user, sid, token) = user_token(&signer);
        let claims = signer.user(&token, NOW.plus(Duration::from_secs(299))).unwrap();
        assert_eq!((claims.sub, claims.sid, claims.role), (user, sid, Role::Clinician));
        assert_eq!(signer.user(&token, NOW.plus(USER_LIFE)), Err(Refused::Expired));
        assert_eq!(signer.user(&token, NOW.minus(Duration::from_secs(61))), Err(Refused::Early));
    }

    #[test]
    fn a_token_opens_only_its_own_door_and_only_under_the_key_that_signed_it() {
        let signer = signer();
        let (.., token) = user_token(&signer);
        let device = signer.for_device(DeviceId::new(NOW), TokenId::new(NOW), None, NOW).unwrap();
        let years = Duration::from_secs(10 * 31_536_000);
        assert!(signer.device(&device, NOW.plus(years)).is_ok());
        assert_eq!(signer.device(&token, NOW), Err(Refused::Invalid));
        assert_eq!(signer.user(&device, NOW), Err(Refused::Invalid));
        assert_eq!(self::signer().user(&token, NOW), Err(Refused::Invalid));
    }

    #[test]
    fn no_algorithm_another_algorithm_and_a_brought_key_are_refused() {
        let signer = signer();
        let (.., token) = user_token(&signer);
        let [_, body, signature] = *token.split('.').collect::<Vec<_>>() else { panic!("three parts") };
        let mac = |header: &serde_json::Value| {
            let text = format!("{}.{body}", part(header));
            let key = ring::hmac::Key::new(
                ring::hmac::HMAC_SHA256,
                &URL_SAFE_NO_PAD.decode(&signer.public).unwrap(),
            );
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes())))
        };
        let header = |alg: &str| serde_json::json!({ "alg": alg, "typ": "at+jwt", "kid": signer.kid });
        let mut brought = header("EdDSA");
        brought["jwk"] = signer.jwks()["keys"][0].clone();
        for forged in [
            format!("{}.{body}.", part(&header("none"))),
            format!("{}.{body}.{signature}", part(&header("none"))),
            mac(&header("HS256")),
            format!("{}.{body}.{signature}", part(&brought)),
            format!("{token}x"),
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert_eq!(signer.user(&forged, NOW), Err(Refused::Invalid), "{forged}");
        }
    }

    #[test]
    fn a_signed_header_that_brings_a_key_is_refused_even_when_the_signature_holds() {
        let signer = signer();
        let (.., token) = user_token(&signer);
        let claims = signer.user(&token, NOW).unwrap();
        let header = Header {
            typ: Some(USER_TYPE.to_owned()),
            kid: Some(signer.kid.clone()),
            jku: Some("https://evil.example/keys".to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        let brought = encode(&header, &claims, &signer.encoding).unwrap();
        assert_eq!(signer.user(&brought, NOW), Err(Refused::Invalid));
    }
}
