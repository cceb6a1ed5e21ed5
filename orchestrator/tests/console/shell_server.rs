//! A console as GNS3 serves it, with a shell on it, and an echo for an agent.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use nix::pty::openpty;
use orchestrator::backend::ByteStream;
use orchestrator::backend::gns3::console::{Console, ConsoleError, PendingCloses};
use plumbing::child::ChildSetup;
use plumbing::endpoint::Endpoint;
use plumbing::own_limits::OwnLimits;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct ShellServer {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    /// Of those that [`Self::connect`].
    pub(crate) pending_closes: PendingCloses,
    shell: Child,
    /// The shell's end of the terminal, for others who write there.
    terminal: File,
    clients: Clients,
    tasks: Vec<AbortOnDropHandle<()>>,
}

/// What GNS3 opens a console with.
pub(crate) const OPENING: [u8; 15] = [
    255, 251, 1, 255, 251, 3, 255, 251, 0, 255, 253, 0, 255, 253, 31,
];

type Clients = Arc<Mutex<Vec<Arc<OwnedWriteHalf>>>>;

impl ShellServer {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("node");
        symlink(env!("CARGO_BIN_EXE_orchestrator"), &program).unwrap();
        let agent = UnixListener::bind(folder.path().join("agent.sock")).unwrap();
        let ends = openpty(None, None).unwrap();
        let terminal = File::from(ends.slave);
        let shell = start_shell(&terminal);
        let master = Arc::new(Endpoint::new(ends.master).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clients = Clients::default();
        let tasks = vec![
            tokio::spawn(echo(agent)),
            tokio::spawn(replicate(Arc::clone(&master), Arc::clone(&clients))),
            tokio::spawn(serve(listener, master, Arc::clone(&clients))),
        ];
        Self {
            folder,
            address,
            pending_closes: PendingCloses::default(),
            shell,
            terminal,
            clients,
            tasks: tasks.into_iter().map(AbortOnDropHandle::new).collect(),
        }
    }

    /// What starts the program there.
    pub(crate) fn command(&self) -> String {
        let folder = self.folder.path().display();
        format!("{folder}/node console {folder}/agent.sock")
    }

    pub(crate) async fn connect(&self) -> Console {
        connect(self.address.port(), &self.command(), &self.pending_closes)
            .await
            .unwrap()
    }

    /// Somebody at a keyboard.
    pub(crate) async fn person(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A process in the node writes to its terminal.
    pub(crate) async fn print(&self, text: &'static [u8]) {
        let mut terminal = self.terminal.try_clone().unwrap();
        // It may have to wait until others have read.
        let printed = spawn_blocking(move || terminal.write_all(text));
        printed.await.unwrap().unwrap();
    }

    /// The server ends, and all connections with it.
    pub(crate) fn stop_serving(&mut self) {
        self.tasks.clear();
        self.clients.lock().unwrap().clear();
    }
}

pub(crate) async fn connect(
    port: u16,
    command: &str,
    pending_closes: &PendingCloses,
) -> Result<Console, ConsoleError> {
    let node = "a".parse().unwrap();
    Console::connect(("127.0.0.1", port), node, command, pending_closes).await
}

impl Drop for ShellServer {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

fn start_shell(terminal: &File) -> Child {
    let mut start = Command::new("/bin/sh");
    start.stdin(terminal.try_clone().unwrap());
    start.stdout(terminal.try_clone().unwrap());
    start.stderr(terminal.try_clone().unwrap());
    let setup = ChildSetup {
        terminal: true,
        control_groups: Arc::new([]),
        limits: OwnLimits::default(),
        enclosure: None,
        confinement: None,
    };
    setup.apply(&mut start);
    start.spawn().unwrap()
}

/// The agent: it says what it is told.
async fn echo(listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let (mut read, mut write) = stream.into_split();
            let _ = copy(&mut read, &mut write).await;
        });
    }
}

/// What the terminal says goes to all who are connected.
async fn replicate(master: Arc<Endpoint>, clients: Clients) {
    let mut buffer = vec![0; 1024];
    while let Ok(count @ 1..) = master.read(&mut buffer).await {
        let all = clients.lock().unwrap().clone();
        for client in all {
            if write_all(&client, &buffer[..count]).await.is_err() {
                let others = |other: &Arc<OwnedWriteHalf>| !Arc::ptr_eq(other, &client);
                clients.lock().unwrap().retain(others);
            }
        }
    }
}

async fn serve(listener: TcpListener, master: Arc<Endpoint>, clients: Clients) {
    let mut readers = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (read, write) = stream.into_split();
        let write = Arc::new(write);
        let _ = write_all(&write, &OPENING).await;
        let _ = write_all(&write, b"a console is now available...\r\n").await;
        clients.lock().unwrap().push(write);
        readers.spawn(type_in(read, Arc::clone(&master)));
    }
}

/// What a client says goes to the terminal, but for what telnet says itself.
async fn type_in(mut read: OwnedReadHalf, master: Arc<Endpoint>) {
    let mut buffer = vec![0; 1024];
    while let Ok(count @ 1..) = read.read(&mut buffer).await {
        let mut bytes = buffer[..count].to_vec();
        while let Some(at) = bytes.iter().position(|byte| *byte == 255) {
            bytes.drain(at..bytes.len().min(at + 3));
        }
        let _ = master.write_all(&bytes).await;
    }
}

async fn write_all(client: &OwnedWriteHalf, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        client.writable().await?;
        match client.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends bytes through the agent's echo and says whether they came back.
pub(crate) async fn come_back(mut stream: Box<dyn ByteStream>, bytes: Vec<u8>) -> bool {
    let expected = bytes.clone();
    let mut received = vec![0; bytes.len()];
    let (mut read, mut write) = tokio::io::split(&mut stream);
    let sending = async {
        write.write_all(&bytes).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let receiving = async {
        read.read_exact(&mut received).await.unwrap();
        assert_eq!(read.read(&mut [0]).await.unwrap(), 0);
    };
    tokio::join!(sending, receiving);
    received == expected
}

/// Bytes that hold everything that means something to telnet, terminals and us.
pub(crate) fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(count).collect()
}
