//! A run: each step is done to the real bot and to the model, and both must come to the same.

use super::disk::{ANCHOR, Change, Disk};
use super::expected::{Bot, Expected, Request};
use super::load::Instance;
use super::sources::{Files, Sources};
use super::steps::{Admin, COGS, ENTRIES, Edit, FILES, Step};
use crate::support::{PATIENCE, Stage, setup};
use cogsmith::problem::Problem;
use cogsmith::reload::report::{Outcome, Report, Trigger};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;
use tempfile::TempDir;

const CONFIG: &str = r#"{
    "hot_reload": { "reload_delay": 0.003, "log_reloads": false },
    "limits": { "discord_calls_per_10s": 10000 }
}"#;

/// Where the bot does otherwise than the model.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The number of the step.
    pub(crate) step: usize,
    pub(crate) what: Words,
}

/// What is different.
type Words = String;

/// Does all steps, and compares after each of them.
pub(crate) async fn run(steps: &[Step]) -> Result<(), Difference> {
    let folder = TempDir::new().unwrap();
    let disk = Disk::new(folder.path());
    let stage = setup(&[]).config(CONFIG).folder(folder).start().await;
    let mut run = Run {
        bot: Bot::new(Sources::new(&disk.files)),
        noticed: disk.files.clone(),
        open: Vec::new(),
        births: HashSet::new(),
        stage,
        disk,
    };
    let result = run.steps(steps).await;
    run.stage.stop().await;
    result
}

struct Run {
    stage: Stage,
    disk: Disk,
    bot: Bot,
    /// The files as far as the bot is known to have noticed them.
    noticed: Files,
    /// What has changed besides, in order.
    open: Vec<Change>,
    /// When each instance was executed that has told it, with the command: VMs may begin at one moment.
    births: HashSet<String>,
}

impl Run {
    async fn steps(&mut self, steps: &[Step]) -> Result<(), Difference> {
        let begin = Step::Everything;
        for (number, step) in [&begin].into_iter().chain(steps).enumerate() {
            self.step(step).await.map_err(|words| Difference {
                step: number.saturating_sub(1),
                what: format!("{step:?}:\n{words}"),
            })?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), Words> {
        match step {
            Step::WhileOff(steps) => {
                self.admin(&Request::Toggle).await?;
                for step in steps {
                    Box::pin(self.step(step)).await?;
                }
                self.admin(&Request::Toggle).await?;
            }
            Step::Files(edits) => {
                self.edit(edits);
                self.notice(None).await?;
            }
            Step::Folder(folder, way) => {
                self.open = self.disk.move_folder(*folder, *way);
                self.notice(None).await?;
            }
            Step::Admin(admin) => self.admin(&request_of(*admin)).await?,
            Step::Hurry(edits, admin) => self.hurry(edits, *admin).await?,
            Step::Late(number) => self.late(*number).await?,
            Step::Everything => {}
        }
        self.compare().await
    }

    /// Makes the edits, each file's first: where a burst is cut, the report could not say which of two
    /// saves it has seen.
    fn edit(&mut self, edits: &[Edit]) {
        let mut touched = BTreeSet::new();
        for edit in edits {
            let names = edit.names();
            if names.iter().all(|name| !touched.contains(name)) {
                let changes = self.disk.edit(edit);
                self.open.extend(changes);
            }
            touched.extend(names);
        }
    }

    /// Takes all reports until the bot has noticed everything. `asked` is what an admin has asked for
    /// meanwhile; whether there was a report of it.
    async fn notice(&mut self, asked: Option<&Request>) -> Result<bool, Words> {
        let mut fence = self.disk.fence();
        let mut answered = false;
        loop {
            let report = self.stage.report().await;
            match asked {
                Some(request) if report.trigger == Trigger::Command => {
                    answered = true;
                    self.look();
                    let expected = self.bot.obey(request);
                    compare_report(&report, expected)?;
                }
                _ => self.take(&report)?,
            }
            if report
                .problems
                .iter()
                .any(|problem| problem.message.starts_with(&fence))
            {
                break;
            }
            // Problems of files are not told together with changes that wait.
            if report.outcome == Outcome::Pending {
                fence = self.disk.fence();
            }
        }
        // What was noticed without a report concerned nobody.
        self.open
            .drain(..)
            .for_each(|change| self.noticed.apply(change));
        match self.bot.notice(Sources::new(&self.noticed)) {
            None => Ok(answered),
            Some(expected) => Err(format!("no report came, but {expected:#?}")),
        }
    }

    /// Takes a report of changes. A burst may be cut: the report says how far it had come.
    fn take(&mut self, report: &Report) -> Result<(), Words> {
        let last = self
            .open
            .iter()
            .rposition(|change| change.is_in(&report.changed));
        for change in self.open.drain(..last.map_or(0, |last| last + 1)) {
            self.noticed.apply(change);
        }
        let expected = self.bot.notice(Sources::new(&self.noticed));
        if report.trigger != Trigger::Files {
            return Err(format!("nobody asked for {report:#?}"));
        }
        if report.outcome == Outcome::Pending && self.bot.is_on {
            return Err(format!("changes are taken as they come, but {report:#?}"));
        }
        compare_report(report, expected)
    }

    /// An admin's request looks at all files.
    fn look(&mut self) {
        self.open
            .drain(..)
            .for_each(|change| self.noticed.apply(change));
        self.bot.look(Sources::new(&self.noticed));
    }

    async fn admin(&mut self, request: &Request) -> Result<(), Words> {
        let texts = self.say(&[typed(request)]).await;
        if texts.len() != 1 {
            return Err(format!("an admin's request is answered once: {texts:#?}"));
        }
        match self.bot.obey(request) {
            Some(expected) if self.stage.no_report() => {
                Err(format!("no report came, but {expected:#?}"))
            }
            Some(expected) => compare_report(&*self.stage.report().await, Some(expected)),
            None if self.stage.no_report() => Ok(()),
            None => {
                let report = self.stage.report().await;
                if report.cogs.is_empty() && report.problems.iter().all(waits) {
                    return Ok(());
                }
                Err(format!("no report, but {report:#?}"))
            }
        }
    }

    /// An admin's request for a cog that runs, or for all, within the debounce window of a burst.
    async fn hurry(&mut self, edits: &[Edit], admin: Admin) -> Result<(), Words> {
        let request = match request_of(admin) {
            Request::Cog(name) | Request::Load(name) | Request::Unload(name) => Request::Cog(name),
            request => request,
        };
        if let Request::Cog(name) = &request
            && !self.bot.cogs.contains_key(name)
        {
            return Ok(());
        }
        self.edit(edits);
        self.say(&[typed(&request)]).await;
        let answered = self.notice(Some(&request)).await?;
        match &request {
            // The burst was faster, and the cog is gone.
            Request::Cog(name) if !self.bot.cogs.contains_key(name) => Ok(()),
            _ if answered => Ok(()),
            _ => Err(format!("no report of {request:?}")),
        }
    }

    async fn late(&mut self, number: usize) -> Result<(), Words> {
        let names = self.bot.late_commands();
        let Some(name) = names.get(number % names.len().max(1)) else {
            return Ok(());
        };
        let name = name.clone();
        let answers = self.ask(&[&name]).await?;
        let answer = answers.get(&name).map(String::as_str);
        match (self.bot.require_late(&name), answer) {
            (None, None) | (Some(Err(_)), Some("failed")) => Ok(()),
            (Some(Ok(instance)), Some(answer)) => self.compare_answer(&name, &instance, answer),
            (expected, answer) => Err(format!("!{name}: {answer:?}, but {expected:#?}")),
        }
    }

    /// Says lines as the owner, and returns what the bot has answered to all of them together.
    async fn say(&self, lines: &[String]) -> Vec<String> {
        let (sim, channel) = (&self.stage.sim, self.stage.general());
        let before = sim.message_count(channel);
        let mut last = 0;
        for line in lines {
            let message = sim.say(sim.owner(), channel, line).unwrap();
            if last == 0 {
                last = message["id"].as_str().unwrap().parse().unwrap();
            }
        }
        self.stage.settled().await;
        let count = sim.message_count(channel) - before - lines.len();
        let mut texts = Vec::new();
        for _ in 0..count {
            let message = sim
                .bot_message_after(channel, last, PATIENCE)
                .await
                .unwrap();
            last = message["id"].as_str().unwrap().parse().unwrap();
            texts.push(message["content"].as_str().unwrap().to_owned());
        }
        texts
    }

    /// The answers to commands, by command.
    async fn ask(&self, commands: &[&str]) -> Result<BTreeMap<String, String>, Words> {
        let lines: Vec<String> = commands
            .iter()
            .map(|command| format!("!{command}"))
            .collect();
        let texts = self.say(&lines).await;
        let mut answers = BTreeMap::new();
        for text in texts {
            let (command, answer) = text.split_once(' ').unwrap_or((&text, ""));
            if answers
                .insert(command.to_owned(), answer.to_owned())
                .is_some()
            {
                return Err(format!("two answers to {command}, {text:?} is one"));
            }
        }
        Ok(answers)
    }

    /// Compares everything that can be seen.
    async fn compare(&mut self) -> Result<(), Words> {
        self.compare_cogs()?;
        let mut commands: BTreeSet<&str> = (0..ENTRIES).map(command_of).collect();
        commands.insert(ANCHOR);
        let commands: Vec<&str> = commands.into_iter().collect();
        let answers = self.ask(&commands).await?;
        for command in commands {
            match (self.bot.answering(command), answers.get(command)) {
                (None, None) => {}
                (Some(instance), Some(answer)) => {
                    self.compare_answer(command, &instance, answer)?;
                }
                (expected, answer) => {
                    return Err(format!("!{command}: {answer:?}, but {expected:#?}"));
                }
            }
        }
        Ok(())
    }

    fn compare_cogs(&self) -> Result<(), Words> {
        let cogs = self.stage.bot.cogs.all().into_iter().map(|cog| {
            let (status, condition) = cog.known();
            let loaded = status.generation.map(|it| it.loaded()).unwrap_or_default();
            let loaded: Vec<String> = loaded.keys().map(|id| id.as_str().to_owned()).collect();
            (
                cog.name.to_string(),
                (condition.version(), condition.is_failing(), loaded),
            )
        });
        let cogs: BTreeMap<_, _> = cogs.collect();
        let expected = self.bot.cogs.iter().map(|(name, cog)| {
            let loaded = cog.generation.instances.keys().filter(|_| cog.version > 0);
            (
                name.clone(),
                (cog.version, cog.is_failing, loaded.cloned().collect()),
            )
        });
        let expected: BTreeMap<_, _> = expected.collect();
        same(
            "name, version, whether it is failing, modules of the cogs",
            &cogs,
            &expected,
        )?;
        let view = self.stage.bot.reload.view();
        let pending = (view.enabled, !view.pending.is_empty());
        let expected = (self.bot.is_on, !self.bot.pending.is_empty());
        same(
            "hot reload is on, something is pending",
            &pending,
            &expected,
        )
    }

    /// Compares texts and times of execution of a module and all that it uses.
    fn compare_answer(
        &mut self,
        command: &str,
        instance: &Rc<Instance>,
        answer: &str,
    ) -> Result<(), Words> {
        let told: Vec<(&str, &str)> = answer
            .split(' ')
            .filter_map(|one| one.split_once(':'))
            .collect();
        let instances = instance.told();
        let numbers: Vec<String> = instances
            .iter()
            .map(|it| it.text.number.to_string())
            .collect();
        let told_numbers: Vec<&str> = told.iter().map(|(number, _)| *number).collect();
        same(
            &format!("texts in the answer to !{command}"),
            &told_numbers,
            &numbers,
        )?;
        for (instance, (number, born)) in instances.iter().zip(told) {
            let mut known = instance.born.borrow_mut();
            if known.is_none() && !self.births.insert(format!("{command} {born}")) {
                return Err(format!(
                    "!{command}: text {number} was to be executed, and is an old instance"
                ));
            }
            let known = known.get_or_insert_with(|| born.to_owned());
            if known != born {
                return Err(format!(
                    "!{command}: text {number} was to be kept, and is another instance"
                ));
            }
        }
        Ok(())
    }
}

fn compare_report(report: &Report, expected: Option<Expected>) -> Result<(), Words> {
    let cogs = report.cogs.iter();
    let cogs = cogs.map(|cog| {
        (
            cog.name.clone(),
            cog.outcome,
            cog.version,
            cog.executed.clone(),
        )
    });
    let failed = report
        .problems
        .iter()
        .filter(|problem| !waits(problem))
        .filter_map(|problem| problem.cog.clone());
    let told = Expected {
        cogs: cogs.collect(),
        failed: failed.collect(),
    };
    let why = || format!("\nfrom {report:#?}");
    same("report", &told, &expected.unwrap_or_default()).map_err(|difference| difference + &why())
}

fn same<A: PartialEq<B> + std::fmt::Debug, B: std::fmt::Debug>(
    what: &str,
    told: &A,
    expected: &B,
) -> Result<(), Words> {
    if told == expected {
        return Ok(());
    }
    Err(format!("{what}: {told:#?}\nbut expected: {expected:#?}"))
}

fn request_of(admin: Admin) -> Request {
    let name = |cog: usize| COGS[cog].to_owned();
    match admin {
        Admin::Cog(cog) => Request::Cog(name(cog)),
        Admin::All => Request::All,
        Admin::Load(cog) => Request::Load(name(cog)),
        Admin::Unload(cog) => Request::Unload(name(cog)),
    }
}

fn typed(request: &Request) -> String {
    match request {
        Request::Toggle => "!reload toggle".to_owned(),
        Request::Cog(name) => format!("!reload cog {name}"),
        Request::All => "!reload all".to_owned(),
        Request::Load(name) => format!("!load {name}"),
        Request::Unload(name) => format!("!unload {name}"),
    }
}

/// The command that a cog's file declares.
fn command_of(file: usize) -> &'static str {
    FILES[file].rsplit('/').next().unwrap()
}

/// That an edit waits for another file is no failure of its cog's.
fn waits(problem: &Problem) -> bool {
    problem.message.contains(" is not taken yet, because ")
}
