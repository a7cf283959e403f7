//! Users, members, channels, roles, emoji and messages, found through the directory.

use super::argument::{Argument, ParseContext, ParseError};
use super::definition::{OptionDefinition, OptionKind};
use super::directory::{Directory, Told};
use super::emoji::ParsedEmoji;
use super::escape::{is_invisible, quoted};
use super::names::{Fit, Wanted, candidate, id_of, names_of};
use super::references::{Reference, message_reference};
use super::suggest;
use super::text::{Language, Text};
use crate::json::{Json, JsonRef};

/// How many candidates an error lists when a name fits several.
const LISTED_CANDIDATES: usize = 5;

/// Finds what a text refers to.
pub(super) async fn find<D: Directory>(
    option: &OptionDefinition,
    text: &str,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Argument, ParseError> {
    let plain: String = text
        .chars()
        .filter(|character| !is_invisible(*character))
        .collect();
    let search = Search {
        option,
        given: quoted(text),
        text: plain.trim().to_owned(),
        directory,
        context,
    };
    if option.kind == OptionKind::Emoji {
        return search.emoji().await.map(Argument::Emoji);
    }
    let (kind, object) = match option.kind {
        OptionKind::User => (OptionKind::User, search.user().await?),
        OptionKind::Channel => (OptionKind::Channel, search.channel().await?),
        OptionKind::Role => (OptionKind::Role, search.role().await?),
        OptionKind::Message => (OptionKind::Message, search.message().await?),
        OptionKind::Mentionable => search.mentionable().await?,
        _ => (OptionKind::Member, search.member().await?),
    };
    Ok(Argument::Object(kind, object))
}

/// Whether things of this kind have names that may consist of several words.
pub(super) fn has_names(kind: OptionKind) -> bool {
    matches!(
        kind,
        OptionKind::User
            | OptionKind::Member
            | OptionKind::Channel
            | OptionKind::Role
            | OptionKind::Mentionable
    )
}

struct Search<'a, D> {
    option: &'a OptionDefinition,
    /// The typed text, as sentences show it.
    given: String,
    text: String,
    directory: &'a D,
    context: &'a ParseContext<'a>,
}

impl<D: Directory> Search<'_, D> {
    async fn user(&self) -> Result<Json, ParseError> {
        let given = self.given.as_str();
        match Reference::of(&self.text) {
            Reference::User(id) | Reference::Id(id) => {
                let user = self.told(self.directory.user(id).await)?;
                user.ok_or_else(|| self.refused(Text::NoUser { given }))
            }
            Reference::Name(name) => {
                let name = Wanted::new(name);
                let Some(guild) = self.context.guild_id else {
                    return Err(self.other_kind(Text::NoUser { given }));
                };
                let members = self.told(self.directory.member_by_name(guild, name.bare()).await)?;
                let member = self.pick(&members, &name, Text::NoUser { given }).await?;
                let user = member.get("user").map(JsonRef::to_json);
                user.ok_or_else(|| self.refused(Text::NoUser { given }))
            }
            _ => Err(self.other_kind(Text::NoUser { given })),
        }
    }

    async fn member(&self) -> Result<Json, ParseError> {
        let given = self.given.as_str();
        let guild = self.guild()?;
        match Reference::of(&self.text) {
            Reference::User(id) | Reference::Id(id) => {
                let member = self.told(self.directory.member(guild, id).await)?;
                member.ok_or_else(|| self.refused(Text::NoMember { given }))
            }
            Reference::Name(name) => {
                let name = Wanted::new(name);
                let members = self.told(self.directory.member_by_name(guild, name.bare()).await)?;
                self.pick(&members, &name, Text::NoMember { given }).await
            }
            _ => Err(self.other_kind(Text::NoMember { given })),
        }
    }

    async fn role(&self) -> Result<Json, ParseError> {
        let given = self.given.as_str();
        let guild = self.guild()?;
        match Reference::of(&self.text) {
            Reference::Role(id) | Reference::Id(id) => {
                let role = self.told(self.directory.role(guild, id).await)?;
                role.ok_or_else(|| self.refused(Text::NoRole { given }))
            }
            Reference::Name(name) => {
                let name = Wanted::new(name);
                let roles = self.told(self.directory.role_by_name(guild, name.bare()).await)?;
                self.pick(&roles, &name, Text::NoRole { given }).await
            }
            _ => Err(self.other_kind(Text::NoRole { given })),
        }
    }

    async fn channel(&self) -> Result<Json, ParseError> {
        let given = self.given.as_str();
        let guild = self.guild()?;
        let channel = match Reference::of(&self.text) {
            Reference::Channel(id) | Reference::Id(id) => {
                let channel = self.told(self.directory.channel(id).await)?;
                let channel = channel.ok_or_else(|| self.refused(Text::NoChannel { given }))?;
                if channel.str("guild_id") != Some(guild) {
                    return Err(self.refused(Text::OtherServer { given }));
                }
                channel
            }
            Reference::Name(name) => {
                let name = Wanted::new(name);
                let mut channels =
                    self.told(self.directory.channel_by_name(guild, name.bare()).await)?;
                // A voice and a text channel may share a name: only one may be meant.
                let is_meant =
                    |channel: &Json| self.is_of_type(channel) && name.fit(channel).is_some();
                if channels.iter().any(is_meant) {
                    channels.retain(is_meant);
                }
                self.pick(&channels, &name, Text::NoChannel { given })
                    .await?
            }
            _ => return Err(self.other_kind(Text::NoChannel { given })),
        };
        if self.is_of_type(&channel) {
            return Ok(channel);
        }
        let language = self.context.language;
        let types: Vec<String> = self
            .option
            .channel_types
            .iter()
            .map(|number| channel_type(*number, language))
            .collect();
        Err(self.refused(Text::WrongChannelType {
            given,
            option: &quoted(&self.option.name),
            types: &types.join(", "),
        }))
    }

    fn is_of_type(&self, channel: &Json) -> bool {
        let wanted = &self.option.channel_types;
        let number = channel.i64("type");
        wanted.is_empty()
            || wanted
                .iter()
                .any(|wanted| number == Some(i64::from(*wanted)))
    }

    async fn message(&self) -> Result<Json, ParseError> {
        let given = self.given.as_str();
        let here = self.context.channel_id;
        let Some((channel, id)) = message_reference(&self.text, here) else {
            let option = &quoted(&self.option.name);
            return Err(self.other_kind(Text::NotMessage { given, option }));
        };
        // The guild in a link may be wrong; the channel says where it really is.
        if channel != here {
            let channel = self.told(self.directory.channel(channel).await)?;
            let guild = channel.as_ref().and_then(|channel| channel.str("guild_id"));
            if guild.is_none() || guild != self.context.guild_id {
                return Err(self.refused(Text::NoMessage { given }));
            }
        }
        let message = self.told(self.directory.message(channel, id).await)?;
        message.ok_or_else(|| self.refused(Text::NoMessage { given }))
    }

    async fn mentionable(&self) -> Result<(OptionKind, Json), ParseError> {
        let given = self.given.as_str();
        let Some(guild) = self.context.guild_id else {
            return Ok((OptionKind::User, self.user().await?));
        };
        match Reference::of(&self.text) {
            Reference::Role(_) => Ok((OptionKind::Role, self.role().await?)),
            Reference::User(id) => self.member_or_user(guild, id).await,
            Reference::Id(id) => match self.told(self.directory.role(guild, id).await)? {
                Some(role) => Ok((OptionKind::Role, role)),
                None => self.member_or_user(guild, id).await,
            },
            Reference::Name(name) => {
                let name = Wanted::new(name);
                let members = self.told(self.directory.member_by_name(guild, name.bare()).await)?;
                let roles = self.told(self.directory.role_by_name(guild, name.bare()).await)?;
                let meant = best_of_both(&name, &members, &roles);
                let found = [members.as_slice(), roles.as_slice()].concat();
                let nobody = Text::NoMentionable { given };
                let picked = self.only(&meant, &found, &name, nobody).await?;
                let kind = match picked.get("user") {
                    Some(_) => OptionKind::Member,
                    None => OptionKind::Role,
                };
                Ok((kind, picked))
            }
            Reference::Channel(_) => Err(self.other_kind(Text::NoMentionable { given })),
        }
    }

    async fn member_or_user(
        &self,
        guild: &str,
        id: &str,
    ) -> Result<(OptionKind, Json), ParseError> {
        if let Some(member) = self.told(self.directory.member(guild, id).await)? {
            return Ok((OptionKind::Member, member));
        }
        let given = self.given.as_str();
        let user = self.told(self.directory.user(id).await)?;
        let user = user.ok_or_else(|| self.refused(Text::NoMentionable { given }))?;
        Ok((OptionKind::User, user))
    }

    /// One of the server's own emoji, by its name or id.
    async fn emoji(&self) -> Result<ParsedEmoji, ParseError> {
        let given = self.given.as_str();
        let option = &quoted(&self.option.name);
        let nobody = Text::NotEmoji { given, option };
        let Some(guild) = self.context.guild_id else {
            return Err(self.other_kind(nobody));
        };
        let name = Wanted::new(&self.text);
        let emojis = self.told(self.directory.emoji_by_name(guild, name.bare()).await)?;
        let emoji = match Reference::of(&self.text) {
            Reference::Name(_) => self.pick(&emojis, &name, nobody).await?,
            Reference::Id(id) => {
                let meant = emojis.into_iter().find(|emoji| id_of(emoji) == Some(id));
                meant.ok_or_else(|| self.refused(nobody))?
            }
            _ => return Err(self.other_kind(nobody)),
        };
        Ok(ParsedEmoji {
            id: id_of(&emoji).map(str::to_owned),
            name: emoji.str("name").unwrap_or_default().to_owned(),
            animated: emoji.is_true("animated"),
        })
    }

    /// The one of `found` that has this name; `nobody` says that there is none.
    async fn pick(
        &self,
        found: &[Json],
        name: &Wanted,
        nobody: Text<'_>,
    ) -> Result<Json, ParseError> {
        let (_, meant) = name.best(found);
        self.only(&meant, found, name, nobody).await
    }

    /// The only one of `meant`; if there is none or several, an error that asks the user.
    async fn only(
        &self,
        meant: &[&Json],
        found: &[Json],
        name: &Wanted,
        nobody: Text<'_>,
    ) -> Result<Json, ParseError> {
        match meant {
            [only] => Ok((*only).clone()),
            [] => Err(self.unknown(found, name, nobody)),
            several => Err(self.ambiguous(several).await),
        }
    }

    fn unknown(&self, found: &[Json], name: &Wanted, nobody: Text<'_>) -> ParseError {
        let names: Vec<String> = found.iter().flat_map(names_of).collect();
        let mut error = self.other_kind(nobody);
        let nearest = suggest::nearest(name.bare(), names.iter().map(String::as_str));
        if let Some(nearest) = nearest {
            let nearest = &quoted(nearest);
            let hint = Text::DidYouMean { nearest }.say(self.context.language);
            error.sentence = format!("{} {hint}", error.sentence);
        }
        error
    }

    async fn ambiguous(&self, several: &[&Json]) -> ParseError {
        let mut candidates = Vec::new();
        for object in several.iter().take(LISTED_CANDIDATES) {
            candidates.push(self.candidate(object).await);
        }
        if several.len() > LISTED_CANDIDATES {
            candidates.push("…".to_owned());
        }
        self.refused(Text::Ambiguous {
            given: &self.given,
            candidates: &candidates.join(", "),
        })
    }

    /// A candidate, of a channel with the category that it is in.
    async fn candidate(&self, object: &Json) -> String {
        let candidate = candidate(object);
        let Some(parent) = object.str("parent_id") else {
            return candidate;
        };
        let parent = self.directory.channel(parent).await.ok().flatten();
        let name = parent.as_ref().and_then(|parent| parent.str("name"));
        name.map_or_else(
            || candidate.clone(),
            |category| {
                let (channel, category) = (candidate.as_str(), &quoted(category));
                Text::InCategory { channel, category }.say(self.context.language)
            },
        )
    }

    /// Discord's answer. If there is none, nothing else may be used instead.
    fn told<T>(&self, told: Told<T>) -> Result<T, ParseError> {
        let given = self.given.as_str();
        told.map_err(|_| self.refused(Text::NotTold { given }))
    }

    fn guild(&self) -> Result<&str, ParseError> {
        self.context.guild_id.ok_or_else(|| {
            let option = &quoted(&self.option.name);
            self.refused(Text::OnlyInServer { option })
        })
    }

    fn refused(&self, text: Text<'_>) -> ParseError {
        ParseError::refused(text, self.context.language)
    }

    fn other_kind(&self, text: Text<'_>) -> ParseError {
        ParseError::other_kind(text, self.context.language)
    }
}

/// The members and roles that fit a name. A role's name does not come behind a user's, nor before it: both are meant,
/// unless one is called exactly so and the other is not.
fn best_of_both<'j>(name: &Wanted, members: &'j [Json], roles: &'j [Json]) -> Vec<&'j Json> {
    let (of_members, members) = name.best(members);
    let (of_roles, roles) = name.best(roles);
    let is_exact = |fit: Option<Fit>| fit.is_some_and(|fit| fit < Fit::Folded);
    match (is_exact(of_members), is_exact(of_roles)) {
        (true, false) => members,
        (false, true) => roles,
        _ => [members, roles].concat(),
    }
}

fn channel_type(number: u8, language: Language) -> String {
    let text = match number {
        0 => Text::ChannelText {},
        2 => Text::ChannelVoice {},
        4 => Text::ChannelCategory {},
        5 => Text::ChannelAnnouncement {},
        10..=12 => Text::ChannelThread {},
        13 => Text::ChannelStage {},
        15 => Text::ChannelForum {},
        16 => Text::ChannelMedia {},
        _ => Text::ChannelOther {},
    };
    text.say(language)
}
