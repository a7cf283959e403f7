//! `config.json`: reading, checking, environment overrides and the generated schema.
