//! The steps of a scenario, in their order: what one starts or saves, later ones may name.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use protocol::name::NodeName;
use protocol::unit::Time;

use super::scenarios::{Stage, filled};
use crate::topology::document::place::{AnyFile, NodeFile};
use crate::topology::document::scenario::StepsEntry;
use crate::topology::document::step::{
    EqualEntry, ExpectEntry, RunEntry, SaveEntry, StartEntry, StepEntry, StepKeys,
};
use crate::topology::document::word::{ExitCode, Filled, Flag, Signal, Text};
use crate::topology::document::{At, Many, Written};
use crate::topology::model::{Action, Expectation, FilePlace, RunProgram, SaveValue, Step, Work};
use crate::topology::suggestion::instead_of;

/// Reads the steps.
pub(super) fn read(stage: &Stage<'_>, entry: &StepsEntry, scenario: &Range<usize>) -> Work {
    if entry.step.0.is_empty() {
        let remedy = "add [[scenario.step]] with run, start, await_port, equal, …";
        stage
            .cx
            .mistake(scenario, "a scenario without steps", remedy);
    }
    let mut reader = Reader {
        stage,
        running: BTreeMap::new(),
        saved: BTreeSet::new(),
    };
    let steps = entry.step.0.iter();
    Work::Steps(steps.filter_map(|step| reader.step(step)).collect())
}

/// The state after the steps so far.
struct Reader<'a> {
    stage: &'a Stage<'a>,
    /// The ids of programs started, and whether each was waited for.
    running: BTreeMap<String, bool>,
    /// The names of values saved.
    saved: BTreeSet<String>,
}

impl Reader<'_> {
    fn step(&mut self, entry: &At<StepEntry>) -> Option<Step> {
        let (common, action) = match &entry.value {
            StepEntry::Run(run) => (run.common(), self.run(run, &entry.span)),
            StepEntry::Start(start) => (start.common(), self.start(start, &entry.span)),
            StepEntry::Finish(finish) => {
                let expect = self.expectation(&finish.expect);
                let id = self.started(&finish.finish, true);
                (finish.common(), id.map(|id| Action::Finish { id, expect }))
            }
            StepEntry::Stop(stop) => {
                let signal = self
                    .stage
                    .cx
                    .get(&stop.signal)
                    .map_or(15, |Signal(number)| number);
                let id = self.started(&stop.stop, false);
                (stop.common(), id.map(|id| Action::Stop { id, signal }))
            }
            StepEntry::AwaitPort(port) => {
                let place = self.stage.cx.get(&port.await_port);
                let place = place.filter(|p| self.is_node(&p.node, &port.await_port.span()));
                let action = place.map(|place| Action::AwaitPort {
                    node: place.node,
                    transport: place.transport,
                    port: place.port,
                });
                (port.common(), action)
            }
            StepEntry::AwaitLine(line) => {
                let text = self.later(&line.await_line);
                if line.of.is_absent() {
                    self.stage.cx.missing(&entry.span, "of");
                }
                let id = self.started(&line.of, false);
                let action = id
                    .zip(text)
                    .map(|(id, Filled(text))| Action::AwaitLine { id, text });
                (line.common(), action)
            }
            StepEntry::AwaitFile(file) => {
                let place = self.later(&file.await_file);
                let place = place.filter(|p| self.is_node(&p.node, &file.await_file.span()));
                let action = place.map(|NodeFile { node, path }| Action::AwaitFile { node, path });
                (file.common(), action)
            }
            StepEntry::Equal(equal) => (equal.common(), self.equal(equal)),
            StepEntry::Wrong => return None,
        };
        self.finished(common, action)
    }

    fn finished(&self, common: StepKeys<'_>, action: Option<Action>) -> Option<Step> {
        let cx = self.stage.cx;
        let within = cx.get(common.within).map_or(WITHIN, |Time(time)| time);
        if within.is_zero() {
            let remedy = "write a longer one, or leave it out for 10s";
            cx.mistake(
                &common.within.span(),
                "nothing can be done in no time",
                remedy,
            );
        }
        let name = cx.get(common.name).map(|Filled(name)| name);
        let retry = cx.get(common.retry).is_some_and(|Flag(retry)| retry);
        let action = action?;
        Some(Step {
            name: name.unwrap_or_else(|| in_words(&action)),
            action,
            within,
            retry,
        })
    }

    fn run(&mut self, entry: &RunEntry, span: &Range<usize>) -> Option<Action> {
        let program = self.program(&entry.run, &entry.node, span, "run");
        let expect = self.expectation(&entry.expect);
        let save = self.save(&entry.save, span);
        let (node, command) = program?;
        Some(Action::Run(RunProgram {
            node,
            command,
            expect,
            save,
        }))
    }

    fn start(&mut self, entry: &StartEntry, span: &Range<usize>) -> Option<Action> {
        let cx = self.stage.cx;
        let program = self.program(&entry.start, &entry.node, span, "start");
        let Filled(id) = cx.need(&entry.id, span, "id")?;
        if self.running.insert(id.clone(), false).is_some() {
            let message = format!("there are two programs called {id}");
            cx.mistake(&entry.id.span(), message, "write another id");
        }
        let (node, command) = program?;
        let program = RunProgram {
            node,
            command,
            expect: Expectation::default(),
            save: None,
        };
        Some(Action::Start { program, id })
    }

    fn program(
        &self,
        command: &At<Many<Written<Text>>>,
        node: &Written<NodeName>,
        span: &Range<usize>,
        key: &str,
    ) -> Option<(NodeName, Vec<String>)> {
        let cx = self.stage.cx;
        let filled = filled(cx, command, span, key);
        if node.is_absent() {
            cx.missing(span, "node");
        }
        let node = self.stage.names.node(cx, node);
        let words: Option<Vec<_>> = command.value.0.iter().map(|w| self.later(w)).collect();
        let words: Vec<String> = words?.into_iter().map(|Text(text)| text).collect();
        if words.first().is_some_and(String::is_empty) {
            let remedy = "write the program first: [\"python3\", \"/root/send.py\"]";
            cx.mistake(
                &command.value.0[0].span(),
                "the command names no program",
                remedy,
            );
        }
        filled.then_some((node?, words))
    }

    fn save(&mut self, entry: &SaveEntry, span: &Range<usize>) -> Option<SaveValue> {
        let cx = self.stage.cx;
        let SaveEntry(table) = entry;
        let between = match (cx.get(&table.after), cx.get(&table.before)) {
            (None, None) => None,
            (after, before) => {
                let text = |mark: Option<Filled>| mark.map(|Filled(text)| text).unwrap_or_default();
                Some((text(after), text(before)))
            }
        };
        if between.is_some() && table.name.is_absent() {
            cx.missing(span, "save.name");
        }
        let Filled(name) = cx.get(&table.name)?;
        let wrong = if cx.has_variable(&name) {
            Some(format!("`{name}` is a variable already"))
        } else if name.contains(['$', '{', '}']) {
            Some(format!("`{name}` is not a name for a value"))
        } else if !self.saved.insert(name.clone()) {
            Some(format!("`{name}` is saved by an earlier step already"))
        } else {
            None
        };
        if let Some(message) = wrong {
            cx.mistake(&table.name.span(), message, "write another name");
        }
        Some(SaveValue { name, between })
    }

    fn expectation(&self, entry: &ExpectEntry) -> Expectation {
        let texts = |list: &Many<Written<Filled>>| {
            let words = list.0.iter().filter_map(|word| self.later(word));
            words.map(|Filled(text)| text).collect()
        };
        Expectation {
            code: self
                .stage
                .cx
                .get(&entry.code)
                .map_or(0, |ExitCode(code)| code),
            stdout_contains: texts(&entry.stdout_contains),
            stdout_is: self.later(&entry.stdout).map(|Text(text)| text),
            stderr_contains: texts(&entry.stderr_contains),
        }
    }

    fn equal(&self, entry: &EqualEntry) -> Option<Action> {
        let cx = self.stage.cx;
        let written = &entry.equal.value.0;
        if written.len() < 2 {
            let remedy = "write the original and at least one copy";
            cx.mistake(&entry.equal.span, "nothing to compare with", remedy);
            return None;
        }
        let places: Option<Vec<FilePlace>> = written.iter().map(|word| self.place(word)).collect();
        let mut places = places?.into_iter();
        Some(Action::Equal {
            original: places.next()?,
            copies: places.collect(),
        })
    }

    fn place(&self, word: &Written<AnyFile>) -> Option<FilePlace> {
        let span = word.span();
        match self.later(word)? {
            AnyFile::Here(path) if path.to_string_lossy().contains("${") => {
                Some(FilePlace::Here(self.stage.cx.base().join(path)))
            }
            AnyFile::Here(path) => Some(FilePlace::Here(self.stage.cx.input(&path, &span))),
            AnyFile::Node(file) => self
                .is_node(&file.node, &span)
                .then_some(FilePlace::Node(file.node, file.path)),
        }
    }

    /// The id of a program that an earlier step started and, where `last`, that none waits for.
    fn started(&mut self, written: &Written<Filled>, last: bool) -> Option<String> {
        let cx = self.stage.cx;
        let Filled(id) = cx.get(written)?;
        match self.running.get_mut(&id) {
            None => {
                let known: Vec<&String> = self.running.keys().collect();
                let remedy = if known.is_empty() {
                    format!("start it before: start = [\"…\"], id = \"{id}\"")
                } else {
                    instead_of(&id, &known)
                };
                let message = format!("no earlier step starts a program called {id}");
                cx.mistake(&written.span(), message, remedy);
                return None;
            }
            Some(finished) if *finished => {
                let message = format!("{id} has ended already: an earlier step waits for that");
                cx.mistake(&written.span(), message, "write this step before that one");
            }
            Some(finished) => *finished = last,
        }
        Some(id)
    }

    fn is_node(&self, name: &NodeName, span: &Range<usize>) -> bool {
        self.stage.names.check(self.stage.cx, name, span)
    }

    fn later<T: crate::topology::document::word::Word>(&self, written: &Written<T>) -> Option<T> {
        self.stage.cx.get_later(written, &self.saved)
    }
}

/// Returns the name of a step to which the file gives none.
fn in_words(action: &Action) -> String {
    match action {
        Action::Run(program) => format!("run {} on {}", program.command.join(" "), program.node),
        Action::Start { program, id } => {
            format!(
                "start {id} on {}: {}",
                program.node,
                program.command.join(" ")
            )
        }
        Action::Finish { id, .. } => format!("{id} ends"),
        Action::Stop { id, .. } => format!("stop {id}"),
        Action::AwaitPort {
            node,
            transport,
            port,
        } => format!(
            "{node} listens on {port}/{}",
            format!("{transport:?}").to_lowercase()
        ),
        Action::AwaitLine { id, text } => format!("{id} prints {text}"),
        Action::AwaitFile { node, path } => format!("{node} has {path}"),
        Action::Equal { copies, .. } => format!("{} files equal the original", copies.len()),
    }
}

/// The time limit of a step where the file does not say.
const WITHIN: Duration = Duration::from_secs(10);
