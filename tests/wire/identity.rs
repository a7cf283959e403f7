//! Who is who, and who may do what: ids and names, the bot's admins, permissions in a channel, names that several have.

use crate::support::{Id, Stage, setup};
use cogsmith::discord::permissions::{self, ADMINISTRATOR, BAN_MEMBERS};
use cogsmith::sim::{InjectedFault, Sim, SimOptions};
use serde_json::{Value, json};

/// A cog that tells what its options are.
const WHO: &str = r#"
local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")

cog.on.guild_emojis_update(function() end)

local function tell(name, kind, of)
    local option = cog.option[kind] { name = "it", description = "Whom or what" }
    cog.command {
        name = name,
        options = { option },
        run = function(ctx)
            ctx:reply(of(ctx:get(option)))
        end,
    }
end

local function id_of(object)
    return object.id
end

tell("who", "member", function(member)
    return member.user.id
end)
tell("whose", "user", id_of)
tell("role", "role", id_of)
tell("where", "channel", id_of)
tell("emoji", "emoji", id_of)
tell("any", "mentionable", function(object)
    return if object.user then object.user.id else object.id
end)

cog.command {
    name = "may",
    run = function(ctx)
        ctx:reply(discord.permissions.in_channel(ctx.channel_id, ctx.author.id))
    end,
}

cog.command {
    name = "ban",
    checks = { cog.check.permissions("ban_members") },
    run = function(ctx)
        ctx:reply("passed")
    end,
}

cog.command {
    name = "own",
    checks = { cog.check.owner },
    run = function(ctx)
        ctx:reply("passed")
    end,
}
"#;

async fn stage() -> Stage {
    setup(&[("cogs/who.luau", WHO)]).start().await
}

/// The text of the bot's one answer to a user in #general.
async fn told(stage: &Stage, user: &str, line: &str) -> String {
    let answers = stage.says(user, line).await;
    assert_eq!(answers.len(), 1, "{line}: {answers:#?}");
    answers[0]["content"].as_str().unwrap().to_owned()
}

fn as_owner(stage: &Stage, method: &str, path: &str, body: Value) {
    let owner = stage.sim.owner();
    stage.sim.call_as(owner, method, path, body).unwrap();
}

fn member(stage: &Stage, name: &str, nick: Option<&str>) -> Id {
    let user = stage.sim.add_member(stage.sim.guild(), name, 0).unwrap();
    rename(stage, user, nick);
    user
}

fn rename(stage: &Stage, user: Id, nick: Option<&str>) {
    let path = format!("/guilds/{}/members/{user}", stage.sim.guild());
    as_owner(stage, "PATCH", &path, json!({ "nick": nick }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_called_like_an_id_is_not_that_role() {
    let mut stage = stage().await;
    let (guild, anna) = (stage.sim.guild(), stage.sim.user("anna").unwrap());
    let meant = stage.sim.add_role(guild, "staff", 0).unwrap();
    let names = [
        meant.to_string(),
        format!("<@&{meant}>"),
        format!("@{meant}"),
    ];
    for name in &names {
        let fake = stage.sim.add_role(guild, name, 0).unwrap();
        stage.sim.give_role(guild, anna, fake).unwrap();
    }
    for (index, wanted) in [meant.to_string(), format!("<@&{meant}>")]
        .iter()
        .enumerate()
    {
        let cog = format!(
            "local cog = require(\"@cogsmith/cog\")
cog.command {{ name = \"enter{index}\", checks = {{ cog.check.role(\"{wanted}\") }}, run = function(ctx) ctx:reply(\"passed\") end }}"
        );
        stage.save(&format!("cogs/door{index}.luau"), &cog);
        stage.applied().await;
    }
    for line in ["!enter0", "!enter1"] {
        let refusal = told(&stage, "anna", line).await;
        assert!(refusal.starts_with("You need the role"), "{refusal}");
    }
    let found = told(&stage, "anna", &format!("!role {meant}")).await;
    assert_eq!(found, meant.to_string());
    let found = told(&stage, "anna", &format!("!role @{meant}")).await;
    assert_eq!(found, meant.to_string());
    stage.sim.give_role(guild, anna, meant).unwrap();
    for line in ["!enter0", "!enter1"] {
        assert_eq!(told(&stage, "anna", line).await, "passed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_called_like_an_id_is_not_that_member() {
    let stage = stage().await;
    let ben = stage.sim.user("ben").unwrap();
    let thief = stage.sim.user("anna").unwrap();
    rename(&stage, thief, Some(&ben.to_string()));
    told(&stage, "anna", "!may").await;
    for line in [
        format!("!who {ben}"),
        format!("!who @{ben}"),
        format!("!any {ben}"),
        format!("!whose {ben}"),
    ] {
        assert_eq!(
            told(&stage, "owner", &line).await,
            ben.to_string(),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_in_a_folder_called_cogs_is_no_reason_to_guess() {
    let one = crate::support::answering("one", "one");
    let two = crate::support::answering("two", "two");
    let stage = setup(&[("cogs/x.luau", &one), ("cogs/cogs/x.luau", &two)])
        .start()
        .await;
    for line in ["!reload cog cogs.x", "!unload cogs.x", "!cogs cogs.x"] {
        let question = stage.ask(line).await;
        assert!(question.contains("fits more than one"), "{question}");
        assert!(question.contains("`cogs.cogs.x` or `x`"), "{question}");
    }
    assert!(stage.ask("!reload cog x").await.starts_with("✅"));
    assert!(stage.ask("!unload cogs.cogs.x").await.contains("`cogs.x`"));
    assert_eq!(stage.ask("!one").await, "one");
    assert!(stage.says("owner", "!two").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_team_those_are_admins_who_may_change_the_application() {
    // The ids of the world that each simulator starts with are the same.
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (owner, anna) = (sim.owner(), sim.user("anna").unwrap());
    let ben = sim.user("ben").unwrap();
    let users = sim.world()["users"].clone();
    sim.shutdown().await;
    let team = |of_anna: &str, of_ben: &str| {
        let member = |id: Id, role: &str| {
            let mut people = users.as_array().unwrap().iter();
            let mut user = people
                .find(|user| user["id"].as_str() == Some(&id.to_string()))
                .unwrap()
                .clone();
            // Which only the handle tells.
            user.as_object_mut().unwrap().remove("locale");
            json!({ "user": user, "role": role, "membership_state": 2, "team_id": "9", "permissions": ["*"] })
        };
        json!({
            "id": "9", "name": "Team", "icon": null, "owner_user_id": owner.to_string(),
            "members": [member(anna, of_anna), member(ben, of_ben)],
        })
    };
    for (of_anna, of_ben) in [("read_only", "developer"), ("admin", "read_only")] {
        let stage = setup(&[("cogs/who.luau", WHO)])
            .team(team(of_anna, of_ben))
            .start()
            .await;
        for (user, role) in [("anna", of_anna), ("ben", of_ben), ("owner", "owner")] {
            let is_admin = role != "read_only";
            let told_status = told(&stage, user, "!reload status").await;
            assert_eq!(
                !told_status.contains("for the bot's admins"),
                is_admin,
                "{role}"
            );
            assert_eq!(
                told(&stage, user, "!own").await == "passed",
                is_admin,
                "{role}"
            );
        }
        for line in ["!help", "!help reload"] {
            let help = told(&stage, "owner", line).await;
            assert!(help.contains("its owner, admins and developers"), "{help}");
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_grants_no_permission_of_the_guild() {
    let stage = stage().await;
    let (sim, general) = (&stage.sim, stage.general());
    let (guild, anna) = (sim.guild(), sim.user("anna").unwrap());
    let moderators = sim.role(guild, "moderators").unwrap();
    let own = sim.add_role(guild, "own", 0).unwrap();
    sim.give_role(guild, anna, own).unwrap();
    for target in [guild, own, anna] {
        for granted in [ADMINISTRATOR, BAN_MEMBERS, u64::MAX] {
            sim.overwrite(general, target, (granted, 0)).unwrap();
            stage.settled().await;
            assert_ne!(told(&stage, "anna", "!ban").await, "passed", "{granted}");
            let may: u64 = told(&stage, "anna", "!may").await.parse().unwrap();
            assert_eq!(may, sim.permissions_in(anna, general));
            assert_eq!(may & (ADMINISTRATOR | BAN_MEMBERS), 0);
        }
        sim.overwrite(general, target, (0, 0)).unwrap();
    }
    // Nor does it take one.
    sim.give_role(guild, anna, moderators).unwrap();
    sim.overwrite(general, anna, (0, BAN_MEMBERS)).unwrap();
    stage.settled().await;
    assert_eq!(told(&stage, "anna", "!ban").await, "passed");
    let may: u64 = told(&stage, "owner", "!may").await.parse().unwrap();
    assert_eq!(may, permissions::ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_have_is_a_question_whoever_of_them_is_known() {
    let stage = stage().await;
    let first = member(&stage, "robert", Some("Bob"));
    let second = member(&stage, "bobby", Some("Bob"));
    for line in ["!who Bob", "!whose Bob", "!any Bob", "!who bOB"] {
        let question = told(&stage, "owner", line).await;
        assert!(question.contains("fits more than one"), "{question}");
        for part in [
            "`robert`",
            "`bobby`",
            &format!("`{first}`"),
            &format!("`{second}`"),
        ] {
            assert!(question.contains(part), "{question}");
        }
    }
    // One of them is known now, and no more meant than before.
    told(&stage, "bobby", "!may").await;
    assert!(
        told(&stage, "owner", "!who Bob")
            .await
            .contains("fits more than one")
    );
    assert_eq!(
        told(&stage, "owner", "!who robert").await,
        first.to_string()
    );
    // What Discord knows counts: the known one was renamed, and the bot was not told.
    rename(&stage, second, Some("Rob"));
    assert_eq!(told(&stage, "owner", "!who Bob").await, first.to_string());
    // The exact user name comes first, and an exact name before one in another letter case.
    let third = member(&stage, "Bob", None);
    assert_eq!(told(&stage, "owner", "!who Bob").await, third.to_string());
    let fourth = member(&stage, "someone", Some("BOB"));
    assert_eq!(told(&stage, "owner", "!who BOB").await, fourth.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exact_name_is_found_behind_many_that_begin_with_it() {
    let stage = stage().await;
    let names: Vec<String> = (0..130).map(|index| format!("al{index}")).collect();
    for name in &names {
        stage.sim.add_member(stage.sim.guild(), name, 0).unwrap();
    }
    let first = member(&stage, "one", Some("al"));
    let second = member(&stage, "two", Some("al"));
    let question = told(&stage, "owner", "!who al").await;
    assert!(question.contains(&first.to_string()), "{question}");
    assert!(question.contains(&second.to_string()), "{question}");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_channels_and_emoji_of_one_name_are_a_question_too() {
    let stage = stage().await;
    let guild = stage.sim.guild();
    let roles = ["Red", "Red", "red"].map(|name| stage.sim.add_role(guild, name, 0).unwrap());
    let question = told(&stage, "owner", "!role Red").await;
    assert!(question.contains("fits more than one"), "{question}");
    assert!(question.contains(&roles[0].to_string()) && question.contains(&roles[1].to_string()));
    assert!(!question.contains(&roles[2].to_string()), "{question}");
    assert_eq!(
        told(&stage, "owner", "!role red").await,
        roles[2].to_string()
    );
    assert_eq!(
        told(&stage, "owner", "!role @everyone").await,
        guild.to_string()
    );

    let channel = |name: &str, kind: u8, parent: Option<Id>| {
        let body =
            json!({ "name": name, "type": kind, "parent_id": parent.map(|id| id.to_string()) });
        let path = format!("/guilds/{guild}/channels");
        as_owner(&stage, "POST", &path, body);
        stage.sim.channel(name).unwrap()
    };
    let (north, south) = (channel("North", 4, None), channel("South", 4, None));
    channel("lounge", 0, Some(north));
    channel("lounge", 0, Some(south));
    stage.settled().await;
    let question = told(&stage, "owner", "!where lounge").await;
    assert!(
        question.contains("in `North`") && question.contains("in `South`"),
        "{question}"
    );

    // A role and a member of one name are both mentionable.
    member(&stage, "green", None);
    stage.sim.add_role(guild, "green", 0).unwrap();
    assert!(
        told(&stage, "owner", "!any green")
            .await
            .contains("fits more than one")
    );

    let emoji = |id: &str, name: &str| json!({ "id": id, "name": name, "animated": false });
    let data = json!({ "guild_id": guild.to_string(), "emojis": [
        emoji("500000000000000001", "wave"),
        emoji("500000000000000002", "party"),
        emoji("500000000000000003", "party"),
    ]});
    stage.sim.dispatch("GUILD_EMOJIS_UPDATE", Some(guild), data);
    stage.settled().await;
    assert_eq!(
        told(&stage, "owner", "!emoji :wave:").await,
        "500000000000000001"
    );
    let question = told(&stage, "owner", "!emoji party").await;
    assert!(question.contains("fits more than one"), "{question}");
    // The question is answered with the id that it shows, and an id is no name.
    let emoji = |id: &str, name: &str| json!({ "id": id, "name": name, "animated": false });
    let data = json!({ "guild_id": guild.to_string(), "emojis": [
        emoji("500000000000000003", "party"),
        emoji("500000000000000004", "500000000000000003"),
        emoji("500000000000000005", "500000000000000006"),
    ]});
    stage.sim.dispatch("GUILD_EMOJIS_UPDATE", Some(guild), data);
    stage.settled().await;
    let found = told(&stage, "owner", "!emoji 500000000000000003").await;
    assert_eq!(found, "500000000000000003");
    let none = told(&stage, "owner", "!emoji 500000000000000006").await;
    assert!(
        none.contains("500000000000000006") && none.len() > 20,
        "{none}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_cache_knows_is_not_taken_when_discord_does_not_say_who_is_meant() {
    let stage = stage().await;
    member(&stage, "thief", Some("bob"));
    stage.says("thief", "hello").await;
    assert!(told(&stage, "owner", "!who bob").await.len() > 10);
    let path = "/guilds/{guild_id}/members/search";
    let silent = InjectedFault::status("GET", path, 403, 50_001, "Missing Access");
    stage.sim.fault(silent.times(100));
    for command in ["who", "whose", "any"] {
        let answer = told(&stage, "owner", &format!("!{command} bob")).await;
        let starts = "Discord did not tell me who or what `bob` is";
        assert!(answer.starts_with(starts), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_thread_is_found_by_those_in_it_and_by_who_manages_threads() {
    let stage = stage().await;
    let (guild, general) = (stage.sim.guild(), stage.general());
    let path = format!("/channels/{general}/threads");
    let body = json!({ "name": "secrets", "type": 12 });
    let thread = stage.sim.call_as(stage.sim.owner(), "POST", &path, body);
    let thread = thread.unwrap()["id"].as_str().unwrap().to_owned();
    let inside = member(&stage, "inside", None);
    let manager = member(&stage, "manager", None);
    member(&stage, "outside", None);
    let rights = permissions::of(["manage_threads"]).unwrap();
    let role = stage.sim.add_role(guild, "thread managers", rights);
    stage.sim.give_role(guild, manager, role.unwrap()).unwrap();
    for user in [inside, stage.sim.bot_user()] {
        let path = format!("/channels/{thread}/thread-members/{user}");
        as_owner(&stage, "PUT", &path, json!(null));
    }
    stage.settled().await;
    for given in ["secrets".to_owned(), format!("<#{thread}>"), thread.clone()] {
        let line = format!("!where {given}");
        for user in ["inside", "manager", "owner"] {
            assert_eq!(told(&stage, user, &line).await, thread, "{user} {line}");
        }
        let answer = told(&stage, "outside", &line).await;
        assert!(
            answer.starts_with("There is no channel"),
            "{line}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_called_by_its_own_word() {
    let stage = stage().await;
    let table = [
        ("whose", "I know no user"),
        ("who", "There is no member"),
        ("role", "There is no role"),
        ("where", "There is no channel"),
        ("any", "There is no member or role"),
    ];
    for (command, words) in table {
        for given in ["zzz", "999999999999999999"] {
            let line = format!("!{command} {given}");
            let answer = told(&stage, "owner", &line).await;
            assert!(
                answer.starts_with(&format!("{words} `{given}`")),
                "{line}: {answer}"
            );
        }
    }
}
