//! Luau programs that are always well-formed, and otherwise as bad as can be.

use super::choices::Choices;
use super::functions::Functions;
use super::values::{table, value};
use std::fmt::Write as _;

/// Statements of one program.
const MOST_STATEMENTS: usize = 60;
/// Blocks within blocks.
const DEEPEST: usize = 5;

const VARIABLES: [&str; 6] = ["a", "b", "c", "d", "global_1", "global_2"];
const METAMETHODS: [&str; 16] = [
    "__index",
    "__newindex",
    "__call",
    "__iter",
    "__len",
    "__eq",
    "__lt",
    "__le",
    "__add",
    "__concat",
    "__unm",
    "__tostring",
    "__close",
    "__gc",
    "__mode",
    "__metatable",
];
const OPERATORS: [&str; 12] = [
    "+", "-", "*", "/", "//", "%", "^", "..", "==", "<", "and", "or",
];
const PLACES: [&str; 6] = [
    "state.global",
    "state.user(\"1\")",
    "state.session.global",
    "data.member(\"1\", \"2\")",
    "state.global.tree",
    "state.guild(\"1\").tree",
];
const MODULES: [&str; 7] = [
    "@cogsmith/state",
    "@cogsmith/none",
    "./other",
    "../../../etc/passwd",
    "@self/x",
    "",
    "./a/../b",
];
const HEAVY: [&str; 10] = [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "local kept = {} while true do kept[#kept + 1] = string.rep(\"x\", 10000) .. #kept end",
    "local kept = {} for i = 1, 1e6 do kept[i] = { i, kept } end",
    "local text = \"x\" while true do text ..= text end",
    "local function deeper(n) return 1 + deeper(n + 1) end deeper(0)",
    "a = string.find(string.rep(\"a\", 20000), string.rep(\".-\", 6) .. \"b\")",
    "local numbers = {} for i = 1, 1e5 do numbers[i] = i * 7919 % 10007 end table.sort(numbers)",
    "while true do coroutine.wrap(function() coroutine.yield() end)() end",
    "while true do a = thing(ctx, 3) end",
];

/// Writes one program, which may use the variables of `prelude.luau` and `ctx`.
pub fn program(choices: &mut Choices<'_>, functions: &Functions) -> String {
    let mut writer = Writer {
        choices,
        functions,
        left: MOST_STATEMENTS,
        text: String::new(),
    };
    writer.text.push_str("local a, b, c, d\n");
    writer.block(DEEPEST);
    writer.text
}

struct Writer<'a, 'b> {
    choices: &'a mut Choices<'b>,
    functions: &'a Functions,
    left: usize,
    text: String,
}

impl Writer<'_, '_> {
    fn block(&mut self, depth: usize) {
        for _ in 0..=self.choices.below(5) {
            self.statement(depth);
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// `open`, a block, and `close`.
    fn around(&mut self, open: &str, depth: usize, close: &str) {
        self.line(open);
        self.block(depth);
        self.line(close);
    }

    fn value(&mut self) -> String {
        value(self.choices, 2, &[])
    }

    fn variable(&mut self) -> &'static str {
        VARIABLES[self.choices.below(VARIABLES.len())]
    }

    fn statement(&mut self, depth: usize) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if depth == 0 {
            return self.simple();
        }
        let depth = depth - 1;
        match self.choices.below(26) {
            0..=10 => self.simple(),
            11 | 12 => {
                let variable = self.variable();
                let open = format!("{variable} = pcall(function()");
                self.around(&open, depth, "end)");
            }
            13 => {
                self.around("xpcall(function()", depth, "end, function(err)");
                self.block(depth);
                self.line("return err end)");
            }
            14 => {
                let count = self.choices.pick(&["1", "3", "100", "1e6"]).to_owned();
                self.around(&format!("for i = 1, {count} do"), depth, "end");
            }
            15 => self.around("while true do", depth, "end"),
            16 => {
                self.around("repeat", depth, "until true");
            }
            17 => {
                let (condition, other) = (self.value(), self.value());
                self.around(&format!("if {condition} == {other} then"), depth, "else");
                self.block(depth);
                self.line("end");
            }
            18 => {
                let over = self.value();
                self.around(&format!("for key, item in {over} do"), depth, "end");
            }
            19 => {
                let variable = self.variable();
                let open = format!("{variable} = coroutine.wrap(function(...)");
                self.around(&open, depth, "end)");
                self.line(&format!("try(\"wrapped\", {variable})"));
            }
            20 => {
                let variable = self.variable();
                let open = format!("{variable} = coroutine.create(function(...)");
                self.around(&open, depth, "end)");
                let arguments = self.value();
                self.line(&format!("coroutine.resume({variable}, {arguments})"));
            }
            21 => {
                self.line("local function again(n)");
                self.block(depth);
                self.line("if n < 300 then return again(n + 1) end end again(0)");
            }
            22 => self.metatable(depth),
            23 => self.around("task.spawn(function()", depth, "end)"),
            24 => self.around("state.transaction(function()", depth, "end)"),
            _ => self.around("task.defer(function()", depth, "end)"),
        }
    }

    fn metatable(&mut self, depth: usize) {
        let (variable, table) = (self.variable(), table(self.choices, 1, &[]));
        self.line(&format!("{variable} = setmetatable({table}, {{"));
        for _ in 0..=self.choices.below(3) {
            let name = self.choices.pick(&METAMETHODS).to_owned();
            self.around(&format!("{name} = function(...)"), depth, "end,");
        }
        self.line("})");
    }

    fn simple(&mut self) {
        let variable = self.variable();
        let text = match self.choices.below(20) {
            0 | 1 => format!("{variable} = {}", self.value()),
            2..=6 => {
                let call = self.functions.call(self.choices);
                format!("{variable} = {}", call.checked())
            }
            7 => {
                let call = self.functions.call(self.choices);
                format!("{variable} = {}", call.bare())
            }
            8 => {
                let operator = self.choices.pick(&OPERATORS).to_owned();
                let (left, right) = (self.value(), self.value());
                format!("{variable} = ({left}) {operator} ({right})")
            }
            9 => {
                let (key, item) = (self.value(), self.value());
                format!("pcall(function() {variable}[{key}] = {item} end)")
            }
            10 => format!("{variable} = {variable}[{}]", self.value()),
            11 | 12 => {
                let place = self.choices.pick(&PLACES).to_owned();
                let (key, item) = (self.value(), self.value());
                format!("try(\"a write\", function() {place}[{key}] = {item} end)")
            }
            13 => format!("raise({})", self.value()),
            14 => "task.wait(0)".to_owned(),
            15 => "coroutine.yield(a)".to_owned(),
            16 => {
                let module = self.choices.pick(&MODULES);
                format!("try(\"require\", function() return require(\"{module}\") end)")
            }
            17 => format!("do return {} end", self.value()),
            18 => format!("do {} end", self.choices.pick(&HEAVY)),
            _ => {
                let mut text = format!("{variable} = `");
                for _ in 0..=self.choices.below(3) {
                    write!(text, "{{({})}} ", self.value()).unwrap();
                }
                text + "`"
            }
        };
        self.line(&text);
    }
}
