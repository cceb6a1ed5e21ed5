//! The server's files: made before clients fetch them, hashed where they came to lie, removed.

use std::collections::BTreeMap;

use protocol::name::FileName;
use protocol::role::RoleEvent;

use crate::scenario::context::{RunContext, ScenarioError};
use crate::scenario::folder;
use crate::scenario::serving::Served;
use crate::topology::model::{Operation, Server, ServerProgram, Stress};

/// A file as it lies at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAtServer {
    /// Its length.
    pub bytes: u64,
    /// Its hash, in lower-case hexadecimal.
    pub blake3: String,
}

/// Makes the server's folder, and the file that clients fetch. The inner error says in words why
/// not.
///
/// # Errors
/// If the node cannot do its part.
pub async fn prepare(
    cx: &RunContext<'_>,
    stress: &Stress,
) -> Result<Result<(), String>, ScenarioError> {
    let mut words = vec!["--seed".to_owned(), seed(cx)];
    if stress.operation == Operation::Download {
        words.extend([
            "--size".to_owned(),
            stress.size.0.to_string(),
            FETCHED.to_owned(),
        ]);
    }
    let (_, ended) = run(cx, &stress.server, "fill", words).await?;
    Ok(ended.map_err(|reason| format!("the server's files were not made: {reason}")))
}

/// Returns the files at the server under the names of clients' files: as the built-in server reported them
/// when it stored them, or read again where a program of the user's stored them.
///
/// # Errors
/// If the node cannot do its part. A file that cannot be read is not among them.
pub async fn held(
    cx: &RunContext<'_>,
    server: &Server,
    served: Served,
    names: &[FileName],
) -> Result<BTreeMap<FileName, StoredAtServer>, ScenarioError> {
    if let ServerProgram::BuiltIn { .. } = server.program {
        let stored = served.stored.into_iter();
        let held = stored.map(|(name, file)| {
            let (bytes, blake3) = (file.bytes, file.blake3);
            (name, StoredAtServer { bytes, blake3 })
        });
        return Ok(held.collect());
    }
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let words = names.iter().map(ToString::to_string).collect();
    let (events, ended) = run(cx, server, "digest", words).await?;
    if let Err(reason) = ended {
        // Each file that lacks is a client's failure.
        tracing::debug!(reason, "could not hash every file");
    }
    let digest = |event| match event {
        RoleEvent::Digest(digest) => Some((
            digest.name,
            StoredAtServer {
                bytes: digest.bytes,
                blake3: digest.blake3,
            },
        )),
        _ => None,
    };
    Ok(events.into_iter().filter_map(digest).collect())
}

/// Removes the files, which may be gigabytes of memory. The inner error says in words why one stays.
///
/// # Errors
/// If the node cannot do its part.
pub async fn discard(
    cx: &RunContext<'_>,
    stress: &Stress,
) -> Result<Result<(), String>, ScenarioError> {
    let names = match stress.operation {
        Operation::Download => vec![FETCHED.to_owned()],
        Operation::Upload => (0..stress.clients.workers).map(uploaded).collect(),
    };
    let (_, ended) = run(cx, &stress.server, "discard", names).await?;
    Ok(ended.map_err(|reason| format!("the server's files were not removed: {reason}")))
}

/// Returns the seed of clients and files.
pub fn seed(cx: &RunContext<'_>) -> String {
    cx.seed.to_string()
}

/// The name of a client's file at the server.
fn uploaded(client: u32) -> String {
    format!("{PREFIX}-{client}.bin")
}

async fn run(
    cx: &RunContext<'_>,
    server: &Server,
    role: &str,
    words: Vec<String>,
) -> Result<(Vec<RoleEvent>, Result<(), String>), ScenarioError> {
    let place = (&server.node, server.directory.as_str());
    folder::work(cx, place, role, words).await
}

/// The prefix of clients' files, before their numbers.
pub const PREFIX: &str = "stress";

/// The file that all clients fetch.
const FETCHED: &str = "stress.bin";
