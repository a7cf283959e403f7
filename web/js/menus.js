// What Discord's menus offer: their own options, or the people, roles and channels that are there.

import { channels, roles, users } from "./candidates.js";

const OFFERED = { 5: users, 6: roles, 7: () => [...users(), ...roles()], 8: (data) => channels(data.channel_types) };
const NAMES = { 3: "Make a selection", 5: "Select people", 6: "Select roles", 7: "Select people and roles", 8: "Select channels" };

/** What a menu offers, as the choices of a list. */
export function optionsOf(data) {
    return OFFERED[data.type]?.(data) ?? (data.options ?? []).map((option) => ({
        value: option.value, label: option.label, detail: option.description,
        emoji: option.emoji && emojiText(option.emoji),
    }));
}

/** What is chosen in a menu before anybody chooses. */
export function defaultsOf(data) {
    const preset = (data.options ?? []).filter((option) => option.default).map((option) => option.value);
    return [...preset, ...(data.default_values ?? []).map((value) => value.id)];
}

/** The settings of a menu for `selectMenu`. */
export function menuSettings(data) {
    return {
        label: data.placeholder || NAMES[data.type], placeholder: data.placeholder || NAMES[data.type],
        options: optionsOf(data), least: data.min_values ?? 1, most: data.max_values ?? 1, chosen: defaultsOf(data),
        disabled: Boolean(data.disabled), search: data.type !== 3,
    };
}

/** An emoji of a component or a reaction as text. */
export function emojiText(emoji) {
    return emoji.id ? `:${emoji.name}:` : emoji.name;
}
