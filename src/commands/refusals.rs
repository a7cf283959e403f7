//! What Discord refuses because of how the world is, and not because of a mistake in a cog: a message is gone, a user
//! takes no messages, the bot lacks a permission. The user of a command is told so in a sentence.
//!
//! The codes are those of Discord's documentation, "JSON Error Codes". What is not here is the author's to mend, or
//! nobody knows what it means.

use super::text::{Language, Text};

/// Why Discord refused a call, as far as that is nobody's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What it is about does not exist (any more): in English and in Indonesian.
    Gone(&'static str, &'static str),
    /// A user takes no direct messages from the bot.
    Closed,
    /// The bot may not do it, or cannot see where.
    MayNot,
    /// The thread is archived or locked.
    Archived,
    /// Slow mode, and other limits of a place.
    TooFast,
    /// A user has blocked the bot, or the server's filters took it.
    Blocked,
    /// As many as there may be are there.
    Full,
    /// Discord itself fails.
    Trouble,
}

use Refusal::{Archived, Blocked, Closed, Full, Gone, MayNot, TooFast};

/// Discord's codes, in their order.
const CODES: [(i64, Refusal); 40] = [
    (10_003, Gone("channel", "Channel")),
    (10_004, Gone("server", "Server")),
    (10_006, Gone("invite", "Undangan")),
    (10_007, Gone("member", "Anggota")),
    (10_008, Gone("message", "Pesan")),
    (10_009, Gone("permission overwrite", "Aturan izin")),
    (10_011, Gone("role", "Peran")),
    (10_013, Gone("user", "Pengguna")),
    (10_014, Gone("emoji", "Emoji")),
    (10_015, Gone("webhook", "Webhook")),
    (10_026, Gone("ban", "Ban")),
    (10_057, Gone("server template", "Templat server")),
    (10_060, Gone("sticker", "Stiker")),
    (10_065, Gone("voice state", "Status suara")),
    (10_067, Gone("stage", "Panggung")),
    (10_070, Gone("event", "Acara")),
    (10_097, Gone("sound", "Suara")),
    (20_016, TooFast),
    (20_022, TooFast),
    (20_028, TooFast),
    (20_029, TooFast),
    (40_003, TooFast),
    (40_007, MayNot),
    (
        40_032,
        Gone("member in a voice channel", "Anggota di kanal suara"),
    ),
    (50_001, MayNot),
    (50_007, Closed),
    (50_009, MayNot),
    (50_013, MayNot),
    (50_021, MayNot),
    (50_083, Archived),
    (50_101, MayNot),
    (50_278, Closed),
    (60_003, MayNot),
    (90_001, Blocked),
    (160_002, MayNot),
    (160_005, Archived),
    (160_006, Full),
    (160_007, Full),
    (200_000, Blocked),
    (200_001, Blocked),
];

/// The codes "Maximum number of … reached".
const MAXIMA: std::ops::RangeInclusive<i64> = 30_001..=30_061;

impl Refusal {
    /// What a refusal with this status and code of Discord's means; nothing when it is the author's to mend.
    pub fn of(status: i64, code: i64) -> Option<Self> {
        if MAXIMA.contains(&code) {
            return Some(Full);
        }
        let known = CODES.binary_search_by_key(&code, |(code, _)| *code).ok();
        let known = known.and_then(|index| CODES.get(index));
        match known {
            Some((_, refusal)) => Some(*refusal),
            // Nobody but Discord can do anything about it; 501 is what does not exist.
            None if status == 408 || (status >= 500 && status != 501) => Some(Self::Trouble),
            None => None,
        }
    }

    /// Whether the bot's admins may want to do something about it.
    pub fn concerns_admins(self) -> bool {
        matches!(self, MayNot | Full | Self::Trouble)
    }

    /// What the user of a command is told.
    pub fn say(self, language: Language) -> String {
        let text = match self {
            Gone(english, indonesian) => {
                let what = match language {
                    Language::English => english,
                    Language::Indonesian => indonesian,
                };
                Text::RefusedGone { what }
            }
            Closed => Text::RefusedClosed {},
            MayNot => Text::RefusedMayNot {},
            Archived => Text::RefusedArchived {},
            TooFast => Text::RefusedTooFast {},
            Blocked => Text::RefusedBlocked {},
            Full => Text::RefusedFull {},
            Self::Trouble => Text::RefusedTrouble {},
        };
        text.say(language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_in_their_order() {
        assert!(CODES.is_sorted_by_key(|(code, _)| *code));
        for (code, refusal) in CODES {
            assert_eq!(Refusal::of(403, code), Some(refusal), "{code}");
        }
    }

    #[test]
    fn what_is_the_authors_is_no_such_refusal() {
        for (status, code) in [
            (400, 50_034),
            (400, 50_035),
            (400, 50_006),
            (403, 50_005),
            (404, 0),
            (501, 0),
            (401, 0),
            (404, 10_062),
        ] {
            assert_eq!(Refusal::of(status, code), None, "{status} {code}");
        }
        assert_eq!(Refusal::of(400, 30_003), Some(Full));
        assert_eq!(Refusal::of(503, 0), Some(Refusal::Trouble));
    }
}
