//! The book of `docs/` as HTML, in `target/book`: searchable, and without anything from elsewhere.
//!
//! ```text
//! docs/SUMMARY.md ─ mdBook ─▶ chapters ─ pages (fences, links out of docs/) ─ mdBook ─▶ HTML ─ check ─▶ errors
//! ```
//!
//! `cargo run --manifest-path tools/book/Cargo.toml --target-dir target/tools`

mod check;
mod pages;

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_driver::book::{BookItem, Chapter};
use mdbook_driver::config::Config;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match build() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<String> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tool.ancestors().nth(2).context("the repository's root")?;
    let built = root.join("target/book");
    let mut config = Config::from_disk(tool.join("book.toml"))?;
    config.build.build_dir.clone_from(&built);
    let mut book = MDBook::load_with_config(root.join("docs"), config)?;
    add_project(root, &mut book.book.items)?;
    book.book.for_each_mut(|item| {
        if let BookItem::Chapter(chapter) = item {
            make_page(chapter);
        }
    });
    book.build()?;
    let (pages, faults) = check::check(&built)?;
    if !faults.is_empty() {
        bail!("The book has broken links:\n{}", faults.join("\n"));
    }
    Ok(format!(
        "{} pages in {}",
        pages,
        built.join("index.html").display()
    ))
}

/// The documents beside `docs/` become chapters, too, so that links to them lead somewhere.
fn add_project(root: &Path, items: &mut Vec<BookItem>) -> Result<()> {
    items.push(BookItem::PartTitle("The project".to_owned()));
    for (file, title) in pages::PROJECT {
        let text = std::fs::read_to_string(root.join(file)).context(file)?;
        let mut chapter = Chapter::new(title, text, pages::place_of(file), Vec::new());
        chapter.source_path = Some(Path::new("..").join(file));
        items.push(BookItem::Chapter(chapter));
    }
    Ok(())
}

fn make_page(chapter: &mut Chapter) {
    let (Some(path), Some(source)) = (&chapter.path, &chapter.source_path) else {
        return;
    };
    let source: PathBuf = Path::new("docs").join(source);
    chapter.content = pages::page(&chapter.content, path, &source);
}
