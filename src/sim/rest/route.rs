//! The table of routes, and how a path finds its own.

use super::call::Handler;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// `/channels/{channel_id}/messages`
    pub(crate) template: &'static str,
    pub(crate) handler: Handler,
    /// Whether the bot's token is needed. Others carry a token in their path, or need none.
    pub(crate) needs_token: bool,
}

/// A route that needs the bot's token.
pub(super) const fn route(method: &'static str, template: &'static str, handler: Handler) -> Route {
    Route {
        method,
        template,
        handler,
        needs_token: true,
    }
}

/// A route that needs no token in a header.
pub(super) const fn open(method: &'static str, template: &'static str, handler: Handler) -> Route {
    Route {
        needs_token: false,
        ..route(method, template, handler)
    }
}

/// Every route that the simulator has.
const ALL: &[&[Route]] = &[
    super::application::ROUTES,
    super::bans::ROUTES,
    super::channels::ROUTES,
    super::commands::ROUTES,
    super::direct::ROUTES,
    super::gateway::ROUTES,
    super::guilds::ROUTES,
    super::interactions::ROUTES,
    super::invites::ROUTES,
    super::members::ROUTES,
    super::messages::ROUTES,
    super::overwrites::ROUTES,
    super::pins::ROUTES,
    super::reactions::ROUTES,
    super::roles::ROUTES,
    super::threads::ROUTES,
    super::webhooks::ROUTES,
];

/// Routes by method and number of parts; the more literal ones first.
static INDEX: LazyLock<HashMap<(&str, usize), Vec<&Route>>> = LazyLock::new(|| {
    let mut index: HashMap<_, Vec<&Route>> = HashMap::new();
    for route in ALL.iter().copied().flatten() {
        let key = (route.method, route.template.split('/').count());
        index.entry(key).or_default().push(route);
    }
    for routes in index.values_mut() {
        routes.sort_by_key(|route| {
            let parts = route.template.split('/');
            parts.map(is_parameter).collect::<Vec<_>>()
        });
    }
    index
});

/// A route, and the values of its parameters.
pub(super) type Match = (&'static Route, Vec<(&'static str, String)>);

/// The route of a path without its `/api/v10`.
pub(super) fn find(method: &str, path: &str) -> Option<Match> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let routes = INDEX.get(&(method, path.split('/').count()))?;
    routes.iter().find_map(|route| {
        let parameters = matched(route.template, path)?;
        Some((*route, parameters))
    })
}

/// Whether another method has a route for this path.
pub(super) fn exists_otherwise(path: &str) -> bool {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    methods.iter().any(|method| find(method, path).is_some())
}

/// The parameters of `path` if it fits the template.
pub(super) fn matched<'a>(template: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let mut parameters = Vec::new();
    let mut parts = path.split('/');
    for part in template.split('/') {
        let given = parts.next()?;
        match part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        {
            Some(name) if !given.is_empty() => parameters.push((name, decoded(given))),
            None if part == given => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(parameters)
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

/// A part of a path without its percent-encoding; what is no valid encoding stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let code = bytes
            .get(index + 1..index + 3)
            .filter(|_| *byte == b'%')
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(code.unwrap_or(*byte));
        index += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_parts_win_over_parameters() {
        let template = |method, path| find(method, path).map(|(route, _)| route.template);
        assert_eq!(template("GET", "/users/@me"), Some("/users/@me"));
        assert_eq!(template("GET", "/users/5"), Some("/users/{user_id}"));
        assert_eq!(
            template("GET", "/channels/1/messages/pins"),
            Some("/channels/{channel_id}/messages/pins")
        );
        assert_eq!(template("GET", "/nowhere"), None);
        assert!(exists_otherwise("/channels/1/typing"));
    }

    #[test]
    fn parameters_are_decoded() {
        let path = "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me";
        let (_, parameters) = find("PUT", path).unwrap();
        assert!(parameters.contains(&("emoji_name", "👍".to_owned())));
        assert_eq!(decoded("50%"), "50%");
    }
}
