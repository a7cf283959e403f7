//! Every sentence of this folder that a user may meet, in English and in Indonesian. A sentence
//! without its translation, or a translation that leaves a part out, does not compile.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The language in which the bot speaks to a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// `en`
    #[default]
    #[serde(rename = "en")]
    English,
    /// `id`
    #[serde(rename = "id")]
    Indonesian,
}

impl Language {
    /// The language of one of Discord's locales (`id`, `en-GB`); English if there are no texts in that language.
    pub fn of_locale(locale: &str) -> Self {
        Self::known(locale).unwrap_or(Self::English)
    }

    /// The same; nothing if there are no texts in that language.
    pub fn known(locale: &str) -> Option<Self> {
        match locale.split(['-', '_']).next() {
            Some("id") => Some(Self::Indonesian),
            Some("en") => Some(Self::English),
            _ => None,
        }
    }

    /// What it calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Indonesian => "Bahasa Indonesia",
        }
    }

    /// The locale of its sentences.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Indonesian => "id",
        }
    }
}

/// Makes an enum of sentences with their translations, and the method `say`, which fills in the parts.
macro_rules! sentences {
    ($visibility:vis enum $Sentences:ident; $($name:ident { $($part:ident),* } $english:literal $indonesian:literal)*) => {
        /// A sentence with its parts. These are ready to be shown: escaped, and not too long.
        #[derive(Clone, Copy, Debug)]
        #[allow(clippy::doc_markdown, reason = "each sentence stands for itself")]
        $visibility enum $Sentences<'a> {
            $(
                #[doc = $english]
                $name {
                    $(
                        #[doc = concat!("Stands for `", stringify!($part), "`.")]
                        $part: &'a str,
                    )*
                },
            )*
        }

        impl $Sentences<'_> {
            /// The sentence in `language`.
            $visibility fn say(self, language: $crate::commands::text::Language) -> String {
                match self {
                    $(
                        Self::$name { $($part),* } => match language {
                            $crate::commands::text::Language::English => format!($english),
                            $crate::commands::text::Language::Indonesian => format!($indonesian),
                        },
                    )*
                }
            }
        }
    };
}

pub(crate) use sentences;

sentences! {
    pub enum Text;
    // Why a command is not carried out at all.
    OutOfOrder {}
        "This command is out of order: its cog was stopped too often. The bot's admins can see why."
        "Perintah ini sedang tidak berfungsi: cog-nya terlalu sering dihentikan. Admin bot dapat melihat sebabnya."
    Interrupted {}
        "The bot crashed while it ran this command. It does not try again by itself, and a part of the work may be done already."
        "Bot mengalami crash saat menjalankan perintah ini dan tidak akan mengulanginya sendiri. Sebagian mungkin sudah terlaksana."
    BotFailed {}
        "The bot itself failed while it ran this command. The details are in its log; please tell the bot's admins."
        "Terjadi kesalahan di dalam bot saat menjalankan perintah ini. Detailnya ada di log bot; mohon beri tahu admin bot."
    TooBusy {}
        "Too much is waiting for this command right now. Try again in a moment."
        "Terlalu banyak permintaan yang mengantre untuk perintah ini. Coba lagi sebentar lagi."
    CommandGone {}
        "Nobody handles this command any more."
        "Perintah ini sudah tidak ada yang menangani."
    NotInTrial {}
        "This server is trying a version of the bot's code that does not have this."
        "Server ini sedang mencoba versi kode bot yang tidak memiliki ini."
    CommandChanged {}
        "This command has just changed. Wait a moment until Discord shows the new one, then try again."
        "Perintah ini baru saja berubah. Tunggu sebentar sampai Discord menampilkan yang baru, lalu coba lagi."
    OffHere {}
        "This is switched off in this server."
        "Ini dimatikan di server ini."
    InOtherChannels {}
        "This command cannot be used in this channel: this server has limited it to others."
        "Perintah ini tidak bisa dipakai di kanal ini: server ini membatasinya ke kanal lain."
    WithOtherRoles {}
        "This server has limited this command to roles that you do not have."
        "Server ini membatasi perintah ini untuk peran yang tidak kamu miliki."
    Done {}
        "Done."
        "Selesai."
    // The same for a button, a menu or a modal.
    ComponentOutOfOrder {}
        "This is out of order: its cog was stopped too often. The bot's admins can see why."
        "Ini sedang tidak berfungsi: cog-nya terlalu sering dihentikan. Admin bot dapat melihat sebabnya."
    ComponentBotFailed {}
        "The bot itself failed while it carried this out. The details are in its log; please tell the bot's admins."
        "Terjadi kesalahan di dalam bot saat menjalankan ini. Detailnya ada di log bot; mohon beri tahu admin bot."
    ComponentTooBusy {}
        "Too much is waiting for this right now. Try again in a moment."
        "Terlalu banyak yang mengantre untuk ini. Coba lagi sebentar lagi."
    ComponentGone {}
        "Nobody handles this any more."
        "Ini sudah tidak ada yang menangani."
    NotYours {}
        "Only the one who was asked can use this."
        "Hanya yang ditanya yang bisa memakai ini."
    Yes {}
        "Yes"
        "Ya"
    No {}
        "No"
        "Tidak"
    ComponentFailed { id }
        "Something went wrong here. The log has the rest under `{id}`."
        "Terjadi kesalahan di sini. Selengkapnya ada di log dengan kode `{id}`."
    // What is wrong with an argument. `option` and `given` come as inline code.
    NotInteger { given, option }
        "{given} is not a whole number, which {option} must be."
        "{given} bukan bilangan bulat, padahal {option} harus bilangan bulat."
    NotNumber { given, option }
        "{given} is not a number, which {option} must be."
        "{given} bukan angka, padahal {option} harus angka."
    NotBoolean { given, option }
        "{given} is neither `yes` nor `no`, one of which {option} must be."
        "{given} bukan `ya` atau `tidak`, padahal {option} harus salah satunya."
    NotDuration { given, option }
        "{given} is not a duration such as `90s`, `1h30m` or `2 days`, which {option} must be."
        "{given} bukan durasi seperti `90s`, `1h30m`, atau `2 hari`, padahal {option} harus durasi."
    NotTime { given, option }
        "{given} is not a time such as `2030-12-31 18:00`, `18:00` or `in 2h`, which {option} must be."
        "{given} bukan waktu seperti `2030-12-31 18:00`, `18:00`, atau `dalam 2h`, padahal {option} harus waktu."
    NumberIsNoTime { given, option, forms }
        "{given} alone is not a time, which {option} must be. It could be written as {forms}."
        "{given} saja belum berarti waktu, padahal {option} harus waktu. Bisa ditulis sebagai {forms}."
    NotEmoji { given, option }
        "{given} is not an emoji, which {option} must be."
        "{given} bukan emoji, padahal {option} harus emoji."
    NotMessage { given, option }
        "{given} is not a link to a message or its id, which {option} must be."
        "{given} bukan tautan pesan atau ID pesan, padahal {option} harus salah satunya."
    NotChoice { given, option, choices }
        "{given} is not one of the choices for {option}: {choices}."
        "{given} bukan salah satu pilihan untuk {option}: {choices}."
    TooSmall { option, least }
        "{option} must be at least {least}."
        "{option} minimal {least}."
    TooGreat { option, greatest }
        "{option} must be at most {greatest}."
        "{option} maksimal {greatest}."
    TooShort { option, least }
        "{option} must have at least {least} characters."
        "{option} harus memiliki minimal {least} karakter."
    TooLong { option, greatest, length }
        "{option} must have at most {greatest} characters and has {length}."
        "{option} maksimal {greatest} karakter, tetapi yang diberikan {length} karakter."
    NoUser { given }
        "I know no user {given}. Mention them, or give their id."
        "Tidak ada pengguna {given}. Pakai mention atau berikan ID-nya."
    NoMember { given }
        "There is no member {given} in this server."
        "Tidak ada anggota {given} di server ini."
    NoChannel { given }
        "There is no channel {given} in this server."
        "Tidak ada kanal {given} di server ini."
    NoRole { given }
        "There is no role {given} in this server."
        "Tidak ada peran {given} di server ini."
    NoMentionable { given }
        "There is no member or role {given} in this server."
        "Tidak ada anggota atau peran {given} di server ini."
    NoMessage { given }
        "I cannot find the message {given}."
        "Pesan {given} tidak ditemukan."
    OtherServer { given }
        "{given} is not in this server."
        "{given} tidak berada di server ini."
    Ambiguous { given, candidates }
        "{given} fits more than one; mention it or give the id: {candidates}."
        "{given} cocok dengan lebih dari satu; pakai mention atau berikan ID-nya: {candidates}."
    InCategory { channel, category }
        "{channel} in {category}"
        "{channel} di {category}"
    WrongChannelType { given, option, types }
        "{given} is not the kind of channel that {option} takes: {types}."
        "{given} bukan jenis kanal untuk {option}: {types}."
    OnlyInServer { option }
        "{option} can only be given in a server."
        "{option} hanya bisa diberikan di dalam server."
    Missing { option }
        "{option} is missing."
        "{option} belum diberikan."
    MissingAttachment { option }
        "A file for {option} is missing: attach it to the message."
        "Berkas untuk {option} belum ada: lampirkan di pesan."
    TooManyArguments { given }
        "There are too many arguments: the command does not take {given} or anything after it."
        "Argumennya terlalu banyak: perintah ini tidak menerima {given} dan yang sesudahnya."
    TooManyValues { option, greatest }
        "{option} takes at most {greatest} values."
        "{option} menerima paling banyak {greatest} nilai."
    OpenQuote {}
        "A quote is opened here and never closed."
        "Tanda kutip dibuka di sini tetapi tidak pernah ditutup."
    DidYouMean { nearest }
        "Did you mean {nearest}?"
        "Maksudmu {nearest}?"

    Usage { usage }
        "Usage: {usage}"
        "Cara pakai: {usage}"

    // Types of channel, as `WrongChannelType` lists them.
    ChannelText {} "text channel" "kanal teks"
    ChannelVoice {} "voice channel" "kanal suara"
    ChannelCategory {} "category" "kategori"
    ChannelAnnouncement {} "announcement channel" "kanal pengumuman"
    ChannelThread {} "thread" "utas"
    ChannelStage {} "stage" "panggung"
    ChannelForum {} "forum" "forum"
    ChannelMedia {} "media channel" "kanal media"
    ChannelOther {} "other channel" "kanal lain"

    // Who may call a command, and where.
    OnlyOwner {}
        "Only the bot's owner may do this."
        "Hanya pemilik bot yang boleh melakukan ini."
    ServerUnknown {}
        "I do not know this server yet. Try again in a moment."
        "Aku belum mengenal server ini. Coba lagi sebentar lagi."
    NotTold { given }
        "Discord did not tell me who or what {given} is. Try again in a moment, or give the mention or the id."
        "Discord tidak memberi tahu siapa atau apa {given} itu. Coba lagi sebentar lagi, atau berikan mention atau ID-nya."
    OnlyNsfw {}
        "This works only in age-restricted channels."
        "Ini hanya bisa dipakai di kanal dengan batasan usia."
    NeedsPermissions { permissions }
        "You need {permissions} for this."
        "Kamu perlu izin {permissions} untuk ini."
    BotNeedsPermissions { permissions }
        "I need {permissions} for this: ask an admin of the server to grant it."
        "Aku perlu izin {permissions} untuk ini. Minta admin server untuk memberikannya."
    NeedsRole { role }
        "You need the role {role} for this."
        "Kamu perlu peran {role} untuk ini."
    HandlerFailed { id }
        "Something went wrong in this command. The log has the rest under `{id}`."
        "Terjadi kesalahan pada perintah ini. Selengkapnya ada di log dengan kode `{id}`."
    // Why Discord refuses a call without a mistake of the cog's.
    RefusedGone { what }
        "There is no such {what} (any more)."
        "{what} itu tidak ada (lagi)."
    RefusedClosed {}
        "I cannot send that direct message: the user does not accept direct messages from me. The user can allow them in the privacy settings of a server that we share."
        "Aku tidak bisa mengirim pesan langsung itu: penerimanya tidak menerima pesan langsung dariku. Ia bisa mengizinkannya di pengaturan privasi salah satu server yang kami ikuti bersama."
    RefusedMayNot {}
        "I may not do this here: I do not have the permission, or I cannot see the channel. The moderators of this server can change that."
        "Aku tidak boleh melakukan itu di sini: aku tidak punya izin, atau tidak bisa melihat kanalnya. Moderator server ini bisa mengubahnya."
    RefusedArchived {}
        "This thread is archived or locked, so I can do nothing in it."
        "Utas ini diarsipkan atau dikunci, jadi aku tidak bisa melakukan apa-apa di dalamnya."
    RefusedTooFast {}
        "I must wait before I can do this here, because of slow mode or another limit. Try again in a moment."
        "Aku harus menunggu dulu di sini karena mode lambat atau batas lain. Coba lagi sebentar lagi."
    RefusedBlocked {}
        "Discord does not let this through: the user has blocked me, or a filter of this server has stopped it."
        "Discord tidak mengizinkannya: pengguna itu memblokirku, atau filter server ini mencegahnya."
    RefusedFull {}
        "There is no room for more: one of Discord's limits has been reached here."
        "Sudah penuh: salah satu batas Discord di sini sudah tercapai."
    RefusedAlready {}
        "That has been done already, or it is over."
        "Itu sudah pernah dilakukan, atau sudah selesai."
    RefusedNotHere {}
        "That is not possible here: this kind of channel does not have it, or a setting does not allow it."
        "Itu tidak bisa dilakukan di sini: jenis kanal ini tidak mendukungnya, atau sebuah pengaturan tidak mengizinkannya."
    RefusedTooLarge {}
        "A file is too large to be sent here."
        "Ada berkas yang terlalu besar untuk dikirim di sini."
    RefusedLate {}
        "That came too late: Discord no longer accepts an answer to it."
        "Sudah terlambat: Discord tidak lagi menerima jawaban untuk itu."
    RefusedTrouble {}
        "Discord itself has trouble right now. Try again in a moment."
        "Discord sendiri sedang bermasalah. Coba lagi sebentar lagi."
    NotAllowed {}
        "You may not do this."
        "Kamu tidak boleh melakukan ini."
    NoneHolds { reasons }
        "One of these is needed:\n{reasons}"
        "Salah satu dari ini diperlukan:\n{reasons}"
    OnlyInGuild {}
        "This works only in a server."
        "Ini hanya bisa dipakai di dalam server."
    OnlyInDirectMessages {}
        "This works only in direct messages."
        "Ini hanya bisa dipakai di pesan langsung."
    NotHere {}
        "This does not work here."
        "Ini tidak bisa dipakai di sini."
    OnCooldown { left }
        "Wait {left}, then try again."
        "Tunggu {left}, lalu coba lagi."
    AlreadyRunning {}
        "This is still running: wait until it has finished, then try again."
        "Ini masih berjalan: tunggu sampai selesai, lalu coba lagi."

    // Help.
    UnknownCommand { name }
        "There is no command {name}."
        "Tidak ada perintah {name}."
    NeedsSubcommand { group, subcommands }
        "{group} needs one of these after it: {subcommands}."
        "{group} harus diikuti salah satu dari ini: {subcommands}."
    UnknownSubcommand { group, name, subcommands }
        "{group} has no {name}, only {subcommands}."
        "{group} tidak punya {name}, hanya {subcommands}."
    NoCommands {}
        "There are no commands."
        "Belum ada perintah."
    PageOf { page, pages, next }
        "Page {page} of {pages}; the next: {next}"
        "Halaman {page} dari {pages}; berikutnya: {next}"
    LastPage { page, pages }
        "Page {page} of {pages}"
        "Halaman {page} dari {pages}"
    RestIn { help }
        "There is more: {help} shows it."
        "Masih ada lagi: {help} menampilkannya."
    AllOf { help }
        "{help} shows all of them."
        "{help} menampilkan semuanya."
    MoreAbout { help }
        "More about a command: {help}"
        "Penjelasan tentang sebuah perintah: {help}"
    UserMenu {}
        "in the menu of a user"
        "di menu pengguna"
    MessageMenu {}
        "in the menu of a message"
        "di menu pesan"
    InUserMenu { name }
        "{name} is in the menu of a user, below *Apps*."
        "{name} ada di menu pengguna, di bawah *Apl*."
    InMessageMenu { name }
        "{name} is in the menu of a message, below *Apps*."
        "{name} ada di menu pesan, di bawah *Apl*."
    Aliases { names }
        "Also: {names}"
        "Juga: {names}"
    Options {}
        "**Options**"
        "**Opsi**"
    Subcommands {}
        "**Subcommands**"
        "**Subperintah**"
    Examples {}
        "**Examples**"
        "**Contoh**"
    Optional {}
        "optional"
        "opsional"
    Choices { choices }
        "one of {choices}"
        "salah satu dari {choices}"
    Between { least, greatest }
        "{least} to {greatest}"
        "{least} sampai {greatest}"
    AtLeast { least }
        "at least {least}"
        "minimal {least}"
    AtMost { greatest }
        "at most {greatest}"
        "maksimal {greatest}"
    Command {}
        "command"
        "perintah"
    Or {}
        "or"
        "atau"
    And {}
        "and"
        "dan"
}

impl<'a> Text<'a> {
    /// The sentence for somebody who has used a component, where the one about commands would be wrong.
    #[must_use]
    pub fn of_component(self) -> Text<'a> {
        match self {
            Self::OutOfOrder {} => Self::ComponentOutOfOrder {},
            Self::BotFailed {} => Self::ComponentBotFailed {},
            Self::TooBusy {} => Self::ComponentTooBusy {},
            Self::CommandGone {} => Self::ComponentGone {},
            Self::HandlerFailed { id } => Self::ComponentFailed { id },
            other => other,
        }
    }
}

/// Words for the units of a duration: one, several, and in Indonesian.
const UNITS: [(u64, &str, &str, &str); 5] = [
    (7 * 86_400, "week", "weeks", "minggu"),
    (86_400, "day", "days", "hari"),
    (3_600, "hour", "hours", "jam"),
    (60, "minute", "minutes", "menit"),
    (1, "second", "seconds", "detik"),
];

/// A duration in its two greatest units (`1 minute 5 seconds`), rounded up to a whole second.
pub fn duration_in_words(duration: Duration, language: Language) -> String {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let mut left = whole.max(1);
    let mut words = Vec::new();
    for (seconds, one, several, indonesian) in UNITS {
        let count = left / seconds;
        if count > 0 && words.len() < 2 {
            left %= seconds;
            words.push(match language {
                Language::English if count == 1 => format!("1 {one}"),
                Language::English => format!("{count} {several}"),
                Language::Indonesian => format!("{count} {indonesian}"),
            });
        }
    }
    words.join(" ")
}

/// The items with a comma between them and `last` before the last one.
pub fn enumerate(items: &[String], last: Text<'_>, language: Language) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {} {end}", first.join(", "), last.say(language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_two_units() {
        let words = |millis, language| duration_in_words(Duration::from_millis(millis), language);
        assert_eq!(words(1, Language::English), "1 second");
        assert_eq!(words(65_001, Language::English), "1 minute 6 seconds");
        assert_eq!(words(90_061_000, Language::English), "1 day 1 hour");
        assert_eq!(words(7_200_000, Language::Indonesian), "2 jam");
    }

    #[test]
    fn a_locale_of_discord_has_a_language() {
        assert_eq!(Language::of_locale("id"), Language::Indonesian);
        assert_eq!(Language::of_locale("en-GB"), Language::English);
    }
}
