//! `@cogsmith/time`: `now, parse, format, timestamp, of_id, iso`. Times are Unix seconds.

use super::context::CogContext;
use super::fields::Fields;
use crate::commands::moment::parse_moment;
use crate::vm::host::{Arguments, Host, HostError, HostResult, one, shown_name};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mlua::{Lua, Value};
use std::sync::Arc;

/// Milliseconds between the Unix epoch and Discord's (the first second of 2015).
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// Characters of a date, and of the notation of one.
const LONGEST_TEXT: usize = 200;

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let time = lua.create_table()?;
    let owner = Arc::clone(cog);
    let now = host.function(lua, "time.now", move |lua, _| {
        one(lua, owner.services.clock.unix())
    })?;
    time.raw_set("now", now)?;
    let owner = Arc::clone(cog);
    let parse = host.function(lua, "time.parse", move |lua, arguments| {
        parse(lua, &owner, arguments)
    })?;
    time.raw_set("parse", parse)?;
    time.raw_set("format", host.function(lua, "time.format", format_time)?)?;
    time.raw_set(
        "timestamp",
        host.function(lua, "time.timestamp", timestamp)?,
    )?;
    time.raw_set("of_id", host.function(lua, "time.of_id", of_id)?)?;
    time.raw_set("iso", host.function(lua, "time.iso", iso)?)?;
    time.set_readonly(true);
    Ok(Value::Table(time))
}

/// `time.parse(text, { timezone?, future? })`: Unix seconds, or nil.
fn parse(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let text = arguments.short_string(0, "the text", LONGEST_TEXT)?;
    let (mut zone, mut future) = (TimeZone::UTC, false);
    if let Some(how) = arguments.optional_table(1, "how")? {
        let fields = Fields::of("time.parse", &how);
        fields.only(&["timezone", "future"])?;
        if let Some(name) = fields.string("timezone")? {
            zone = named_zone("time.parse", &name)?;
        }
        future = fields.boolean("future")?.unwrap_or(false);
    }
    let now = cog.services.clock.unix();
    let parsed = parse_moment(&text, cog.services.clock.now(), &zone);
    one(lua, parsed.filter(|at| !future || *at > now))
}

/// The time zone of that name.
pub(super) fn named_zone(function: &str, name: &str) -> HostResult<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        let expected = "a time zone like \"Asia/Jakarta\"";
        let got = format!("\"{}\"", shown_name(name));
        HostError::argument(function, "timezone", expected, &got).into()
    })
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "out of range is refused by the conversion"
)]
fn instant(arguments: &Arguments) -> HostResult<Timestamp> {
    let at = arguments.number(0, "the time")?;
    Timestamp::from_millisecond((at * 1_000.0) as i64)
        .map_err(|_| arguments.wrong("the time", "Unix seconds", &arguments.value(0)))
}

/// `time.format(at, format?, timezone?)`, in the directives of `strftime`.
fn format_time(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let at = instant(arguments)?;
    let format = match arguments.value(1) {
        Value::Nil => None,
        _ => Some(arguments.short_string(1, "the format", LONGEST_TEXT)?),
    };
    let format = format.as_deref().unwrap_or("%Y-%m-%d %H:%M");
    let zone = match arguments.optional_string(2, "the time zone")? {
        Some(name) => named_zone("time.format", &name)?,
        None => TimeZone::UTC,
    };
    let text = jiff::fmt::strtime::format(format, &at.to_zoned_datetime(zone))
        .map_err(|error| HostError::new("argument", format!("time.format: the format: {error}")))?;
    one(lua, text)
}

/// `time.timestamp(at, style?)`: Discord's own form, shown to each reader in their time zone.
fn timestamp(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let seconds = instant(arguments)?.as_second();
    let text = match arguments.optional_string(1, "the style")? {
        None => format!("<t:{seconds}>"),
        Some(style) if ["t", "T", "d", "D", "f", "F", "s", "S", "R"].contains(&style.as_str()) => {
            format!("<t:{seconds}:{style}>")
        }
        Some(_) => {
            let expected = "one of \"t\", \"T\", \"d\", \"D\", \"f\", \"F\", \"R\"";
            return Err(arguments.wrong("the style", expected, &arguments.value(1)));
        }
    };
    one(lua, text)
}

/// When the thing with this id was made.
#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds of this age are far below 2^53"
)]
fn of_id(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let id = arguments.string(0, "the id")?;
    let id: u64 = id
        .parse()
        .map_err(|_| arguments.wrong("the id", "an id", &arguments.value(0)))?;
    one(lua, ((id >> 22) + DISCORD_EPOCH_MS) as f64 / 1_000.0)
}

/// ISO 8601 of Unix seconds, in UTC.
#[allow(
    clippy::cast_possible_truncation,
    reason = "out of range is refused by the conversion"
)]
pub(super) fn iso_of(seconds: f64) -> Option<String> {
    let at = Timestamp::from_millisecond((seconds * 1_000.0) as i64).ok()?;
    Some(at.to_string())
}

/// ISO 8601, in UTC.
fn iso(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    one(lua, instant(arguments)?.to_string())
}
