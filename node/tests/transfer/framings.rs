//! What arrives under each model and framing.

use std::collections::BTreeSet;
use std::fs;

use protocol::role::RoleEvent;
use protocol::task::{Framing, Model, TaskResult};

use crate::program::{Program, Sent, files, free_port};

#[test]
fn a_file_a_datagram_arrives_whole_under_every_model() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[0, 1, 1_000, 54_272]);
    let sent_files: BTreeSet<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for model in Model::ALL {
        let port = free_port();
        let folders = ["one", "two"].map(|name| home.path().join(format!("{model}-{name}")));
        let servers = folders
            .each_ref()
            .map(|folder| Program::receive(Framing::Datagram, port, folder, &[]));
        let sent = Sent::of(model, Framing::Datagram, port, &files, &[]);
        assert!(sent.all_done(), "{:?}", sent.tasks);
        for (server, folder) in servers.into_iter().zip(&folders) {
            let (arrivals, tally) = server.all_sent(sent.datagrams());
            assert_eq!((arrivals.len(), tally.dropped), (files.len(), 0));
            let names: Vec<_> = arrivals
                .iter()
                .map(|arrival| arrival.name.as_str())
                .collect();
            assert_eq!(names, ["img1.jpg", "img2.jpg", "img3.jpg", "img4.jpg"]);
            let copies: BTreeSet<_> = names
                .iter()
                .map(|name| fs::read(folder.join(name)).unwrap())
                .collect();
            assert!(copies == sent_files, "{model}");
            assert_eq!(fs::read_dir(folder).unwrap().count(), files.len());
        }
    }
}

#[test]
fn what_is_over_the_buffer_is_cut_and_what_fits_no_datagram_is_named() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[54_273, 65_507, 65_508]);
    let (port, folder) = (free_port(), home.path().join("server"));
    let server = Program::receive(Framing::Datagram, port, &folder, &[]);
    let sent = Sent::of(Model::SingleThread, Framing::Datagram, port, &files, &[]);
    let results: Vec<_> = sent.tasks.iter().map(|task| &task.result).collect();
    let [
        TaskResult::Done,
        TaskResult::Done,
        TaskResult::Failed { reason },
    ] = &results[..]
    else {
        panic!("{results:?}");
    };
    assert!(reason.contains("EMSGSIZE"), "{reason}");
    let (arrivals, _) = server.all_sent(sent.datagrams());
    let lengths: Vec<_> = arrivals.iter().map(|a| (a.bytes, a.sent)).collect();
    assert_eq!(lengths, [(54_272, 54_273), (54_272, 65_507)]);
    let original = fs::read(&files[0]).unwrap();
    assert!(fs::read(folder.join("img1.jpg")).unwrap() == original[..54_272]);
}

#[test]
fn bytes_are_appended_to_one_file_whatever_they_came_from() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[100, 50]);
    for model in Model::ALL {
        let (port, folder) = (free_port(), home.path().join(model.to_string()));
        let server = Program::receive(Framing::Byte, port, &folder, &["--name", "server2.jpg"]);
        let sent = Sent::of(model, Framing::Byte, port, &files, &[]);
        assert!(sent.all_done(), "{:?}", sent.tasks);
        assert_eq!(sent.datagrams(), 150);
        let (arrivals, tally) = server.all_sent(150);
        assert_eq!(
            (arrivals.len(), tally.datagrams, tally.bytes),
            (0, 150, 150)
        );
        let received = fs::read(folder.join("server2.jpg")).unwrap();
        let [first, second] = [0, 1].map(|file: usize| fs::read(&files[file]).unwrap());
        if model == Model::SingleThread {
            assert!(received == [first, second].concat());
        } else {
            let sorted = |mut bytes: Vec<u8>| {
                bytes.sort_unstable();
                bytes
            };
            assert!(sorted(received) == sorted([first, second].concat()));
        }
    }
}

#[test]
fn a_server_that_lacks_datagrams_ends_when_it_is_quiet() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[10]);
    let (port, folder) = (free_port(), home.path().join("server"));
    let server = Program::receive(Framing::Datagram, port, &folder, &["--quiet", "100ms"]);
    let sent = Sent::of(Model::SingleThread, Framing::Datagram, port, &files, &[]);
    let (arrivals, tally) = server.all_sent(sent.datagrams() + 1);
    assert_eq!((arrivals.len(), tally.datagrams), (1, 1));
}

#[test]
fn what_cannot_be_read_or_sent_fails_its_own_task_only() {
    let home = tempfile::tempdir().unwrap();
    let mut files = files(home.path(), &[10, 10]);
    fs::remove_file(&files[0]).unwrap();
    files.push(home.path().join("file-9"));
    fs::create_dir(&files[2]).unwrap();
    for model in Model::ALL {
        let sent = Sent::of(model, Framing::Datagram, free_port(), &files, &[]);
        let done: Vec<_> = sent
            .tasks
            .iter()
            .map(|t| t.result == TaskResult::Done)
            .collect();
        assert_eq!(done, [false, true, false], "{model}: {:?}", sent.tasks);
    }
}

#[test]
fn a_task_that_is_not_done_by_its_deadline_is_late() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[10, 20]);
    let short = ["--pause", "60s", "--deadline", "50ms"];
    for model in Model::ALL {
        let sent = Sent::of(model, Framing::Datagram, free_port(), &files, &short);
        assert_eq!(sent.tasks.len(), 2);
        for task in &sent.tasks {
            assert_eq!(task.result, TaskResult::Late, "{model}");
            assert!(task.seconds >= 0.05);
        }
    }
}

#[test]
fn a_pause_is_part_of_each_task() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[10, 20, 30]);
    for model in Model::ALL {
        let pause = ["--pause", "100ms"];
        let sent = Sent::of(model, Framing::Datagram, free_port(), &files, &pause);
        assert!(sent.all_done());
        assert!(sent.tasks.iter().all(|task| task.seconds >= 0.1));
        // One after the other in one thread; side by side elsewhere, as the census shows.
        let least = if model == Model::SingleThread {
            0.3
        } else {
            0.1
        };
        assert!(sent.run.seconds >= least);
    }
}

#[test]
fn a_reliable_file_is_proved_under_every_model() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[0, 1, 1_000, 300_000]);
    for model in Model::ALL {
        let (port, folder) = (free_port(), home.path().join(model.to_string()));
        let (number, sessions) = (port.to_string(), files.len().to_string());
        let mut words = vec!["broadcast-receive", "--port", &number, "--interface", "lo"];
        words.extend(["--sessions", &sessions, "--deadline", "60s"]);
        words.extend(["--directory", folder.to_str().unwrap()]);
        let mut receiver = Program::node(&words);
        assert_eq!(receiver.event(), Some(RoleEvent::Ready));
        let more = ["--receivers", "127.0.0.1", "--deadline", "60s"];
        let sent = Sent::of(model, Framing::Reliable, port, &files, &more);
        assert!(sent.all_done(), "{model}: {:?}", sent.tasks);
        assert!(sent.tasks.iter().all(|task| task.datagrams > 0));
        while receiver.event().is_some() {}
        assert_eq!(receiver.code(), 0, "{model}");
        for file in &files {
            let copy = folder.join(file.file_name().unwrap());
            assert!(
                fs::read(file).unwrap() == fs::read(copy).unwrap(),
                "{model}"
            );
        }
        assert_eq!(fs::read_dir(folder).unwrap().count(), files.len());
    }
}

#[test]
fn a_reliable_task_that_nobody_answers_fails_by_its_deadline() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[10, 20]);
    for model in [
        Model::SingleThread,
        Model::MultiThreadAsync,
        Model::MultiProcess,
    ] {
        let more = ["--deadline", "200ms"];
        let sent = Sent::of(model, Framing::Reliable, free_port(), &files, &more);
        let results = sent.tasks.iter().map(|task| &task.result);
        assert!(
            results.clone().all(|result| *result != TaskResult::Done),
            "{model}"
        );
        assert_eq!(results.count(), 2);
    }
}
