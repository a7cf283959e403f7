//! A document as a page of the book: fences that only the tests understand, and links that leave `docs/`.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

/// The documents beside `docs/` that belong to the book, with their titles.
pub const PROJECT: [(&str, &str); 5] = [
    ("README.md", "Readme"),
    ("README.id.md", "Readme (Bahasa Indonesia)"),
    ("CONTRIBUTING.md", "Contributing"),
    ("ARCHITECTURE.md", "Architecture"),
    ("CHANGELOG.md", "Changes"),
];

/// Where such a document is in the book.
pub fn place_of(file: &str) -> PathBuf {
    // mdBook takes a page called `readme` for a folder's first.
    let name = file.to_lowercase().replace("readme", "start");
    Path::new("project").join(name)
}

/// The text of a page. `place` is where it is in the book, `source` where it is in the repository.
pub fn page(text: &str, place: &Path, source: &Path) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            line_of_prose(&mut out, line, place, source);
            continue;
        };
        let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        fence(&mut out, info.trim(), &code);
    }
    out
}

/// A block: the name of its file stands above it, and a conversation looks like one.
fn fence(out: &mut String, info: &str, code: &[&str]) {
    if info == "chat" {
        conversation(out, code);
        return;
    }
    let (language, file) = info.split_once(' ').unwrap_or((info, ""));
    if !file.is_empty() {
        let _ = writeln!(out, "<p class=\"file-name\">{}</p>\n", escaped(file));
    }
    // What colors the code knows Lua, and not Luau.
    let language = if language == "luau" { "lua" } else { language };
    let _ = writeln!(out, "```{language}\n{}\n```", code.join("\n"));
}

fn conversation(out: &mut String, lines: &[&str]) {
    out.push_str("<pre class=\"chat\">");
    for line in lines {
        match line.split_once(": ").filter(|_| !line.starts_with(' ')) {
            Some((who, text)) => {
                let class = if who == "cogsmith" { "bot" } else { "person" };
                let _ = writeln!(out, "<b class=\"{class}\">{who}</b>  {}", escaped(text));
            }
            None => {
                let _ = writeln!(out, "  {}", escaped(line));
            }
        }
    }
    out.push_str("</pre>\n");
}

fn escaped(text: &str) -> String {
    // An empty line would end the block of HTML, which nothing here has.
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

/// A line with its links as the book has them.
fn line_of_prose(out: &mut String, line: &str, place: &Path, source: &Path) {
    let mut rest = line;
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let Some((target, behind)) = after[2..].split_once(')') else {
            break;
        };
        match link(target, place, source) {
            Some(link) => {
                let _ = write!(out, "{before}]({link})");
            }
            // A file of the repository: only its name stays.
            None => match before.rfind('[') {
                Some(open) => {
                    let _ = write!(out, "{}{}", &before[..open], &before[open + 1..]);
                }
                None => out.push_str(before),
            },
        }
        rest = behind;
    }
    out.push_str(rest);
    out.push('\n');
}

/// The target of a link; nothing if it leads to what is not in the book.
fn link(target: &str, place: &Path, source: &Path) -> Option<String> {
    if target.contains("://") || target.starts_with('#') {
        return Some(target.to_owned());
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = normal(&source.parent()?.join(file));
    let wanted = match file.strip_prefix("docs") {
        Ok(inside) => inside.with_file_name(match inside.file_name()?.to_str()? {
            "README.md" => "index.md",
            name => name,
        }),
        Err(_) => {
            let name = file.to_str()?;
            PROJECT.iter().find(|(known, _)| *known == name)?;
            place_of(name)
        }
    };
    let up = place.components().count().saturating_sub(1);
    let mut link = "../".repeat(up) + wanted.to_str()?;
    if !anchor.is_empty() {
        link = format!("{link}#{anchor}");
    }
    Some(link)
}

/// A path without `..` in it.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for step in path.components() {
        match step {
            Component::ParentDir => {
                normal.pop();
            }
            Component::Normal(step) => normal.push(step),
            _ => {}
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_those_of_the_book() {
        let guide = |target| {
            link(
                target,
                Path::new("guide/a.md"),
                Path::new("docs/guide/a.md"),
            )
        };
        assert_eq!(guide("../cogs.md#x").as_deref(), Some("../cogs.md#x"));
        assert_eq!(
            guide("../../README.md").as_deref(),
            Some("../project/start.md")
        );
        assert_eq!(guide("../../src/bot.rs"), None);
        let readme = |target| {
            link(
                target,
                Path::new("project/start.md"),
                Path::new("README.md"),
            )
        };
        assert_eq!(readme("docs/studio.png").as_deref(), Some("../studio.png"));
    }

    #[test]
    fn fences_are_shown_as_they_are_read() {
        let text = "[a](../LICENSE), [b](b.md)\n```luau lua/cogs/x.luau\nlocal x\n```\n```chat\nanna: <hi>\n```\n";
        let page = page(text, Path::new("a.md"), Path::new("docs/a.md"));
        assert_eq!(
            page,
            "a, [b](b.md)\n<p class=\"file-name\">lua/cogs/x.luau</p>\n\n```lua\nlocal x\n```\n<pre class=\"chat\"><b class=\"person\">anna</b>  &lt;hi&gt;\n</pre>\n"
        );
    }
}
