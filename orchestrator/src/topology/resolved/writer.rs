//! The writer of files.

use std::fmt::{self, Display, Write};
use std::path::Path;

use protocol::link::Conditions;
use protocol::settings::Sandbox;
use protocol::unit::{ByteSize, Percent, Rate, Time};

use crate::topology::model::{
    Action, Attachment, Download, Expect, Expectation, Fault, FaultKind, FilePlace, Files,
    Interface, Link, Node, RunProgram, Scenario, Server, ServerProgram, Service, Setting, Source,
    Step, Stress, Topology, Transfer, Work,
};

/// The topology as a file that reads back to an equal one, given the same base folder. Variables are
/// replaced, so a matrix over them tells what was run, and running it again takes the original file.
pub fn resolved_toml(topology: &Topology) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = Writer {
        out: &mut out,
        base: &topology.base,
    }
    .topology(topology);
    out
}

/// Writes a file.
pub(super) struct Writer<'a> {
    out: &'a mut String,
    base: &'a Path,
}

impl Writer<'_> {
    fn topology(&mut self, topology: &Topology) -> fmt::Result {
        self.text("name", topology.name.as_str())?;
        if let Some(summary) = &topology.summary {
            self.text("summary", &escaped(summary))?;
        }
        if !topology.vars.is_empty() {
            writeln!(self.out, "\n[vars]")?;
        }
        for (name, value) in &topology.vars {
            self.text(&key(name), value)?;
        }
        for network in topology.networks.values() {
            writeln!(self.out, "\n[network.{}]", network.name)?;
            if !network.subnets.is_empty() {
                self.list("subnet", &network.subnets)?;
            }
        }
        for node in &topology.nodes {
            self.node(node)?;
        }
        for link in &topology.links {
            self.link(link)?;
        }
        for scenario in &topology.scenarios {
            self.scenario(scenario)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node) -> fmt::Result {
        writeln!(self.out, "\n[node.{}]", node.name)?;
        if let Some(image) = &node.image {
            self.text("image", image)?;
        }
        if let Some(compute) = &node.compute {
            self.text("compute", compute)?;
        }
        if !node.command.is_empty() {
            let words: Vec<_> = node.command.iter().map(|word| escaped(word)).collect();
            self.list("command", &words)?;
        }
        if !node.files.is_empty() {
            let copies = node.files.iter();
            let copies: Vec<_> = copies
                .map(|file| format!("{}:{}", self.path(&file.from), file.to))
                .collect();
            self.list("files", &copies)?;
        }
        if !node.binds.is_empty() {
            let binds = node.binds.iter();
            let binds: Vec<_> = binds
                .map(|bind| format!("{}:{}:ro", self.path(&bind.from), bind.to))
                .collect();
            self.list("binds", &binds)?;
        }
        if node.forward {
            writeln!(self.out, "forward = true")?;
        }
        if !node.sandbox.is_default() {
            let sandbox = match node.sandbox {
                Sandbox::Off => "off",
                Sandbox::Default => "default",
                Sandbox::Strict => "strict",
            };
            self.text("sandbox", sandbox)?;
        }
        if !node.routes.is_empty() {
            let routes = node.routes.iter();
            let routes: Vec<_> = routes.map(|r| format!("{} via {}", r.to, r.via)).collect();
            self.list("routes", &routes)?;
        }
        if let Some(memory) = node.limits.memory {
            self.text("memory", &ByteSize(memory).to_string())?;
        }
        if let Some(milli) = node.limits.milli_cpus {
            writeln!(self.out, "cpus = {}", f64::from(milli) / 1000.0)?;
        }
        if let Some(pids) = node.limits.pids {
            writeln!(self.out, "pids = {pids}")?;
        }
        if let Some(disk) = node.limits.disk {
            self.text("disk", &ByteSize(disk).to_string())?;
        }
        if let Some(most) = node.limits.open_files {
            writeln!(self.out, "open_files = {most}")?;
        }
        for (name, value) in &node.env {
            self.text(&format!("env.{}", key(name)), &escaped(value))?;
        }
        node.interfaces
            .iter()
            .try_for_each(|interface| self.interface(node, interface))
    }

    fn interface(&mut self, node: &Node, interface: &Interface) -> fmt::Result {
        let name = key(interface.name.as_str());
        writeln!(self.out, "\n[node.{}.interface.{name}]", node.name)?;
        if let Attachment::Network(network) = &interface.attachment {
            self.text("network", network.as_str())?;
        }
        if !interface.addresses.is_empty() {
            self.list("address", &interface.addresses)?;
        }
        self.text("mac", &interface.mac.to_string())?;
        for (direction, impairment) in [
            ("egress", &interface.egress),
            ("ingress", &interface.ingress),
        ] {
            if !impairment.is_perfect() {
                let words: Vec<_> = words(impairment);
                writeln!(self.out, "{direction} = {{ {} }}", words.join(", "))?;
            }
        }
        Ok(())
    }

    fn link(&mut self, link: &Link) -> fmt::Result {
        writeln!(self.out, "\n[[link]]")?;
        let ends = link
            .ends
            .each_ref()
            .map(|end| format!("{}:{}", end.node, end.interface));
        self.list("ends", &ends)?;
        if !link.subnets.is_empty() {
            self.list("subnet", &link.subnets)?;
        }
        Ok(())
    }

    fn scenario(&mut self, scenario: &Scenario) -> fmt::Result {
        writeln!(self.out, "\n[[scenario]]")?;
        self.text("name", &escaped(&scenario.name))?;
        self.text("capture", &scenario.capture.to_string())?;
        if let Some(limit) = scenario.capture_limit {
            self.text("capture_limit", &limit.to_string())?;
        }
        self.text("timeout", &Time(scenario.timeout).to_string())?;
        match &scenario.work {
            Work::Broadcast(transfer, address) => {
                self.text("kind", "broadcast")?;
                self.transfer(transfer)?;
                self.text("address", &address.to_string())?;
            }
            Work::Split(transfer) => {
                self.text("kind", "split")?;
                self.transfer(transfer)?;
            }
            Work::Steps(_) => self.text("kind", "steps")?,
            Work::Stress(stress) => {
                self.text("kind", "stress")?;
                self.stress(stress)?;
            }
            Work::Conversation(conversation) => {
                self.text("kind", "file-server")?;
                self.conversation(conversation)?;
            }
        }
        for (axis, values) in &scenario.matrix {
            let values: Vec<_> = values.iter().map(|value| escaped(value)).collect();
            self.list(&format!("matrix.{}", key(axis)), &values)?;
        }
        if let Expect::Fail { reason } = &scenario.expect {
            self.text("expect", "fail")?;
            self.text("reason", &escaped(reason))?;
        }
        if let Some(Files::Downloaded(downloads)) = scenario.work.transfer().map(|t| &t.files) {
            downloads.iter().try_for_each(|file| self.download(file))?;
        }
        for fault in &scenario.faults {
            self.fault(fault)?;
        }
        if let Work::Steps(steps) = &scenario.work {
            steps.iter().try_for_each(|step| self.step(step))?;
        }
        if let Work::Conversation(conversation) = &scenario.work {
            let mut commands = conversation.commands.iter();
            commands.try_for_each(|command| self.command(command))?;
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer) -> fmt::Result {
        let sending = &transfer.sending;
        self.text("from", transfer.from.as_str())?;
        self.list("to", &transfer.to)?;
        if let Files::Here(files) = &transfer.files {
            let files: Vec<_> = files.iter().map(|file| self.path(file)).collect();
            self.list("files", &files)?;
        }
        writeln!(self.out, "port = {}", transfer.port)?;
        self.text("framing", &sending.framing.to_string())?;
        if let Some(buffer) = sending.buffer {
            self.text("buffer", &buffer.to_string())?;
        }
        writeln!(self.out, "processes = {}", sending.processes)?;
        writeln!(self.out, "workers = {}", sending.workers)?;
        // A limit or a rest makes each file a task, which a model does.
        if let Some(model) = sending.model {
            self.text("model", &model.to_string())?;
            self.text("deadline", &Time(sending.deadline).to_string())?;
            self.text("pause", &Time(sending.pause).to_string())?;
        }
        for (model, time) in &sending.published {
            self.text(&format!("published.{model}"), &Time(*time).to_string())?;
        }
        Ok(())
    }

    fn stress(&mut self, stress: &Stress) -> fmt::Result {
        self.server(&stress.server)?;
        let clients = &stress.clients;
        self.text("client.node", clients.node.as_str())?;
        self.text("client.model", clients.model.word())?;
        writeln!(self.out, "client.workers = {}", clients.workers)?;
        self.text("operation", stress.operation.word())?;
        self.text("size", &stress.size.to_string())?;
        match &stress.published {
            Some(published) => self.text("published", &self.path(published)),
            None => Ok(()),
        }
    }

    pub(super) fn server(&mut self, server: &Server) -> fmt::Result {
        self.text("server.node", server.node.as_str())?;
        writeln!(self.out, "server.port = {}", server.port)?;
        if let ServerProgram::Own { command, .. } = &server.program {
            let words: Vec<_> = command.iter().map(|word| escaped(word)).collect();
            self.list("server.command", &words)?;
        }
        if let Some(model) = server.program.model() {
            self.text("server.model", model.word())?;
        }
        if let Some(workers) = server.program.workers() {
            writeln!(self.out, "server.workers = {workers}")?;
        }
        if let ServerProgram::BuiltIn { service, .. } = &server.program {
            self.service(service)?;
        }
        self.text("server.directory", &escaped(&server.directory))
    }

    fn service(&mut self, service: &Service) -> fmt::Result {
        for (name, value) in service.settings() {
            let key = format!("server.{name}");
            match value {
                Setting::Time(time) => self.text(&key, &Time(time).to_string())?,
                Setting::Size(size) => self.text(&key, &size.to_string())?,
                Setting::Count(count) => writeln!(self.out, "{key} = {count}")?,
                Setting::Word(word) => self.text(&key, word)?,
                Setting::Flag => writeln!(self.out, "{key} = true")?,
            }
        }
        Ok(())
    }

    fn download(&mut self, download: &Download) -> fmt::Result {
        writeln!(self.out, "\n[[scenario.download]]")?;
        self.text("key", &escaped(download.key.as_str()))?;
        match &download.source {
            Source::Origin { node, file } => {
                self.text("from", node.as_str())?;
                self.text("file", &self.path(file))
            }
            Source::Url { url, downgrade } => {
                self.text("url", &escaped(url))?;
                if *downgrade {
                    self.line("downgrade = true")?;
                }
                Ok(())
            }
        }
    }

    fn fault(&mut self, fault: &Fault) -> fmt::Result {
        writeln!(self.out, "\n[[scenario.fault]]")?;
        self.text("at", &Time(fault.at).to_string())?;
        if let Some(lasts) = fault.lasts {
            self.text("for", &Time(lasts).to_string())?;
        }
        match &fault.kind {
            FaultKind::Partition(groups) => {
                let groups: Vec<_> = groups.iter().map(|group| list(group)).collect();
                writeln!(self.out, "partition = [{}]", groups.join(", "))
            }
            FaultKind::Down(end) => self.text("down", &format!("{}:{}", end.node, end.interface)),
            FaultKind::Kill(node) => self.text("kill", node.as_str()),
            FaultKind::Pause(node) => self.text("pause", node.as_str()),
        }
    }

    /// A step's texts keep their `${name}` and `$${` for run time, and so does the file.
    fn step(&mut self, step: &Step) -> fmt::Result {
        writeln!(self.out, "\n[[scenario.step]]")?;
        self.text("name", &escaped(&step.name))?;
        match &step.action {
            Action::Run(program) => {
                self.program("run", program)?;
                self.expect(&program.expect)?;
            }
            Action::Start { program, id } => {
                self.program("start", program)?;
                self.text("id", &escaped(id))?;
            }
            Action::Finish { id, expect } => {
                self.text("finish", &escaped(id))?;
                self.expect(expect)?;
            }
            Action::Stop { id, signal } => {
                self.text("stop", &escaped(id))?;
                self.text("signal", crate::topology::signal_name(*signal))?;
            }
            Action::AwaitPort {
                node,
                transport,
                port,
            } => {
                let transport = format!("{transport:?}").to_lowercase();
                self.text("await_port", &format!("{node}:{port}/{transport}"))?;
            }
            Action::AwaitLine { id, text } => {
                self.text("await_line", text)?;
                self.text("of", &escaped(id))?;
            }
            Action::AwaitFile { node, path } => {
                self.text("await_file", &format!("{node}:{path}"))?;
            }
            Action::Equal { original, copies } => {
                let places = std::iter::once(original).chain(copies);
                let places: Vec<_> = places.map(|place| self.place(place)).collect();
                self.list("equal", &places)?;
            }
        }
        self.text("within", &Time(step.within).to_string())?;
        if step.retry {
            writeln!(self.out, "retry = true")?;
        }
        Ok(())
    }

    fn program(&mut self, verb: &str, program: &RunProgram) -> fmt::Result {
        self.list(verb, &program.command)?;
        self.text("node", program.node.as_str())?;
        if let Some(save) = &program.save {
            self.text("save.name", &escaped(&save.name))?;
            let (after, before) = save.between.as_ref().map_or(("", ""), |(a, b)| (a, b));
            for (mark, text) in [("save.after", after), ("save.before", before)] {
                if !text.is_empty() {
                    self.text(mark, &escaped(text))?;
                }
            }
        }
        Ok(())
    }

    fn expect(&mut self, expect: &Expectation) -> fmt::Result {
        writeln!(self.out, "expect.code = {}", expect.code)?;
        if let Some(text) = &expect.stdout_is {
            self.text("expect.stdout", text)?;
        }
        self.list("expect.stdout_contains", &expect.stdout_contains)?;
        self.list("expect.stderr_contains", &expect.stderr_contains)
    }

    pub(super) fn line(&mut self, line: &str) -> fmt::Result {
        writeln!(self.out, "{line}")
    }

    pub(super) fn text(&mut self, key: &str, value: &str) -> fmt::Result {
        writeln!(self.out, "{key} = {}", quoted(value))
    }

    pub(super) fn list<T: Display>(&mut self, key: &str, values: &[T]) -> fmt::Result {
        writeln!(self.out, "{key} = {}", list(values))
    }

    fn place(&self, place: &FilePlace) -> String {
        match place {
            FilePlace::Here(path) => path
                .strip_prefix(self.base)
                .unwrap_or(path)
                .display()
                .to_string(),
            FilePlace::Node(node, path) => format!("{node}:{path}"),
        }
    }

    /// The path as the file gives it: relative to the base, where it lies there.
    pub(super) fn path(&self, path: &Path) -> String {
        let path = path.strip_prefix(self.base).unwrap_or(path);
        escaped(&path.display().to_string())
    }
}

fn words(impairment: &Conditions) -> Vec<String> {
    let time = |key, time: std::time::Duration| {
        (!time.is_zero()).then(|| format!("{key} = \"{}\"", Time(time)))
    };
    let share = |key, share: Percent| (share.0 > 0.0).then(|| format!("{key} = \"{share}\""));
    let rate = |rate: Rate| format!("rate = \"{rate}\"");
    let queue = |queue: ByteSize| format!("queue = \"{queue}\"");
    let words = [
        time("delay", impairment.delay),
        time("jitter", impairment.jitter),
        share("loss", impairment.loss),
        share("duplicate", impairment.duplicate),
        share("corrupt", impairment.corrupt),
        share("reorder", impairment.reorder),
        impairment.rate.map(rate),
        impairment.queue.map(queue),
    ];
    words.into_iter().flatten().collect()
}

fn list<T: Display>(values: &[T]) -> String {
    let words: Vec<_> = values
        .iter()
        .map(|value| quoted(&value.to_string()))
        .collect();
    format!("[{}]", words.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A text that stands for itself where variables are replaced.
pub(super) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// A key, in quotes where it must be.
fn key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(bare) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
