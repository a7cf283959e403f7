//! Templates of custom ids, which name what a button, a menu or a form does: `ticket:close:{channel_id}`.
//!
//! ```text
//! parse ─┬─ fill (values become a custom id) ─▶ Discord ─▶ a click ─┬─ first_part (whose it is)
//!        └──────────────────────────────────────────────────────────┴─ matches (the values again)
//! ```
//!
//! A custom id has parts with colons between them. A value never contains one: `fill` writes it as `%3A`.

use crate::nearest::{hint, nearest};
use std::fmt;

/// Characters of a custom id; Discord's limit.
pub const LONGEST_ID: usize = 100;
/// Bytes of a template that are looked at: those of so many characters.
pub const LONGEST_TEMPLATE: usize = 4 * LONGEST_ID;
/// The first part of the custom ids of the bot's own components.
pub const OF_THE_BOT: &str = "cogsmith";

/// What a value cannot contain, and how it is written instead. The sign that begins the others comes first.
const ESCAPES: [(char, &str); 2] = [('%', "%25"), (':', "%3A")];

/// The values in a custom id, by name.
pub type Values<'a> = Vec<(&'a str, String)>;

/// A template of custom ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// What stands between two colons.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// A value, with a fixed text before and after it.
    Value {
        before: String,
        name: String,
        after: String,
    },
}

impl Part {
    /// How much of it is fixed: what says more about an id comes first where several templates match.
    fn exactness(&self) -> (bool, usize) {
        match self {
            Self::Literal(text) => (true, text.len()),
            Self::Value { before, after, .. } => (false, before.len() + after.len()),
        }
    }

    /// Whether it fits the same ids.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(one), Self::Literal(two)) => one == two,
            (
                Self::Value { before, after, .. },
                Self::Value {
                    before: other_before,
                    after: other_after,
                    ..
                },
            ) => before == other_before && after == other_after,
            _ => false,
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The part of a custom id before its first colon: it tells which cog the id belongs to.
pub fn first_part(id: &str) -> &str {
    id.split_once(':').map_or(id, |(first, _)| first)
}

impl Template {
    /// Reads a template. The error is the rest of a sentence about it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if length > LONGEST_ID {
            return Err(format!(
                "it has {length} characters, and Discord takes custom ids of {LONGEST_ID}"
            ));
        }
        let parts = text.split(':').map(part).collect::<Result<Vec<_>, _>>()?;
        match parts.first() {
            Some(Part::Literal(first)) if first.is_empty() => {
                return Err(
                    "it must begin with a name, as in \"ticket:close:{channel_id}\"".into(),
                );
            }
            Some(Part::Value { .. }) => {
                return Err(
                    "it must begin with a fixed name, by which the bot knows whose it is, as in \"ticket:{channel_id}\""
                        .into(),
                );
            }
            _ => {}
        }
        let template = Self {
            text: text.to_owned(),
            parts,
        };
        let names: Vec<_> = template.names().collect();
        let is_repeated = |name: &&&str| names.iter().filter(|it| it == name).count() > 1;
        if let Some(name) = names.iter().find(is_repeated) {
            return Err(format!("{{{name}}} is in it twice"));
        }
        Ok(template)
    }

    /// What it begins with: the custom ids that do, too, belong to one cog.
    pub fn first_part(&self) -> &str {
        first_part(&self.text)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of its values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Value { name, .. } => Some(name.as_str()),
        })
    }

    /// Whether both match the same custom ids.
    pub fn is_like(&self, other: &Self) -> bool {
        let mut pairs = self.parts.iter().zip(&other.parts);
        self.parts.len() == other.parts.len() && pairs.all(|(one, two)| one.is_like(two))
    }

    /// Whether it says more about the custom ids that it matches than another one that matches some of them.
    pub fn is_more_exact_than(&self, other: &Self) -> bool {
        let exactness =
            |template: &Self| -> Vec<_> { template.parts.iter().map(Part::exactness).collect() };
        exactness(self) > exactness(other)
    }

    /// The values in a custom id, by name; nothing if it is not one of this template.
    pub fn matches(&self, id: &str) -> Option<Values<'_>> {
        // Whatever a user sends: Discord has no longer one.
        if id.len() > LONGEST_TEMPLATE {
            return None;
        }
        let mut given = id.split(':');
        let mut values = Vec::new();
        for part in &self.parts {
            let text = given.next()?;
            match part {
                Part::Literal(literal) if text == literal => {}
                Part::Literal(_) => return None,
                Part::Value {
                    before,
                    name,
                    after,
                } => {
                    let text = text.strip_prefix(before.as_str())?;
                    let text = text.strip_suffix(after.as_str())?;
                    values.push((name.as_str(), unescaped(text)));
                }
            }
        }
        given.next().is_none().then_some(values)
    }

    /// The custom id with these values. The error is the rest of a sentence.
    pub fn fill(&self, values: &[(String, String)]) -> Result<String, String> {
        let value = |wanted: &str| values.iter().find(|(name, _)| name == wanted);
        if let Some((name, _)) = values
            .iter()
            .find(|(name, _)| !self.names().any(|own| own == name))
        {
            let hint = hint(nearest(name, self.names()));
            return Err(format!("values: \"{}\" has no {{{name}}}{hint}", self.text));
        }
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            parts.push(match part {
                Part::Literal(text) => text.clone(),
                Part::Value {
                    before,
                    name,
                    after,
                } => {
                    let (_, value) = value(name).ok_or_else(|| {
                        format!("values: {name} is missing, which \"{}\" needs", self.text)
                    })?;
                    format!("{before}{}{after}", escaped(value))
                }
            });
        }
        let id = parts.join(":");
        let length = id.chars().count();
        if length > LONGEST_ID {
            return Err(format!(
                "the custom id has {length} characters, and Discord takes {LONGEST_ID}; keep what is long in the state, and put its key into the id"
            ));
        }
        Ok(id)
    }
}

fn part(text: &str) -> Result<Part, String> {
    let Some((before, rest)) = text.split_once('{') else {
        return if text.contains('}') {
            Err("it has a \"}\" without a \"{\"".into())
        } else {
            Ok(Part::Literal(text.to_owned()))
        };
    };
    let Some((name, after)) = rest.split_once('}') else {
        return Err("it has a \"{\" without a \"}\"".into());
    };
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("between \"{\" and \"}\" must be a name of letters, digits and \"_\"".into());
    }
    if [before, after].iter().any(|it| it.contains(['{', '}'])) {
        return Err("between two colons there can be one value at most".into());
    }
    Ok(Part::Value {
        before: before.to_owned(),
        name: name.to_owned(),
        after: after.to_owned(),
    })
}

/// A value as it stands in a custom id.
fn escaped(value: &str) -> String {
    let mut text = value.to_owned();
    for (sign, code) in ESCAPES {
        text = text.replace(sign, code);
    }
    text
}

fn unescaped(text: &str) -> String {
    let mut value = text.to_owned();
    for (sign, code) in ESCAPES.iter().rev() {
        value = value.replace(code, sign.encode_utf8(&mut [0; 4]));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template(text: &str) -> Template {
        Template::parse(text).unwrap()
    }

    fn values(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn an_id_matches_its_template_as_a_whole() {
        for (text, id, expected) in [
            ("refresh", "refresh", Some("")),
            ("refresh", "refresh:", None),
            ("ticket:close:{id}", "ticket:close:5", Some("id=5")),
            ("ticket:close:{id}", "ticket:close:", Some("id=")),
            ("ticket:close:{id}", "ticket:close", None),
            ("ticket:close:{id}", "ticket:close:5:6", None),
            ("ticket:close:{id}", "ticket:close:5:", None),
            ("ticket:close:{id}", "ticket:open:5", None),
            ("ticket:close:{id}", "Ticket:close:5", None),
            ("ticket:close:{id}", "ticket:\u{200b}close:5", None),
            (
                "ticket:close:{id}",
                "ticket:close:\u{200b}",
                Some("id=\u{200b}"),
            ),
            ("ticket:close:{id}", " ticket:close:5", None),
            ("a:{x}:{y}", "a::", Some("x= y=")),
            ("a:page{n}of{m}", "", None),
            ("a:page{n}.", "a:page7.", Some("n=7")),
            ("a:page{n}.", "a:page.", Some("n=")),
            ("a:aa{n}aa", "a:aaa", None),
            ("a:{x}", "a:1%3A2%253A", Some("x=1:2%3A")),
            ("a:{x}", "a:%3a%", Some("x=%3a%")),
            ("a:{x}", "", None),
            ("a:{x}", ":::::::::::", None),
        ] {
            let Ok(template) = Template::parse(text) else {
                assert_eq!(expected, None, "{text}");
                continue;
            };
            let found = template.matches(id).map(|values| {
                let values = values.iter().map(|(name, value)| format!("{name}={value}"));
                values.collect::<Vec<_>>().join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{text} and {id:?}");
        }
        assert_eq!(
            template("a:{x}").matches(&format!("a:{}", "x".repeat(1_000))),
            None
        );
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (text, why) in [
            ("", "must begin with a name"),
            (":x", "must begin with a name"),
            ("{x}", "must begin with a fixed name"),
            ("a{x}:b", "must begin with a fixed name"),
            ("a:{x", "without a \"}\""),
            ("a:x}", "without a \"{\""),
            ("a:{}", "must be a name"),
            ("a:{x y}", "must be a name"),
            ("a:{x}{y}", "one value at most"),
            ("a:{x}-{y}", "one value at most"),
            ("a:{x}}", "one value at most"),
            ("a:{x}:{x}", "{x} is in it twice"),
            (&"a".repeat(101), "it has 101 characters"),
        ] {
            let told = Template::parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
        assert!(Template::parse(&"é".repeat(100)).is_ok());
    }

    #[test]
    fn an_id_is_filled_with_all_values_and_no_others() {
        let close = template("ticket:close:{channel_id}:{note}");
        let fill = |pairs: &[(&str, &str)]| close.fill(&values(pairs));
        assert_eq!(
            fill(&[("note", "a:b%"), ("channel_id", "5")]).unwrap(),
            "ticket:close:5:a%3Ab%25"
        );
        let missing = fill(&[("note", "a")]).unwrap_err();
        assert!(missing.contains("channel_id is missing"), "{missing}");
        let other = fill(&[("note", "a"), ("chanel_id", "5")]).unwrap_err();
        assert!(other.contains("did you mean \"channel_id\"?"), "{other}");
        let long = fill(&[("note", &"x".repeat(100)), ("channel_id", "5")]).unwrap_err();
        assert!(long.contains("has 115 characters"), "{long}");
    }

    #[test]
    fn the_more_exact_template_comes_first() {
        let more = |one: &str, other: &str| template(one).is_more_exact_than(&template(other));
        assert!(more("a:close", "a:{x}"));
        assert!(!more("a:{x}", "a:close"));
        assert!(more("a:page{x}", "a:{x}"));
        assert!(more("a:b:{x}", "a:{y}:c"));
        assert!(template("a:{x}").is_like(&template("a:{y}")));
        assert!(!template("a:{x}").is_like(&template("a:{x}:b")));
    }

    proptest! {
        #[test]
        fn any_value_comes_back_as_it_was(one in any::<String>(), two in "[%:3A25]{0,9}") {
            let template = template("a:x{one}y:{two}");
            let filled = template.fill(&values(&[("one", &one), ("two", &two)]));
            if let Ok(id) = filled {
                prop_assert_eq!(template.matches(&id), Some(vec![("one", one), ("two", two)]));
            }
        }
    }
}
