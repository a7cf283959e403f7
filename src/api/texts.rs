//! `cog.texts { en = { … }, id = { … } }`: the texts of a cog in several languages, and `ctx:t`, which finds one and
//! fills it in.

pub mod table;

use super::context::CogContext;
use super::declarations::Staged;
use super::fields::{Fields, TextBudget};
use super::phase::active;
use crate::nearest::{hint, nearest};
use crate::vm::host::{Arguments, HostError, HostResult, describe, in_time, number, shown_name};
use mlua::{Lua, Table, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use table::{LOCALES, Texts};

/// How deep tables of texts may be nested: the choices of an option in a group of a group are this deep.
const DEEPEST: usize = 12;
/// Bytes of a key, and of the name of a value.
const LONGEST_KEY: usize = 200;
/// Bytes of a text that has been filled in.
const LONGEST_TEXT: usize = 64 << 10;

/// `cog.texts { locale = { key = text, group = { key = text } } }`
pub(super) fn declare(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let given = arguments.table(0, "")?;
    let budget = TextBudget::default();
    let mut texts = Texts::default();
    for pair in given.pairs::<Value, Value>() {
        let (locale, value) = pair?;
        let locale = known_locale(arguments, &locale)?;
        let Value::Table(table) = value else {
            return Err(arguments.wrong(&locale, "a table of texts", &value));
        };
        let into = texts.0.entry(locale.clone()).or_default();
        let reader = Reader {
            lua,
            locale: &locale,
            budget: &budget,
        };
        reader.read(&table, "", 1, into)?;
    }
    let twice = cog.declaring.declared(|staged: &Staged| {
        let mut own = texts.0.iter();
        own.find_map(|(locale, own)| {
            let is_taken =
                |key: &&String| staged.texts_by_locale().any(|texts| texts.has(locale, key));
            Some(format!("{locale}.{}", own.keys().find(is_taken)?))
        })
    });
    if let Some(key) = twice {
        let message = format!(
            "cog.texts: {}: this text is already there",
            shown_name(&key)
        );
        return Err(HostError::new("argument", message).into());
    }
    let bytes = cog.declaring.declared(Staged::texts);
    cog.declaring.declare(lua, "cog.texts", |declarations| {
        declarations.count_texts("cog.texts", bytes, budget.used())?;
        declarations.translations.push(texts);
        Ok(Value::Nil)
    })
}

/// One of Discord's locales, or the language of some.
fn known_locale(arguments: &Arguments, given: &Value) -> HostResult<String> {
    let Value::String(name) = given else {
        let expected = "one like \"en\" or \"id\"";
        return Err(arguments.wrong("the language", expected, given));
    };
    let name = name.to_string_lossy();
    let languages = LOCALES.iter().filter_map(|it| it.split('-').next());
    let known = || languages.clone().chain(LOCALES);
    if known().any(|it| it == name) {
        return Ok(name);
    }
    let hint = hint(nearest(&name, known()));
    let name = shown_name(&name);
    let message = format!("cog.texts: Discord has no language \"{name}\"{hint}");
    Err(HostError::new("argument", message).into())
}

/// Reads the texts of one language.
struct Reader<'a> {
    lua: &'a Lua,
    locale: &'a str,
    budget: &'a TextBudget,
}

impl Reader<'_> {
    fn read(
        &self,
        table: &Table,
        above: &str,
        depth: usize,
        into: &mut BTreeMap<String, Arc<str>>,
    ) -> HostResult<()> {
        in_time(self.lua)?;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let Value::String(name) = &key else {
                let got = describe(&key);
                return Err(self.wrong(above, &format!("expected texts by name, got {got}")));
            };
            if above.len() + name.as_bytes().len() > LONGEST_KEY {
                let most = format!("a key may have {LONGEST_KEY} bytes at most");
                return Err(self.wrong(above, &most));
            }
            let name = name.to_string_lossy();
            let path = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            match value {
                Value::Table(below) if depth < DEEPEST => {
                    self.read(&below, &path, depth + 1, into)?;
                }
                Value::Table(_) => {
                    let most = format!("tables may be nested {DEEPEST} deep at most");
                    return Err(self.wrong(&path, &most));
                }
                _ => {
                    let dot = if above.is_empty() { "" } else { "." };
                    let place = format!("cog.texts: {}{dot}{above}", self.locale);
                    let fields = Fields::of(place, table).within(self.budget);
                    let text = fields.required_string(&name)?;
                    fields.count_text(path.len())?;
                    fill_in(&text, |_| Ok(String::new())).map_err(|why| self.wrong(&path, &why))?;
                    if into.insert(path.clone(), text.into()).is_some() {
                        return Err(self.wrong(&path, "this text is already there"));
                    }
                }
            }
        }
        Ok(())
    }

    fn wrong(&self, path: &str, why: &str) -> crate::vm::host::HostFailure {
        let place = shown_name(&format!("{}.{path}", self.locale));
        HostError::new("argument", format!("cog.texts: {place}: {why}")).into()
    }
}

/// Puts values in place of `{name}`; `{{` and `}}` are braces.
fn fill_in(
    text: &str,
    mut value: impl FnMut(&str) -> Result<String, String>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(brace);
        filled.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            filled.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            filled.push('}');
            rest = after;
        } else {
            let inside = from.strip_prefix('{').and_then(|it| it.split_once('}'));
            let is_name = |name: &str| {
                !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            };
            let Some((name, after)) = inside.filter(|(name, _)| is_name(name)) else {
                return Err(
                    "a brace begins or ends the name of a value, as in {name}; write {{ or }} for the brace itself"
                        .to_owned(),
                );
            };
            filled.push_str(&value(name)?);
            rest = after;
        }
        if filled.len() > LONGEST_TEXT {
            return Err(format!("it would be longer than {} KB", LONGEST_TEXT >> 10));
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// `ctx:t(key, values?)`: a text of the cog whose code runs, in the language of the call.
pub(super) fn translate(
    lua: &Lua,
    cog: &CogContext,
    locale: &str,
    arguments: &Arguments,
) -> HostResult<String> {
    let key = arguments.short_string(1, "the key", LONGEST_KEY)?;
    let values = arguments.optional_table(2, "the values")?;
    let generation = active(lua)?;
    let texts = generation.attached::<Texts>().unwrap_or_default();
    let config = cog.services.config.load();
    let wanted = [locale, config.bot.locale.code(), "en"];
    let Some(text) = texts.find(&key, &wanted) else {
        let hint = hint(nearest(&key, texts.keys()));
        let key = shown_name(&key);
        let message = format!("ctx:t: there is no text \"{key}\"{hint}");
        return Err(HostError::new("argument", message).into());
    };
    let filled = fill_in(text, |name| {
        let value = values.as_ref().map(|values| values.raw_get::<Value>(name));
        match value.transpose().map_err(|error| error.to_string())? {
            Some(Value::String(text)) if text.as_bytes().len() <= LONGEST_TEXT => {
                Ok(text.to_string_lossy())
            }
            Some(Value::Boolean(value)) => Ok(value.to_string()),
            Some(value) if number(&value).is_some() => Ok(shown_number(&value)),
            None | Some(Value::Nil) => Err(format!("it needs a value for {{{name}}}")),
            Some(other) => {
                let got = describe(&other);
                Err(format!(
                    "{{{name}}}: expected a string, a number or a boolean, got {got}"
                ))
            }
        }
    });
    filled.map_err(|why| {
        let message = format!("ctx:t: the text \"{}\": {why}", shown_name(&key));
        HostError::new("argument", message).into()
    })
}

/// A number as Luau writes it, without a fraction where it has none.
fn shown_number(value: &Value) -> String {
    let mut text = String::new();
    if let Some(number) = number(value) {
        // Writing to a string does not fail.
        let _written = write!(text, "{number}").is_ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_values_and_double_braces_are_braces() {
        let fill = |text: &str| fill_in(text, |name| Ok(format!("<{name}>")));
        assert_eq!(fill("{a} and {b_2}{a}").as_deref(), Ok("<a> and <b_2><a>"));
        assert_eq!(fill("{{a}} }}{{").as_deref(), Ok("{a} }{"));
        assert_eq!(fill("ä{ä}").as_deref(), Ok("ä<ä>"));
        for wrong in ["{", "}", "{a", "{}", "{a b}", "a}", "{{a}"] {
            assert!(fill(wrong).is_err(), "{wrong}");
        }
        let long = "x".repeat(10_000);
        let text = "{a}".repeat(7);
        let error = fill_in(&text, |_| Ok(long.clone())).unwrap_err();
        assert_eq!(error, "it would be longer than 64 KB");
    }
}
