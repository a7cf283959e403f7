//! The texts of a cog in several languages.

use crate::support::{problems_of, setup};

const COG: &str = r#"local cog = require("@cogsmith/cog")
require("../services/words")
cog.texts {
    en = { hello = "Hello {name}!", deep = { er = "{{deeper}}" }, only = "English" },
    id = { hello = "Halo {name}!" },
    fr = { rare = "seulement" },
}
cog.command { name = "t", options = { { name = "n", type = "integer", description = "n" } }, run = function(ctx)
    local calls = {
        function() return ctx:t("hello", { name = "anna" }) end,
        function() return ctx:t("hello", { name = 5 }) end,
        function() return ctx:t("deep.er") end,
        function() return ctx:t("only") end,
        function() return ctx:t("rare") end,
        function() return ctx:t("word") end,
        function() return ctx:t("helo") end,
        function() return ctx:t("hello") end,
        function() return ctx:t("hello", { name = {} }) end,
        function() return ctx:t("hello", { name = string.rep("x", 70000) }) end,
        function() return ctx:t(5) end,
    }
    local ok, result = pcall(calls[ctx.options.n])
    local where = if ok then "" else `{result.file}:{result.line} `
    ctx:reply(`{where}{result}`)
end }
"#;
const SERVICE: &str = "local cog = require(\"@cogsmith/cog\")
cog.texts { en = { word = \"WORD\" } }
return nil
";

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_found_in_the_language_of_the_call_and_filled_in() {
    for (locale, hello) in [("en", "Hello"), ("id", "Halo")] {
        let mut stage = setup(&[("cogs/a.luau", COG), ("services/words.luau", SERVICE)])
            .config(&format!(r#"{{ "bot": {{ "locale": "{locale}" }} }}"#))
            .start()
            .await;
        for (number, says) in [
            format!("{hello} anna!"),
            format!("{hello} 5!"),
            "{deeper}".to_owned(),
            "English".to_owned(),
            "seulement".to_owned(),
            "WORD".to_owned(),
            "lua/cogs/a.luau:16 ctx:t: there is no text \"helo\"; did you mean \"hello\"?".to_owned(),
            "lua/cogs/a.luau:17 ctx:t: the text \"hello\": it needs a value for {name}".to_owned(),
            "lua/cogs/a.luau:18 ctx:t: the text \"hello\": {name}: expected a string, a number or a boolean, got a table".to_owned(),
            "lua/cogs/a.luau:19 ctx:t: the text \"hello\": {name}: expected a string".to_owned(),
            "lua/cogs/a.luau:20 ctx:t: the key: expected a string of at most 200 characters, got the number 5".to_owned(),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = stage.ask(&format!("!t {}", number + 1)).await;
            assert!(answer.starts_with(&says), "{number}: {answer}");
        }
        // The texts of a module that stays are there after a reload, and others follow it.
        stage.save("cogs/a.luau", &COG.replace("English", "British"));
        stage.applied().await;
        assert_eq!(stage.ask("!t 4").await, "British");
        assert_eq!(stage.ask("!t 6").await, "WORD");
        stage.save("services/words.luau", &SERVICE.replace("WORD", "OTHER"));
        stage.applied().await;
        assert_eq!(stage.ask("!t 6").await, "OTHER");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_wrong_are_errors_when_the_file_loads() {
    let mut stage = setup(&[("cogs/a.luau", "")]).start().await;
    for (texts, says) in [
        ("5", "cog.texts: expected a table, got the number 5"),
        (
            "{ en = 5 }",
            "cog.texts: en: expected a table of texts, got the number 5",
        ),
        (
            "{ \"x\" }",
            "cog.texts: the language: expected one like \"en\" or \"id\", got the number 1",
        ),
        (
            "{ indonesian = {} }",
            "cog.texts: Discord has no language \"indonesian\"",
        ),
        (
            "{ [\"en-UK\"] = {} }",
            "cog.texts: Discord has no language \"en-UK\"; did you mean \"en-US\"?",
        ),
        (
            "{ en = { a = 5 } }",
            "a: expected a string, got the number 5",
        ),
        (
            "{ en = { \"a\" } }",
            "expected texts by name, got the number 1",
        ),
        (
            "{ en = { a = { b = \"{\" } } }",
            "cog.texts: en.a.b: a brace begins or ends the name of a value",
        ),
        (
            "{ en = { a = { b = \"1\" }, [\"a.b\"] = \"2\" } }",
            "cog.texts: en.a.b: this text is already there",
        ),
        (
            "{ en = { a = \"1\" } }) cog.texts({ en = { a = \"2\" } }",
            "cog.texts: en.a: this text is already there",
        ),
        (
            "(function() local t = {} t.t = t return { en = t } end)()",
            "tables may be nested 12 deep at most",
        ),
        (
            "{ en = { a = string.rep(\"x\", 20000) } }",
            "a: expected a string of at most 10000 characters",
        ),
        (
            "(function() local t = {} for i = 1, 10 do t[`k{i}`] = string.rep(\"x\", 9000) end return { en = t } end)()",
            "all its texts together may have 64 KB",
        ),
    ] {
        stage.save(
            "cogs/a.luau",
            &format!("local cog = require(\"@cogsmith/cog\")\ncog.texts({texts})\n"),
        );
        let report = stage.failed().await;
        let problem = problems_of(&report);
        assert!(problem.contains(says), "{texts}: {problem}");
        assert!(problem.contains("lua/cogs/a.luau:2"), "{texts}: {problem}");
    }
}
