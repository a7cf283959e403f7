//! The simulator and the bot compute the same permissions as Discord.

use super::*;
use crate::clock::Clock;
use crate::discord::permissions::model::{Case, bits, case};
use crate::discord::permissions::names;
use crate::sim::errors::Lacking;
use crate::sim::options::SimOptions;
use crate::sim::world::{Role, Thread};
use proptest::prelude::*;

/// The case as a world, and in it the channel that is looked at.
fn world_of(case: &Case) -> (World, Channel) {
    let options = SimOptions {
        clock: Clock::paused(Case::NOW),
        ..SimOptions::default()
    };
    let (mut world, _) = World::new(&options, String::new());
    let mut guild = world.guilds.values().next().unwrap().clone();
    (guild.id, guild.owner) = (1, 9);
    guild.roles = case
        .roles
        .iter()
        .zip(1_u64..)
        .map(|(names, id)| {
            (
                id,
                Role::new(id, "role", i64::try_from(id).unwrap(), bits(names)),
            )
        })
        .collect();
    let member = Member {
        user: case.user,
        nick: None,
        avatar: None,
        banner: None,
        roles: case.held.clone(),
        joined_at: world.now(),
        timed_out_until: case.until(),
        deaf: false,
        mute: false,
    };
    guild.members = [(case.user, member)].into_iter().collect();
    world.guilds.insert(1, guild);
    let mut channel = Channel::in_guild(20, 1, u64::from(case.kind), "channel");
    channel.overwrites = case
        .overwrites
        .iter()
        .map(|said| Overwrite {
            id: said.id,
            for_member: said.for_member,
            allow: bits(&said.allow),
            deny: bits(&said.deny),
        })
        .collect();
    if !case.is_thread {
        return (world, channel);
    }
    world.channels.insert(20, channel);
    let mut thread = Channel::in_guild(21, 1, 11, "thread");
    thread.parent = Some(20);
    thread.thread = Some(Thread {
        owner: case.user,
        members: Vec::new(),
        archived: false,
        locked: false,
        auto_archive_minutes: 60,
        archive_timestamp: world.now(),
        created: world.now(),
        messages: 0,
    });
    (world, thread)
}

proptest! {
    #[test]
    fn the_simulator_allows_what_the_model_allows(case in case()) {
        let (world, channel) = world_of(&case);
        prop_assert_eq!(names(in_channel(&world, &channel, case.user)), case.allowed());
        prop_assert_eq!(in_channel(&world, &channel, 77), 0, "a stranger");
        if case.is_thread {
            // Nobody is in the thread.
            let private = Channel { kind: 12, ..channel };
            let mut seen = case.allowed();
            if !seen.contains(&"manage_threads") {
                seen.clear();
            }
            prop_assert_eq!(names(in_channel(&world, &private, case.user)), seen);
        }
    }
}

proptest! {
    /// Whoever is refused is told what is missing, and nothing that they have.
    #[test]
    fn a_refusal_names_what_is_missing(case in case(), needed in any::<u64>()) {
        let (world, channel) = world_of(&case);
        let held = in_channel(&world, &channel, case.user);
        let refusal = require_in_channel(&world, &channel, case.user, needed & ALL);
        let Err(refusal) = refusal else {
            prop_assert_eq!(needed & ALL & !held, 0);
            return Ok(());
        };
        let lacking = refusal.lacking.unwrap();
        prop_assert!(!lacking.permissions.is_empty(), "{}", lacking.why);
        let had: Vec<_> = crate::discord::permissions::labels(held).collect();
        for permission in &lacking.permissions {
            prop_assert!(!had.contains(permission), "{}", lacking.why);
            prop_assert!(lacking.permissions.len() > 5 || lacking.why.contains(permission), "{}", lacking.why);
        }
        prop_assert!(lacking.why.contains("lacks"), "{}", lacking.why);
    }
}

/// A world in which somebody has a role that the channel has something to say about.
fn refused(overwrites: Vec<Overwrite>, needed: u64) -> Lacking {
    let (mut world, _) = World::new(&SimOptions::default(), String::new());
    let anna = world
        .users
        .values()
        .find(|user| user.name == "anna")
        .unwrap()
        .id;
    let (guild, role) = {
        let guild = world.guilds.values_mut().next().unwrap();
        let role = guild
            .roles
            .values()
            .find(|role| role.name == "moderators")
            .unwrap()
            .id;
        guild.members.get_mut(&anna).unwrap().roles.push(role);
        (guild.id, role)
    };
    let channel = world
        .channels
        .values()
        .find(|one| one.name == "general")
        .unwrap()
        .id;
    let place = world.channels.get_mut(&channel).unwrap();
    place.overwrites = overwrites
        .into_iter()
        .map(|one| Overwrite {
            id: match one.id {
                0 => guild,
                1 => role,
                _ => anna,
            },
            ..one
        })
        .collect();
    let place = world.channel(channel).unwrap();
    let refusal = require_in_channel(&world, place, anna, needed).unwrap_err();
    *refusal.lacking.unwrap()
}

fn deny(id: Id, deny: u64) -> Overwrite {
    Overwrite {
        id,
        for_member: id == 2,
        allow: 0,
        deny,
    }
}

#[test]
fn a_refusal_says_where_the_permission_would_come_from() {
    let why = |overwrites, needed| refused(overwrites, needed).why;
    assert_eq!(
        why(Vec::new(), MANAGE_CHANNELS),
        "Anna lacks Manage Channels in #general: no role of Anna grants it (@everyone, moderators)."
    );
    assert_eq!(
        why(vec![deny(0, SEND_MESSAGES)], SEND_MESSAGES),
        "Anna lacks Send Messages in #general: #general denies it to @everyone in an overwrite."
    );
    assert_eq!(
        why(vec![deny(1, SEND_MESSAGES)], ATTACH_FILES),
        "Anna lacks Send Messages in #general: #general denies it to the role moderators in an overwrite."
    );
    assert_eq!(
        why(vec![deny(2, VIEW_CHANNEL)], SEND_MESSAGES),
        "Anna lacks View Channel in #general: #general denies it to Anna in an overwrite."
    );
    let both = refused(vec![deny(0, VIEW_CHANNEL)], MANAGE_ROLES);
    assert_eq!(both.permissions, ["View Channel", "Manage Roles"]);
}
