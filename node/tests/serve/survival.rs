//! Nothing is lost and nothing mixed, though workers die.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use protocol::content::Content;
use protocol::stress::Workers;

use crate::client::Client;
use crate::server::Server;

const CLIENTS: u32 = 200;
const SHARED: u32 = 10;

fn content(client: u32) -> Vec<u8> {
    let mut bytes = vec![0; 200_000 + client as usize * 1000];
    Content::new(77, client).fill(0, &mut bytes);
    bytes
}

/// What clients did, for whoever looks at the files afterwards.
#[derive(Default)]
struct Log {
    /// Each name with who may have stored it, acknowledged or not.
    uploads: Mutex<BTreeMap<String, Vec<u32>>>,
    /// Names that one client only has to do with, whose upload was acknowledged.
    kept: Mutex<Vec<(String, u32)>>,
    ended: AtomicU32,
}

impl Log {
    fn is_one_of(&self, name: &str, bytes: &[u8]) -> bool {
        let uploads = self.uploads.lock().unwrap();
        let of = uploads.get(name).map_or(&[][..], Vec::as_slice);
        of.iter().any(|&client| content(client) == bytes)
    }

    fn store(&self, server: &Server, name: &str, client: u32) -> bool {
        self.uploads
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default()
            .push(client);
        let mut connection = server.client();
        // Its worker may die at any time.
        let sent = connection
            .stream
            .write_all(&Client::upload(name, &content(client)));
        sent.is_ok() && matches!(connection.try_hear(), Ok((reply, _)) if reply.is_ok())
    }

    fn act(&self, server: &Server, client: u32) {
        let shared = format!("shared {}.bin", client % SHARED);
        match client % 4 {
            0 => {
                self.store(server, &shared, client);
            }
            1 => {
                let own = format!("own {client}.bin");
                if self.store(server, &own, client) {
                    self.kept.lock().unwrap().push((own, client));
                }
            }
            2 => {
                let mut connection = server.client();
                let _ = write!(connection.stream, "GET '{shared}'\r\n");
                // Whatever came whole is one that was stored whole.
                if let Ok((reply, bytes)) = connection.try_hear()
                    && reply.is_ok()
                {
                    assert!(self.is_one_of(&shared, &bytes), "{shared} is mixed");
                }
            }
            _ => {
                let mut connection = server.client();
                let _ = write!(connection.stream, "DELETE '{shared}'\r\n");
                let _ = connection.try_hear();
            }
        }
        self.ended.fetch_add(1, Ordering::Release);
    }
}

#[test]
fn each_file_is_whole_and_somebodys_though_workers_are_killed() {
    let server = Server::start(Workers::Process, 8, &[]);
    let log = Log::default();
    let mut killed = 0;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (log, server) = (&log, &server);
            scope.spawn(move || log.act(server, client));
        }
        // A worker dies for every five clients that have ended.
        let mut dice = 12_345_u32;
        while log.ended.load(Ordering::Acquire) < CLIENTS - 10 {
            if log.ended.load(Ordering::Acquire) < killed * 5 {
                std::thread::yield_now();
                continue;
            }
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let workers = server.workers();
            let Some(worker) = workers.get(dice as usize % workers.len().max(1)) else {
                continue;
            };
            // It may have died meanwhile, but its number is not given again so soon.
            let _ = kill(*worker, Signal::SIGKILL);
            killed += 1;
        }
    });
    // The server goes on.
    assert!(server.client().ask("LIST\n").is_ok());
    for (name, client) in log.kept.lock().unwrap().iter() {
        let stored = fs::read(server.path(name)).expect("what was acknowledged is there");
        assert!(stored == content(*client), "{name} is another's");
    }
    let workers_lost_at_most = killed;
    let home = server.path("");
    let names = server.names();
    for name in &names {
        let bytes = fs::read(home.join(name)).unwrap();
        assert!(log.is_one_of(name, &bytes), "{name} is nobody's");
    }
    let record = server.end().record;
    assert!(
        (1..=workers_lost_at_most).contains(&record.workers_failed),
        "{record:?}"
    );
    assert_eq!(record.workers_ok, 8);
}

#[test]
fn each_file_is_whole_and_somebodys_under_every_model() {
    for model in Workers::ALL {
        let server = Server::start(model, 8, &[]);
        let log = Log::default();
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (log, server) = (&log, &server);
                scope.spawn(move || log.act(server, client));
            }
        });
        // Nobody died, so everything was acknowledged.
        assert_eq!(log.kept.lock().unwrap().len(), 50);
        for (name, client) in log.kept.lock().unwrap().iter() {
            assert!(fs::read(server.path(name)).unwrap() == content(*client));
        }
        for name in server.names() {
            assert!(
                log.is_one_of(&name, &fs::read(server.path(&name)).unwrap()),
                "{name}"
            );
        }
        let record = server.end().record;
        assert!(record.connections_failed.is_empty(), "{record:?}");
        assert!(record.most_served <= 8);
    }
}
