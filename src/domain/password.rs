//! Passwords: long enough, not those that are guessed, kept only as an Argon2id string (RFC 9106; OWASP ASVS 2.4; NIST SP
//! 800-63B-4).

mod guess;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use ring::rand::{SecureRandom, SystemRandom};

/// Fewest characters of a password.
pub const SHORTEST: usize = 12;
/// Most bytes of a password: enough for any phrase, too few to keep the hash busy.
pub const LONGEST: usize = 256;

/// What a hash may cost: memory in KiB, passes, lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// 19 MiB, two passes, one lane: the OWASP minimum for Argon2id.
    pub const STANDARD: Self = Self { memory: 19 * 1_024, passes: 2, lanes: 1 };
}

/// A password that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too short.
    #[error("the password is too short: use at least {SHORTEST} characters, a sentence is best")]
    Short,
    /// Too long.
    #[error("the password is too long: use at most {LONGEST} bytes")]
    Long,
    /// In leaked lists, or made of what others know.
    #[error(
        "the password is one that others guess (a common word, a row of keys, a date, a name, the clinic): a sentence of \
         your own is best"
    )]
    Common,
    /// No randomness, or a cost that Argon2 refuses.
    #[error("the password cannot be hashed on this machine")]
    Machine,
}

/// Whether a password may be used by somebody of whom `known` is known: their name, their address, the organisation.
///
/// # Errors
/// [`Refused`], with what to do.
pub fn check(password: &str, known: &[&str]) -> Result<(), Refused> {
    if password.chars().count() < SHORTEST {
        return Err(Refused::Short);
    }
    if password.len() > LONGEST {
        return Err(Refused::Long);
    }
    if guess::is_guessable(password, known) { Err(Refused::Common) } else { Ok(()) }
}

/// The Argon2id string (PHC form) of a password that passes [`check`], under a fresh salt.
///
/// # Errors
/// [`Refused`].
pub fn hash(password: &str, known: &[&str], cost: Cost) -> Result<String, Refused> {
    check(password, known)?;
    let mut salt = [0_u8; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_unspecified| Refused::Machine)?;
    let params =
        Params::new(cost.memory, cost.passes, cost.lanes, None).map_err(|_bounds| Refused::Machine)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let phc: PasswordHash =
        argon.hash_password_with_salt(password.as_bytes(), &salt).map_err(|_failed| Refused::Machine)?;
    Ok(phc.to_string())
}

/// Whether `password` is the one behind `phc`. Costs what the hash cost.
#[must_use]
pub fn verify(password: &str, phc: &str) -> bool {
    password.len() <= LONGEST && Argon2::default().verify_password(password.as_bytes(), phc).is_ok()
}

/// Spends what [`verify`] spends, for a sign-in whose account does not exist: both take as long.
pub fn pretend(cost: Cost) {
    let _time_spent = hash("spend the same time here", &[], cost);
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 32, passes: 1, lanes: 1 };

    #[test]
    fn only_the_same_password_verifies_and_two_hashes_differ() {
        let phc = hash("cavalo correto bateria", &[], CHEAP).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=32,t=1,p=1$"), "{phc}");
        assert!(verify("cavalo correto bateria", &phc));
        assert!(!verify("cavalo correto bateriA", &phc));
        assert_ne!(hash("cavalo correto bateria", &[], CHEAP).unwrap(), phc);
        assert!(!verify("cavalo correto bateria", "not a hash"));
    }

    #[test]
    fn what_is_short_long_or_guessed_is_refused() {
        assert_eq!(check("onze letras", &[]), Err(Refused::Short));
        assert_eq!(check("Password-1234", &[]), Err(Refused::Common));
        assert_eq!(check("beatriz-lobato-1990", &["Beatriz Lobato"]), Err(Refused::Common));
        assert_eq!(check(&"ab".repeat(200), &[]), Err(Refused::Long));
        assert_eq!(check("três tigres tristes", &["Beatriz Lobato"]), Ok(()));
    }

    #[test]
    fn the_standard_cost_is_nineteen_mebibytes_twice() {
        let phc = hash("cavalo correto bateria", &[], Cost::STANDARD).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    }
}
