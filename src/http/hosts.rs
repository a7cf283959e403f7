//! Which hosts the operator allows.

/// Whether one of the entries of `http.allow` matches a host: its name, `*.example.com` for all below `example.com`, or
/// `*`. Letter case and a dot at the end make no difference.
pub fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    allowed.iter().any(|entry| {
        let entry = entry.to_ascii_lowercase();
        match entry.strip_prefix('*') {
            Some("") => true,
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => host == entry,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_stars_stand_for_hosts() {
        let allowed = ["api.Example.com", "*.weather.org"].map(str::to_owned);
        for host in [
            "api.example.com",
            "API.EXAMPLE.COM.",
            "a.weather.org",
            "a.b.weather.org",
        ] {
            assert!(is_allowed(host, &allowed), "{host}");
        }
        for host in [
            "example.com",
            "x.api.example.com",
            "weather.org",
            "evilweather.org",
            ".weather.org",
            "api.example.com.evil.org",
            "",
        ] {
            assert!(!is_allowed(host, &allowed), "{host}");
        }
        assert!(is_allowed("anything", &["*".to_owned()]));
        assert!(!is_allowed("anything", &[]));
    }
}
