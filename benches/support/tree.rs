//! A tree of cogs and of modules that they share, one of which is changed.

use std::fmt::Write as _;
use std::path::Path;

/// Cogs of 60 lines, each with one of the shared modules.
pub struct Tree {
    /// How many cogs there are.
    pub cogs: usize,
    /// How many shared modules.
    pub modules: usize,
    /// How many of the cogs also use the one that is changed.
    pub users: usize,
}

impl Tree {
    /// Writes its files into a folder.
    pub fn write(&self, root: &Path) {
        let lua = root.join("lua");
        std::fs::create_dir_all(lua.join("cogs")).unwrap();
        std::fs::create_dir_all(lua.join("utils")).unwrap();
        for module in 0..self.modules {
            let text = format!(
                "local m = {{}}\nfunction m.f(x)\n    return x + {module}\nend\nreturn m\n"
            );
            std::fs::write(lua.join(format!("utils/m{module}.luau")), text).unwrap();
        }
        std::fs::write(lua.join("utils/leaf.luau"), leaf(0)).unwrap();
        for cog in 0..self.cogs {
            let path = lua.join(format!("cogs/c{cog}.luau"));
            std::fs::write(path, self.cog(cog)).unwrap();
        }
    }

    /// The text of one of its cogs, `lua/cogs/c<number>.luau`.
    pub fn cog(&self, number: usize) -> String {
        let module = number % self.modules;
        let mut text = format!(
            "local cog = require(\"@cogsmith/cog\")\nlocal m = require(\"../utils/m{module}\")\n"
        );
        if number < self.users {
            text += "local leaf = require(\"../utils/leaf\")\n";
        }
        for function in 0..12 {
            let _always = write!(
                text,
                "local function f{function}(x)\n    local y = m.f(x)\n    return y * {function}\nend\n"
            );
        }
        let _always = writeln!(
            text,
            "cog.command {{ name = \"c{number}\", run = function(ctx) ctx:reply(tostring(f0(1))) end }}"
        );
        text
    }
}

/// The text of the module that is changed, `lua/utils/leaf.luau`.
pub fn leaf(version: usize) -> String {
    format!("return {{ n = {version} }}")
}
