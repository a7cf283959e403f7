use super::*;
use crate::commands::definition::OptionKind;
use proptest::prelude::*;

fn definition() -> CommandDefinition {
    let mut ban = CommandDefinition::new("ban");
    let mut reason = OptionDefinition::new("reason", OptionKind::String);
    (reason.required, reason.rest) = (false, true);
    ban.options = vec![OptionDefinition::new("member", OptionKind::Member), reason];
    ban
}

fn error(line: &str, span: Range<usize>) -> UsageError {
    UsageError {
        option: None,
        sentence: "No.".into(),
        usage: usage_line("!", "ban", &definition()),
        line: line.into(),
        span,
        language: Language::English,
    }
}

fn shown(line: &str, bad: &str) -> String {
    let at = line.find(bad).unwrap();
    marked(line, &(at..at + bad.len()))
}

#[test]
fn a_usage_line_shows_what_may_be_left_out() {
    assert_eq!(
        usage_line("!", "ban", &definition()),
        "!ban <member> [reason…]"
    );
    let mut group = CommandDefinition::new("tag");
    group.runs = false;
    group.subcommands = vec![
        CommandDefinition::new("add"),
        CommandDefinition::new("remove"),
    ];
    assert_eq!(
        usage_line("`@", "tag", &group),
        "ˋ@\u{200b}tag <add|remove>"
    );
}

#[test]
fn the_mark_stands_below_the_bad_part() {
    insta::assert_snapshot!(shown("!ban bob 7x", "7x"), @"
    !ban bob 7x
             ^^
    ");
    insta::assert_snapshot!(shown("!ban\tb\u{301}o\u{200b}b 7x", "7x"), @"
    !ban b́ob 7x
             ^^
    ");
    insta::assert_snapshot!(shown("!say first\n  second third\nfourth", "third"), @"
    second third
           ^^^^^
    ");
    insta::assert_snapshot!(shown("!ban 日本 7x", "7x"), @"
    !ban 日本 7x
         \u{3000}\u{3000} ^^
    ");
    insta::assert_snapshot!(marked("!ban   ", &(7..7)), @"
    !ban
         ^
    ");
}

#[test]
fn a_long_line_is_cut_around_the_bad_part() {
    let line = format!("!say {}WRONG {}", "one ".repeat(30), "two ".repeat(30));
    insta::assert_snapshot!(shown(&line, "WRONG"), @"
    …one one one one one WRONG two two two two two two two …
                         ^^^^^
    ");
    let bad = "x".repeat(300);
    insta::assert_snapshot!(shown(&format!("!say {bad}"), &bad), @"
    !say xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn nothing_leaves_the_code_block() {
    let answer = error("!ban ```@everyone``` <@5>", 5..8).render();
    insta::assert_snapshot!(answer, @"
    No.
    Usage: `!ban <member> [reason…]`
    ```
    !ban ˋˋˋ@\u{200b}everyoneˋˋˋ <\u{200b}@\u{200b}5>
         ^^^
    ```
    ");
    let tower = format!("!ban a{}", "\u{301}".repeat(3_900));
    assert!(error(&tower, 5..6).render().chars().count() < 300);
}

proptest! {
    #[test]
    fn any_span_of_any_line_can_be_marked(line in "(\\PC|[\n\t`@<日\u{301}😀]){0,300}", start in 0_usize..400, length in 0_usize..50) {
        let answer = error(&line, start..start + length).render();
        prop_assert!(answer.chars().count() <= ANSWER_LIMIT);
        prop_assert_eq!(answer.matches("```").count(), 2);
    }
}
