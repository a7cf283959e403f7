//! `@cogsmith/http`: `get, post, request`.

use super::context::CogContext;
use super::convert::to_json;
use super::fields::Fields;
use super::json::parse;
use super::limits::{Limit, kilobytes};
use super::phase::may_act;
use crate::charge::Charge;
use crate::http::{HttpError, HttpRequest, HttpResponse, Reach};
use crate::vm::host::{Arguments, Host, HostError, HostResult, shown_name};
use mlua::{Function, Lua, Table, Value};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value as JsonValue};
use std::sync::Arc;
use std::time::Duration;

/// The default timeout of a request, and the longest one.
pub(super) const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of an address.
const LONGEST_URL: usize = 4_000;
/// Headers, and bytes of all of them together.
const MOST_HEADERS: usize = 50;
const LONGEST_HEADERS: usize = 16 << 10;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Headers of the connection, which only the host may set.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `response:json()`, one function for all answers of a VM.
struct ResponseJson(Function);

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    lua.set_app_data(ResponseJson(host.function(lua, "response:json", json)?));
    let http = lua.create_table()?;
    let named: [(&str, &'static str, Option<Method>); 3] = [
        ("get", "http.get", Some(Method::GET)),
        ("post", "http.post", Some(Method::POST)),
        ("request", "http.request", None),
    ];
    for (key, name, method) in named {
        let cog = Arc::clone(cog);
        let function = host.async_function(lua, name, move |lua, arguments| {
            let cog = Arc::clone(&cog);
            let prepared = prepare(&lua, &cog, &arguments, method.clone());
            async move {
                let (request, _charge) = prepared?;
                cog.state.writes_committed().await?;
                let config = cog.services.config.load_full();
                let (http, reach) = (&cog.services.http, Reach::of(&config.http.allow));
                let open = cog.slots().requests.clone();
                let sent = http.send(request, reach, &open).await;
                let response = sent.map_err(|error| failure(&cog, name, &error))?;
                Ok(to_lua(&lua, &response)?)
            }
        })?;
        http.raw_set(key, function)?;
    }
    http.set_readonly(true);
    Ok(Value::Table(http))
}

/// Reads and counts a request. Its memory, and that of the possible response, is charged until the response is there.
fn prepare(
    lua: &Lua,
    cog: &CogContext,
    arguments: &Arguments,
    method: Option<Method>,
) -> HostResult<(HttpRequest, Arc<Charge>)> {
    let name = arguments.function();
    may_act(lua, name)?;
    cog.capabilities.require(name, "http")?;
    let most = kilobytes(cog.services.config.load().limits.http_kb);
    let request = if let Some(method) = method {
        let url = arguments.string(0, "the address")?;
        let options = match arguments.optional_table(1, "the options")? {
            Some(options) => options,
            None => lua.create_table()?,
        };
        let fields = Fields::of(name, &options);
        fields.only(&["headers", "query", "body", "json", "timeout"])?;
        read(cog, &fields, method, &url, most)?
    } else {
        let Some(table) = arguments.optional_table(0, "the request")? else {
            return Err(arguments.wrong("the request", "a table", &Value::Nil));
        };
        let fields = Fields::of(name, &table);
        fields.only(&[
            "url", "method", "headers", "query", "body", "json", "timeout",
        ])?;
        let url = fields.required_short("url", LONGEST_URL)?;
        let method = read_method(&fields)?;
        read(cog, &fields, method, &url, most)?
    };
    cog.limits.count_http(name)?;
    let body = request.body.as_ref().map_or(0, Vec::len);
    let charge = cog.charges.of_request(name, body + most)?;
    Ok((request, charge))
}

fn read(
    cog: &CogContext,
    fields: &Fields<'_>,
    method: Method,
    url: &str,
    most: usize,
) -> HostResult<HttpRequest> {
    let mut headers = read_headers(fields)?;
    let body = read_body(cog, fields, &mut headers, most)?;
    Ok(HttpRequest {
        url: read_url(fields, url)?,
        timeout: read_timeout(fields)?,
        method,
        headers,
        body,
        most,
    })
}

fn read_method(fields: &Fields<'_>) -> HostResult<Method> {
    let Some(method) = fields.string("method")? else {
        return Ok(Method::GET);
    };
    let known = METHODS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&method));
    known
        .and_then(|known| Method::from_bytes(known.as_bytes()).ok())
        .ok_or_else(|| {
            let got = fields.value("method").unwrap_or(Value::Nil);
            fields.wrong("method", &format!("one of {}", METHODS.join(", ")), &got)
        })
}

fn read_url(fields: &Fields<'_>, text: &str) -> HostResult<Url> {
    let function = &fields.function;
    if text.len() > LONGEST_URL {
        let message = format!("{function}: the address is longer than {LONGEST_URL} characters");
        return Err(HostError::new("argument", message).into());
    }
    let mut url = Url::parse(text).map_err(|error| {
        let message = format!("{function}: \"{}\" is not a URL: {error}", shown_name(text));
        HostError::new("argument", message)
    })?;
    for (name, value) in object(fields, "query")? {
        let value = match value {
            JsonValue::String(text) => text,
            JsonValue::Number(_) | JsonValue::Bool(_) => value.to_string(),
            _ => {
                return Err(not_plain(
                    fields,
                    "query",
                    &name,
                    "a string, a number or a boolean",
                ));
            }
        };
        url.query_pairs_mut().append_pair(&name, &value);
    }
    Ok(url)
}

fn read_headers(fields: &Fields<'_>) -> HostResult<HeaderMap> {
    let function = &fields.function;
    let given = object(fields, "headers")?;
    let bytes =
        |(name, value): (&String, &JsonValue)| name.len() + value.as_str().map_or(0, str::len);
    if given.len() > MOST_HEADERS || given.iter().map(bytes).sum::<usize>() > LONGEST_HEADERS {
        let message = format!(
            "{function}: at most {MOST_HEADERS} headers, with {} KB in all",
            LONGEST_HEADERS >> 10
        );
        return Err(HostError::new("argument", message).into());
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let JsonValue::String(text) = value else {
            return Err(not_plain(fields, "headers", &name, "a string"));
        };
        let known = HeaderName::from_bytes(name.as_bytes()).ok();
        let known = known.filter(|known| {
            !OF_THE_CONNECTION.contains(&known.as_str()) && !known.as_str().starts_with("proxy-")
        });
        let (Some(header), Ok(value)) = (known, HeaderValue::from_str(&text)) else {
            let message = format!(
                "{function}: the header \"{}\" cannot be sent",
                shown_name(&name)
            );
            return Err(HostError::new("argument", message).into());
        };
        headers.insert(header, value);
    }
    Ok(headers)
}

fn read_body(
    cog: &CogContext,
    fields: &Fields<'_>,
    headers: &mut HeaderMap,
    most: usize,
) -> HostResult<Option<Vec<u8>>> {
    let function = &fields.function;
    let too_long = || {
        let message = format!(
            "{function}: the body is longer than {} KB (limits.http_kb)",
            most >> 10
        );
        cog.limits.at_limit(Limit::HttpSize, message)
    };
    let body = match (fields.value("body")?, fields.value("json")?) {
        (Value::Nil, Value::Nil) => return Ok(None),
        (Value::String(body), Value::Nil) if body.as_bytes().len() > most => {
            return Err(too_long().into());
        }
        (Value::String(body), Value::Nil) => body.as_bytes().to_vec(),
        (Value::Nil, json) => {
            let kind = HeaderValue::from_static("application/json");
            headers.entry(CONTENT_TYPE).or_insert(kind);
            let tree = to_json(function, "json", &json)?;
            tree.to_string().into_bytes()
        }
        (other, Value::Nil) => return Err(fields.wrong("body", "a string", &other)),
        _ => {
            let message = format!("{function}: give either body or json, not both");
            return Err(HostError::new("argument", message).into());
        }
    };
    if body.len() > most {
        return Err(too_long().into());
    }
    Ok(Some(body))
}

fn read_timeout(fields: &Fields<'_>) -> HostResult<Duration> {
    let timeout = fields.duration("timeout")?.unwrap_or(USUAL_TIMEOUT);
    if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
        let message = format!(
            "{}: timeout must be more than 0 s and at most {} s",
            fields.function,
            LONGEST_TIMEOUT.as_secs()
        );
        return Err(HostError::new("argument", message).into());
    }
    Ok(timeout)
}

/// A field that is a table with names.
fn object(fields: &Fields<'_>, name: &str) -> HostResult<Map<String, JsonValue>> {
    let Some(table) = fields.table(name)? else {
        return Ok(Map::new());
    };
    match to_json(&fields.function, name, &Value::Table(table))? {
        JsonValue::Object(object) => Ok(object),
        JsonValue::Array(items) if items.is_empty() => Ok(Map::new()),
        _ => Err(fields.wrong(name, "a table with names", &fields.value(name)?)),
    }
}

fn not_plain(
    fields: &Fields<'_>,
    field: &str,
    name: &str,
    expected: &str,
) -> crate::vm::host::HostFailure {
    let message = format!(
        "{}: {field}.{}: expected {expected}",
        fields.function,
        shown_name(name)
    );
    HostError::new("argument", message).into()
}

/// What a cog is told of a request that came to nothing.
pub(super) fn failure(cog: &CogContext, function: &str, error: &HttpError) -> HostError {
    match error {
        HttpError::TooLong(most) => {
            let message = format!(
                "{function}: the answer is longer than {} KB (limits.http_kb)",
                most >> 10
            );
            cog.limits.at_limit(Limit::HttpSize, message)
        }
        HttpError::Address(_) => HostError::new("argument", format!("{function}: {error}")),
        HttpError::NotAllowed(_) | HttpError::Private(_) => {
            HostError::new("capability", format!("{function}: {error}"))
        }
        _ => HostError::new("http", format!("{function}: {error}")),
    }
}

fn to_lua(lua: &Lua, response: &HttpResponse) -> mlua::Result<Value> {
    let headers = lua.create_table()?;
    for name in response.headers.keys() {
        let values = response.headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        headers.raw_set(name.as_str(), values.join(", "))?;
    }
    headers.set_readonly(true);
    let table = lua.create_table()?;
    table.raw_set("ok", response.status.is_success())?;
    table.raw_set("status", response.status.as_u16())?;
    table.raw_set("headers", headers)?;
    table.raw_set("body", lua.create_string(&response.body)?)?;
    if let Some(json) = lua.app_data_ref::<ResponseJson>() {
        table.raw_set("json", &json.0)?;
    }
    table.set_readonly(true);
    Ok(Value::Table(table))
}

/// `response:json()`: the body as a tree.
fn json(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let response: Option<Table> = arguments.optional_table(0, "the response")?;
    let body = match response {
        Some(response) => response.raw_get("body")?,
        None => Value::Nil,
    };
    match body {
        Value::String(body) => parse(lua, arguments.function(), "the body", &body),
        other => Err(arguments.wrong("the response", "what http.get returned", &other)),
    }
}
