//! The page's own files, inside the binary.

use super::actions::refusal;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal: $kind:ident,)*) => {
        /// Each file's path, content type and text.
        const FILES: &[(&str, &str, &str)] =
            &[$(($path, $kind, include_str!(concat!("../../web/", $path)))),*];
    };
}

files! {
    "index.html": HTML,
    "icon.svg": SVG,
    "css/base.css": CSS,
    "css/bots.css": CSS,
    "css/chat.css": CSS,
    "css/command.css": CSS,
    "css/components.css": CSS,
    "css/conversation.css": CSS,
    "css/layout.css": CSS,
    "css/people.css": CSS,
    "css/reload.css": CSS,
    "css/rich.css": CSS,
    "js/announce.js": SCRIPT,
    "js/api.js": SCRIPT,
    "js/avatar.js": SCRIPT,
    "js/bots.js": SCRIPT,
    "js/candidates.js": SCRIPT,
    "js/channels.js": SCRIPT,
    "js/chat.js": SCRIPT,
    "js/cog-history.js": SCRIPT,
    "js/cog-trial.js": SCRIPT,
    "js/cogs.js": SCRIPT,
    "js/command-form.js": SCRIPT,
    "js/components.js": SCRIPT,
    "js/composer.js": SCRIPT,
    "js/context-menu.js": SCRIPT,
    "js/conversation.js": SCRIPT,
    "js/dialog.js": SCRIPT,
    "js/dom.js": SCRIPT,
    "js/drawing.js": SCRIPT,
    "js/drop.js": SCRIPT,
    "js/embed.js": SCRIPT,
    "js/emoji-picker.js": SCRIPT,
    "js/failures.js": SCRIPT,
    "js/feed.js": SCRIPT,
    "js/file-tray.js": SCRIPT,
    "js/highlight.js": SCRIPT,
    "js/interactions.js": SCRIPT,
    "js/listbox.js": SCRIPT,
    "js/live.js": SCRIPT,
    "js/main.js": SCRIPT,
    "js/markdown-view.js": SCRIPT,
    "js/markdown.js": SCRIPT,
    "js/members.js": SCRIPT,
    "js/menus.js": SCRIPT,
    "js/message-pages.js": SCRIPT,
    "js/message-window.js": SCRIPT,
    "js/message.js": SCRIPT,
    "js/modal.js": SCRIPT,
    "js/notice.js": SCRIPT,
    "js/person-menu.js": SCRIPT,
    "js/pins.js": SCRIPT,
    "js/poll.js": SCRIPT,
    "js/popup.js": SCRIPT,
    "js/presence.js": SCRIPT,
    "js/problem.js": SCRIPT,
    "js/refusals.js": SCRIPT,
    "js/replay.js": SCRIPT,
    "js/scroll.js": SCRIPT,
    "js/select.js": SCRIPT,
    "js/servers.js": SCRIPT,
    "js/sidebar.js": SCRIPT,
    "js/slash.js": SCRIPT,
    "js/speaker.js": SCRIPT,
    "js/stand-in.js": SCRIPT,
    "js/store.js": SCRIPT,
    "js/suggestions.js": SCRIPT,
    "js/tabs.js": SCRIPT,
    "js/time.js": SCRIPT,
    "js/voice.js": SCRIPT,
}

/// Answers everything that is no part of the API.
pub(super) async fn serve(method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "The studio's page is only read.",
        );
    }
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    match FILES.iter().find(|(name, ..)| *name == path) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => refusal(
            StatusCode::NOT_FOUND,
            "There is nothing at this address; the studio's page is at /.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_file_of_the_page_is_in_the_binary() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        for entry in walkdir::WalkDir::new(&root) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let path = entry.path().strip_prefix(&root).unwrap();
                let path = path.to_str().unwrap().replace('\\', "/");
                assert!(FILES.iter().any(|(name, ..)| *name == path), "{path}");
            }
        }
    }
}
