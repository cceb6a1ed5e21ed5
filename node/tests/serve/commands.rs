//! What each command does, under every model.

use std::fs;
use std::os::unix::fs::symlink;

use protocol::stress::Workers;

use crate::client::Client;
use crate::server::Server;

/// The same again and again: bytes that no text has.
fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn a_conversation_goes_through_every_command() {
    for model in Workers::ALL {
        let server = Server::start(model, 2, &[]);
        let mut client = server.client();
        assert_eq!(client.ask("LIST\r\n").words(), "[]");
        // Lengths around the bounds of buffers and of groups of three.
        for length in [0, 1, 2, 3, 196_607, 196_608, 196_609, 1_000_000] {
            let name = format!("file {length}.bin");
            let reply = client.store(&name, &content(length));
            assert_eq!(reply.words(), format!("{name} has been uploaded"));
            assert_eq!(fs::read(server.path(&name)).unwrap(), content(length));
            assert_eq!(
                client.fetch(&name).unwrap(),
                content(length),
                "{model}, {length}"
            );
        }
        fs::write(server.path("without"), b"a dot").unwrap();
        let names = client.ask("list\n").data.unwrap();
        assert_eq!(names.as_array().unwrap().len(), 8);
        assert_eq!(names[0], "file 0.bin");
        let reply = client.ask("DELETE 'file 0.bin'\r\n");
        assert_eq!(reply.message.unwrap(), "file 0.bin has been deleted");
        let reply = client.ask("download 'file 0.bin'\r\n");
        assert_eq!(
            (reply.is_ok(), reply.words().as_str()),
            (false, "file 0.bin does not exist")
        );
        drop(client);
        let ended = server.end();
        let record = ended.record;
        assert_eq!((record.requests_ok, record.requests_failed), (19, 1));
        assert_eq!((record.connections_ok, record.connections), (1, 1));
        assert_eq!((record.workers_ok, record.workers_failed), (2, 0));
        assert_eq!(record.stored, record.sent);
        assert_eq!(ended.stored.len(), 8);
        let hash = blake3::hash(&content(1_000_000)).to_string();
        assert_eq!(ended.stored[7].blake3, hash);
    }
}

#[test]
fn requests_that_come_at_once_are_answered_in_turn() {
    let server = Server::start(Workers::Thread, 1, &[]);
    let mut client = server.client();
    let mut said = Vec::new();
    for number in 0..20 {
        said.extend(Client::upload(
            &format!("{number}.bin"),
            &content(number * 1000),
        ));
        said.extend(format!("GET {number}.bin\nnonsense\r\n\r\n").bytes());
    }
    let mut writer = client.stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &said));
    for number in 0..20 {
        assert!(client.hear().0.is_ok());
        assert_eq!(client.hear().1, content(number * 1000));
        assert!(
            client
                .hear()
                .0
                .words()
                .contains("unknown command `nonsense`")
        );
    }
    writing.join().unwrap().unwrap();
}

#[test]
fn a_known_command_and_silence_are_a_request() {
    for model in Workers::ALL {
        let server = Server::start(model, 1, &["--silence", "20ms"]);
        fs::write(server.path("a.txt"), b"content").unwrap();
        // The course's original client: a connection a command, and no line's end.
        for _ in 0..2 {
            let mut client = server.client();
            assert_eq!(client.ask("LIST").words(), r#"["a.txt"]"#);
            client.say("get a.txt");
            assert_eq!(client.hear().1, b"content");
        }
    }
}

#[test]
fn a_request_that_is_cut_removes_nothing() {
    for model in Workers::ALL {
        for compat in [false, true] {
            let more = ["--silence", "20ms", "--compat"];
            let server = Server::start(model, 2, &more[..if compat { 3 } else { 2 }]);
            for name in ["data", "data.jpg"] {
                fs::write(server.path(name), b"content").unwrap();
            }
            // An end is no line's end.
            let mut client = server.client();
            client.say("DELETE data");
            client.end();
            assert!(client.is_closed());
            assert_eq!(server.names(), ["data", "data.jpg"]);
            // Nor is a silence, but where the original's client is to be counted on.
            let mut client = server.client();
            client.say("DELETE data");
            if compat {
                assert!(client.hear().0.is_ok());
                assert_eq!(server.names(), ["data.jpg"]);
                continue;
            }
            // A silence that ends another's GET has come and gone.
            for _ in 0..2 {
                assert_eq!(server.client().ask("GET data.jpg").status, "OK");
            }
            client.say(".jpg\r\n");
            let reply = client.hear().0;
            assert_eq!(reply.message.unwrap(), "data.jpg has been deleted");
            assert_eq!(server.names(), ["data"]);
        }
    }
}

#[test]
fn names_in_capitals_find_files_only_where_clients_count_on_it() {
    for (more, found) in [(&["--compat"][..], true), (&[], false)] {
        let server = Server::start(Workers::Thread, 1, more);
        fs::write(server.path("rock.jpg"), b"lower").unwrap();
        fs::write(server.path("Roll.jpg"), b"as it is").unwrap();
        let mut client = server.client();
        assert_eq!(client.fetch("ROCK.JPG").is_some(), found);
        assert_eq!(client.fetch("Roll.jpg").unwrap(), b"as it is");
    }
}

#[test]
fn no_name_leads_out_of_the_directory() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), b"secret").unwrap();
    let server = Server::start(Workers::Thread, 1, &[]);
    symlink(outside.path().join("secret.txt"), server.path("link.txt")).unwrap();
    symlink(outside.path(), server.path("folder.link")).unwrap();
    symlink("/dev/zero", server.path("zero.txt")).unwrap();
    fs::write(server.path("two\nlines.txt"), b"no name").unwrap();
    fs::create_dir(server.path("folder.d")).unwrap();
    nix::unistd::mkfifo(&server.path("pipe.txt"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let mut client = server.client();
    // Only what can be had is listed.
    assert_eq!(client.ask("LIST\n").words(), "[]");
    let secret = outside.path().join("secret.txt").display().to_string();
    for name in [
        "link.txt",
        "folder.link",
        "zero.txt",
        "folder.d",
        "pipe.txt",
        "folder.link/secret.txt",
        "../secret.txt",
        "folder.d/../../secret.txt",
        "..",
        ".",
        "",
        "/etc/passwd",
        &secret,
        ".upload-1-1",
    ] {
        assert_eq!(client.fetch(name), None, "{name}");
    }
    for name in [
        "../new.txt",
        "folder.link/new.txt",
        "folder.d",
        ".upload-1-1",
        "/tmp/new.txt",
    ] {
        assert!(!client.store(name, b"new").is_ok(), "{name}");
    }
    for name in [
        "folder.link/secret.txt",
        "../secret.txt",
        "folder.d",
        "..",
        "link.txt",
    ] {
        assert!(!client.ask(&format!("DELETE '{name}'\n")).is_ok(), "{name}");
    }
    // A link is replaced, not followed.
    assert!(client.store("link.txt", b"new").is_ok());
    assert_eq!(
        fs::read(outside.path().join("secret.txt")).unwrap(),
        b"secret"
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    let left = [
        "folder.d",
        "folder.link",
        "link.txt",
        "pipe.txt",
        "two\nlines.txt",
        "zero.txt",
    ];
    assert_eq!(server.names(), left);
}

#[test]
fn a_download_is_of_one_file_though_it_is_replaced() {
    for model in Workers::ALL {
        let server = Server::start(model, 4, &["--buffer", "4KiB"]);
        let contents = [vec![1; 5_000_000], vec![2; 3_000_000]];
        assert!(server.client().store("a.bin", &contents[0]).is_ok());
        // Its reader stops after the first bytes: what follows is read after the file was replaced.
        let mut reader = server.client();
        reader.say("GET a.bin\n");
        let mut first = [0; 100];
        std::io::Read::read_exact(&mut reader.stream.try_clone().unwrap(), &mut first).unwrap();
        assert!(server.client().store("a.bin", &contents[1]).is_ok());
        assert!(server.client().ask("DELETE a.bin\n").is_ok());
        reader.unread(&first);
        assert!(reader.hear().1 == contents[0], "{model}");
    }
}

#[test]
fn uploads_are_synced_as_asked_for() {
    for sync in ["none", "file", "all"] {
        let server = Server::start(Workers::Process, 1, &["--sync", sync]);
        assert!(server.client().store("a.bin", b"content").is_ok());
        assert_eq!(server.client().fetch("a.bin").unwrap(), b"content");
    }
}

#[test]
fn what_another_server_left_unfinished_is_removed_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    for name in [".upload-77-0", ".upload", "upload-1.bin"] {
        fs::write(home.path().join(name), b"x").unwrap();
    }
    // What is no file is nobody's upload.
    fs::create_dir(home.path().join(".upload-folder")).unwrap();
    let directory = ["--directory", home.path().to_str().unwrap()];
    let mut second = std::process::Command::new(env!("CARGO_BIN_EXE_node"))
        .args(["serve", "--address", "127.0.0.1", "--port", "0"])
        .args(directory)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(second.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    second.kill().unwrap();
    second.wait().unwrap();
    assert!(line.contains("listening"), "{line}");
    let mut names: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".upload", ".upload-folder", "upload-1.bin"]);
}
