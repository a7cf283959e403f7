//! Refusals by Discord that are not a cog's mistake: a message was deleted, a user does not accept direct messages, the
//! bot lacks a permission. The user of a command gets a sentence that says so.
//!
//! The codes are those of Discord's documentation, "JSON Error Codes". Codes that are not listed here are for the
//! author to fix, or their meaning is not known.

use super::text::{Language, Text};
use std::ops::RangeInclusive;

/// Why Discord refused a call, if it is not the cog's mistake.
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
    /// It is done already, or what it is about has ended.
    Already,
    /// The place is of a kind, or has settings, that do not go with it.
    NotHere,
    /// A file is larger than the place takes.
    TooLarge,
    /// Discord has stopped waiting for it.
    Late,
    /// Discord itself fails, or cannot be reached.
    Trouble,
}

use Refusal::{
    Already, Archived, Blocked, Closed, Full, Gone, Late, MayNot, NotHere, TooFast, TooLarge,
    Trouble,
};

/// Discord's codes, in their order.
const CODES: [(i64, Refusal); 107] = [
    (10_003, Gone("channel", "Kanal")),
    (10_004, Gone("server", "Server")),
    (10_005, Gone("integration", "Integrasi")),
    (10_006, Gone("invite", "Undangan")),
    (10_007, Gone("member", "Anggota")),
    (10_008, Gone("message", "Pesan")),
    (10_009, Gone("permission overwrite", "Aturan izin")),
    (10_011, Gone("role", "Peran")),
    (10_013, Gone("user", "Pengguna")),
    (10_014, Gone("emoji", "Emoji")),
    (10_015, Gone("webhook", "Webhook")),
    (10_026, Gone("ban", "Ban")),
    (10_027, Gone("product", "Produk")),
    (10_029, Gone("entitlement", "Hak")),
    (10_031, Gone("lobby", "Lobi")),
    (10_057, Gone("server template", "Templat server")),
    (10_060, Gone("sticker", "Stiker")),
    (10_061, Gone("sticker pack", "Paket stiker")),
    (10_062, Late),
    (10_063, Gone("command", "Perintah")),
    (10_065, Gone("voice state", "Status suara")),
    (10_067, Gone("stage", "Panggung")),
    (10_068, Gone("membership form", "Formulir anggota")),
    (10_069, Gone("welcome screen", "Layar sambutan")),
    (10_070, Gone("event", "Acara")),
    (10_071, Gone("participant of the event", "Peserta acara")),
    (10_087, Gone("tag", "Tag")),
    (10_097, Gone("sound", "Suara")),
    (20_009, Blocked),
    (20_016, TooFast),
    (20_018, MayNot),
    (20_022, TooFast),
    (20_028, TooFast),
    (20_029, TooFast),
    (20_031, Blocked),
    (20_035, NotHere),
    (30_031, Already),
    (40_003, TooFast),
    (40_004, Trouble),
    (40_005, TooLarge),
    (40_006, Trouble),
    (40_007, MayNot),
    (
        40_032,
        Gone("member in a voice channel", "Anggota di kanal suara"),
    ),
    (40_033, Already),
    (40_058, NotHere),
    (40_062, TooFast),
    (40_066, NotHere),
    (40_067, NotHere),
    (40_074, Already),
    (40_333, Trouble),
    (50_001, MayNot),
    (50_003, NotHere),
    (50_004, NotHere),
    (50_007, Closed),
    (50_008, NotHere),
    (50_009, MayNot),
    (50_013, MayNot),
    (50_021, MayNot),
    (50_024, NotHere),
    (50_027, Late),
    (50_028, MayNot),
    (50_045, TooLarge),
    (50_055, Gone("server", "Server")),
    (50_068, NotHere),
    (50_073, MayNot),
    (50_074, NotHere),
    (50_081, Gone("sticker", "Stiker")),
    (50_083, Archived),
    (50_086, NotHere),
    (50_095, NotHere),
    (50_097, NotHere),
    (50_101, MayNot),
    (50_138, TooLarge),
    (50_163, MayNot),
    (50_167, MayNot),
    (50_173, MayNot),
    (50_178, MayNot),
    (50_278, Closed),
    (50_600, MayNot),
    (60_003, MayNot),
    (80_004, Gone("user", "Pengguna")),
    (90_001, Blocked),
    (90_002, Blocked),
    (110_000, Trouble),
    (110_001, Trouble),
    (130_000, Trouble),
    (150_006, Already),
    (160_002, MayNot),
    (160_004, Already),
    (160_005, Archived),
    (160_006, Full),
    (160_007, Full),
    (160_014, MayNot),
    (180_000, Already),
    (180_002, Trouble),
    (200_000, Blocked),
    (200_001, Blocked),
    (240_000, Blocked),
    (340_015, Blocked),
    (350_000, NotHere),
    (350_001, NotHere),
    (400_001, Blocked),
    (500_000, MayNot),
    (520_000, Blocked),
    (520_001, Already),
    (520_002, NotHere),
    (530_006, Trouble),
];

/// The codes "Unknown …".
const UNKNOWN: RangeInclusive<i64> = 10_001..=10_999;

/// The codes "Maximum number of … reached".
const MAXIMA: RangeInclusive<i64> = 30_001..=30_061;

/// Those among them that a cog itself is to blame for: the host's own commands, a token, files in one message.
const OF_AUTHORS: [i64; 4] = [10_012, 30_015, 30_032, 30_034];

impl Refusal {
    /// What a refusal with this status and code of Discord's means; nothing when it is the author's to fix.
    pub fn of(status: i64, code: i64) -> Option<Self> {
        if OF_AUTHORS.contains(&code) {
            return None;
        }
        let known = CODES.binary_search_by_key(&code, |(code, _)| *code).ok();
        let known = known.and_then(|index| CODES.get(index));
        match known {
            Some((_, refusal)) => Some(*refusal),
            None if MAXIMA.contains(&code) => Some(Full),
            None if UNKNOWN.contains(&code) => Some(Gone("thing", "Hal")),
            // Nobody but Discord can do anything about it; 501 is what does not exist.
            None if status == 408 || (status >= 500 && status != 501) => Some(Trouble),
            // Who stands before Discord has no codes.
            None if (status, code) == (403, 0) => Some(MayNot),
            None if status == 413 => Some(TooLarge),
            None => None,
        }
    }

    /// Whether the bot's admins may want to do something about it.
    pub fn concerns_admins(self) -> bool {
        matches!(self, MayNot | NotHere | Full | Trouble)
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
            Already => Text::RefusedAlready {},
            NotHere => Text::RefusedNotHere {},
            TooLarge => Text::RefusedTooLarge {},
            Late => Text::RefusedLate {},
            Trouble => Text::RefusedTrouble {},
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
            (400, 30_015),
            (401, 10_012),
            (400, 40_060),
        ] {
            assert_eq!(Refusal::of(status, code), None, "{status} {code}");
        }
        assert_eq!(Refusal::of(400, 30_003), Some(Full));
        assert_eq!(Refusal::of(503, 0), Some(Trouble));
        assert_eq!(Refusal::of(413, 0), Some(TooLarge));
        assert_eq!(Refusal::of(403, 0), Some(MayNot));
        // One that Discord has added since.
        assert!(matches!(Refusal::of(404, 10_998), Some(Gone("thing", _))));
    }

    #[test]
    fn each_has_a_sentence_in_both_languages() {
        for (code, refusal) in CODES {
            let [english, indonesian] =
                [Language::English, Language::Indonesian].map(|it| refusal.say(it));
            assert!(
                english.ends_with('.') && indonesian.ends_with('.'),
                "{code}"
            );
            assert_ne!(english, indonesian, "{code}");
        }
    }
}
