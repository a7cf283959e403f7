use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Modules without a disk. Cogs are what lies in `cogs/`: single files, and folders with an init.
#[derive(Debug, Default)]
struct Tree {
    sources: BTreeMap<ModuleId, Arc<Source>>,
    problems: BTreeMap<ModuleId, String>,
    aliases: BTreeMap<String, String>,
    folders: Vec<String>,
    cogs: BTreeMap<ModuleId, String>,
}

impl Tree {
    fn new(modules: &[&str], aliases: &[(&str, &str)]) -> Self {
        let mut tree = Self {
            folders: ["cogs", "services", "utils"].map(str::to_owned).to_vec(),
            ..Self::default()
        };
        for module in modules {
            let id = ModuleId::new(module);
            tree.sources
                .insert(id.clone(), Arc::new(Source::new(id, "return 1")));
        }
        for (name, target) in aliases {
            tree.aliases
                .insert((*name).to_owned(), (*target).to_owned());
        }
        for id in tree.sources.keys() {
            let name = id.without_init().strip_prefix("cogs/");
            if let Some(name) = name.filter(|name| !name.contains('/')) {
                tree.cogs.insert(id.clone(), name.to_owned());
            }
        }
        tree
    }

    fn ask(&self, from: &str, request: &str) -> Result<String, String> {
        match resolve(self, &ModuleId::new(from), request) {
            Ok(Target::Module(id)) => Ok(id.to_string()),
            Ok(Target::Host(name)) => Ok(format!("host {name}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn refuse(&self, from: &str, request: &str) -> ResolveError {
        resolve(self, &ModuleId::new(from), request).unwrap_err()
    }
}

impl Modules for Tree {
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        self.sources.get(id)
    }

    fn in_file(&self, path: &str) -> Option<&Arc<Source>> {
        self.sources.values().find(|source| &*source.path == path)
    }

    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_> {
        Box::new(self.sources.keys())
    }

    fn problem(&self, id: &ModuleId) -> Option<&str> {
        self.problems.get(id).map(String::as_str)
    }

    fn cog_of(&self, id: &ModuleId) -> Option<ModuleOwner<'_>> {
        if let Some(name) = self.cogs.get(id) {
            return Some(ModuleOwner {
                name,
                is_entry: true,
            });
        }
        let (folder, _) = id.as_str().strip_prefix("cogs/")?.split_once('/')?;
        let name = self.cogs.get(format!("cogs/{folder}/init").as_str())?;
        Some(ModuleOwner {
            name,
            is_entry: false,
        })
    }

    fn alias(&self, name: &str) -> Option<&str> {
        self.aliases.get(name).map(String::as_str)
    }

    fn alias_names(&self) -> Vec<&str> {
        self.aliases.keys().map(String::as_str).collect()
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }
}

fn tree() -> Tree {
    Tree::new(
        &[
            "cogs/ping",
            "cogs/leveling/init",
            "cogs/leveling/xp",
            "cogs/leveling/deep/init",
            "cogs/leveling/deep/parts",
            "services/levels",
            "services/bank/init",
            "services/bank/ledger",
            "utils/text",
        ],
        &[("utils", "utils"), ("lua", ""), ("bank", "services/bank")],
    )
}

#[test]
fn paths_are_relative_to_the_file_and_an_init_file_stands_for_its_folder() {
    let tree = tree();
    let found = [
        ("cogs/ping", "../services/levels", "services/levels"),
        ("cogs/ping", "../services/bank", "services/bank/init"),
        (
            "cogs/ping",
            "../services/bank/ledger",
            "services/bank/ledger",
        ),
        ("services/levels", "./bank", "services/bank/init"),
        (
            "services/levels",
            "././bank/./ledger",
            "services/bank/ledger",
        ),
        ("services/levels", "./bank/../levels", "services/levels"),
        ("services/bank/init", "./levels", "services/levels"),
        ("services/bank/init", "../utils/text", "utils/text"),
        ("services/bank/init", "@self/ledger", "services/bank/ledger"),
        ("services/bank/init", "@SELF/../levels", "services/levels"),
        ("services/bank/ledger", "../levels", "services/levels"),
        (
            "cogs/leveling/init",
            "../services/levels",
            "services/levels",
        ),
        ("cogs/leveling/init", "@self/xp", "cogs/leveling/xp"),
        ("cogs/leveling/init", "./leveling/xp", "cogs/leveling/xp"),
        ("cogs/leveling/xp", "./deep", "cogs/leveling/deep/init"),
        ("cogs/leveling/deep/init", "./xp", "cogs/leveling/xp"),
    ];
    for (from, request, wanted) in found {
        assert_eq!(
            tree.ask(from, request).as_deref(),
            Ok(wanted),
            "{request} in {from}"
        );
    }
}

#[test]
fn aliases_are_found_in_any_letter_case() {
    let tree = tree();
    let ask = |request| tree.ask("cogs/ping", request);
    assert_eq!(ask("@utils/text").as_deref(), Ok("utils/text"));
    assert_eq!(ask("@Utils/text").as_deref(), Ok("utils/text"));
    assert_eq!(
        ask("@lua/services/levels").as_deref(),
        Ok("services/levels")
    );
    assert_eq!(ask("@bank").as_deref(), Ok("services/bank/init"));
    assert_eq!(ask("@bank/ledger").as_deref(), Ok("services/bank/ledger"));
    assert_eq!(ask("@cogsmith/cog").as_deref(), Ok("host cog"));
    assert_eq!(ask("@CogSmith/state").as_deref(), Ok("host state"));
    assert_eq!(alias_of("@Utils/text"), Some(ModuleId::of_alias("utils")));
    assert_eq!(alias_of("@CogSmith/cog"), None);
    assert_eq!(alias_of("@self/x"), None);
    assert_eq!(alias_of("./x"), None);
}

#[test]
fn what_leads_nowhere_is_told_as_a_sentence() {
    let tree = tree();
    let error = |from, request| tree.ask(from, request).unwrap_err();
    assert_eq!(
        error("cogs/ping", "../services/levles"),
        "require(\"../services/levles\") in lua/cogs/ping.luau: there is no module \
         lua/services/levles.luau; did you mean \"../services/levels\"?"
    );
    assert_eq!(
        error("cogs/ping", "../utils/levels"),
        "require(\"../utils/levels\") in lua/cogs/ping.luau: there is no module \
         lua/utils/levels.luau; did you mean \"../services/levels\"?"
    );
    let told = [
        ("../services/Levels", "did you mean \"../services/levels\"?"),
        ("../services/levels.luau", "leave out \".luau\""),
        ("../services/levels.lua", "leave out \".lua\""),
        ("../services/bank/init", "leave out \"/init\""),
        ("services/levels", "begins with \"./\", \"../\" or \"@\""),
        ("/services/levels", "begins with"),
        ("", "begins with"),
        ("..", "begins with"),
        ("../../x", "outside lua/"),
        ("@utils/../../x", "outside lua/"),
        ("../", "empty name"),
        (".//x", "empty name"),
        ("@utils/", "empty name"),
        ("../services\\levels", "a backslash"),
        ("./x\0", "a control character"),
        (
            "@utlis/text",
            "no alias @utlis; did you mean \"@utils/text\"?",
        ),
        (
            "@self/x",
            "@self is the folder of an init file, and lua/cogs/ping.luau is not one",
        ),
        ("@cogsmith", "with one name after"),
        ("@cogsmith/a/b", "with one name after"),
        ("@cogsmith/", "with one name after"),
        (
            "../notes/x",
            "only those of hot_reload.watch_directories hold modules (cogs, services, utils)",
        ),
        ("@lua", "no module for the folder lua/ itself"),
    ];
    for (request, part) in told {
        let error = error("cogs/ping", request);
        assert!(error.contains(part), "{error}");
    }
    let long = tree.refuse("cogs/ping", &"./x".repeat(1000));
    assert_eq!(*long.reason, Reason::Length(3000));
    assert!(error("cogs/leveling/init", "@self/xpp").contains("did you mean \"@self/xp\"?"));
}

#[test]
fn a_cog_may_not_require_a_cog() {
    let tree = tree();
    let error = |from, request| tree.ask(from, request).unwrap_err();
    assert!(
        error("cogs/ping", "./leveling")
            .contains("is the cog leveling, and a cog cannot be required")
    );
    assert!(error("services/levels", "../cogs/ping").contains("is the cog ping"));
    assert!(error("cogs/ping", "./leveling/xp").contains("belongs to the cog leveling"));
    assert!(error("utils/text", "@lua/cogs/leveling/deep").contains("belongs to the cog leveling"));
    assert!(error("cogs/leveling/xp", "../leveling").contains("is the cog leveling"));
    assert!(
        !error("cogs/ping", "./leveling/xq").contains("did you mean"),
        "what is refused is not proposed"
    );
}

#[test]
fn a_file_that_cannot_be_taken_is_told_with_its_own_sentence() {
    let mut tree = tree();
    let sentence = "lua/utils/a.luau and lua/utils/a/init.luau would be the same module; remove or rename all but one";
    tree.problems
        .insert(ModuleId::new("utils/a/init"), sentence.to_owned());
    let error = tree.refuse("cogs/ping", "@utils/a");
    assert!(error.to_string().ends_with(sentence));
    tree.sources.insert(
        ModuleId::new("services/bank"),
        Arc::new(Source::new(ModuleId::of_file("services/bank", ".lua"), "")),
    );
    let both = tree.ask("cogs/ping", "../services/bank").unwrap_err();
    assert!(
        both.contains("lua/services/bank.lua and lua/services/bank/init.luau"),
        "{both}"
    );
}

#[test]
fn an_error_names_what_would_have_answered() {
    let tree = tree();
    let candidates = |request| -> Vec<String> {
        let error = tree.refuse("cogs/ping", request);
        error.candidates.iter().map(ModuleId::to_string).collect()
    };
    assert_eq!(candidates("./x"), ["cogs/x", "cogs/x/init"]);
    assert_eq!(
        candidates("@utils/x"),
        ["@utils", "utils/x", "utils/x/init"]
    );
    assert_eq!(candidates("@nobody/x"), ["@nobody"]);
    assert_eq!(candidates("../.."), [""; 0]);
}

#[test]
fn letters_that_look_alike_stay_apart() {
    let composed = "utils/caf\u{e9}";
    let tree = Tree::new(&["cogs/ping", composed], &[]);
    assert_eq!(
        tree.ask("cogs/ping", "../utils/caf\u{e9}").as_deref(),
        Ok(composed)
    );
    assert!(tree.ask("cogs/ping", "../utils/cafe\u{301}").is_err());
}

fn requests() -> impl Strategy<Value = String> {
    let names = [
        ".",
        "..",
        "",
        "init",
        "self",
        "@self",
        "@utils",
        "@lua",
        "@nobody",
        "@cogsmith",
        "cogs",
        "services",
        "utils",
        "bank",
        "levels",
        "leveling",
        "xp",
        "ledger",
        "text",
        "x.luau",
        "é",
        "\0",
        "\\",
        "~",
        "etc",
        "C:",
        " ",
        "%2e%2e",
    ];
    let made = prop::collection::vec(prop::sample::select(names.to_vec()), 0..8);
    prop_oneof![4 => made.prop_map(|names| names.join("/")), 1 => ".*"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_request_never_leads_out_of_the_snapshot(from in 0..9usize, request in requests()) {
        let tree = tree();
        let from = tree.sources.keys().nth(from).unwrap();
        match resolve(&tree, from, &request) {
            Ok(Target::Module(id)) => {
                prop_assert!(tree.sources.contains_key(&id));
                prop_assert!(!tree.cogs.contains_key(&id), "a cog is never required");
                let own = |id| tree.cog_of(id).map(|owner| owner.name.to_owned());
                prop_assert!(own(&id).is_none() || own(&id) == own(from));
            }
            Ok(Target::Host(name)) => prop_assert!(!name.contains('/') && !name.is_empty()),
            Err(error) => {
                let sentence = error.to_string();
                prop_assert!(!sentence.contains(['\n', '\0']));
                prop_assert!(sentence.len() < 1500);
                let unique: BTreeSet<_> = error.candidates.iter().collect();
                prop_assert_eq!(unique.len(), error.candidates.len());
                for id in &error.candidates {
                    prop_assert!(!id.as_str().split('/').any(|name| name == ".." || name == "."));
                }
                let is_alias = matches!(*error.reason, Reason::Alias(_));
                if let Some(nearest) = error.nearest.filter(|_| !is_alias) {
                    let meant = resolve(&tree, from, &nearest);
                    prop_assert!(matches!(meant, Ok(Target::Module(_))), "{}", nearest);
                }
            }
        }
    }

    #[test]
    fn any_module_can_be_asked_for_by_the_path_that_is_proposed(from in 0..9usize, to in 0..9usize) {
        let tree = tree();
        let from = tree.sources.keys().nth(from).unwrap();
        let to = tree.sources.keys().nth(to).unwrap();
        if from != to && allowed(&tree, from, to).is_ok() {
            let request = nearest::request_for(from, to);
            prop_assert_eq!(resolve(&tree, from, &request), Ok(Target::Module(to.clone())));
        }
    }
}
