//! What loading a cog does, step by step: which modules are executed, and which instances they use.

use super::sources::{ALIAS, Node, Says, Sources, alias_of};
use super::text::{Fault, Text};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One execution of a module.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) text: Rc<Text>,
    says: Says,
    uses: Vec<Rc<Instance>>,
    /// When it was executed, as its first answer told.
    pub(crate) born: RefCell<Option<String>>,
}

impl Instance {
    /// This one and all that it uses, each once, in the order in which the cog tells them.
    pub(crate) fn told(self: &Rc<Self>) -> Vec<Rc<Self>> {
        let mut told: Vec<Rc<Self>> = Vec::new();
        self.visit(&mut told);
        told
    }

    fn visit(self: &Rc<Self>, told: &mut Vec<Rc<Self>>) {
        if !told.iter().any(|known| Rc::ptr_eq(known, self)) {
            told.push(Rc::clone(self));
            for used in &self.uses {
                used.visit(told);
            }
        }
    }
}

/// What a cog runs, or how far an attempt to load it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generation {
    entry: Node,
    pub(crate) instances: BTreeMap<Node, Rc<Instance>>,
    /// What each module said when it was executed, also where that failed.
    read: BTreeMap<Node, Says>,
    edges: BTreeMap<Node, BTreeSet<Node>>,
    /// What handlers have required, by the module that they are in.
    late: BTreeMap<Node, BTreeSet<String>>,
    sources: Rc<Sources>,
    pub(crate) executed: Vec<Node>,
    loading: Vec<Node>,
    is_declaring: bool,
}

/// A module could not be executed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

impl Generation {
    /// Loads a cog; `base` is what it runs, with the modules that are kept.
    /// The second part says whether it could be loaded.
    pub(crate) fn load(
        sources: &Rc<Sources>,
        entry: &str,
        base: Option<(&Self, &BTreeSet<Node>)>,
    ) -> (Self, bool) {
        let mut generation = Self {
            entry: entry.to_owned(),
            sources: Rc::clone(sources),
            is_declaring: true,
            ..Self::default()
        };
        if let Some((base, keep)) = base {
            generation.take_over(base, keep);
        }
        let loaded = generation.execute(entry).is_ok();
        generation.is_declaring = false;
        let loaded = loaded && base.is_none_or(|(base, _)| generation.require_again(base).is_ok());
        if !loaded {
            return (generation, false);
        }
        generation.forget_unreachable();
        let mut texts = generation.instances.values().map(|instance| &instance.text);
        let is_taken = texts.all(|text| text.fault != Fault::OnLoad);
        (generation, is_taken)
    }

    fn take_over(&mut self, base: &Self, keep: &BTreeSet<Node>) {
        for id in keep {
            let Some(instance) = base.instances.get(id) else {
                continue;
            };
            self.instances.insert(id.clone(), Rc::clone(instance));
            self.read.insert(id.clone(), instance.says.clone());
            let edges = base.edges.get(id).cloned().unwrap_or_default();
            // Nor is what failed there tried again.
            let failed = edges.iter().filter(|to| !base.instances.contains_key(*to));
            let failed = failed.filter_map(|to| base.read.get_key_value(to));
            self.read
                .extend(failed.map(|(to, says)| (to.clone(), says.clone())));
            self.edges.insert(id.clone(), edges);
            if let Some(late) = base.late.get(id) {
                self.late.insert(id.clone(), late.clone());
            }
        }
    }

    fn execute(&mut self, id: &str) -> Result<Rc<Instance>, Failed> {
        let sources = Rc::clone(&self.sources);
        let (Some(text), Some(says)) = (sources.text(id), sources.says(id)) else {
            return Err(Failed);
        };
        self.read.insert(id.to_owned(), says.clone());
        self.edges.entry(id.to_owned()).or_default();
        self.loading.push(id.to_owned());
        let uses = self.run(id, text);
        self.loading.pop();
        let instance = Rc::new(Instance {
            text: Rc::clone(text),
            says,
            uses: uses?,
            born: RefCell::default(),
        });
        self.executed.push(id.to_owned());
        self.instances.insert(id.to_owned(), Rc::clone(&instance));
        Ok(instance)
    }

    /// Runs a top level; the instances that it uses.
    fn run(&mut self, id: &str, text: &Text) -> Result<Vec<Rc<Instance>>, Failed> {
        if matches!(text.fault, Fault::Syntax | Fault::Begin) {
            return Err(Failed);
        }
        let mut uses = Vec::new();
        for wanted in &text.uses {
            match self.require(id, &wanted.request) {
                Ok(instance) => uses.push(instance),
                Err(Failed) if wanted.optional => {}
                Err(Failed) => return Err(Failed),
            }
        }
        let declares = text.command.is_some();
        let returns = text.fault != Fault::Silent || id == self.entry;
        if text.fault == Fault::End || !returns || (declares && !self.is_declaring) {
            return Err(Failed);
        }
        Ok(uses)
    }

    fn require(&mut self, from: &str, request: &str) -> Result<Rc<Instance>, Failed> {
        let found = self.sources.resolve(from, request);
        let edges = self.edges.entry(from.to_owned()).or_default();
        edges.extend(alias_of(request));
        match found {
            Err(candidates) => {
                edges.extend(candidates);
                Err(Failed)
            }
            Ok(id) => {
                edges.insert(id.clone());
                if self.loading.contains(&id) {
                    return Err(Failed);
                }
                match self.instances.get(&id) {
                    Some(instance) => Ok(Rc::clone(instance)),
                    None => self.execute(&id),
                }
            }
        }
    }

    /// A module that says the same as before requires late what it required late before.
    fn require_again(&mut self, base: &Self) -> Result<(), Failed> {
        while let Some((from, request)) = self.next_late(base) {
            self.late
                .entry(from.clone())
                .or_default()
                .insert(request.clone());
            self.loading.push(from.clone());
            let required = self.require(&from, &request);
            self.loading.pop();
            required?;
        }
        Ok(())
    }

    fn next_late(&self, base: &Self) -> Option<(Node, String)> {
        self.executed.iter().find_map(|from| {
            let is_same = base.instances.get(from)?.says == self.instances.get(from)?.says;
            let done = self.late.get(from);
            let mut requests = base.late.get(from)?.iter();
            let next = requests.find(|it| done.is_none_or(|done| !done.contains(*it)))?;
            is_same.then(|| (from.clone(), next.clone()))
        })
    }

    fn forget_unreachable(&mut self) {
        let reachable = self.reachable();
        self.instances.retain(|id, _| reachable.contains(id));
        self.read.retain(|id, _| reachable.contains(id));
        self.edges.retain(|id, _| reachable.contains(id));
        self.late.retain(|id, _| reachable.contains(id));
    }

    /// A handler in the module `from` requires something. What it has required before is here; anything else is
    /// served from the newest sources if all that is loaded says the same there.
    pub(crate) fn require_late(
        &mut self,
        newest: &Rc<Sources>,
        from: &str,
        request: &str,
    ) -> Result<Rc<Instance>, Failed> {
        let is_known = self
            .late
            .get(from)
            .is_some_and(|done| done.contains(request));
        if is_known
            && let Ok(id) = self.sources.resolve(from, request)
            && let Some(instance) = self.instances.get(&id)
        {
            return Ok(Rc::clone(instance));
        }
        let mut instances = self.instances.iter();
        let same_texts = instances.all(|(id, it)| newest.says(id).as_ref() == Some(&it.says));
        let uses_alias = self.edges.values().flatten().any(|node| node == ALIAS);
        if same_texts && (!uses_alias || newest.says(ALIAS) == self.sources.says(ALIAS)) {
            self.sources = Rc::clone(newest);
        }
        let instance = self.require(from, request)?;
        self.late
            .entry(from.to_owned())
            .or_default()
            .insert(request.to_owned());
        Ok(instance)
    }

    /// Whether there is an instance of a module.
    pub(crate) fn runs(&self, node: &str) -> bool {
        self.instances.contains_key(node)
    }

    /// What a module or an alias said to this generation.
    pub(crate) fn said(&self, node: &str) -> Option<Says> {
        if node == ALIAS {
            return self.sources.says(ALIAS);
        }
        self.read.get(node).cloned()
    }

    /// Everything that it has read or looked for.
    pub(crate) fn seen(&self) -> BTreeSet<Node> {
        let targets = self.edges.values().flatten();
        self.read.keys().chain(targets).cloned().collect()
    }

    /// Everything that the entry leads to.
    pub(crate) fn reachable(&self) -> BTreeSet<Node> {
        closure(&self.entry, |node| {
            self.edges
                .get(node)
                .into_iter()
                .flatten()
                .cloned()
                .collect()
        })
    }

    /// These nodes and everything that leads to one of them.
    pub(crate) fn users_of(&self, nodes: &BTreeSet<Node>) -> BTreeSet<Node> {
        let users = |node: &str| {
            let edges = self.edges.iter();
            let users = edges.filter(|(_, targets)| targets.contains(node));
            users.map(|(user, _)| user.clone()).collect()
        };
        nodes.iter().flat_map(|node| closure(node, users)).collect()
    }

    /// All commands in the order of their modules.
    pub(crate) fn commands(&self) -> Vec<String> {
        let texts = self.instances.values().map(|instance| &instance.text);
        texts.flat_map(|text| text.commands()).collect()
    }

    /// The module that declares a command.
    pub(crate) fn module_of(&self, command: &str) -> Option<(Node, Rc<Instance>)> {
        let mut modules = self.instances.iter();
        let (id, instance) = modules.find(|(_, it)| it.text.commands().contains(command))?;
        Some((id.clone(), Rc::clone(instance)))
    }
}

/// `start` and everything that `next` leads to from there.
fn closure(start: &str, next: impl Fn(&str) -> Vec<Node>) -> BTreeSet<Node> {
    let mut seen = BTreeSet::from([start.to_owned()]);
    let mut open = vec![start.to_owned()];
    while let Some(node) = open.pop() {
        open.extend(
            next(&node)
                .into_iter()
                .filter(|node| seen.insert(node.clone())),
        );
    }
    seen
}
