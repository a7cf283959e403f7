//! Random calls of each function, in a guarded VM and in a plain one.

use super::pair::{Argument, Pair, anything, index, long_text, text};
use crate::support::cog_vm::context;
use Argument::{Callback, Flag, List, Nil, Number, Record, Text};
use mlua::{Table, Value};
use proptest::prelude::*;

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
