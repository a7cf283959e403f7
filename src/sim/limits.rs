//! Rate limits: a bucket for each route and major parameter, and one for all together.
//!
//! They run on the system's time, also under a paused clock: the client that has to wait lives in
//! real time.

use super::errors::{ApiError, Known};
use super::ids::Id;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// How many requests are taken in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests in one window.
    pub requests: u64,
    /// The length of a window, which begins with its first request.
    pub per: Duration,
}

/// The limits of all routes.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// For all requests together; none by default. Interaction answers and webhooks do not count.
    pub global: Option<Limit>,
    /// For each route and major parameter without a limit of its own.
    pub each_route: Limit,
    /// Limits of single routes: method, path template (`/channels/{channel_id}/messages`), limit.
    pub routes: Vec<(String, String, Limit)>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            global: None,
            each_route: Limit {
                requests: 100_000,
                per: Duration::from_secs(1),
            },
            routes: Vec::new(),
        }
    }
}

/// What Discord's API has been seen to allow, as its headers tell it: method, path, requests, milliseconds. Discord's
/// documentation says that limits change and that clients follow the headers.
const OBSERVED: &[(&str, &str, u64, u64)] = &[
    ("POST", "/channels/{}/messages", 5, 5_000),
    ("PATCH", "/channels/{}/messages/{}", 5, 5_000),
    ("DELETE", "/channels/{}/messages/{}", 5, 1_000),
    ("POST", "/channels/{}/messages/bulk-delete", 1, 1_000),
    ("PUT", "/channels/{}/messages/{}/reactions/{}/@me", 1, 250),
    (
        "DELETE",
        "/channels/{}/messages/{}/reactions/{}/@me",
        1,
        250,
    ),
    ("DELETE", "/channels/{}/messages/{}/reactions/{}/{}", 1, 250),
    ("POST", "/channels/{}/typing", 5, 5_000),
    ("PATCH", "/guilds/{}/members/{}", 10, 10_000),
    ("POST", "/webhooks/{}/{}", 5, 2_000),
    ("PATCH", "/users/@me", 2, 10_000),
];

impl RateLimits {
    /// Limits of Discord's own kind: 50 requests a second for each bot, and a bucket for each route and channel,
    /// server or webhook.
    pub fn discord() -> Self {
        let limit = |requests, millis| Limit {
            requests,
            per: Duration::from_millis(millis),
        };
        let routes = OBSERVED.iter().map(|(method, path, requests, millis)| {
            let limit = limit(*requests, *millis);
            ((*method).to_owned(), (*path).to_owned(), limit)
        });
        Self {
            global: Some(limit(50, 1_000)),
            each_route: limit(10, 1_000),
            routes: routes.collect(),
        }
    }

    /// The same with another limit for one route.
    #[must_use]
    pub fn with_route(mut self, method: &str, template: &str, limit: Limit) -> Self {
        self.routes.push((method.into(), template.into(), limit));
        self
    }

    fn of(&self, method: &str, template: &str) -> Limit {
        let own = self
            .routes
            .iter()
            .rev()
            .find(|(of_method, of_template, _)| {
                of_method == method && same_template(of_template, template)
            });
        own.map_or(self.each_route, |(_, _, limit)| *limit)
    }
}

/// Whether two path templates name one route, whatever their parameters are called.
pub(crate) fn same_template(one: &str, other: &str) -> bool {
    let mut parts = one.split('/').zip(other.split('/'));
    let same = |(one, other): (&str, &str)| {
        one == other || (one.starts_with('{') && other.starts_with('{'))
    };
    one.split('/').count() == other.split('/').count() && parts.all(same)
}

/// The windows that are open.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    windows: HashMap<(Id, String, String), Window>,
    everything: HashMap<Id, Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    used: u64,
}

/// What the headers of an answer say about its bucket.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset_after: Duration,
    pub(crate) bucket: String,
    /// Present when the request is refused.
    pub(crate) refused: Option<ApiError>,
}

/// A bucket: who asks, the route, and the id that separates its buckets (channel, guild or webhook).
pub(crate) struct Bucket<'a> {
    pub(crate) application: Id,
    pub(crate) method: &'a str,
    pub(crate) template: &'a str,
    pub(crate) major: &'a str,
    pub(crate) counts_globally: bool,
}

impl Limiter {
    /// Counts one request.
    pub(crate) fn take(&mut self, limits: &RateLimits, bucket: &Bucket<'_>) -> Standing {
        let limit = limits.of(bucket.method, bucket.template);
        let name = bucket_name(bucket.method, bucket.template);
        let key = (bucket.application, name.clone(), bucket.major.to_owned());
        let mut window = fresh(self.windows.get(&key).copied(), limit.per);
        let reset_after = limit.per.saturating_sub(window.began.elapsed());
        let mut standing = Standing {
            limit: limit.requests,
            remaining: limit.requests.saturating_sub(window.used + 1),
            reset_after,
            bucket: name,
            refused: None,
        };
        if let Some(global) = limits.global.filter(|_| bucket.counts_globally) {
            let own = self.everything.get(&bucket.application);
            let mut all = fresh(own.copied(), global.per);
            if all.used >= global.requests {
                let wait = global.per.saturating_sub(all.began.elapsed());
                standing.refused = Some(too_many(wait, "global"));
                return standing;
            }
            all.used += 1;
            self.everything.insert(bucket.application, all);
        }
        if window.used >= limit.requests {
            standing.refused = Some(too_many(reset_after, "user"));
        } else {
            window.used += 1;
        }
        self.windows.insert(key, window);
        standing
    }

    /// Forgets all windows.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn fresh(window: Option<Window>, per: Duration) -> Window {
    window
        .filter(|window| window.began.elapsed() < per)
        .unwrap_or_else(|| Window {
            began: Instant::now(),
            used: 0,
        })
}

/// A refusal for now.
pub(crate) fn too_many(wait: Duration, scope: &'static str) -> ApiError {
    ApiError {
        // Never less than the wait, in the three digits that Discord sends.
        retry_after: Some((wait.as_secs_f64() * 1_000.0).ceil() / 1_000.0),
        scope: Some(scope),
        ..Known(429, 0, "You are being rate limited.").into()
    }
}

fn bucket_name(method: &str, template: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (method, template).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_observed_is_of_operations() {
        for (method, template, _, _) in OBSERVED {
            let mut operations = crate::discord::operations();
            let is_one =
                operations.any(|it| it.method == *method && same_template(it.path, template));
            assert!(is_one, "{method} {template}");
        }
    }

    #[test]
    fn a_bucket_refuses_what_is_too_much_and_separates_channels() {
        let limits = RateLimits::default().with_route(
            "POST",
            "/channels/{id}/messages",
            Limit {
                requests: 2,
                per: Duration::from_secs(60),
            },
        );
        let mut limiter = Limiter::default();
        let mut take = |major| {
            let bucket = Bucket {
                application: 1,
                method: "POST",
                template: "/channels/{channel_id}/messages",
                major,
                counts_globally: true,
            };
            limiter.take(&limits, &bucket)
        };
        assert_eq!(take("1").remaining, 1);
        assert!(take("1").refused.is_none());
        let refused = take("1").refused.unwrap();
        assert_eq!(refused.scope, Some("user"));
        assert!(refused.retry_after.unwrap() > 59.0);
        assert!(take("2").refused.is_none());
    }
}
