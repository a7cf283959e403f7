//! Every function that an author can call: found by looking, so that a new one is fuzzed from its first day.

use super::choices::Choices;
use super::values::value;
use cogsmith::discord::{events, operations, schema};

/// Methods of Discord's objects and of `ctx`, which cannot be looked for.
const METHODS: [(&str, &[&str]); 6] = [
    (
        "ctx",
        &[
            "reply", "send", "edit", "delete", "typing", "help", "get", "defer", "finally",
            "refund", "run", "update", "confirm", "paginate", "modal", "t",
        ],
    ),
    (
        "thing(ctx, 2)",
        &["reply", "edit", "delete", "react", "pin", "table"],
    ),
    (
        "thing(ctx, 4)",
        &["add_role", "remove_role", "timeout", "send", "table"],
    ),
    ("thing(ctx, 3)", &["send", "table"]),
    ("thing(ctx, 5)", &["send", "typing", "table"]),
    ("thing(ctx, 6)", &["delete", "table"]),
];

/// What can be called.
#[derive(Clone, Debug)]
pub struct Function {
    /// As it is written (`discord.create_message`).
    pub path: String,
    /// The object that is its first argument most of the time.
    of: Option<&'static str>,
    /// The fields that it looks for in a table.
    fields: Vec<&'static str>,
}

pub struct Functions(pub Vec<Function>);

impl Functions {
    /// The functions of the modules and libraries, by path, and all others.
    pub fn new(found: &str) -> Self {
        let plain = |path: String| Function {
            path,
            of: None,
            fields: Vec::new(),
        };
        let mut all: Vec<_> = found
            .split_whitespace()
            .map(|it| plain(it.into()))
            .collect();
        assert!(all.len() > 150, "only {} functions were found", all.len());
        for operation in operations().filter(|it| it.open_to_cogs()) {
            let body = operation.body.and_then(|body| body.split('|').next());
            let body = body.and_then(schema::fields).into_iter().flatten();
            let path = operation.params.keys().chain(operation.query.keys());
            all.push(Function {
                path: format!("discord.{}", operation.id),
                of: None,
                fields: path.copied().chain(body.map(|(name, _)| *name)).collect(),
            });
        }
        all.extend(events().map(|event| plain(format!("cog.on.{}", event.name))));
        for (object, names) in METHODS {
            all.extend(names.iter().map(|name| Function {
                path: format!("{object}.{name}"),
                of: Some(object),
                fields: Vec::new(),
            }));
        }
        Self(all)
    }

    /// A call of any of them.
    pub fn call(&self, choices: &mut Choices<'_>) -> Call {
        let index = choices.below(self.0.len());
        self.call_of(index, choices)
    }

    /// A call of the one at `index`.
    pub fn call_of(&self, index: usize, choices: &mut Choices<'_>) -> Call {
        let function = &self.0[index % self.0.len()];
        let mut arguments = Vec::new();
        if let Some(object) = function.of
            && !choices.once_in(6)
        {
            arguments.push(object.to_owned());
        }
        // One more argument or one less than what is asked for comes often enough by itself.
        for _ in 0..=choices.below(4) {
            arguments.push(value(choices, 3, &function.fields));
        }
        Call {
            path: function.path.clone(),
            arguments: arguments.join(", "),
        }
    }
}

/// One call, as an expression.
pub struct Call {
    pub path: String,
    arguments: String,
}

impl Call {
    /// What it raises is looked at.
    pub fn checked(&self) -> String {
        let Self { path, arguments } = self;
        format!("try(\"{path}\", function() return {path}({arguments}) end)")
    }

    /// What it raises goes on.
    pub fn bare(&self) -> String {
        let Self { path, arguments } = self;
        format!("{path}({arguments})")
    }
}
