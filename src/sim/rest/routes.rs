//! The table of all routes, and how a path finds its own.

use super::route::{Route, is_parameter, matched};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Every route that the simulator has.
const ALL: &[&[Route]] = &[
    super::application::ROUTES,
    super::archived::ROUTES,
    super::automod::ROUTES,
    super::bans::ROUTES,
    super::channels::ROUTES,
    super::commands::ROUTES,
    super::community::ROUTES,
    super::crossposts::ROUTES,
    super::direct::ROUTES,
    super::emojis::ROUTES,
    super::entitlements::ROUTES,
    super::gateway::ROUTES,
    super::guilds::ROUTES,
    super::integrations::ROUTES,
    super::interactions::ROUTES,
    super::invite_targets::ROUTES,
    super::invites::ROUTES,
    super::lobbies::ROUTES,
    super::members::ROUTES,
    super::messages::ROUTES,
    super::overwrites::ROUTES,
    super::pins::ROUTES,
    super::polls::ROUTES,
    super::prune::ROUTES,
    super::reactions::ROUTES,
    super::role_connections::ROUTES,
    super::roles::ROUTES,
    super::scheduled_events::ROUTES,
    super::search::ROUTES,
    super::soundboard::ROUTES,
    super::stages::ROUTES,
    super::stickers::ROUTES,
    super::templates::ROUTES,
    super::threads::ROUTES,
    super::voice::ROUTES,
    super::webhook_services::ROUTES,
    super::webhooks::ROUTES,
    super::widget::ROUTES,
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
    }
}
