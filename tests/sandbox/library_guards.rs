//! The guards in front of Luau's libraries: on ordinary input nobody can tell them from the originals, and no
//! input makes a call outlive the deadline.

use crate::support::cog_vm::{Cog, context};
use crate::support::{PATIENCE, times};
use cogsmith::api::context::CogContext;
use cogsmith::vm::build::VmLimits;
use cogsmith::vm::trace::Fault;
use mlua::{Function, Lua, MultiValue, Table, Value};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// An argument of a library function.
#[derive(Clone)]
enum Argument {
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
use Argument::{Callback, Flag, List, Nil, Number, Record, Text};

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

const DRIVER: &str = include_str!("library_driver.luau");

fn shown(text: &mlua::LuaString) -> String {
    text.as_bytes().escape_ascii().to_string()
}

/// The same driver in a cog's VM and in one of mlua's own.
struct Pair {
    guarded: Cog,
    plain: Lua,
    /// `call` and `callbacks` of each.
    in_guarded: (Function, Table),
    in_plain: (Function, Table),
}

impl Pair {
    fn new(context: &Arc<CogContext>) -> Self {
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
    fn agree_on(&self, cases: u32, calls: impl Strategy<Value = (&'static str, Vec<Argument>)>) {
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

fn text(pattern: &str) -> impl Strategy<Value = Argument> + use<> {
    proptest::string::string_regex(pattern)
        .unwrap()
        .prop_map(|text| Text(text.into_bytes()))
}

/// A text of few letters, of up to `most` bytes, so that parts of it come again and again.
fn long_text(least: usize, most: usize) -> impl Strategy<Value = Vec<u8>> {
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
fn index() -> impl Strategy<Value = Argument> {
    prop_oneof![
        6 => (-12..12).prop_map(|number| Number(f64::from(number))),
        2 => (-3_000..3_000).prop_map(|number| Number(f64::from(number))),
        1 => proptest::sample::select(vec![1.5, -0.5, 2_147_483_648.0, -1e15, 1e15, f64::NAN]).prop_map(Number),
        1 => Just(Text(b"2".to_vec())),
        1 => Just(Nil),
    ]
}

/// Anything that an author could hand over, small enough for every function.
fn anything() -> impl Strategy<Value = Argument> {
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

fn pattern() -> impl Strategy<Value = Argument> {
    let parts = [
        "a", "b", ".", "%a", "%s", "%w*", "a-", "b?", ".-", "[ab]", "[^a]", "[%w_]+", "[]a]",
        "[a-c]*", "(a)", "(", ")", "()", "(.-)", "%1", "%b()", "%f[b]", "^", "$", "%", "[", "%%",
        "%2", "[^", "c+",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..6)
        .prop_map(|parts| Text(parts.concat().into_bytes()))
}

fn subject() -> impl Strategy<Value = Argument> {
    prop_oneof![
        4 => text("[abc() %.]{0,20}"),
        2 => long_text(0, 400).prop_map(Text),
        1 => (0..1_000).prop_map(|number| Number(f64::from(number))),
    ]
}

type Calls = BoxedStrategy<(&'static str, Vec<Argument>)>;

/// Calls of `path` with these arguments, of which the last ones may be missing.
fn calls(path: &'static str, least: usize, arguments: Vec<BoxedStrategy<Argument>>) -> Calls {
    let most = arguments.len();
    (arguments, least..=most)
        .prop_map(move |(mut arguments, given)| {
            arguments.truncate(given);
            (path, arguments)
        })
        .boxed()
}

fn flag() -> BoxedStrategy<Argument> {
    any::<bool>().prop_map(Flag).boxed()
}

#[tokio::test(flavor = "multi_thread")]
async fn guarded_searches_find_what_the_originals_find() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    let replacement = || {
        prop_oneof![
            text("[a%01 ]{0,6}"),
            proptest::sample::select(vec!["upper", "twice", "nothing", "fails", "native_fails"])
                .prop_map(Callback),
            Just(Record(vec![
                ("a".to_owned(), Text(b"x".to_vec())),
                ("b".to_owned(), Flag(false))
            ])),
            anything(),
        ]
    };
    pair.agree_on(
        4_000,
        prop_oneof![
            calls(
                "string.find",
                1,
                vec![
                    subject().boxed(),
                    pattern().boxed(),
                    index().boxed(),
                    flag()
                ]
            ),
            calls(
                "string.match",
                1,
                vec![subject().boxed(), pattern().boxed(), index().boxed()]
            ),
            calls("gmatch", 1, vec![subject().boxed(), pattern().boxed()]),
            calls(
                "string.gsub",
                2,
                vec![
                    subject().boxed(),
                    pattern().boxed(),
                    replacement().boxed(),
                    index().boxed()
                ]
            ),
            calls(
                "string.split",
                0,
                vec![
                    subject().boxed(),
                    prop_oneof![text("[ab,]{0,3}"), Just(Nil), Just(Number(1.0))].boxed()
                ]
            ),
        ],
    );
}

/// The texts are long enough for another search than the library's, and the parts are found many times.
#[tokio::test(flavor = "multi_thread")]
async fn guarded_searches_of_long_texts_find_what_the_originals_find() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    let searched = || {
        (
            long_text(1_000, 9_000),
            long_text(2, 300),
            any::<bool>(),
            0..8_000_usize,
        )
            .prop_map(|(subject, other, own_part, from)| {
                let from = from % subject.len();
                let to = (from + other.len()).min(subject.len());
                let part = if own_part {
                    subject[from..to].to_vec()
                } else {
                    other
                };
                (Text(subject), Text(part))
            })
    };
    let find = (searched(), index(), any::<bool>()).prop_map(|((subject, part), init, plain)| {
        ("string.find", vec![subject, part, init, Flag(plain)])
    });
    let split = searched().prop_map(|(subject, part)| ("string.split", vec![subject, part]));
    // What the library does with a set takes the square of the length.
    let set = (
        long_text(1_000, 2_500),
        "[a-d]{10,80}",
        proptest::sample::select(vec!["", "*", "+", "-", "?"]),
    )
        .prop_map(|(subject, set, times)| {
            (
                "string.find",
                vec![Text(subject), Text(format!("[{set}]{times}c").into_bytes())],
            )
        });
    pair.agree_on(1_500, prop_oneof![find, split, set]);
}

#[tokio::test(flavor = "multi_thread")]
async fn guarded_formats_are_written_and_read_as_by_the_originals() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    let value = || {
        prop_oneof![
            any::<f64>().prop_map(Number),
            (-300..300).prop_map(|number| Number(f64::from(number))),
            text("[a-z\\\\\"\n]{0,9}"),
            anything(),
        ]
    };
    let directives = [
        "%d", "%5.2f", "%s", "%q", "%*", "%x", "%%", "%c", "%-8s|", "%e", "%g", "%i", "%10.3s",
        "%y", "%",
    ];
    let format = (
        proptest::collection::vec(proptest::sample::select(directives.to_vec()), 0..6),
        proptest::collection::vec(value(), 0..6),
    )
        .prop_map(|(directives, values)| {
            let format = Text(directives.concat().into_bytes());
            (
                "string.format",
                std::iter::once(format).chain(values).collect(),
            )
        });
    let options = [
        "b", "B", "<", ">", "!4", "i3", "I4", "s1", "z", "x", "Xi4", "d", "f", "c5", " ", "n", "j",
        "!", "y",
    ];
    let packed = || {
        proptest::collection::vec(proptest::sample::select(options.to_vec()), 0..6)
            .prop_map(|options| Text(options.concat().into_bytes()))
    };
    let pack = (packed(), proptest::collection::vec(value(), 0..6)).prop_map(|(format, values)| {
        (
            "string.pack",
            std::iter::once(format).chain(values).collect(),
        )
    });
    let times = || (0..4_000_000_000_u32).prop_map(|time| Number(f64::from(time)));
    pair.agree_on(
        3_000,
        prop_oneof![
            format,
            pack,
            calls("string.packsize", 0, vec![packed().boxed()]),
            calls(
                "string.unpack",
                1,
                vec![
                    packed().boxed(),
                    long_text(0, 60).prop_map(Text).boxed(),
                    index().boxed()
                ]
            ),
            calls(
                "os.date",
                2,
                vec![
                    text("!?(\\*t|(%[aAbBcdHIjmMpSwxXyYzZ%]| ){0,6}|%q)").boxed(),
                    times().boxed()
                ]
            ),
        ],
    );
}

fn item() -> BoxedStrategy<Argument> {
    prop_oneof![
        4 => (0..9).prop_map(|number| Number(f64::from(number))),
        2 => text("[ab]{0,3}"),
        1 => Just(Nil),
        1 => anything(),
    ]
    .boxed()
}

fn list() -> BoxedStrategy<Argument> {
    let of = |item: BoxedStrategy<Argument>, most: usize| {
        proptest::collection::vec(item, 0..most).prop_map(List)
    };
    let number = (0..9).prop_map(|number| Number(f64::from(number)));
    prop_oneof![
        6 => of(number.boxed(), 20),
        2 => of(text("[ab]{0,3}").boxed(), 20),
        2 => of(item(), 9),
        1 => anything(),
    ]
    .boxed()
}

fn small() -> BoxedStrategy<Argument> {
    let number = -5..25;
    number.prop_map(|it| Number(f64::from(it))).boxed()
}

fn callback(names: &[&'static str]) -> BoxedStrategy<Argument> {
    let one = proptest::sample::select(names.to_vec()).prop_map(Callback);
    prop_oneof![3 => one, 1 => anything()].boxed()
}

#[tokio::test(flavor = "multi_thread")]
async fn guarded_table_functions_do_what_the_originals_do() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    let before = callback(&["less", "greater", "always", "equal", "native_find", "fails"]);
    let each = || callback(&["nothing", "stops", "fails", "native_find", "equal"]);
    let target = prop_oneof![Just(Nil).boxed(), list()].boxed();
    let position = prop_oneof![small(), item()].boxed();
    let joined = text("[,;]{0,2}").boxed();
    let chosen = prop_oneof![small(), text("#").boxed()].boxed();
    let digits = prop_oneof![text("[ 0-9a-fx.+-]{0,6}").boxed(), item()].boxed();
    let of_list = |path| calls(path, 1, vec![list()]);
    let of_range = |path| calls(path, 1, vec![list(), small(), small()]);
    let changing = prop_oneof![
        calls("table.sort", 1, vec![list(), before]),
        calls(
            "table.move",
            1,
            vec![list(), small(), small(), small(), target]
        ),
        calls("table.foreach", 1, vec![list(), each()]),
        calls("table.foreachi", 1, vec![list(), each()]),
        calls("table.insert", 1, vec![list(), position, item()]),
        calls("table.remove", 1, vec![list(), small()]),
        calls("table.concat", 1, vec![list(), joined, small(), small()]),
        calls("table.find", 1, vec![list(), item(), small()]),
        of_list("table.clear"),
    ];
    let reading = prop_oneof![
        of_range("table.unpack"),
        of_range("unpack"),
        of_list("table.clone"),
        of_list("table.maxn"),
        of_list("table.freeze"),
        of_list("rawlen"),
        of_list("pairs"),
        of_list("ipairs"),
        of_list("next"),
        of_list("iterate"),
        calls("rawget", 1, vec![list(), item()]),
        calls("select", 1, vec![chosen, item(), item(), item()]),
        calls("tonumber", 0, vec![digits, small()]),
    ];
    pair.agree_on(5_000, prop_oneof![changing, reading]);
}

/// Above the sizes from which the guards do it in another way.
#[tokio::test(flavor = "multi_thread")]
async fn guarded_table_functions_do_it_with_large_tables_too() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    let number = |number: u32| Number(f64::from(number));
    let order = || {
        let names = vec![Nil, Callback("less"), Callback("greater")];
        proptest::sample::select(names)
    };
    let numbers = (
        any::<u16>(),
        199_990..200_010_u32,
        proptest::sample::select(vec![3_u32, 1_000, 1 << 30]),
        order(),
    )
        .prop_map(move |(seed, count, most, order)| {
            (
                "sort_numbers",
                vec![number(u32::from(seed)), number(count), number(most), order],
            )
        });
    let texts = (any::<u16>(), 1..60_u32, 1_020..1_030_usize, order()).prop_map(
        move |(seed, count, length, order)| {
            (
                "sort_texts",
                vec![
                    number(u32::from(seed)),
                    number(count),
                    Text(vec![b'x'; length]),
                    order,
                ],
            )
        },
    );
    let edge = |around: u32| around - 3..around + 3;
    let moved = (
        100_000..260_000_u32,
        0..5_u32,
        prop_oneof![edge(100_000), edge(200_000), 1..260_000_u32],
        prop_oneof![0..5_u32, 1..260_000_u32],
        proptest::option::of(0..5_u32),
    )
        .prop_map(move |(count, from, to, position, elsewhere)| {
            let elsewhere = elsewhere.map_or(Nil, number);
            (
                "move",
                vec![
                    number(count),
                    number(from),
                    number(to),
                    number(position),
                    elsewhere,
                ],
            )
        });
    pair.agree_on(60, prop_oneof![1 => numbers, 2 => texts, 3 => moved]);
}

#[tokio::test(flavor = "multi_thread")]
async fn coroutines_behave_as_the_originals() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    let coroutines = (text("[ynetpws]{0,6}"), text("[rrrsc]{0,8}"), any::<bool>()).prop_map(
        |(program, script, wrapped)| ("coroutines", vec![program, script, Flag(wrapped)]),
    );
    pair.agree_on(1_500, coroutines);
}

/// Whatever a function is given, its results and its complaints are those of the original.
#[tokio::test(flavor = "multi_thread")]
async fn every_library_function_takes_and_refuses_what_the_original_does() {
    let (_stage, context) = context().await;
    let pair = Pair::new(&context);
    // What a cog does not get, or what gives another answer each time.
    let left_out = [
        "coroutine.resume",
        "coroutine.wrap",
        "coroutine.create",
        "coroutine.close",
        "coroutine.running",
        "coroutine.yield",
        "debug.info",
        "debug.traceback",
        "math.random",
        "math.randomseed",
        "os.clock",
        "os.date",
        "os.time",
    ];
    let mut names = Vec::new();
    for library in [
        "string",
        "table",
        "utf8",
        "buffer",
        "os",
        "math",
        "bit32",
        "vector",
        "coroutine",
        "debug",
    ] {
        let functions: Table = pair.plain.globals().get(library).unwrap();
        for entry in functions.pairs::<String, Value>() {
            let (name, value) = entry.unwrap();
            let path = format!("{library}.{name}");
            if value.is_function() && !left_out.contains(&path.as_str()) {
                names.push(&*path.leak());
            }
        }
    }
    names.extend([
        "next", "pairs", "ipairs", "select", "tonumber", "unpack", "rawequal", "rawget", "rawset",
        "rawlen",
    ]);
    names.extend([
        "type",
        "typeof",
        "assert",
        "error",
        "pcall",
        "xpcall",
        "getmetatable",
        "setmetatable",
    ]);
    names.sort_unstable();
    assert!(names.len() > 130, "{}", names.len());
    let any_call = (
        proptest::sample::select(names),
        proptest::collection::vec(anything(), 0..5),
    );
    pair.agree_on(12_000, any_call);
}

/// Each of these would run for minutes without passing an interrupt, or have the host look through it as long.
const WORST: [(&str, &str); 21] = [
    (
        "a plain search",
        r#"return ("a"):rep(1e7):find(("a"):rep(5e6) .. "b", 1, true)"#,
    ),
    (
        "a search without specials",
        r#"return ("a"):rep(1e7):find(("a"):rep(5e6) .. "b")"#,
    ),
    (
        "a long separator",
        r#"return #("a"):rep(1e7):split(("a"):rep(5e6) .. "ba")"#,
    ),
    (
        "a long set in find",
        r#"return ("a"):rep(5e6):find("[" .. ("b"):rep(5e6) .. "]*c")"#,
    ),
    (
        "a long set in match",
        r#"return ("a"):rep(5e6):match("[" .. ("b"):rep(5e6) .. "]-c")"#,
    ),
    (
        "a long set in gmatch",
        r#"return ("a"):rep(5e6):gmatch("[" .. ("b"):rep(5e6) .. "]+c")()"#,
    ),
    (
        "a long set in gsub",
        r#"return ("a"):rep(5e6):gsub("[" .. ("b"):rep(5e6) .. "]*c", "")"#,
    ),
    (
        "a pattern that backtracks",
        r#"return ("a"):rep(1e5):find((".-"):rep(20) .. "b")"#,
    ),
    (
        "moving nothing far",
        "return table.move({}, -2^30, 2^30 - 2, 2)",
    ),
    (
        "sorting texts that begin alike",
        r#"local texts, all = {}, table.create(1e6) for i = 1, 60 do texts[i] = ("x"):rep(1e5) .. i end
        for i = 1, 1e6 do all[i] = texts[i * 7919 % 60 + 1] end table.sort(all)"#,
    ),
    (
        "sorting with a function of the library",
        "table.sort(table.create(1e5, table.create(1e6, 1)), table.find)",
    ),
    (
        "sorting with a metamethod of the library",
        "local one = setmetatable(table.create(1e6, 1), { __lt = table.find }) table.sort(table.create(1e5, one))",
    ),
    (
        "sorting with a search",
        r#"table.sort(table.create(1e5, ("x"):rep(1e7)), string.find)"#,
    ),
    (
        "finding with a metamethod of the library",
        "local meta = { __eq = table.find } local one = setmetatable(table.create(1e6, 1), meta)
        return table.find(table.create(1e5, setmetatable({}, meta)), one)",
    ),
    (
        "foreachi with a search",
        r#"table.foreachi(table.create(1e5, ("x"):rep(1e7)), string.find)"#,
    ),
    (
        "foreach with a search",
        r#"table.foreach(table.create(1e5, ("x"):rep(1e7)), string.find)"#,
    ),
    (
        "formatting with a metamethod of the library",
        r#"local one = setmetatable(table.create(1e6, ""), { __tostring = table.concat })
        return string.format(("%*"):rep(9000), table.unpack(table.create(9000, one)))"#,
    ),
    (
        "splitting into strings of one hash",
        r#"local function mixed(i)
            local a = bit32.bxor(i, 44) a = bit32.band(a - bit32.rrotate(44, 14), 0xffffffff)
            local b = a b = bit32.band(b - bit32.rrotate(a, 11), 0xffffffff)
            local h = bit32.bxor(44, b) h = bit32.band(h - bit32.rrotate(b, 25), 0xffffffff)
            return a, b, h
        end
        local data = buffer.create(2e5 * 48)
        for i = 0, 2e5 - 1 do
            local a, b, h = mixed(i)
            buffer.writeu32(data, i * 48, i)
            buffer.writeu32(data, i * 48 + 12, -a) buffer.writeu32(data, i * 48 + 16, -b) buffer.writeu32(data, i * 48 + 20, -h)
            buffer.writestring(data, i * 48 + 44, "\1\2\3\4")
        end
        return #buffer.tostring(data):split("\1\2\3\4")"#,
    ),
    (
        "looking through tables that were emptied, for JSON",
        "local all = table.create(1.9e5, emptied()) return require(\"@cogsmith/json\").encode(all)",
    ),
    (
        "looking through tables that were emptied, for the state",
        "require(\"@cogsmith/state\").global.x = table.create(1.9e5, emptied())",
    ),
    (
        "looking through tables that were emptied, for the log",
        "local all = table.create(1.9e5, emptied()) all[#all] = print print(all)",
    ),
];

/// What runs after the deadline must not get far.
const EVASIONS: [(&str, &str); 24] = [
    ("pcall", "pcall(forever)"),
    ("nested pcall", "pcall(pcall, pcall, forever)"),
    ("xpcall", "xpcall(forever, forever)"),
    (
        "a handler that goes on",
        "xpcall(forever, function() busy() end)",
    ),
    ("a coroutine", "coroutine.resume(coroutine.create(forever))"),
    ("wrap", "pcall(coroutine.wrap(forever))"),
    (
        "a coroutine in a coroutine",
        "coroutine.resume(coroutine.create(function() pcall(coroutine.wrap(forever)) busy() end))",
    ),
    (
        "closing a coroutine",
        "local one = coroutine.create(forever) coroutine.resume(one) coroutine.close(one)",
    ),
    (
        "__index",
        "pcall(function() return setmetatable({}, { __index = forever }).x end)",
    ),
    (
        "__newindex",
        "pcall(function() setmetatable({}, { __newindex = forever }).x = 1 end)",
    ),
    ("__call", "pcall(setmetatable({}, { __call = forever }))"),
    (
        "__eq",
        "pcall(function() local meta = { __eq = forever } return setmetatable({}, meta) == setmetatable({}, meta) end)",
    ),
    (
        "__lt",
        "local meta = { __lt = forever } pcall(table.sort, { setmetatable({}, meta), setmetatable({}, meta) })",
    ),
    (
        "__concat",
        "pcall(function() return setmetatable({}, { __concat = forever }) .. \"\" end)",
    ),
    (
        "__len",
        "pcall(function() return #setmetatable({}, { __len = forever }) end)",
    ),
    (
        "__iter",
        "pcall(function() for _ in setmetatable({}, { __iter = forever }) do end end)",
    ),
    (
        "__tostring",
        "pcall(tostring, setmetatable({}, { __tostring = forever }))",
    ),
    (
        "__tostring of an error",
        "pcall(error, setmetatable({}, { __tostring = forever })) pcall(forever)",
    ),
    ("a comparator", "pcall(table.sort, { 3, 2, 1 }, forever)"),
    (
        "a replacement",
        "pcall(string.gsub, \"xx\", \"x\", forever)",
    ),
    ("foreach", "pcall(table.foreach, { 1 }, forever)"),
    (
        "find",
        "local meta = { __eq = forever } pcall(table.find, { setmetatable({}, meta) }, setmetatable({}, meta))",
    ),
    (
        "a task",
        "pcall(require(\"@cogsmith/task\").spawn, function() pcall(forever) busy() end)",
    ),
    (
        "a transaction",
        "pcall(require(\"@cogsmith/state\").transaction, function() pcall(forever) busy() end)",
    ),
];

/// Calls what the module returns on a thread of its own, and gives up when that does not end.
fn patiently(
    what: &'static str,
    context: &Arc<CogContext>,
    source: &str,
    cpu: Duration,
) -> (Result<MultiValue, Fault>, Cog) {
    let limits = VmLimits {
        cpu,
        cpu_per_minute: Duration::MAX,
        ..VmLimits::default()
    };
    let cog = Cog::new(context, limits, source);
    let (send, ended) = mpsc::channel();
    let body = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || {
            let result = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
            let _received = send.send((result, cog)).is_ok();
        });
    body.unwrap();
    let ended = ended.recv_timeout(PATIENCE);
    ended.unwrap_or_else(|_| panic!("{what} does not end"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_library_call_outlives_the_deadline() {
    let (_stage, context) = context().await;
    for (what, body) in WORST {
        let source = format!(
            "local asked = false
            local function emptied()
                local all = {{}}
                for i = 1, 2e5 do all[i + 0.5] = i end
                for i = 1, 2e5 do all[i + 0.5] = nil end
                return all
            end
            return function() if asked then return \"well\" end asked = true {body} end"
        );
        // Some have to make something first, for which they get time enough.
        let makes = body.contains("for ") || body.contains("emptied");
        let cpu = Duration::from_millis(if makes { 400 } else { 100 });
        let (result, cog) = patiently(what, &context, &source, cpu);
        if let Err(Fault::Panic) = result {
            panic!("{what} makes the host fail");
        }
        drop(result);
        let again = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
        assert_eq!(
            again.unwrap()[0].to_string().unwrap(),
            "well",
            "after {what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_on_after_the_deadline() {
    let (_stage, context) = context().await;
    for (what, body) in EVASIONS {
        let source = format!(
            "local steps = 0
            local function busy() for _ = 1, 1000 do steps += 1 end end
            local function forever() while true do end end
            return function() if steps > 0 then return steps end steps = 1 {body} busy() end"
        );
        let (result, cog) = patiently(what, &context, &source, Duration::from_millis(20));
        assert!(
            matches!(result, Err(Fault::Cpu { .. })),
            "{what}: {result:?}"
        );
        let steps = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
        let steps = steps.unwrap()[0].as_i64().unwrap();
        assert!(steps < 20, "{what}: {steps} steps");
    }
}

/// Where a guard refuses what the original would do, it says so at the author's line.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_an_error_at_its_line() {
    let (_stage, context) = context().await;
    for (call, expected) in [
        (
            r#"("a"):rep(1e6):find("[" .. ("b"):rep(100) .. "]c")"#,
            "the pattern's [set] is too long for a string of this size",
        ),
        (
            r#"("a"):gsub("a", ("%0"):rep(1e6 + 1))"#,
            "string.gsub: the replacement inserts too many captures",
        ),
        (
            r#"string.format("", table.unpack(table.create(1e4, 1)))"#,
            "string.format: there are too many arguments",
        ),
        (
            r#"string.pack((" "):rep(2^14 + 1))"#,
            "the format is too long",
        ),
        (
            r#"string.packsize((" "):rep(2^14 + 1))"#,
            "the format is too long",
        ),
        (
            r#"string.unpack((" "):rep(2^14 + 1), "")"#,
            "the format is too long",
        ),
        (r#"os.date((" "):rep(2^14 + 1))"#, "the format is too long"),
        (
            "table.move({}, 1, 4e6 + 2, 1)",
            "table.move: the range is too large",
        ),
        (
            "table.move({}, 1, 2, 2^26 + 1)",
            "table.move: the range is too large",
        ),
        (
            r#"require("@cogsmith/json").decode((" "):rep(2^22 + 1))"#,
            "json.decode: the text is longer than 4 MB",
        ),
    ] {
        let source = format!("return function()\n\n{call} end");
        let cog = Cog::new(&context, VmLimits::default(), &source);
        let fault = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
        let Err(Fault::Raised(raised)) = fault else {
            panic!("{call}: {fault:?}");
        };
        assert_eq!(raised.message, expected);
        assert_eq!(raised.place.unwrap().line, 3, "{call}");
    }
    // One less is still done.
    for call in [
        r#"("a"):gsub("a", ("%0"):rep(1e6))"#,
        r#"string.format("", table.unpack(table.create(1e4 - 1, 1)))"#,
        r#"string.pack((" "):rep(2^14))"#,
        r#"os.date((" "):rep(2^14))"#,
        "table.move({}, 1, 4e6 + 1, 2)",
    ] {
        let cog = Cog::new(
            &context,
            VmLimits::default(),
            &format!("return function() {call} end"),
        );
        cog.call(cog.module.as_function().unwrap(), MultiValue::new())
            .unwrap();
    }
}

/// Also tables in keys, in tables that were frozen before, and in themselves; but none with a metatable.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_module_returns_is_frozen() {
    let (_stage, context) = context().await;
    let source = r#"
local own = setmetatable({ inner = {} }, {})
local all = { plain = { deep = {} }, early = table.freeze({ late = {} }), own = own, [{ key = {} }] = true }
all.self = all
all.early.late.early = all.early
all.check = function()
    local key
    for candidate in all do
        if type(candidate) == "table" then
            key = candidate
        end
    end
    local states = {}
    for index, one in { all, all.plain, all.plain.deep, all.early, all.early.late, key, key.key, own, own.inner } do
        states[index] = tostring(table.isfrozen(one))
    end
    return table.concat(states, " ")
end
return all
"#;
    let cog = Cog::new(&context, VmLimits::default(), source);
    let check: Function = cog.module.as_table().unwrap().get("check").unwrap();
    let states = cog.call(&check, MultiValue::new()).unwrap();
    assert_eq!(
        states[0].to_string().unwrap(),
        "true true true true true true true false false"
    );
}
