//! What the files say: each text has a number of its own, requires others, and may be broken.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What a file says. Two texts are the same if their numbers are.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Told by the module, so that an answer shows which text runs.
    pub(crate) number: u32,
    /// The command that it declares; a text without one does not know the host.
    pub(crate) command: Option<String>,
    /// What it requires at its top level, in order.
    pub(crate) uses: Vec<Use>,
    /// What its second command requires.
    pub(crate) late: Option<String>,
    pub(crate) fault: Fault,
}

/// A require at the top level.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) request: String,
    /// Whether the module does without it: the require is inside of a `pcall`.
    pub(crate) optional: bool,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Syntax,
    /// It raises before its requires.
    Begin,
    /// It raises after them.
    End,
    /// It returns nothing, as only an entry may.
    Silent,
    /// `cog.on_load` raises.
    OnLoad,
}

/// Tells a module and everything that it uses: number and time of execution, each instance once.
const TELL: &str = "local function tell(root)
    local told, seen = {}, {}
    local function visit(module)
        if not seen[module] then
            seen[module] = true
            table.insert(told, `{module.number}:{module.born}`)
            for _, used in module.uses do
                visit(used)
            end
        end
    end
    visit(root)
    return table.concat(told, \" \")
end
";

impl Text {
    /// The commands that it declares.
    pub(crate) fn commands(&self) -> BTreeSet<String> {
        let command = self.command.iter();
        command
            .flat_map(|name| {
                let late = self.late.as_ref().map(|_| late_command(name));
                std::iter::once(name.clone()).chain(late)
            })
            .collect()
    }

    /// The Luau source.
    pub(crate) fn source(&self) -> String {
        let mut source = format!("local number = {}\n", self.number);
        if self.fault == Fault::Syntax {
            source += "local = = 1\n";
        }
        if self.fault == Fault::Begin {
            source += "error(\"at the beginning\")\n";
        }
        source += "local uses = {}\n";
        for Use { request, optional } in &self.uses {
            let line = if *optional {
                format!(
                    "do local ok, it = pcall(require, \"{request}\") if ok then table.insert(uses, it) end end"
                )
            } else {
                format!("table.insert(uses, require(\"{request}\"))")
            };
            let _always = writeln!(source, "{line}");
        }
        source += "local me = { number = number, born = os.clock(), uses = uses }\n";
        if let Some(command) = &self.command {
            source += &self.declarations(command);
        }
        if self.fault == Fault::End {
            source += "error(\"at the end\")\n";
        }
        if self.fault != Fault::Silent {
            source += "return me\n";
        }
        source
    }

    fn declarations(&self, command: &str) -> String {
        let mut source = format!("local cog = require(\"@cogsmith/cog\")\n{TELL}");
        let run = |name: &str, body: &str| {
            format!(
                "cog.command {{ name = \"{name}\", slash = false, run = function(ctx)\n{body}\nend }}\n"
            )
        };
        source += &run(command, &format!("ctx:reply(\"{command} \" .. tell(me))"));
        if let Some(request) = &self.late {
            let name = late_command(command);
            let body = format!(
                "local ok, it = pcall(require, \"{request}\")\nctx:reply(\"{name} \" .. (if ok then tell(it) else \"failed\"))"
            );
            source += &run(&name, &body);
        }
        if self.fault == Fault::OnLoad {
            source += "cog.on_load(function() error(\"on load\") end)\n";
        }
        source
    }
}

/// The name of the command whose handler requires something.
fn late_command(command: &str) -> String {
    format!("{command}-late")
}

/// Whether a command's handler requires something.
pub(crate) fn is_late(command: &str) -> bool {
    command.ends_with("-late")
}
