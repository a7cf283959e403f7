//! The guards in front of Luau's libraries: on ordinary input nobody can tell them from the originals, and no
//! input makes a call outlive the deadline.

mod deadline;
mod originals;
mod pair;

use crate::support::cog_vm::{Cog, context};
use cogsmith::vm::build::VmLimits;
use cogsmith::vm::trace::Fault;
use mlua::{Function, MultiValue};

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
