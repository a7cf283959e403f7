//! Faults as people write them: `POST /channels/{channel_id}/messages 503 x3`, `* delay:200`, `gateway reconnect`.

use super::errors::SimError;
use super::faults::{GatewayFault, GatewayFaultKind, InjectedFault, RestFault, RestFaultKind};
use std::str::FromStr;
use std::time::Duration;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What a request can meet.
const REST: &str = "a status such as 503, 429:2 (with seconds to wait), drop, drop-answer, or delay:200 (milliseconds)";
/// What the gateway can do.
const GATEWAY: &str = "reconnect, drop, lose-session, invalid-session, request-heartbeat, swallow-acks:1, or close:4000";

impl FromStr for InjectedFault {
    type Err = SimError;

    /// `[METHOD] PATH WHAT [xTIMES]`, or `gateway WHAT [shard:NUMBER]`. The path is a template of Discord's, a path
    /// without its `/api/v10`, or `*` for all.
    fn from_str(text: &str) -> Result<Self, SimError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["gateway", what, rest @ ..] => gateway(text, what, rest),
            [method, path, what, rest @ ..] if METHODS.contains(method) => {
                rest_fault(text, Some(*method), (path, what, rest))
            }
            [path, what, rest @ ..] => rest_fault(text, None, (path, what, rest)),
            _ => Err(refused(
                text,
                "it is [METHOD] PATH WHAT [xTIMES], or gateway WHAT",
            )),
        }
    }
}

fn refused(text: &str, why: &str) -> SimError {
    SimError::Fault(format!("The fault \"{text}\" is none: {why}."))
}

fn rest_fault(
    text: &str,
    method: Option<&str>,
    (path, what, rest): (&str, &str, &[&str]),
) -> Result<InjectedFault, SimError> {
    if path != "*" && !path.starts_with('/') {
        let why = format!(
            "\"{path}\" is neither a method (in capitals) nor a path that begins with /, nor *"
        );
        return Err(refused(text, &why));
    }
    let times = match rest {
        [] => 1,
        [times] => {
            let count = times.strip_prefix('x').and_then(|count| count.parse().ok());
            count.filter(|count| *count > 0).ok_or_else(|| {
                refused(text, &format!("\"{times}\" is not how often, such as x3"))
            })?
        }
        _ => return Err(refused(text, "there is more after how often")),
    };
    let kind = rest_kind(what).ok_or_else(|| {
        let why = format!("\"{what}\" is not what happens: {REST}");
        refused(text, &why)
    })?;
    Ok(InjectedFault::Rest(RestFault {
        method: method.map(Into::into),
        path: path.into(),
        times,
        kind,
    }))
}

fn rest_kind(what: &str) -> Option<RestFaultKind> {
    let (word, number) = match what.split_once(':') {
        Some((word, number)) => (word, Some(number)),
        None => (what, None),
    };
    match (word, number) {
        ("drop", None) => Some(RestFaultKind::Drop),
        ("drop-answer", None) => Some(RestFaultKind::DropAnswer),
        ("delay", Some(millis)) => {
            let millis = millis.parse().ok()?;
            Some(RestFaultKind::Delay(Duration::from_millis(millis)))
        }
        (status, number) => {
            let status: u16 = status.parse().ok()?;
            let seconds: Option<f64> = match number {
                Some(seconds) => Some(
                    seconds
                        .parse()
                        .ok()
                        .filter(|it| (0.0..=86_400.0).contains(it))?,
                ),
                None => None,
            };
            let is_error = (400..=599).contains(&status);
            (is_error && (seconds.is_none() || status == 429)).then(|| RestFaultKind::Status {
                status,
                code: 0,
                message: format!("{status}: a fault that was asked for"),
                retry_after: seconds,
            })
        }
    }
}

fn gateway(text: &str, what: &str, rest: &[&str]) -> Result<InjectedFault, SimError> {
    let shard = match rest {
        [] => None,
        [shard] => {
            let number = shard.strip_prefix("shard:").and_then(|it| it.parse().ok());
            let why = || refused(text, &format!("\"{shard}\" is no shard, such as shard:0"));
            Some(number.ok_or_else(why)?)
        }
        _ => return Err(refused(text, "there is more after the shard")),
    };
    let kind = gateway_kind(what).ok_or_else(|| {
        let why = format!("\"{what}\" is not what happens: {GATEWAY}");
        refused(text, &why)
    })?;
    Ok(InjectedFault::Gateway(GatewayFault { shard, kind }))
}

fn gateway_kind(what: &str) -> Option<GatewayFaultKind> {
    Some(match what.split_once(':') {
        None => match what {
            "reconnect" => GatewayFaultKind::Reconnect,
            "drop" => GatewayFaultKind::Drop,
            "lose-session" => GatewayFaultKind::LoseSession,
            "invalid-session" => GatewayFaultKind::InvalidSession { resumable: false },
            "request-heartbeat" => GatewayFaultKind::RequestHeartbeat,
            _ => return None,
        },
        Some(("close", code)) => {
            let code: u16 = code.parse().ok()?;
            let is_sent = (4_000..=4_999).contains(&code) || (1_000..=1_014).contains(&code);
            GatewayFaultKind::Close(Some(code).filter(|_| is_sent)?)
        }
        Some(("swallow-acks", count)) => {
            GatewayFaultKind::SwallowHeartbeatAcks(count.parse().ok()?)
        }
        Some(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match text.parse::<InjectedFault>() {
            Ok(fault) => format!("{fault:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        insta::assert_snapshot!(read("POST /channels/{channel_id}/messages 503 x3"), @r#"Rest(RestFault { method: Some("POST"), path: "/channels/{channel_id}/messages", times: 3, kind: Status { status: 503, code: 0, message: "503: a fault that was asked for", retry_after: None } })"#);
        insta::assert_snapshot!(read("* delay:200"), @r#"Rest(RestFault { method: None, path: "*", times: 1, kind: Delay(200ms) })"#);
        insta::assert_snapshot!(read("GET /users/@me 429:1.5"), @r#"Rest(RestFault { method: Some("GET"), path: "/users/@me", times: 1, kind: Status { status: 429, code: 0, message: "429: a fault that was asked for", retry_after: Some(1.5) } })"#);
        insta::assert_snapshot!(read("gateway close:4000 shard:1"), @r"Gateway(GatewayFault { shard: Some(1), kind: Close(4000) })");
    }

    #[test]
    fn what_is_none_says_what_there_is() {
        for text in [
            "",
            "503",
            "post /a 503",
            "/a 200",
            "/a 503:2",
            "/a 503 3",
            "/a 503 x0",
            "/a drop x1 x2",
            "gateway",
            "gateway close:1",
            "gateway drop 1",
            "* 429:-1",
            "* 429:nan",
        ] {
            assert!(text.parse::<InjectedFault>().is_err(), "{text}");
        }
        insta::assert_snapshot!(read("post /a 503"), @r#"The fault "post /a 503" is none: "post" is neither a method (in capitals) nor a path that begins with /, nor *."#);
        insta::assert_snapshot!(read("/a slow"), @r#"The fault "/a slow" is none: "slow" is not what happens: a status such as 503, 429:2 (with seconds to wait), drop, drop-answer, or delay:200 (milliseconds)."#);
        insta::assert_snapshot!(read("gateway explode"), @r#"The fault "gateway explode" is none: "explode" is not what happens: reconnect, drop, lose-session, invalid-session, request-heartbeat, swallow-acks:1, or close:4000."#);
    }
}
