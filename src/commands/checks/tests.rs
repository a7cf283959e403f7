use super::*;

const HELPER: &str = "950000000000000005";

/// Facts that do not have to be looked up.
#[derive(Clone, Copy)]
struct Known {
    is_owner: bool,
    channel_nsfw: Option<bool>,
    member_permissions: Option<u64>,
    bot_permissions: Option<u64>,
    /// Id and name of the caller's role; without a name while the guild is not known.
    role: (&'static str, Option<&'static str>),
    in_guild: bool,
}

impl CheckFacts for Known {
    fn is_owner(&self) -> bool {
        self.is_owner
    }

    fn channel_nsfw(&self) -> Option<bool> {
        self.channel_nsfw
    }

    fn member_permissions(&self) -> Option<u64> {
        self.member_permissions
    }

    fn bot_permissions(&self) -> Option<u64> {
        self.bot_permissions
    }

    fn has_role(&self, role: &RoleKey) -> bool {
        let (id, name) = self.role;
        role.fits(id, name.unwrap_or_default())
    }

    fn knows_roles(&self) -> bool {
        self.role.1.is_some()
    }

    fn in_guild(&self) -> bool {
        self.in_guild
    }

    fn language(&self) -> Language {
        Language::English
    }
}

const FACTS: Known = Known {
    is_owner: false,
    channel_nsfw: Some(false),
    member_permissions: Some(0),
    bot_permissions: Some(0),
    role: (HELPER, Some("Helper")),
    in_guild: true,
};

fn verdict(check: &Check) -> Verdict {
    evaluate([check], &FACTS, &CheckAnswers::new())
}

fn message(check: &Check) -> String {
    match verdict(check) {
        Verdict::Denied { kind, message } => format!("{kind}: {message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refusals_say_what_is_needed() {
    insta::assert_snapshot!(message(&Check::Owner), @"owner: Only the bot's owner may do this.");
    insta::assert_snapshot!(message(&Check::Nsfw), @"nsfw: This works only in age-restricted channels.");
    insta::assert_snapshot!(message(&Check::Permissions(6)), @"permissions: You need **Kick Members** and **Ban Members** for this.");
    insta::assert_snapshot!(message(&Check::BotPermissions(1 << 40)), @"bot_permissions: I need **Timeout Members** for this: ask an admin of the server to grant it.");
    insta::assert_snapshot!(message(&Check::Role("mod".into())), @"role: You need the role `mod` for this.");
    insta::assert_snapshot!(
        message(&Check::Any(vec![Check::Owner, Check::Permissions(4)])),
        @r"
    any: One of these is needed:
    - Only the bot's owner may do this.
    - You need **Ban Members** for this.
    "
    );
    insta::assert_snapshot!(message(&Check::Any(Vec::new())), @"any: You may not do this.");
}

#[test]
fn roles_are_found_by_id_and_by_name() {
    assert_eq!(verdict(&Check::Role(HELPER.into())), Verdict::Pass);
    assert_eq!(verdict(&Check::Role("helper".into())), Verdict::Pass);
}

#[test]
fn a_role_named_like_an_id_is_another_role() {
    let facts = Known {
        role: ("950000000000000006", Some(HELPER)),
        ..FACTS
    };
    for wanted in [HELPER, "<@&950000000000000005>", " 950000000000000005"] {
        let check = Check::Role(wanted.into());
        let verdict = evaluate([&check], &facts, &CheckAnswers::new());
        assert!(
            matches!(verdict, Verdict::Denied { kind: "role", .. }),
            "{wanted}"
        );
    }
}

#[test]
fn an_administrator_has_every_permission() {
    let facts = Known {
        member_permissions: Some(permissions::ADMINISTRATOR),
        ..FACTS
    };
    let check = Check::Permissions(1 << 40);
    assert_eq!(
        evaluate([&check], &facts, &CheckAnswers::new()),
        Verdict::Pass
    );
}

#[test]
fn a_handler_is_asked_only_when_the_rest_does_not_decide() {
    let custom = Check::Custom(3);
    let role = Check::Role(HELPER.into());
    assert_eq!(verdict(&custom), Verdict::NeedsHandler(3));
    let any = Check::Any(vec![custom.clone(), role.clone()]);
    assert_eq!(verdict(&any), Verdict::Pass);
    let all = Check::All(vec![custom.clone(), Check::Owner]);
    assert!(matches!(
        verdict(&all),
        Verdict::Denied { kind: "owner", .. }
    ));

    let both = Check::All(vec![role, Check::Any(vec![Check::Custom(4), custom])]);
    let mut answers = CheckAnswers::new();
    assert_eq!(
        evaluate([&both], &FACTS, &answers),
        Verdict::NeedsHandler(4)
    );
    answers.insert(4, CheckAnswer::Deny(Some("Not on Mondays.".into())));
    assert_eq!(
        evaluate([&both], &FACTS, &answers),
        Verdict::NeedsHandler(3)
    );
    answers.insert(3, CheckAnswer::Pass);
    assert_eq!(evaluate([&both], &FACTS, &answers), Verdict::Pass);
    answers.insert(3, CheckAnswer::Deny(None));
    assert!(matches!(
        evaluate([&both], &FACTS, &answers),
        Verdict::Denied { kind: "any", .. }
    ));
}

/// The facts when there is no server.
const UNKNOWN: Known = Known {
    channel_nsfw: None,
    member_permissions: None,
    bot_permissions: None,
    role: (HELPER, None),
    ..FACTS
};

#[test]
fn what_is_not_known_neither_passes_nor_denies() {
    let known = |check: &Check| evaluate([check], &UNKNOWN, &CheckAnswers::new());
    let (kick, custom) = (Check::Permissions(2), Check::Custom(3));
    let other = Check::Role("950000000000000007".into());
    let any = |checks: &[Check]| Check::Any(checks.to_vec());
    let all = |checks: &[Check]| Check::All(checks.to_vec());
    let owner = Known {
        is_owner: true,
        ..UNKNOWN
    };
    let unknown = [
        Check::Nsfw,
        kick.clone(),
        Check::BotPermissions(2),
        Check::Role("helper".into()),
        any(&[Check::Owner, kick.clone()]),
        any(&[any(std::slice::from_ref(&kick)), other.clone()]),
        all(&[kick.clone(), custom.clone()]),
        all(&[custom.clone(), kick.clone()]),
        all(&[any(&[Check::Owner, kick.clone()]), custom.clone()]),
    ];
    for check in unknown {
        assert_eq!(known(&check), Verdict::Unknown, "{check:?}");
    }
    // Roles are told by the message; an id needs no name.
    assert_eq!(known(&Check::Role(HELPER.into())), Verdict::Pass);
    for denied in [
        other.clone(),
        Check::Owner,
        any(&[Check::Owner, other.clone()]),
        all(&[kick.clone(), Check::Owner]),
        all(&[kick.clone(), custom.clone(), other.clone()]),
    ] {
        let verdict = known(&denied);
        assert!(matches!(verdict, Verdict::Denied { .. }), "{denied:?}");
    }
    // A handler may let the caller in.
    let either = any(&[kick.clone(), custom.clone()]);
    assert_eq!(known(&either), Verdict::NeedsHandler(3));
    let answers = |answer| CheckAnswers::from([(3, answer)]);
    let with = |check: &Check, answer| evaluate([check], &UNKNOWN, &answers(answer));
    assert_eq!(with(&either, CheckAnswer::Pass), Verdict::Pass);
    assert_eq!(with(&either, CheckAnswer::Deny(None)), Verdict::Unknown);
    let both = all(&[kick.clone(), custom]);
    let verdict = with(&both, CheckAnswer::Deny(None));
    assert!(matches!(verdict, Verdict::Denied { kind: "custom", .. }));
    assert_eq!(
        evaluate([&any(&[Check::Owner, kick])], &owner, &CheckAnswers::new()),
        Verdict::Pass
    );
    // A direct message has no server to know.
    let direct = Known {
        in_guild: false,
        ..UNKNOWN
    };
    assert_eq!(
        evaluate([&Check::Nsfw], &direct, &CheckAnswers::new()),
        Verdict::Pass
    );
}

#[test]
fn checks_nested_too_deeply_deny() {
    let mut check = Check::All(Vec::new());
    for _ in 0..=MAX_DEPTH {
        check = Check::All(vec![check]);
    }
    assert!(matches!(verdict(&check), Verdict::Denied { .. }));
}

#[test]
fn commands_stay_in_guilds_unless_they_say_otherwise() {
    let here = |contexts, context| evaluate_context(contexts, context, Language::English);
    assert_eq!(here(Contexts::default(), Context::Guild), Verdict::Pass);
    insta::assert_snapshot!(
        format!("{:?}", here(Contexts::default(), Context::BotDm)),
        @r#"Denied { kind: "context", message: "This works only in a server." }"#
    );
    let dm = Contexts {
        guild: false,
        bot_dm: true,
        private_channel: false,
    };
    assert_eq!(here(dm, Context::BotDm), Verdict::Pass);
    assert!(matches!(here(dm, Context::Guild), Verdict::Denied { .. }));
}
