//! Each model is truly what its name says: threads and processes counted from outside and by itself.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use plumbing::process::ProcessHandle;
use protocol::role::RoleEvent;
use protocol::task::{Census, Framing, Model};

use crate::program::{Program, Sent, files, free_port, send};

#[test]
fn every_model_counts_who_is_at_work() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[10; 6]);
    let counted = |model, more: &[&str]| {
        let sent = Sent::of(model, Framing::Datagram, free_port(), &files, more);
        assert!(sent.all_done());
        let workers: BTreeSet<_> = sent.tasks.iter().map(|task| task.worker.clone()).collect();
        let Census {
            processes,
            threads,
            tasks,
        } = sent.run.census;
        ((processes, threads, tasks), workers.len())
    };
    assert_eq!(counted(Model::SingleThread, &[]), ((1, 1, 1), 1));
    // The main thread and one for each file.
    assert_eq!(counted(Model::MultiThread, &[]), ((1, 7, 6), 6));
    // The main thread and the runtime's; how they share the tasks is theirs.
    assert_eq!(counted(Model::MultiThreadAsync, &[]).0, (1, 5, 6));
    let two = ["--workers", "2"];
    assert_eq!(counted(Model::MultiThreadAsync, &two).0, (1, 3, 6));
    // The one that starts the others, and one for each file, with a thread each.
    assert_eq!(counted(Model::MultiProcess, &[]), ((7, 1, 6), 6));
    let two = ["--processes", "2"];
    assert_eq!(counted(Model::MultiProcess, &two), ((3, 1, 2), 6));
    assert_eq!(counted(Model::MultiProcessAsync, &[]), ((7, 1, 6), 6));
    assert_eq!(counted(Model::MultiProcessAsync, &two), ((3, 1, 6), 2));
}

#[test]
fn ps_shows_who_is_at_work() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[10; 3]);
    for (model, shown) in [
        (Model::MultiThread, ["file-0", "file-1", "file-2"]),
        (
            Model::MultiProcess,
            ["sender file-0", "sender file-1", "sender file-2"],
        ),
    ] {
        let (port, folder) = (free_port(), home.path().join(model.to_string()));
        let mut server = Program::receive(Framing::Datagram, port, &folder, &[]);
        let long = ["--pause", "60s", "--deadline", "120s"];
        let sender = Program::node(&send(model, Framing::Datagram, port, &files, &long));
        // Once all three have arrived, all three rest.
        for _ in 0..3 {
            assert!(matches!(server.event(), Some(RoleEvent::Arrived(_))));
        }
        let names = match model {
            Model::MultiThread => thread_names(sender.pid()),
            _ => children(sender.pid()).into_iter().map(title).collect(),
        };
        assert!(shown.iter().all(|name| names.contains(*name)), "{names:?}");
        assert_eq!(title(sender.pid()), format!("sender {model}"));
        let workers = children(sender.pid()).into_iter();
        let workers: Vec<_> = workers
            .map(|pid| ProcessHandle::open(pid).unwrap())
            .collect();
        // Workers end with who started them, even where that was killed.
        drop(sender);
        for worker in workers {
            assert!(worker.wait(Duration::from_secs(30)).unwrap());
        }
    }
}

fn thread_names(pid: u32) -> BTreeSet<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let name = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).unwrap();
    tasks
        .map(|task| name(task.unwrap()).trim().to_owned())
        .collect()
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}

fn title(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    String::from_utf8_lossy(&words)
        .trim_end_matches('\0')
        .to_owned()
}
