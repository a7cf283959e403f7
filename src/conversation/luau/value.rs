//! Values of a conversation with variables in place of ids, and the spec's clock in place of times.

use super::Writer;
use super::table::Expression;
use super::text::{Literal, Part, literal};
use crate::conversation::compare::whole;
use crate::conversation::labels::each_part;
use crate::conversation::model::File;
use crate::conversation::seen::SIMULATOR;
use crate::conversation::times;
use serde_json::Value;
use std::cell::{RefCell, RefMut};

/// How near a time has to be to a whole number of minutes, or of five seconds, to be meant as that.
const NEARLY: i64 = 1;
/// What stands for a time while ids are looked for.
const TIME: char = '\u{f8f0}';
/// And what stands for a port.
const PORT: char = '\u{f8f1}';
const MARKS: [char; 2] = [TIME, PORT];

impl Writer<'_> {
    /// A text as it was written or is expected.
    pub(super) fn text(&self, text: &str) -> Literal {
        let written = literal(&self.parts(text));
        // Braces of the text's own are escaped, so this is found in no other place.
        let mentions = |mut code: String| {
            for (_, name) in self.variables.iter().filter(|(label, _)| is_person(label)) {
                code = code.replace(
                    &format!("<@{{{name}.id}}>"),
                    &format!("{{{name}:mention()}}"),
                );
            }
            code
        };
        match written {
            Literal::Exact(code) => Literal::Exact(mentions(code)),
            Literal::Pattern(code) => Literal::Pattern(mentions(code)),
        }
    }

    /// The text as an expression for itself: what cannot be known is as it was.
    pub(super) fn exact(&self, text: &str) -> String {
        match self.text(text) {
            Literal::Exact(code) => code,
            Literal::Pattern(_) => super::text::quoted(text),
        }
    }

    fn parts(&self, text: &str) -> Vec<Part> {
        let mut found = Vec::new();
        let mut push = |part: Part| match (&part, found.last_mut()) {
            (Part::Text(more), Some(Part::Text(text))) => text.push_str(more),
            (Part::Digits, Some(Part::Digits)) => {}
            _ => found.push(part),
        };
        // A text with these marks of its own is written as it is.
        if text.contains(MARKS) {
            self.ids_in(text, &mut push);
            return found;
        }
        let clocks = RefCell::default();
        let marked = times::map(text, |time, style| {
            let mut clocks: RefMut<'_, Vec<(i64, String)>> = RefCell::borrow_mut(&clocks);
            clocks.push((time, style.to_owned()));
            Some(TIME.to_string())
        });
        let mut pending = clocks.into_inner().into_iter();
        let marked = marked.replace(SIMULATOR, "http://127.0.0.1:\u{f8f1}");
        for piece in pieces(&marked) {
            match piece {
                piece if piece.starts_with(TIME) => {
                    if let Some((time, style)) = pending.next() {
                        push(Part::Text("<t:".to_owned()));
                        push(Part::Code(self.clock_code(time)));
                        push(Part::Text(format!("{style}>")));
                    }
                }
                piece if piece.starts_with(PORT) => push(Part::Digits),
                piece => self.ids_in(piece, &mut push),
            }
        }
        found
    }

    fn ids_in(&self, text: &str, push: &mut impl FnMut(Part)) {
        each_part(text, |part, is_id| {
            if is_id {
                let label = self.conversation.ids.get(part);
                push(match label.and_then(|label| self.id_code(label)) {
                    Some(code) => Part::Code(code),
                    None => Part::Digits,
                });
            } else if self.numbers_vary && part.starts_with(|c: char| c.is_ascii_digit()) {
                push(Part::Digits);
            } else {
                push(Part::Text(part.to_owned()));
            }
        });
    }

    /// What the id of a label is in the spec.
    fn id_code(&self, label: &str) -> Option<String> {
        if label == "server" {
            return Some("world:guild().id".to_owned());
        }
        Some(format!("{}.id", self.variable(label)?))
    }

    /// What a time is by the spec's clock.
    fn clock_code(&self, time: i64) -> String {
        let later = time - whole(self.now);
        let nearly = |unit: i64| {
            let round = (later + unit / 2).div_euclid(unit) * unit;
            ((later - round).abs() <= NEARLY).then_some(round)
        };
        match nearly(60).or_else(|| nearly(5)).unwrap_or(later) {
            0 => "world:now()".to_owned(),
            later if later < 0 => format!("world:now() - {}", -later),
            later => format!("world:now() + {later}"),
        }
    }

    /// A value that is expected: texts that cannot be known are patterns.
    pub(super) fn expected(&self, value: &Value) -> Expression {
        expression(value, &|text| match self.text(text) {
            Literal::Exact(code) => code,
            Literal::Pattern(code) => format!("spec.pattern({code})"),
        })
    }

    /// A value that somebody enters.
    pub(super) fn entered(&self, value: &Value, who: &str) -> Expression {
        if let Ok(file) = serde_json::from_value::<File>(value["file"].clone()) {
            let file = file_fields(&file);
            return Expression::Code(format!("{who}:uploads {}", file.write(0, 1)));
        }
        match value {
            Value::String(text) => match self.conversation.ids.get(text) {
                Some(label) if self.variable(label).is_some() => {
                    Expression::Code(self.variable(label).unwrap_or_default().to_owned())
                }
                _ => Expression::Code(self.exact(text)),
            },
            Value::Array(items) => {
                Expression::List(items.iter().map(|item| self.entered(item, who)).collect())
            }
            other => expression(other, &|text| self.exact(text)),
        }
    }
}

fn expression(of: &Value, text: &impl Fn(&str) -> String) -> Expression {
    match of {
        Value::Null => Expression::Code("nil".to_owned()),
        Value::String(words) => Expression::Code(text(words)),
        Value::Array(items) => {
            Expression::List(items.iter().map(|item| expression(item, text)).collect())
        }
        Value::Object(fields) => Expression::Map(
            fields
                .iter()
                .map(|(name, of)| (name.clone(), expression(of, text)))
                .collect(),
        ),
        other => Expression::Code(other.to_string()),
    }
}

fn is_person(label: &str) -> bool {
    label.starts_with('@') && !label.starts_with("@&")
}

/// The text in pieces: each of the two marks is a piece of its own.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(MARKS)
        .flat_map(|piece| {
            let end = piece
                .char_indices()
                .last()
                .filter(|(_, c)| MARKS.contains(c))
                .map_or(piece.len(), |(at, _)| at);
            let (text, mark) = piece.split_at(end);
            [text, mark]
        })
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// A file as `says` and `uploads` take it.
pub(super) fn file_fields(file: &File) -> Expression {
    let text = file.text.clone().unwrap_or_else(|| "…".to_owned());
    let field = |name: &str, text: &str| {
        let code = super::text::quoted(text);
        (name.to_owned(), Expression::Code(code))
    };
    Expression::Map(vec![
        field("filename", &file.filename),
        field("content", &text),
    ])
}
