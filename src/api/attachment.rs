//! `attachment:read()`: the bytes of a file that came with a message, a command or a modal.
//!
//! The object comes from Discord, so its address is that of Discord's files. A cog needs no capability and no entry in
//! `http.allow` for it: it reads what it has been given.

use super::context::CogContext;
use super::http::{USUAL_TIMEOUT, failure};
use super::limits::kilobytes;
use super::phase::may_act;
use super::this::{field, this_of};
use crate::charge::Charge;
use crate::discord::schema::Kind;
use crate::http::{HttpRequest, Reach};
use crate::vm::host::{Arguments, Host, HostError, HostResult, one};
use mlua::{Function, Lua};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use std::sync::Arc;

const NAME: &str = "attachment:read";

/// Where Discord keeps files: <https://docs.discord.com/developers/reference#cdn-formatting>, and what it serves
/// media from.
const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// Makes the method.
pub(super) fn read(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let cog = Arc::clone(cog);
    host.async_function(lua, NAME, move |lua, arguments| {
        let cog = Arc::clone(&cog);
        let prepared = may_act(&lua, NAME).and_then(|_| prepare(&cog, &arguments));
        async move {
            let (request, _charge) = prepared?;
            let hosts = HOSTS.map(str::to_owned);
            let reach = Reach {
                hosts: &hosts,
                server: cog.services.outbound.other_server(),
            };
            let open = cog.slots().requests.clone();
            let sent = cog.services.http.send(request, reach, &open).await;
            let response = sent.map_err(|error| failure(&cog, NAME, &error))?;
            if !response.status.is_success() {
                return Err(refused(response.status.as_u16()).into());
            }
            one(&lua, lua.create_string(&response.body)?)
        }
    })
}

/// Counts the request. Its memory, and that of the file, is charged until the file is there.
fn prepare(cog: &CogContext, arguments: &Arguments) -> HostResult<(HttpRequest, Arc<Charge>)> {
    let attachment = this_of(arguments, Kind::Attachment)?;
    let url = field(attachment.json(), arguments, &["url"])?;
    let url = Url::parse(url).map_err(|_| {
        let message = format!("{NAME}: the attachment has no address");
        HostError::new("argument", message)
    })?;
    let most = kilobytes(cog.services.config.load().limits.http_kb);
    cog.limits.count_http(NAME)?;
    let charge = cog.charges.of_request(NAME, most)?;
    let request = HttpRequest {
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: None,
        timeout: USUAL_TIMEOUT,
        most,
    };
    Ok((request, charge))
}

fn refused(status: u16) -> HostError {
    let message = match status {
        403 | 404 => format!(
            "{NAME}: Discord does not have this file at this address any more: addresses of files end after a day; get the message again"
        ),
        other => format!("{NAME}: Discord answered {other}"),
    };
    HostError::new("http", message)
}
