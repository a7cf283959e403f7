//! What a blueprint's shape does not show: names that nothing has, that two have, or that Discord does not take.

use super::{Blueprint, ChannelKind, GuildBlueprint, OverwriteBlueprint};
use crate::discord::permissions;
use crate::nearest::nearest;
use std::collections::HashSet;

/// Something that is wrong: the path of the value (`guilds[0].members[1].user`), and a sentence.
pub(crate) type Fault = (String, String);

impl Blueprint {
    /// Everything that is wrong with the world; nothing when it can be made.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        let people: Vec<&str> = self.users.iter().map(|user| user.name.as_str()).collect();
        let bots: Vec<&str> = self.bots.iter().map(|bot| bot.name.as_str()).collect();
        for (index, bot) in self.bots.iter().enumerate() {
            let at = format!("bots[{index}]");
            faults.length(&format!("{at}.name"), &bot.name, 32);
            faults.permissions(
                &format!("{at}.permissions"),
                bot.permissions.as_deref().unwrap_or_default(),
            );
        }
        for (index, user) in self.users.iter().enumerate() {
            faults.length(&format!("users[{index}].name"), &user.name, 32);
        }
        let everybody: Vec<&str> = people.iter().chain(&bots).copied().collect();
        faults.unique("users", "name", people.iter().copied());
        faults.unique("bots", "name", bots.iter().copied());
        if let Some(both) = bots.iter().find(|bot| people.contains(bot)) {
            faults.add(
                "bots",
                format!("a bot and a person are both called \"{both}\""),
            );
        }
        let tokens = self.bots.iter().filter_map(|bot| bot.token.as_deref());
        faults.unique("bots", "token", tokens);
        for (index, guild) in self.guilds.iter().enumerate() {
            let at = format!("guilds[{index}]");
            faults.guild(&at, guild, (&people, &everybody));
        }
        faults.0
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, path: &str, message: String) {
        self.0.push((path.to_owned(), message));
    }

    fn length(&mut self, path: &str, text: &str, most: usize) {
        if !(1..=most).contains(&text.chars().count()) {
            self.add(
                path,
                format!("`{path}` must have 1 to {most} characters, but is {text:?}"),
            );
        }
    }

    fn unique<'a>(&mut self, path: &str, field: &str, values: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for (index, value) in values.enumerate() {
            if !seen.insert(value) {
                let shown = if field == "token" {
                    String::new()
                } else {
                    format!(" \"{value}\"")
                };
                let at = format!("{path}[{index}]");
                self.add(&at, format!("`{at}` has the {field}{shown} of another"));
            }
        }
    }

    /// A name must be one of those that there are.
    fn named(&mut self, path: &str, kind: &str, (name, known): (&str, &[&str])) {
        if known.contains(&name) {
            return;
        }
        let advice = match nearest(name, known.iter().copied()) {
            Some(meant) => format!(", did you mean \"{meant}\"?"),
            None if known.is_empty() => String::new(),
            None => format!(", there is: {}", listed(known)),
        };
        self.add(
            path,
            format!("`{path}`: there is no {kind} \"{name}\"{advice}"),
        );
    }

    fn permissions(&mut self, path: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            if permissions::bit(name).is_some() {
                continue;
            }
            let at = format!("{path}[{index}]");
            let advice = match permissions::nearest_permission(name) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "it is one such as \"view_channel\" or \"administrator\"".to_owned(),
            };
            self.add(
                &at,
                format!("`{at}`: there is no permission \"{name}\", {advice}"),
            );
        }
    }

    fn guild(&mut self, at: &str, guild: &GuildBlueprint, (people, everybody): (&[&str], &[&str])) {
        self.length(&format!("{at}.name"), &guild.name, 100);
        if let Some(owner) = &guild.owner {
            self.named(&format!("{at}.owner"), "person", (owner, people));
        }
        self.permissions(
            &format!("{at}.everyone"),
            guild.everyone.as_deref().unwrap_or_default(),
        );
        let roles: Vec<&str> = guild.roles.iter().map(|role| role.name.as_str()).collect();
        self.unique(&format!("{at}.roles"), "name", roles.iter().copied());
        for (index, role) in guild.roles.iter().enumerate() {
            let at = format!("{at}.roles[{index}]");
            self.length(&format!("{at}.name"), &role.name, 100);
            self.permissions(&format!("{at}.permissions"), &role.permissions);
        }
        for (index, member) in guild.members.iter().enumerate() {
            let at = format!("{at}.members[{index}]");
            self.named(&format!("{at}.user"), "person", (&member.user, people));
            for (index, role) in member.roles.iter().enumerate() {
                self.named(&format!("{at}.roles[{index}]"), "role", (role, &roles));
            }
        }
        let channels = guild.channels.iter();
        let channels: Vec<&str> = channels.map(|channel| channel.name.as_str()).collect();
        for (name, channel) in [
            ("rules_channel", &guild.rules_channel),
            ("updates_channel", &guild.updates_channel),
        ] {
            if let Some(channel) = channel {
                self.named(&format!("{at}.{name}"), "channel", (channel, &channels));
            }
        }
        let mut categories = Vec::new();
        for (index, channel) in guild.channels.iter().enumerate() {
            let at = format!("{at}.channels[{index}]");
            self.length(&format!("{at}.name"), &channel.name, 100);
            if let Some(category) = &channel.category {
                let path = format!("{at}.category");
                self.named(&path, "category above it", (category, &categories));
            }
            if channel.kind == ChannelKind::Category {
                categories.push(channel.name.as_str());
            }
            for (index, one) in channel.overwrites.iter().enumerate() {
                let at = format!("{at}.overwrites[{index}]");
                self.overwrite(&at, one, (&roles, everybody));
            }
            for (index, message) in channel.messages.iter().enumerate() {
                let at = format!("{at}.messages[{index}]");
                let author = (message.author.as_str(), everybody);
                self.named(&format!("{at}.author"), "person or bot", author);
                self.length(&format!("{at}.content"), &message.content, 2_000);
            }
        }
    }

    fn overwrite(
        &mut self,
        at: &str,
        one: &OverwriteBlueprint,
        (roles, everybody): (&[&str], &[&str]),
    ) {
        match (&one.role, &one.user) {
            (Some(role), None) if role == "everyone" => {}
            (Some(role), None) => self.named(&format!("{at}.role"), "role", (role, roles)),
            (None, Some(user)) => {
                self.named(&format!("{at}.user"), "person or bot", (user, everybody));
            }
            _ => self.add(at, format!("`{at}` must have either a role or a user")),
        }
        self.permissions(&format!("{at}.allow"), &one.allow);
        self.permissions(&format!("{at}.deny"), &one.deny);
    }
}

/// A few of the names that there are.
fn listed(known: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = known
        .iter()
        .take(SHOWN)
        .map(|name| format!("\"{name}\""))
        .collect();
    let more = if known.len() > SHOWN { ", …" } else { "" };
    shown.join(", ") + more
}
