//! The worlds that have names.

use super::{
    Blueprint, BotBlueprint, ChannelBlueprint, ChannelKind, GuildBlueprint, MemberBlueprint,
    OverwriteBlueprint, RoleBlueprint, UserBlueprint,
};

/// The names of the presets.
pub const PRESETS: &[&str] = &["default", "community", "empty", "large"];

/// Servers, channels in each, and people of the large world: a bot in it has several shards' worth of nothing, and
/// pages, chunks and caches have more than fits into one answer of Discord's.
const LARGE: (usize, usize, usize) = (20, 50, 1_200);

/// The world of this name.
pub fn preset(name: &str) -> Option<Blueprint> {
    match name {
        "default" => Some(standard()),
        "community" => Some(community()),
        "empty" => Some(empty()),
        "large" => Some(large()),
        _ => None,
    }
}

/// The guild Cogsmith with its channels, the owner, Anna and Ben.
fn standard() -> Blueprint {
    let moderators = RoleBlueprint {
        permissions: names(&[
            "kick_members",
            "ban_members",
            "manage_messages",
            "manage_nicknames",
            "moderate_members",
            "pin_messages",
            "view_audit_log",
        ]),
        ..role("moderators")
    };
    let view = || names(&["view_channel"]);
    let hidden = ChannelBlueprint {
        overwrites: vec![
            OverwriteBlueprint {
                role: Some("everyone".into()),
                deny: view(),
                ..OverwriteBlueprint::default()
            },
            OverwriteBlueprint {
                role: Some("moderators".into()),
                allow: view(),
                ..OverwriteBlueprint::default()
            },
        ],
        ..channel("moderators", ChannelKind::Text, Some("Text"))
    };
    Blueprint {
        bots: vec![BotBlueprint {
            application: Some("Cogsmith".into()),
            ..bot("cogsmith")
        }],
        users: vec![
            user("owner", Some("Owner")),
            user("anna", Some("Anna")),
            user("ben", Some("Ben")),
        ],
        guilds: vec![GuildBlueprint {
            name: "Cogsmith".into(),
            roles: vec![moderators],
            members: vec![member("anna"), member("ben")],
            channels: vec![
                channel("Text", ChannelKind::Category, None),
                channel("general", ChannelKind::Text, Some("Text")),
                channel("playground", ChannelKind::Text, Some("Text")),
                hidden,
                channel("Voice", ChannelKind::Voice, None),
            ],
            ..GuildBlueprint::default()
        }],
    }
}

/// The guild of the default world as a community: with rules, announcements, a forum and a stage.
fn community() -> Blueprint {
    let mut world = standard();
    let more = [
        channel("rules", ChannelKind::Text, Some("Text")),
        channel("announcements", ChannelKind::Announcement, Some("Text")),
        ChannelBlueprint {
            tags: names(&["open", "solved"]),
            ..channel("help", ChannelKind::Forum, Some("Text"))
        },
        channel("Stage", ChannelKind::Stage, None),
    ];
    for guild in &mut world.guilds {
        guild.features = names(&["COMMUNITY", "NEWS"]);
        guild.rules_channel = Some("rules".into());
        guild.updates_channel = Some("moderators".into());
        guild.channels.extend(more.clone());
    }
    world
}

/// One server with one channel and its owner.
fn empty() -> Blueprint {
    Blueprint {
        bots: vec![bot("cogsmith")],
        users: vec![user("owner", None)],
        guilds: vec![GuildBlueprint {
            name: "Empty".into(),
            channels: vec![channel("general", ChannelKind::Text, None)],
            ..GuildBlueprint::default()
        }],
    }
}

/// Many servers, channels and people.
fn large() -> Blueprint {
    let (guilds, channels, people) = LARGE;
    let person = |number: usize| format!("person{number}");
    let mut users = vec![user("owner", None)];
    users.extend((1..=people).map(|number| user(&person(number), None)));
    let guild = |number: usize| {
        let mut all = vec![channel("general", ChannelKind::Text, None)];
        let more = (1..channels)
            .map(|number| channel(&format!("channel-{number}"), ChannelKind::Text, None));
        all.extend(more);
        // The first server has everybody, each other one its part.
        let is_in = |one: &usize| number == 1 || one % guilds == number % guilds;
        let members = (1..=people).filter(is_in);
        GuildBlueprint {
            name: format!("Server {number}"),
            roles: (1..=10).map(|one| role(&format!("role{one}"))).collect(),
            members: members.map(|one| member(&person(one))).collect(),
            channels: all,
            ..GuildBlueprint::default()
        }
    };
    Blueprint {
        bots: vec![bot("cogsmith")],
        users,
        guilds: (1..=guilds).map(guild).collect(),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn bot(name: &str) -> BotBlueprint {
    BotBlueprint {
        name: name.into(),
        ..BotBlueprint::default()
    }
}

fn user(name: &str, shown: Option<&str>) -> UserBlueprint {
    UserBlueprint {
        name: name.into(),
        display_name: shown.map(Into::into),
        ..UserBlueprint::default()
    }
}

fn role(name: &str) -> RoleBlueprint {
    RoleBlueprint {
        name: name.into(),
        ..RoleBlueprint::default()
    }
}

fn member(name: &str) -> MemberBlueprint {
    MemberBlueprint {
        user: name.into(),
        ..MemberBlueprint::default()
    }
}

fn channel(name: &str, kind: ChannelKind, category: Option<&str>) -> ChannelBlueprint {
    ChannelBlueprint {
        name: name.into(),
        kind,
        category: category.map(Into::into),
        ..ChannelBlueprint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_world_without_faults() {
        for name in PRESETS {
            let world = preset(name).unwrap();
            assert_eq!(world.faults(), [], "{name}");
            assert!(!world.bots.is_empty() && !world.guilds.is_empty());
        }
        assert_eq!(preset("Default"), None);
    }
}
