//! What is said of a field that a table's type does not have.

/// How alike two names must be, from 0 to 1, as in the bot's own errors.
const ALIKE: f64 = 0.82;

/// A sentence: which field of what, and which one was meant.
pub(super) fn message<'a>(field: &str, of: &str, known: impl Iterator<Item = &'a str>) -> String {
    let of = if of.is_empty() { "this table" } else { of };
    let likeness = |name: &str| strsim::jaro_winkler(field, name);
    let nearest = known
        .map(|name| (likeness(name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = nearest.map_or_else(String::new, |(_, name)| {
        format!("; did you mean \"{name}\"?")
    });
    format!("\"{field}\" is not a field of {of}{hint}")
}
