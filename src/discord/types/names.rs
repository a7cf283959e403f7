//! The names of schemas, events and operations in Luau.
//!
//! Schemas that are variants of one thing share a name, and so become one type.

/// The type of an object that Discord sends (`UserResponse` is `User`).
pub(super) fn object(schema: &str) -> String {
    let known = match schema {
        "MessageResponse" | "BasicMessageResponse" | "SearchMessageResponse" => "Message",
        "UserResponse" | "UserPIIResponse" => "User",
        "GuildMemberResponse" | "PrivateGuildMemberResponse" => "Member",
        "GuildRoleResponse" => "Role",
        "GuildResponse" | "GuildWithCountsResponse" => "Guild",
        "MessageAttachmentResponse" => "Attachment",
        "EmojiResponse" | "MessageReactionEmojiResponse" => "Emoji",
        "MessageEmbedResponse" => "Embed",
        "GuildChannelResponse" => "GuildChannel",
        "ThreadResponse" | "CreatedThreadResponse" => "Thread",
        "PrivateChannelResponse" | "PrivateGroupChannelResponse" => "PrivateChannel",
        "GuildStickerResponse" | "StandardStickerResponse" => "Sticker",
        "FriendInviteResponse" | "GroupDMInviteResponse" | "GuildInviteResponse" => "Invite",
        "ApplicationIncomingWebhookResponse"
        | "ChannelFollowerWebhookResponse"
        | "GuildIncomingWebhookResponse" => "Webhook",
        "ExternalScheduledEventResponse"
        | "StageScheduledEventResponse"
        | "VoiceScheduledEventResponse"
        | "ScheduledEventResponse" => "ScheduledEvent",
        "DefaultKeywordRuleResponse"
        | "KeywordRuleResponse"
        | "MLSpamRuleResponse"
        | "MentionSpamRuleResponse"
        | "UserProfileRuleResponse" => "AutoModerationRule",
        "BlockMessageActionResponse"
        | "FlagToChannelActionResponse"
        | "QuarantineUserActionResponse"
        | "UserCommunicationDisabledActionResponse" => "AutoModerationAction",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let endings = [
        ("ComponentResponse", "Component"),
        ("SelectDefaultValueResponse", "SelectDefaultValue"),
        ("IntegrationResponse", "Integration"),
        ("InteractionMetadataResponse", "InteractionMetadata"),
        ("FormFieldResponse", "FormField"),
        ("TriggerMetadataResponse", "AutoModerationTriggerMetadata"),
        ("ProfileMetadataResponse", "AutoModerationTriggerMetadata"),
        ("ActionMetadataResponse", "AutoModerationActionMetadata"),
        ("ChoiceResponse", "ApplicationCommandOptionChoice"),
    ];
    for (ending, name) in endings {
        if schema.ends_with(ending) {
            return name.to_owned();
        }
    }
    if schema.starts_with("ApplicationCommand") && schema.ends_with("OptionResponse") {
        return "ApplicationCommandOption".into();
    }
    if schema.starts_with("EntityMetadata") {
        return "EntityMetadata".into();
    }
    schema.replace("Response", "")
}

/// The schema whose fields decide what is always there, where the variants are not equals.
pub(super) fn base(object: &str) -> Option<&'static str> {
    Some(match object {
        "Message" => "MessageResponse",
        "User" => "UserResponse",
        "Member" => "GuildMemberResponse",
        "Guild" => "GuildResponse",
        "Thread" => "ThreadResponse",
        _ => return None,
    })
}

/// The type of an object that cogs send (`RichEmbed` is `EmbedInput`).
pub(super) fn input(schema: &str) -> String {
    let known = match schema {
        "MessageAllowedMentionsRequest" => "AllowedMentions",
        "BaseCreateMessageCreateRequest" => "ThreadMessage",
        "ModalInteractionCallbackRequestData" => "Modal",
        "BlockMessageAction"
        | "FlagToChannelAction"
        | "QuarantineUserAction"
        | "UserCommunicationDisabledAction" => "AutoModerationAction",
        "UnfurledMediaRequestWithAttachmentReferenceRequired" => "UnfurledMedia",
        _ if schema.contains("ComponentForMessage") || schema.contains("ComponentForModal") => {
            "Component"
        }
        "CheckboxGroupOptionForRequest"
        | "RadioGroupOptionForRequest"
        | "StringSelectOptionForRequest" => "SelectOption",
        "UserProfileMetadata" => "AutoModerationTriggerMetadata",
        _ if schema.ends_with("TriggerMetadata") => "AutoModerationTriggerMetadata",
        _ if schema.ends_with("ActionMetadata") => "AutoModerationActionMetadata",
        _ if schema.starts_with("EntityMetadata") => "EntityMetadata",
        _ if schema.ends_with("SelectDefaultValue") => "SelectDefaultValue",
        _ => "",
    };
    if !known.is_empty() {
        return format!("{known}Input");
    }
    let bare = schema.replace("RichEmbed", "Embed");
    let endings = [
        "ForRequest",
        "RequestPartial",
        "Request",
        "BodyItem",
        "Body",
    ];
    let bare = endings
        .iter()
        .find_map(|ending| bare.strip_suffix(ending))
        .unwrap_or(&bare);
    format!("{bare}Input")
}

/// `create_message` as `CreateMessage`.
pub(super) fn pascal(snake: &str) -> String {
    let words = snake.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// The type of an event's data.
pub(super) fn event(name: &str) -> String {
    match name {
        "interaction_create" => "Interaction".into(),
        other => pascal(other),
    }
}
