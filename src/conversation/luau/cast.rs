//! The people, roles and channels that a spec begins with.

use super::Writer;
use super::table::Expression;
use super::text::quoted;
use crate::conversation::model::{BotDeed, Channel, Person, Role};
use crate::sim::preset;
use std::collections::BTreeSet;

/// Discord's types of channels that a spec can make, and what it calls them.
const KINDS: [(u64, &str); 5] = [
    (0, "text"),
    (2, "voice"),
    (5, "announcement"),
    (13, "stage"),
    (15, "forum"),
];

impl Writer<'_> {
    /// Makes who and what is needed.
    pub(super) fn cast(&mut self) {
        let preset = preset("default").unwrap_or_default();
        let guild = preset.guilds.first();
        let names = |names: Vec<String>| -> BTreeSet<String> { names.into_iter().collect() };
        let roles = guild.map(|it| it.roles.iter().map(|role| role.name.clone()).collect());
        let channels = guild.map(|it| it.channels.iter().map(|one| one.name.clone()).collect());
        let (roles, channels) = (
            names(roles.unwrap_or_default()),
            names(channels.unwrap_or_default()),
        );
        let conversation = self.conversation;
        for role in &conversation.roles {
            self.role(role, roles.contains(&role.name));
        }
        let (mut owners, others): (Vec<_>, Vec<_>) =
            conversation.people.iter().partition(|it| it.owner);
        owners.extend(others);
        for person in owners {
            if self.needed.contains(&format!("@{}", person.name)) {
                self.person(person);
            }
        }
        self.bots();
        for channel in &conversation.channels {
            self.channel(channel, channels.contains(&channel.name));
        }
        self.gap();
    }

    fn bots(&mut self) {
        let label = |label: &&String| {
            let name = label.strip_prefix('@').filter(|it| !it.starts_with('&'));
            name.is_some_and(|name| !self.conversation.people.iter().any(|it| it.name == name))
        };
        let bots: Vec<String> = self.needed.iter().filter(label).cloned().collect();
        if !bots.is_empty() {
            self.line("local bot = world:bot()");
        }
        for bot in bots {
            self.variables.insert(bot, "bot".to_owned());
        }
    }

    fn role(&mut self, role: &Role, is_there: bool) {
        let label = format!("@&{}", role.name);
        let people = &self.conversation.people;
        let is_held = is_there && people.iter().any(|it| it.roles.contains(&role.name));
        if !is_held && !self.needed.contains(&label) {
            return;
        }
        let name = quoted(&role.name);
        let made = if is_there {
            name
        } else {
            let mut fields = vec![("name".to_owned(), Expression::Code(name))];
            fields.extend(permissions(&role.permissions));
            Expression::Map(fields).write(20, 1)
        };
        let variable = self.bind(&label, &role.name, "role");
        self.line(format!("local {variable} = {}", call("world:role", &made)));
    }

    fn person(&mut self, person: &Person) {
        let variable = self.bind(&format!("@{}", person.name), &person.name, "user");
        let mut fields = Vec::new();
        let code = |code: &str| Expression::Code(code.to_owned());
        if person.owner {
            fields.push(("owner".to_owned(), code("true")));
        } else {
            fields.push(("name".to_owned(), Expression::Code(quoted(&person.name))));
        }
        if person.bot {
            fields.push(("bot".to_owned(), code("true")));
        }
        if let Some(nick) = &person.nick {
            fields.push(("nick".to_owned(), Expression::Code(quoted(nick))));
        }
        if let Some(locale) = &person.locale {
            fields.push(("locale".to_owned(), Expression::Code(quoted(locale))));
        }
        let (mut named, mut held) = (Vec::new(), Vec::new());
        for role in &person.roles {
            if let Some(variable) = self.variable(&format!("@&{role}")) {
                named.push(code(variable));
            } else {
                let mut roles = self.conversation.roles.iter();
                let found = roles.find(|one| one.name == *role);
                held.extend(found.into_iter().flat_map(|role| role.permissions.clone()));
            }
        }
        if !named.is_empty() {
            fields.push(("roles".to_owned(), Expression::List(named)));
        }
        held.sort();
        held.dedup();
        fields.extend(permissions(&held));
        if person.outside {
            fields.push(("outside".to_owned(), code("true")));
        }
        let before = "local  = world:user ".len() + variable.len() + 4;
        let made = Expression::Map(fields).write(before, 1);
        self.line(format!("local {variable} = world:user {made}"));
    }

    fn channel(&mut self, channel: &Channel, is_there: bool) {
        let label = format!("#{}", channel.name);
        let kind = KINDS.iter().find(|(number, _)| *number == channel.kind);
        let Some((_, kind)) = kind.filter(|_| !is_there || self.needed.contains(&label)) else {
            return;
        };
        let name = quoted(&channel.name);
        let made = if is_there {
            name
        } else {
            let mut fields = vec![("name".to_owned(), Expression::Code(name))];
            if channel.kind != 0 {
                fields.push(("type".to_owned(), Expression::Code(quoted(kind))));
            }
            if channel.nsfw {
                fields.push(("nsfw".to_owned(), Expression::Code("true".to_owned())));
            }
            Expression::Map(fields).write(20, 1)
        };
        let made = call("world:channel", &made);
        if self.needed.contains(&label) {
            let variable = self.bind(&label, &channel.name, "channel");
            self.line(format!("local {variable} = {made}"));
        } else if !is_there && self.is_used(&channel.name) {
            self.line(made);
        }
        if channel.seen_by.is_some() && !is_there {
            self.comment("In the recording this channel was hidden from some people.");
        }
    }

    /// Whether somebody does something in the channel of this name.
    fn is_used(&self, name: &str) -> bool {
        self.conversation.steps.iter().any(|step| {
            step.channel == name
                || step.answers.iter().any(|answer| match &answer.does {
                    BotDeed::Writes { channel, .. } => channel == name,
                    _ => false,
                })
        })
    }
}

fn permissions(names: &[String]) -> Option<(String, Expression)> {
    let names: Vec<Expression> = names
        .iter()
        .map(|name| Expression::Code(quoted(name)))
        .collect();
    (!names.is_empty()).then(|| ("permissions".to_owned(), Expression::List(names)))
}

/// A call with one string or table, as Luau lets it be written.
fn call(function: &str, argument: &str) -> String {
    if argument.starts_with('{') {
        format!("{function} {argument}")
    } else {
        format!("{function}({argument})")
    }
}
