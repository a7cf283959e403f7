//! A guarded VM and a plain one, and what is handed to both.

use crate::support::cog_vm::Cog;
use crate::support::times;
use Argument::{Callback, Flag, List, Nil, Number, Record, Text};
use cogsmith::api::context::CogContext;
use cogsmith::vm::build::VmLimits;
use mlua::{Function, Lua, MultiValue, Table, Value};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use std::sync::Arc;
use std::time::Duration;

/// An argument of a library function.
#[derive(Clone)]
pub(super) enum Argument {
    Nil,
    Flag(bool),
    Number(f64),
    Text(Vec<u8>),
    /// `nil` leaves a hole.
    List(Vec<Self>),
    Record(Vec<(String, Self)>),
    /// One of the driver's, by its name.
    Callback(&'static str),
}

impl std::fmt::Debug for Argument {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Nil => formatter.write_str("nil"),
            Flag(value) => value.fmt(formatter),
            Number(number) => number.fmt(formatter),
            Text(bytes) if bytes.len() > 2_000 => write!(formatter, "<{} bytes>", bytes.len()),
            Text(bytes) => write!(formatter, "\"{}\"", bytes.escape_ascii()),
            List(items) => items.fmt(formatter),
            Record(fields) => formatter
                .debug_map()
                .entries(fields.iter().map(|(key, value)| (key, value)))
                .finish(),
            Callback(name) => write!(formatter, "callbacks.{name}"),
        }
    }
}

impl Argument {
    fn to_lua(&self, lua: &Lua, callbacks: &Table) -> mlua::Result<Value> {
        Ok(match self {
            Nil => Value::Nil,
            Flag(value) => Value::Boolean(*value),
            Number(number) => Value::Number(*number),
            Text(bytes) => Value::String(lua.create_string(bytes)?),
            List(items) => {
                let table = lua.create_table()?;
                for (index, item) in items.iter().enumerate() {
                    table.raw_set(index + 1, item.to_lua(lua, callbacks)?)?;
                }
                Value::Table(table)
            }
            Record(fields) => {
                let table = lua.create_table()?;
                for (key, value) in fields {
                    table.raw_set(key.as_str(), value.to_lua(lua, callbacks)?)?;
                }
                Value::Table(table)
            }
            Callback(name) => callbacks.get(*name)?,
        })
    }
}

const DRIVER: &str = include_str!("driver.luau");

fn shown(text: &mlua::LuaString) -> String {
    text.as_bytes().escape_ascii().to_string()
}

/// The same driver in a cog's VM and in one of mlua's own.
pub(super) struct Pair {
    guarded: Cog,
    pub(super) plain: Lua,
    /// `call` and `callbacks` of each.
    in_guarded: (Function, Table),
    in_plain: (Function, Table),
}

impl Pair {
    pub(super) fn new(context: &Arc<CogContext>) -> Self {
        let limits = VmLimits {
            memory: 512 << 20,
            cpu: Duration::from_secs(600),
            cpu_per_minute: Duration::MAX,
            ..VmLimits::default()
        };
        let guarded = Cog::new(context, limits, DRIVER);
        let plain = Lua::new();
        let module = plain.load(DRIVER).set_name("@lua/cogs/t.luau");
        let module: Table = module.call(()).unwrap();
        let parts = |module: &Table| {
            let call = module.get("call").unwrap();
            (call, module.get("callbacks").unwrap())
        };
        Self {
            in_guarded: parts(guarded.module.as_table().unwrap()),
            in_plain: parts(&module),
            guarded,
            plain,
        }
    }

    /// What a call comes to, in the guarded VM and in the plain one.
    fn outcomes(&self, path: &str, arguments: &[Argument]) -> (String, String) {
        let prepared = |lua: &Lua, callbacks: &Table| -> MultiValue {
            let path = Value::String(lua.create_string(path).unwrap());
            let arguments = arguments
                .iter()
                .map(|it| it.to_lua(lua, callbacks).unwrap());
            std::iter::once(path).chain(arguments).collect()
        };
        let (call, callbacks) = &self.in_guarded;
        let values = prepared(self.guarded.vm.lua(), callbacks);
        let results = self.guarded.call(call, values).unwrap();
        let guarded = shown(results[0].as_string().unwrap());
        let (call, callbacks) = &self.in_plain;
        let plain: mlua::LuaString = call.call(prepared(&self.plain, callbacks)).unwrap();
        (guarded, shown(&plain))
    }

    fn agree(&self, path: &str, arguments: &[Argument]) -> Result<(), TestCaseError> {
        let (guarded, plain) = self.outcomes(path, arguments);
        prop_assert_eq!(guarded, plain, "{}{:?}", path, arguments);
        Ok(())
    }

    /// Makes `cases` random calls, or a quarter of them where tests are to be quick.
    pub(super) fn agree_on(
        &self,
        cases: u32,
        calls: impl Strategy<Value = (&'static str, Vec<Argument>)>,
    ) {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: times(cases / 4, cases),
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let outcome = runner.run(&calls, |(path, arguments)| self.agree(path, &arguments));
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
}

pub(super) fn text(pattern: &str) -> impl Strategy<Value = Argument> + use<> {
    proptest::string::string_regex(pattern)
        .unwrap()
        .prop_map(|text| Text(text.into_bytes()))
}

/// A text of few letters, of up to `most` bytes, so that parts of it come again and again.
pub(super) fn long_text(least: usize, most: usize) -> impl Strategy<Value = Vec<u8>> {
    (
        proptest::collection::vec(proptest::sample::select(b"aab\0".to_vec()), 1..6),
        least..most,
        proptest::option::of(0..most),
    )
        .prop_map(|(unit, length, odd)| {
            let mut text: Vec<u8> = unit.iter().copied().cycle().take(length).collect();
            if let Some(odd) = odd
                && length > 0
            {
                text[odd % length] = b'c';
            }
            text
        })
}

/// A position, a count: ordinary, at the edges and absurd.
pub(super) fn index() -> impl Strategy<Value = Argument> {
    prop_oneof![
        6 => (-12..12).prop_map(|number| Number(f64::from(number))),
        2 => (-3_000..3_000).prop_map(|number| Number(f64::from(number))),
        1 => proptest::sample::select(vec![1.5, -0.5, 2_147_483_648.0, -1e15, 1e15, f64::NAN]).prop_map(Number),
        1 => Just(Text(b"2".to_vec())),
        1 => Just(Nil),
    ]
}

/// Anything that an author could hand over, small enough for every function.
pub(super) fn anything() -> impl Strategy<Value = Argument> {
    let leaf = prop_oneof![
        Just(Nil),
        any::<bool>().prop_map(Flag),
        (-9..100).prop_map(|number| Number(f64::from(number))),
        proptest::sample::select(vec![0.5, -1.5, 300.0, f64::NAN, f64::INFINITY]).prop_map(Number),
        text("[ab%.*,0-9]{0,6}"),
        proptest::sample::select(vec!["less", "equal", "upper", "nothing", "fails"])
            .prop_map(Callback),
    ];
    leaf.prop_recursive(1, 8, 6, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..6).prop_map(List);
        let field = ("[a-c]", inner);
        let record = proptest::collection::vec(field, 0..3).prop_map(Record);
        prop_oneof![list, record]
    })
}
