//! Commands over connections, against the clock.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::conversation::{Connections, Order, ReplyRecord, Request};
use protocol::file_service::answer::Reply;

use super::exchange::{Exchange, ExchangeError};
use crate::buffer::Buffer;

/// A client of one server.
#[derive(Debug)]
pub(super) struct Dialogue {
    server: SocketAddr,
    connections: Connections,
    directory: PathBuf,
    open: Option<Connection>,
    made: u32,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// Read and not yet understood.
    input: Buffer,
    until: Instant,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
enum DialogueError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("cannot send: {0}")]
    Send(io::Error),
    #[error("cannot receive: {0}")]
    Receive(io::Error),
    #[error("no reply within {0:?}")]
    Late(Duration),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Dialogue {
    pub(super) fn new(server: SocketAddr, connections: Connections, directory: PathBuf) -> Self {
        Self {
            server,
            connections,
            directory,
            open: None,
            made: 0,
        }
    }

    /// Gives a command and waits for its reply, as long as the order says.
    pub(super) fn carry_out(&mut self, order: &Order) -> ReplyRecord {
        let began = Instant::now();
        let mut record = ReplyRecord {
            number: order.number,
            ..ReplyRecord::default()
        };
        if let Err(error) = self.try_order(order, began, &mut record) {
            record.failure = Some(error.to_string());
            // What comes on it now belongs to no command.
            self.open = None;
        }
        if self.connections == Connections::PerCommand {
            self.open = None;
        }
        record.seconds = began.elapsed().as_secs_f64();
        record
    }

    fn try_order(
        &mut self,
        order: &Order,
        began: Instant,
        record: &mut ReplyRecord,
    ) -> Result<(), DialogueError> {
        let within = Duration::from_millis(order.within_ms).min(LONGEST);
        let late = |error| match error {
            DialogueError::Connect(source)
            | DialogueError::Send(source)
            | DialogueError::Receive(source)
                if is_late(&source) =>
            {
                DialogueError::Late(within)
            }
            other => other,
        };
        let path = self.directory.join(order.number.to_string());
        let mut exchange = Exchange::new(&order.request, path).map_err(DialogueError::from)?;
        let until = began + within;
        let connection = match &mut self.open {
            Some(connection) => connection,
            none => {
                let made = Connection::make(self.server, until);
                let made = made.map_err(|error| late(DialogueError::Connect(error)))?;
                self.made += 1;
                none.insert(made)
            }
        };
        record.connection = self.made;
        connection.until = until;
        let reply = connection.converse(&mut exchange, &order.request);
        let reply = reply.map_err(late)?;
        Ok(exchange.note(&reply, record)?)
    }
}

impl Connection {
    fn make(server: SocketAddr, until: Instant) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&server, left(until)?)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Buffer::new(INPUT),
            until,
        })
    }

    /// Says it all, then hears the reply; also where not all could be said, for the server may have told
    /// why it would not hear the rest.
    fn converse(
        &mut self,
        exchange: &mut Exchange,
        request: &Request,
    ) -> Result<Reply, DialogueError> {
        match self.say(exchange, request) {
            Err(DialogueError::Send(error)) if !is_late(&error) => {
                let reply = self.hear(exchange);
                reply.map_err(|_| DialogueError::Send(error))
            }
            said => said.and_then(|()| self.hear(exchange)),
        }
    }

    fn say(&mut self, exchange: &mut Exchange, request: &Request) -> Result<(), DialogueError> {
        loop {
            let output = exchange.output(request)?;
            if output.is_empty() {
                return Ok(());
            }
            let written = left(self.until).and_then(|left| {
                self.stream.set_write_timeout(Some(left))?;
                self.stream.write(output)
            });
            match written {
                Ok(count) => exchange.written(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DialogueError::Send(error)),
            }
        }
    }

    fn hear(&mut self, exchange: &mut Exchange) -> Result<Reply, DialogueError> {
        loop {
            if let Some(reply) = exchange.read(&mut self.input)? {
                return Ok(reply);
            }
            let read = left(self.until).and_then(|left| {
                self.stream.set_read_timeout(Some(left))?;
                self.stream.read(self.input.room(1))
            });
            match read {
                Ok(0) => return Ok(exchange.end()?),
                Ok(count) => self.input.filled(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DialogueError::Receive(error)),
            }
        }
    }
}

/// The time that is left; at its end, an error that says so.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.checked_duration_since(Instant::now());
    left.filter(|left| !left.is_zero())
        .ok_or_else(|| ErrorKind::TimedOut.into())
}

/// Socket timeouts end in either kind.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// No command takes longer, whatever its order says.
const LONGEST: Duration = Duration::from_hours(24);

/// The number of bytes read at once.
const INPUT: usize = 64 << 10;
