//! The bot's token: another one for each start, so that nobody who has not been told it is the bot.

use super::errors::SimError;
use super::ids::Id;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes that make the token's secret: as many as Discord's have.
const SECRET: usize = 27;

/// A new token of Discord's form: the application's id, when it was made, and a secret, each in base64.
pub(super) fn new(application: Id, unix_seconds: u64) -> Result<String, SimError> {
    let seconds = u32::try_from(unix_seconds).unwrap_or(u32::MAX);
    let parts = [
        URL_SAFE_NO_PAD.encode(application.to_string()),
        URL_SAFE_NO_PAD.encode(seconds.to_be_bytes()),
        secret()?,
    ];
    Ok(parts.join("."))
}

/// Random bytes in base64.
pub(super) fn secret() -> Result<String, SimError> {
    let mut secret = [0; SECRET];
    getrandom::fill(&mut secret).map_err(|error| SimError::Random(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_another_one_of_discords_form() {
        let token = new(1_324_000_000_000_000_001, 1_800_000_000).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [26, 6, 36], "{token}");
        let application = URL_SAFE_NO_PAD.decode(parts[0]).unwrap();
        assert_eq!(application, b"1324000000000000001");
        let other = new(1_324_000_000_000_000_001, 1_800_000_000).unwrap();
        assert_ne!(token, other);
    }
}
