//! The simulator and the bot compute the same permissions as Discord.

use super::*;
use crate::clock::Clock;
use crate::discord::permissions::model::{Case, bits, case};
use crate::discord::permissions::names;
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
