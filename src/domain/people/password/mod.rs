//! Passwords: long enough, not those that are guessed, kept only as an Argon2id string (RFC 9106; OWASP ASVS 2.4; NIST SP
//! 800-63B-4).

mod guess;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
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

/// The memory in which one password at a time is hashed, used again by the next.
///
/// It reserves more than the allocator keeps for itself, so that it comes from the system alone and goes back to it
/// whole when it is dropped, from whichever thread. Only what a hash touches becomes resident.
#[derive(Default)]
pub struct Memory(Vec<Block>);

/// Blocks of 1 KiB; glibc hands blocks of up to 32 MiB to whoever asks next, and keeps them.
const ALONE: usize = 33 * 1_024;

impl Memory {
    fn blocks(&mut self, count: usize) -> Result<&mut [Block], Refused> {
        if self.0.capacity() < count {
            self.0.try_reserve_exact(count.max(ALONE)).map_err(|_no_memory| Refused::Machine)?;
        }
        if self.0.len() < count {
            self.0.resize(count, Block::new());
        }
        self.0.get_mut(..count).ok_or(Refused::Machine)
    }

    fn fill(&mut self, argon: &Argon2<'_>, password: &str, salt: &[u8]) -> Result<Output, Refused> {
        let mut out = [0_u8; Output::MAX_LENGTH];
        let length = argon.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let out = out.get_mut(..length).ok_or(Refused::Machine)?;
        let blocks = self.blocks(argon.params().block_count())?;
        argon
            .hash_password_into_with_memory(password.as_bytes(), salt, out, blocks)
            .map_err(|_failed| Refused::Machine)?;
        Output::new(out).map_err(|_length| Refused::Machine)
    }

    /// The Argon2id string (PHC form) of a password that passes [`check`], under a fresh salt.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn hash(&mut self, password: &str, known: &[&str], cost: Cost) -> Result<String, Refused> {
        check(password, known)?;
        let mut salt = [0_u8; 16];
        SystemRandom::new().fill(&mut salt).map_err(|_unspecified| Refused::Machine)?;
        let params =
            Params::new(cost.memory, cost.passes, cost.lanes, None).map_err(|_bounds| Refused::Machine)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let output = self.fill(&argon, password, &salt)?;
        let phc = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon.params()).map_err(|_form| Refused::Machine)?,
            salt: Some(Salt::new(&salt).map_err(|_length| Refused::Machine)?),
            hash: Some(output),
        };
        Ok(phc.to_string())
    }

    /// Whether `password` is the one behind `phc`. Costs what the hash cost.
    #[must_use]
    pub fn verify(&mut self, password: &str, phc: &str) -> bool {
        password.len() <= LONGEST && self.same(password, phc).unwrap_or(false)
    }

    /// `None`: not an Argon2 string.
    fn same(&mut self, password: &str, phc: &str) -> Option<bool> {
        let phc = PasswordHash::new(phc).ok()?;
        let algorithm = Algorithm::try_from(phc.algorithm.as_str()).ok()?;
        let version = phc.version.map_or(Ok(Version::V0x13), Version::try_from).ok()?;
        let argon = Argon2::new(algorithm, version, Params::try_from(&phc).ok()?);
        let output = self.fill(&argon, password, phc.salt.as_ref()?).ok()?;
        // Compared in constant time.
        Some(output == phc.hash?)
    }

    /// Spends what [`Memory::verify`] spends, for a sign-in whose account does not exist: both take as long.
    pub fn pretend(&mut self, cost: Cost) {
        let _time_spent = self.hash("spend the same time here", &[], cost);
    }
}

/// [`Memory::hash`] for a process that hashes a few: the memory is given back at once.
///
/// # Errors
/// [`Refused`].
pub fn hash(password: &str, known: &[&str], cost: Cost) -> Result<String, Refused> {
    Memory::default().hash(password, known, cost)
}

/// [`Memory::verify`] for a process that checks a few.
#[must_use]
pub fn verify(password: &str, phc: &str) -> bool {
    Memory::default().verify(password, phc)
}

/// A fresh password: four groups of four letters and digits that are not mistaken for one another: 80 bits.
///
/// # Errors
/// [`Refused::Machine`]: the system gives no chance.
pub fn passphrase() -> Result<String, Refused> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut chance = [0_u8; 16];
    SystemRandom::new().fill(&mut chance).map_err(|_unspecified| Refused::Machine)?;
    let letters = chance.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    let text: String = letters.map(|letter| char::from(*letter)).collect();
    let groups: Vec<String> =
        text.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
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
    fn memory_that_was_used_before_gives_the_same_answers() {
        let mut memory = Memory::default();
        let phc = memory.hash("cavalo correto bateria", &[], CHEAP).unwrap();
        let dear = memory.hash("cavalo correto bateria", &[], Cost { memory: 256, ..CHEAP }).unwrap();
        let reserved = memory.0.capacity();
        for (typed, right) in [("cavalo correto bateria", true), ("cavalo correto bateriA", false)] {
            assert_eq!((memory.verify(typed, &phc), verify(typed, &phc)), (right, right));
            assert_eq!((memory.verify(typed, &dear), verify(typed, &dear)), (right, right));
        }
        assert_eq!(memory.0.capacity(), reserved, "nothing more is taken for the next");
        assert!(reserved >= ALONE);
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

    #[test]
    fn a_passphrase_passes_the_check_and_is_never_the_same() {
        let one = passphrase().unwrap();
        assert_eq!(check(&one, &[]), Ok(()));
        assert_eq!(one.len(), 19);
        assert_ne!(one, passphrase().unwrap());
    }
}
