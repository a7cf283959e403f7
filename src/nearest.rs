//! "Did you mean …?": the known name that was probably meant by an unknown one.

/// How alike two names must be, from 0 to 1, before one is suggested for the other: `reload_dely` and `reload_delay`
/// have 0.98, `watch_dirs` and `watch_directories` 0.92, unrelated words 0.4 to 0.6.
const ALIKE: f64 = 0.82;
/// Longer names are cut to this many characters before they are compared, because comparing costs time.
const LONGEST: usize = 64;

/// The candidate most like `name`, a name in code or in the configuration, if one is like it at all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = |name: &str| {
        name.chars()
            .take(LONGEST)
            .collect::<String>()
            .to_lowercase()
    };
    let name = lower(name);
    nearest_by(candidates, |candidate| {
        let alike = strsim::jaro_winkler(&name, &lower(candidate));
        (alike >= ALIKE).then_some(1.0 - alike)
    })
}

/// The candidate at the least distance, the first of equals. Candidates without a distance are too far away.
pub fn nearest_by<T, D: PartialOrd>(
    candidates: impl IntoIterator<Item = T>,
    distance: impl Fn(&T) -> Option<D>,
) -> Option<T> {
    let mut best: Option<(D, T)> = None;
    for candidate in candidates {
        if let Some(distance) = distance(&candidate)
            && best.as_ref().is_none_or(|(least, _)| distance < *least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// What an error about an unknown name ends with: `; did you mean "ban"?`, or nothing.
pub fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |it| format!("; did you mean \"{it}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_mistyped_is_found() {
        let names = ["watch_directories", "reload_delay"];
        assert_eq!(nearest("reload_dely", names), Some("reload_delay"));
        assert_eq!(nearest("WATCH_DIRS", names), Some("watch_directories"));
        assert_eq!(nearest("token", names), None);
        assert_eq!(hint(nearest("token", names)), "");
        assert_eq!(hint(Some("ban")), "; did you mean \"ban\"?");
    }

    #[test]
    fn the_first_of_equals_is_nearest() {
        let words = ["far", "ab", "ba"];
        let distance = |word: &&str| (word.len() < 3).then_some(1);
        assert_eq!(nearest_by(words, distance), Some("ab"));
        assert_eq!(nearest_by([0; 0], |it| Some(*it)), None);
    }
}
