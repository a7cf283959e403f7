use super::*;
use crate::commands::definition::{Choice, ChoiceValue, OptionKind};
use proptest::prelude::*;

fn command(name: &str, description: &str) -> CommandDefinition {
    CommandDefinition {
        description: (!description.is_empty()).then(|| description.to_owned()),
        ..CommandDefinition::new(name)
    }
}

fn views<'a>(cog: &'a str, commands: &'a [CommandDefinition]) -> Vec<CommandView<'a>> {
    commands
        .iter()
        .map(|definition| CommandView { definition, cog })
        .collect()
}

#[test]
fn the_overview_groups_commands_by_cog() {
    let mut hidden = command("debug", "");
    hidden.hidden = true;
    let mut slash = command("poll", "Asks everybody");
    slash.prefix = false;
    let fun = [
        command("roll", "Rolls @everyone's dice"),
        command("flip", ""),
        hidden,
        slash,
    ];
    let levels = [command("rank", "Shows\nsomebody's level")];
    let mut all = views("leveling", &levels);
    all.extend(views("fun", &fun));
    insta::assert_snapshot!(overview(&all, "!", 1, Language::English), @"
    **fun**
    `!flip`
    `/poll`: Asks everybody
    `!roll`: Rolls @\u{200b}everyone's dice

    **leveling**
    `!rank`: Shows somebody's level

    More about a command: `!help <command>`
    ");
    insta::assert_snapshot!(overview(&[], "!", 1, Language::Indonesian), @"Belum ada perintah.");
}

#[test]
fn many_commands_come_in_pages() {
    let many: Vec<_> = (0..60)
        .map(|number| command(&format!("command{number:02}"), &"word ".repeat(12)))
        .collect();
    let all = views("big", &many);
    let pages = overview_pages(&all, "!", Language::English);
    assert_eq!(pages.len(), 3);
    assert!(pages.iter().all(|page| page.starts_with("**big**\n")));
    let last_lines = |page| {
        let text = overview(&all, "!", page, Language::English);
        assert!(text.chars().count() < 2_000);
        text.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last_lines(0), "Page 1 of 3; the next: `!help 2`");
    assert_eq!(last_lines(99), "Page 3 of 3");
}

#[test]
fn the_help_of_a_command_tells_everything() {
    let mut sides = OptionDefinition::new("sides", OptionKind::Integer);
    sides.description = Some("How many sides the die has".into());
    (sides.required, sides.min, sides.max) = (false, Some(2.0), Some(100.0));
    let mut color = OptionDefinition::new("color", OptionKind::String);
    color.choices = vec![
        Choice {
            name: "red".into(),
            value: ChoiceValue::String("r".into()),
        },
        Choice {
            name: "blue".into(),
            value: ChoiceValue::String("b".into()),
        },
    ];
    let mut roll = command("roll", "Rolls a die");
    roll.aliases = vec!["dice".into(), "r".into()];
    roll.options = vec![color, sides];
    roll.examples = vec!["red".into(), "blue 20".into()];
    insta::assert_snapshot!(help_for(&[&roll], "!", 1, Language::English), @"
    `!roll <color> [sides]`
    Rolls a die

    Also: `dice`, `r`

    **Options**
    `color` (one of `red`, `blue`)
    `sides`: How many sides the die has (optional; 2 to 100)

    **Examples**
    `!roll red`
    `!roll blue 20`
    ");

    let mut games = command("games", "");
    games.runs = false;
    games.subcommands = vec![roll];
    insta::assert_snapshot!(help_for(&[&games], "!", 1, Language::Indonesian), @"
    `!games <roll>`

    **Subperintah**
    `!games roll`: Rolls a die
    ");
    let path = [&games, &games.subcommands[0]];
    assert!(
        help_for(&path, "!", 1, Language::English).starts_with("`!games roll <color> [sides]`")
    );
}

#[test]
fn everything_about_a_command_is_on_one_of_its_pages() {
    let long = |what: &str, number: usize| format!("{what}{number}-{}", "x".repeat(80));
    let mut one = command("one", &"word ".repeat(100));
    one.examples = (0..10).map(|number| long("example", number)).collect();
    one.options = (0..25)
        .map(|number| {
            let mut option = OptionDefinition::new(format!("option{number}"), OptionKind::String);
            option.choices = (0..25)
                .map(|choice| Choice {
                    name: long(&format!("choice{number}-"), choice),
                    value: ChoiceValue::Integer(0),
                })
                .collect();
            option
        })
        .collect();
    let mut group = command("group", "");
    group.subcommands = (0..600)
        .map(|number| command(&format!("sub{number}"), "Some words"))
        .collect();
    group.subcommands.push(one);
    let one = group.subcommands.last().unwrap();
    let all = |path: &[&CommandDefinition], name: &str| {
        let mut text = String::new();
        for number in 1.. {
            let page = help_for(path, "!", number, Language::English);
            assert!(page.chars().count() < 2_000);
            let (body, foot) = page.rsplit_once("\n\n").unwrap();
            text += body;
            if !foot.ends_with(&format!("the next: `!help {name} {}`", number + 1)) {
                assert_eq!(foot, format!("Page {number} of {number}"));
                return text;
            }
        }
        text
    };
    let pages = all(&[&group, one], "group one");
    for number in 0..25 {
        assert!(pages.contains(&format!("`option{number}`")));
        for choice in 0..25 {
            assert!(
                pages.contains(&format!("choice{number}-{choice}-")),
                "{number} {choice}"
            );
        }
    }
    for number in 0..10 {
        assert!(pages.contains(&format!("`!group one {}`", long("example", number))));
    }
    let pages = all(&[&group], "group");
    for number in 0..600 {
        assert!(pages.contains(&format!("`!group sub{number}`")), "{number}");
    }
    let answer = unknown_subcommand(&[&group], None, "!", Language::English);
    assert!(
        answer.ends_with("`!help group` shows all of them."),
        "{answer}"
    );
}

#[test]
fn unknown_names_get_the_nearest() {
    let unknown = |name| unknown_command(name, ["rank", "ban"], "!", Language::English);
    insta::assert_snapshot!(unknown("rnak"), @"There is no command `rnak`. Did you mean `!rank`?");
    insta::assert_snapshot!(unknown("`@everyone`"), @"There is no command `ˋ@\u{200b}everyoneˋ`.");

    let mut tag = command("tag", "");
    tag.runs = false;
    tag.subcommands = vec![command("add", ""), command("remove", "")];
    let line = crate::commands::parse::Line {
        content: "!tag ad",
        arguments: 4,
    };
    let given = line.tokens().next();
    let answer = |given| unknown_subcommand(&[&tag], given, "!", Language::English);
    insta::assert_snapshot!(answer(None), @"`!tag` needs one of these after it: `add`, `remove`.");
    insta::assert_snapshot!(answer(given.as_ref()), @"`!tag` has no `ad`, only `add`, `remove`. Did you mean `!tag add`?");
}

proptest! {
    #[test]
    fn help_fits_a_message_and_mentions_nobody(
        name in "\\PC{1,32}",
        description in "(\\PC|@everyone|<@5>|\n){0,400}",
        count in 0_usize..60,
        page in 0_usize..5,
    ) {
        let mut one = command(&name, &description);
        one.aliases = vec![description.clone(); count];
        one.examples = vec![description.clone(); count];
        let mut option = OptionDefinition::new(name.clone(), OptionKind::String);
        option.description = Some(description.clone());
        one.options = vec![option; count];
        let all = views(&description, std::slice::from_ref(&one)).repeat(count);
        for text in [
            help_for(&[&one], "!", page, Language::English),
            overview(&all, &name, page, Language::Indonesian),
            unknown_command(&description, [name.as_str()], &name, Language::English),
        ] {
            prop_assert!(text.chars().count() < 2_000);
            prop_assert!(!text.contains("@everyone") && !text.contains("<@5>"), "{}", text);
        }
    }
}
