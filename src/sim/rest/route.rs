//! One route: its method, its path with parameters, and what answers it.

use super::call::RouteHandler;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// One route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// `/channels/{channel_id}/messages`
    pub(crate) template: &'static str,
    pub(crate) handler: RouteHandler,
    /// Whether the bot's token is needed. Others carry a token in their path, or need none.
    pub(crate) needs_token: bool,
}

/// A route that needs the bot's token.
pub(super) const fn route(
    method: &'static str,
    template: &'static str,
    handler: RouteHandler,
) -> Route {
    Route {
        method,
        template,
        handler,
        needs_token: true,
    }
}

/// A route that needs no token in a header.
pub(super) const fn open(
    method: &'static str,
    template: &'static str,
    handler: RouteHandler,
) -> Route {
    Route {
        needs_token: false,
        ..route(method, template, handler)
    }
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

/// Whether a part of a template is a parameter.
pub(super) fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

/// A part of a path without its percent-encoding; what is no valid encoding stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_encoding_stays_as_it_is() {
        assert_eq!(decoded("50%"), "50%");
        assert_eq!(decoded("%F0%9F%91%8D"), "👍");
    }
}
