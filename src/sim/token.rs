//! The bots' tokens: others for each start, so that nobody who has not been told one is a bot; unless a seed is given.

use super::errors::SimError;
use super::ids::Id;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes that make the token's secret: as many as Discord's have.
const SECRET: usize = 27;

/// Where secrets come from.
#[derive(Debug)]
pub(super) enum Secrets {
    /// The system, so that nobody can guess them.
    System,
    /// A seed, for runs that shall be the same. The numbers are those of `SplitMix64` (Steele, Lea, Flood: Fast
    /// splittable pseudorandom number generators, 2014).
    Seeded(u64),
}

impl Secrets {
    /// Seeded by `seed`, if there is one.
    pub(super) fn of(seed: Option<u64>) -> Self {
        seed.map_or(Self::System, Self::Seeded)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SimError> {
        let Self::Seeded(state) = self else {
            return getrandom::fill(bytes).map_err(|error| SimError::Random(error.to_string()));
        };
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let number = (mixed ^ (mixed >> 31)).to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip(number) {
                *byte = random;
            }
        }
        Ok(())
    }

    /// Random bytes in base64.
    pub(super) fn next(&mut self) -> Result<String, SimError> {
        let mut secret = [0; SECRET];
        self.fill(&mut secret)?;
        Ok(URL_SAFE_NO_PAD.encode(secret))
    }
}

/// The application that a token of Discord's form belongs to.
pub(super) fn application_in(token: &str) -> Option<Id> {
    let mut parts = token.split('.');
    let (id, _, _) = (parts.next()?, parts.next()?, parts.next()?);
    let id = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok()?;
    let id = std::str::from_utf8(&id).ok()?.parse().ok()?;
    (id > 0 && parts.next().is_none()).then_some(id)
}

/// A new token of Discord's form: the application's id, when it was made, and a secret, each in base64.
pub(super) fn new(
    application: Id,
    unix_seconds: u64,
    secrets: &mut Secrets,
) -> Result<String, SimError> {
    let seconds = u32::try_from(unix_seconds).unwrap_or(u32::MAX);
    let parts = [
        URL_SAFE_NO_PAD.encode(application.to_string()),
        URL_SAFE_NO_PAD.encode(seconds.to_be_bytes()),
        secrets.next()?,
    ];
    Ok(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_another_one_of_discords_form() {
        let mut secrets = Secrets::of(None);
        let mut made = || new(1_324_000_000_000_000_001, 1_800_000_000, &mut secrets).unwrap();
        let token = made();
        let parts: Vec<_> = token.split('.').collect();
        let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [26, 6, 36], "{token}");
        let application = URL_SAFE_NO_PAD.decode(parts[0]).unwrap();
        assert_eq!(application, b"1324000000000000001");
        assert_ne!(token, made());
        assert_eq!(application_in(&token), Some(1_324_000_000_000_000_001));
        for other in ["sim", "", "a.b", "MTI.b.c.d", "..", "eA.b.c"] {
            assert_eq!(application_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_secrets_again() {
        let [mut one, mut same, mut other] = [Some(7), Some(7), Some(8)].map(Secrets::of);
        let first = one.next().unwrap();
        assert_eq!(same.next().unwrap(), first);
        assert_ne!(one.next().unwrap(), first);
        assert_ne!(other.next().unwrap(), first);
    }
}
