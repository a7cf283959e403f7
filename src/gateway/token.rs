//! What tells two tokens apart, and the cryptography that carries them.

use crate::config::Token;
use ring::digest::{SHA256, digest};
use rustls::crypto::{CryptoProvider, ring as provider};
use std::fmt::Write as _;

/// SHA-256 of the token in hex digits: tells two tokens apart and gives neither away.
pub(super) fn fingerprint(token: &Token) -> String {
    let salted = format!("cogsmith session of {}", token.expose());
    let hash = digest(&SHA256, salted.as_bytes());
    hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(hex, "{byte:02x}").is_ok();
        hex
    })
}

/// Makes ring the process's provider of cryptography unless it has one already. Must run before the
/// first TLS connection: rustls panics where it has to choose between several.
pub fn install_tls_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster: then there is a provider, which is all that matters.
        let _second = provider::default_provider().install_default().is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new(" Bot abc.def ");
        assert_eq!(token.expose(), "abc.def");
        assert!(!format!("{token:?}").contains("abc"));
        assert_eq!(fingerprint(&token).len(), 64);
        assert!(!fingerprint(&token).contains("abc"));
        assert_ne!(fingerprint(&token), fingerprint(&Token::new("abc.deg")));
    }
}
