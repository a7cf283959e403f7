//! What auto moderation finds by means that Discord tells nobody: spam, raids of mentions, its own lists of words. What
//! stands for them here is simple, so that a test can make it happen.

use super::automod_words::found_by_keyword;
use crate::sim::ids::{Id, id_in, id_of, time_of};
use crate::sim::world::{Channel, Message, World};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;

/// The text that filters of spam know as a test: "Generic Test for Unsolicited Bulk Email",
/// <https://spamassassin.apache.org/gtube/>.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

/// How long what was written counts.
const LATELY: Duration = Duration::from_secs(10);
/// How often somebody says the same before it is spam.
const SAME: usize = 5;
/// How many users and roles are mentioned in a raid.
const RAIDED: usize = 50;

/// A few words for each of Discord's lists (1 profanity, 2 sexual content, 3 slurs), none of them bad enough to be
/// offensive here.
const LISTS: [&[&str]; 3] = [
    &["damn*", "crap*"],
    &["porn*", "nude*"],
    &["idiot*", "moron*"],
];

/// What was written in a channel lately, the newest first.
fn lately<'a>(world: &'a World, channel: &Channel) -> impl Iterator<Item = &'a Message> {
    let oldest = world.clock.now().saturating_sub(LATELY);
    let messages = world.messages.get(&channel.id);
    let messages = messages.into_iter().flat_map(|all| all.values().rev());
    messages.take_while(move |message| time_of(message.id) >= oldest)
}

/// Whether a text is spam: a test of filters, or what its author has said again and again.
pub(super) fn is_spam(world: &World, (channel, author): (&Channel, Id), content: &str) -> bool {
    let same = |message: &&Message| {
        let text = message.fields.get("content").and_then(Value::as_str);
        message.author == author && text == Some(content)
    };
    let repeats = || lately(world, channel).filter(same).count() + 1 >= SAME;
    content.contains(GTUBE) || (!content.is_empty() && repeats())
}

/// Whether a message with these mentions is part of a raid of mentions.
pub(super) fn is_raid(world: &World, channel: &Channel, mentioned: &[Id]) -> bool {
    let mut all: HashSet<Id> = mentioned.iter().copied().collect();
    for message in lately(world, channel) {
        let list = |name: &str| message.fields.get(name).and_then(Value::as_array);
        let users = list("mentions").into_iter().flatten();
        all.extend(users.filter_map(|user| id_in(user, "id")));
        all.extend(
            list("mention_roles")
                .into_iter()
                .flatten()
                .filter_map(id_of),
        );
    }
    !mentioned.is_empty() && all.len() >= RAIDED
}

/// What a text in small letters has of Discord's lists with these numbers: the word of the list, and what it found.
pub(super) fn found_in_lists<'a>(
    presets: &Value,
    content: &'a str,
) -> Option<(&'static str, &'a str)> {
    let numbers = presets
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64);
    let lists =
        numbers.filter_map(|number| LISTS.get(usize::try_from(number).ok()?.checked_sub(1)?));
    let mut words = lists.flat_map(|list| list.iter());
    words.find_map(|word| Some((*word, found_by_keyword(word, content)?)))
}
