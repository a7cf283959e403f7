//! `discord.request_members { … }`: asks the gateway for members of a guild, and gathers the chunks in which they come.

use super::call::UNREACHABLE;
use super::context::CogContext;
use super::fields::{Fields, id_of};
use super::member_requests::OpenRequest;
use super::object;
use super::phase::may_act;
use crate::charge::Charge;
use crate::discord::events::intents;
use crate::discord::missing_fields::with_guild;
use crate::hash::HashMap;
use crate::json::{Json, JsonRef};
use crate::untrusted_numbers::seconds_in_json;
use crate::vm::host::{Arguments, Field, Host, HostError, HostFailure, HostResult};
use mlua::{Function, Lua};
use serde_json::{Map, Value as JsonValue, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const FUNCTION: &str = "discord.request_members";

/// How long no chunk may come, in real time.
const SILENCE: Duration = Duration::from_secs(10);
/// Members that Discord returns for a query, and ids that it takes.
const MOST: usize = 100;
/// Characters of a query: a nickname has 32.
const LONGEST_QUERY: usize = 100;
/// Chunks of 1,000 members: more than the largest guild has.
const MOST_CHUNKS: u64 = 100_000;

/// A request that is checked.
struct Request {
    guild: String,
    number: u64,
    /// The data of operation 8, without the nonce.
    data: Map<String, JsonValue>,
}

/// Makes the function.
pub(super) fn function(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let owner = Arc::clone(cog);
    host.async_function(lua, FUNCTION, move |lua, arguments| {
        let cog = Arc::clone(&owner);
        let prepared = may_act(&lua, FUNCTION).and_then(|_| read(&cog, &arguments));
        async move {
            let request = prepared?;
            let members = ask(&cog, request).await?;
            object::receive(&lua, &cog, &members, Some("GuildMemberResponse"))
        }
    })
}

fn read(cog: &CogContext, arguments: &Arguments) -> HostResult<Request> {
    let table = arguments.table(0, "")?;
    let fields = Fields::of(FUNCTION, &table);
    fields.only(&["guild_id", "query", "limit", "user_ids", "presences"])?;
    let (guild, number) = fields.required_id("guild_id")?;
    let mut data = Map::new();
    data.insert("guild_id".to_owned(), json!(guild));
    let query = fields.short("query", LONGEST_QUERY)?;
    let users = users(&fields)?;
    let limit = limit(&fields, query.as_deref(), users.is_some())?;
    let presences = fields.boolean("presences")?.unwrap_or(false);
    cog.capabilities.require(FUNCTION, "members.read")?;
    let is_whole = users.is_none() && query.as_deref().unwrap_or_default().is_empty();
    if is_whole {
        has_intent(cog, "guild_members", "the whole list of members")?;
    }
    if presences {
        has_intent(cog, "guild_presences", "presences")?;
        data.insert("presences".to_owned(), json!(true));
    }
    match users {
        Some(users) => data.insert("user_ids".to_owned(), json!(users)),
        None => data.insert("query".to_owned(), json!(query.unwrap_or_default())),
    };
    data.insert("limit".to_owned(), json!(limit));
    Ok(Request {
        guild,
        number,
        data,
    })
}

/// `user_ids`, with which there is no `query`.
fn users(fields: &Fields<'_>) -> HostResult<Option<Vec<String>>> {
    if fields.value("user_ids")?.is_nil() {
        return Ok(None);
    }
    let items = fields.list_of("user_ids", MOST)?;
    let query = fields.value("query")?;
    if !query.is_nil() {
        return Err(fields.wrong("query", "nothing beside user_ids", &query));
    }
    let mut users = Vec::new();
    for item in &items {
        let user = id_of(item);
        let user = user.ok_or_else(|| fields.wrong("user_ids", "a list of ids", item))?;
        users.push(user.0);
    }
    if users.is_empty() {
        let message = format!("{FUNCTION}: user_ids: expected 1 to {MOST} ids, got none");
        return Err(HostError::new("argument", message).into());
    }
    Ok(Some(users))
}

/// How many members are wanted; 0 stands for all.
fn limit(fields: &Fields<'_>, query: Option<&str>, by_id: bool) -> HostResult<u32> {
    let limit = fields.count("limit")?;
    let most = u32::try_from(MOST).unwrap_or(u32::MAX);
    if by_id || query.unwrap_or_default().is_empty() {
        return Ok(limit.unwrap_or(0));
    }
    match limit.unwrap_or(most) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => {
            let expected =
                format!("a whole number from 1 to {MOST}, as Discord returns no more for a query");
            Err(fields.wrong("limit", &expected, &fields.value("limit")?))
        }
    }
}

fn has_intent(cog: &CogContext, name: &str, what: &str) -> HostResult<()> {
    let bit = intents::bit(name).unwrap_or_default();
    if cog.services.connection.load().granted() & bit != 0 {
        return Ok(());
    }
    let message = format!(
        "{FUNCTION}: Discord tells {what} only with the intent {name}, which the connection does not have: switch it on in Discord's developer portal, and put it into intents of cog.info"
    );
    Err(HostError::new("intents", message).into())
}

/// Sends the request and gathers what comes.
async fn ask(cog: &CogContext, request: Request) -> HostResult<Json> {
    cog.limits.wait_to_call(FUNCTION).await?;
    cog.limits.count_member_request(FUNCTION)?;
    cog.state.writes_committed().await?;
    let Request {
        guild,
        number,
        mut data,
    } = request;
    let requests = &cog.services.member_requests;
    if !requests.may_send() {
        let message = format!(
            "{FUNCTION}: all cogs together have asked for members too often within this minute; try again later"
        );
        return Err(HostError::new("limit", message).into());
    }
    let open = requests.open(cog.charges.requests_allowance());
    data.insert("nonce".to_owned(), json!(open.nonce()));
    let command = json!({ "op": 8, "d": data }).to_string();
    let sent = cog
        .services
        .gateway
        .get()
        .ok_or_else(|| "there is no connection to the gateway yet".to_owned());
    let sent = sent.and_then(|gateway| {
        let shard = gateway.shard_of(number);
        gateway
            .send(shard, command)
            .map_err(|error| error.to_string())
    });
    sent.map_err(|why| HostError::new(UNREACHABLE, format!("{FUNCTION}: {why}")))?;
    let mut gathered = Gathered::new(cog, &guild);
    while !gathered.is_complete() {
        gathered.take_next(&open).await?;
    }
    Ok(gathered.members())
}

/// What has come for a request.
struct Gathered<'a> {
    cog: &'a CogContext,
    guild: &'a str,
    /// The members of each chunk, by its number.
    chunks: BTreeMap<u64, Vec<Json>>,
    /// How many chunks there are.
    count: u64,
    charges: Vec<Charge>,
}

impl<'a> Gathered<'a> {
    fn new(cog: &'a CogContext, guild: &'a str) -> Self {
        Self {
            cog,
            guild,
            chunks: BTreeMap::new(),
            count: 1,
            charges: Vec::new(),
        }
    }

    fn is_complete(&self) -> bool {
        u64::try_from(self.chunks.len()).is_ok_and(|chunks| chunks >= self.count)
    }

    fn too_much(&self) -> HostFailure {
        self.cog.charges.too_many_request_bytes(FUNCTION).into()
    }

    async fn take_next(&mut self, open: &OpenRequest<'_>) -> HostResult<()> {
        let next = tokio::time::timeout(SILENCE, open.next()).await;
        let (event, charge) = next.map_err(|_| {
            let seconds = SILENCE.as_secs();
            let message = format!(
                "{FUNCTION}: Discord has not answered within {seconds} s: it does not where the bot is not in the guild"
            );
            HostError::new(UNREACHABLE, message)
        })?;
        // The text, until its members have been read.
        let _text = charge.ok_or_else(|| self.too_much())?;
        let data = event.data();
        if event.name.as_ref() == "rate_limited" {
            return Err(rate_limited(data).into());
        }
        let _document = self.take(data.bytes())?;
        let number = |name: &str| data.get(name).and_then(JsonRef::as_i64);
        let index = number("chunk_index").and_then(|it| u64::try_from(it).ok());
        let count = number("chunk_count").and_then(|it| u64::try_from(it).ok());
        self.count = count.unwrap_or(1).clamp(1, MOST_CHUNKS);
        let members = self.members_of(data)?;
        self.chunks.insert(index.unwrap_or(0), members);
        Ok(())
    }

    fn take(&self, bytes: usize) -> HostResult<Charge> {
        let allowance = self.cog.charges.requests_allowance();
        allowance.take(bytes).map_err(|_| self.too_much())
    }

    /// The members of a chunk, each with its guild and, where they were asked for, its presence.
    fn members_of(&mut self, chunk: &Json) -> HostResult<Vec<Json>> {
        let items = |name: &str| chunk.get(name).into_iter().flat_map(JsonRef::items);
        let presences: HashMap<&str, JsonRef<'_>> = items("presences")
            .filter_map(|it| Some((it.at(&["user", "id"])?.as_str()?, it)))
            .collect();
        let mut members = Vec::new();
        for member in items("members") {
            let user = member.at(&["user", "id"]).and_then(JsonRef::as_str);
            let presence = user.and_then(|user| presences.get(user));
            let whole = with_guild(member, self.guild);
            let whole = match presence {
                Some(presence) => whole.with("presence", *presence),
                None => whole,
            };
            let charge = self.take(whole.bytes())?;
            self.charges.push(charge);
            members.push(whole);
        }
        Ok(members)
    }

    /// All of them in one list.
    fn members(self) -> Json {
        Json::array(self.chunks.values().flatten().map(Json::view))
    }
}

fn rate_limited(data: &Json) -> HostError {
    let after = data.get("retry_after").and_then(seconds_in_json);
    let seconds = after.map_or(0, |after| after.as_secs() + 1);
    let message = format!(
        "{FUNCTION}: Discord lets the bot ask for these members again in {seconds} s: the whole list of a guild can be had once in 30 s"
    );
    HostError::new("discord", message)
        .with("status", Field::Integer(429))
        .with(
            "retry_after",
            Field::Integer(i64::try_from(seconds).unwrap_or(i64::MAX)),
        )
}
