//! Lines that are carried out as if somebody had typed them: for `ctx:run`, and for `cog.on_unknown_command`, which may
//! know what to do with one that calls no command.
//!
//! ```text
//! ctx:run ─ who has the command? ─ post to that cog ─ its call ─ answer ─▶ ctx:run returns
//! ```

use crate::activity::Busy;
use crate::discord::event::Event;
use crate::lock::lock;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// A line, and where its call begins in it.
pub struct Line {
    /// The first word: the name of a command, or what is none.
    pub name: String,
    /// The byte at which the rest begins.
    pub arguments: usize,
    /// The text before the name, or the prefix that it would have.
    pub prefix: String,
    /// The interaction that is answered, where the line came of one. It asks the services for what it needs, and those
    /// know who carries lines out: so its type is known only to whoever makes a line, and whoever reads it.
    interaction: Option<Box<dyn Any + Send + Sync>>,
    answer: Mutex<Option<oneshot::Sender<(bool, Busy)>>>,
}

/// Whether it was carried out, with the sign that the bot is busy with what follows. Nothing comes if the line was
/// dropped.
pub type Answered = oneshot::Receiver<(bool, Busy)>;

impl Line {
    /// A line, and where its answer comes.
    pub fn new<I: Send + Sync + 'static>(
        name: &str,
        arguments: usize,
        prefix: &str,
        interaction: Option<Arc<I>>,
    ) -> (Arc<Self>, Answered) {
        let (answer, answered) = oneshot::channel();
        let interaction = interaction.map(|it| -> Box<dyn Any + Send + Sync> { Box::new(it) });
        let line = Self {
            name: name.to_owned(),
            arguments,
            prefix: prefix.to_owned(),
            interaction,
            answer: Mutex::new(Some(answer)),
        };
        (Arc::new(line), answered)
    }

    /// The interaction that it was made with.
    pub fn interaction<I: Send + Sync + 'static>(&self) -> Option<&Arc<I>> {
        self.interaction.as_ref()?.downcast_ref()
    }

    /// Says whether it was carried out.
    pub fn answer(&self, is_done: bool, busy: Busy) {
        if let Some(answer) = lock(&self.answer).take() {
            // Whoever asked may not wait any more.
            let _heard = answer.send((is_done, busy)).is_ok();
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Line({})", self.name)
    }
}

/// Who carries lines out.
pub trait Runner: fmt::Debug + Send + Sync {
    /// The cog whose command can be called by this name in a guild; 0 stands for none.
    fn owner(&self, name: &str, guild: u64) -> Option<Arc<str>>;

    /// Gives a line to the cog whose command it calls. `event` is what its author did, with the line as its content.
    fn post(&self, event: Arc<Event>, line: Arc<Line>);
}
