//! A program in a container as a byte stream.

use bollard::Docker;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use protocol::name::NodeName;

use crate::backend::ByteStream;

use super::attached_stream::AttachedStream;
use super::engine::while_it_answers;
use super::error::status;

/// Why there is no stream.
#[derive(Debug)]
pub(in crate::backend) enum ExecError {
    /// There is no such container.
    Gone,
    /// It does not run.
    Still,
    /// Its processes are paused.
    Paused,
    /// The engine gave no streams.
    NoStreams,
    /// The engine's own.
    Engine(Error),
}

/// Runs `command` in a node's container; the stream is its standard input and output.
pub(in crate::backend) async fn connect(
    docker: &Docker,
    (node, container): (&NodeName, &str),
    command: Vec<String>,
) -> Result<Box<dyn ByteStream>, ExecError> {
    let options = CreateExecOptions {
        cmd: Some(command),
        user: Some("0".to_owned()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let connecting = format!("connecting to node {node}");
    let exec = docker.create_exec(container, options);
    let exec = match while_it_answers(docker, &connecting, exec).await {
        Ok(exec) => exec,
        Err(error) if status(&error) == Some(404) => return Err(ExecError::Gone),
        // Both have one status.
        Err(error) if status(&error) == Some(409) && error.to_string().contains("is paused") => {
            return Err(ExecError::Paused);
        }
        Err(error) if status(&error) == Some(409) => return Err(ExecError::Still),
        Err(error) => return Err(ExecError::Engine(error)),
    };
    let start = docker.start_exec(&exec.id, None::<StartExecOptions>);
    let start = while_it_answers(docker, &connecting, start);
    match start.await.map_err(ExecError::Engine)? {
        StartExecResults::Attached { output, input } => {
            Ok(Box::new(AttachedStream::new(node.clone(), output, input)))
        }
        StartExecResults::Detached => Err(ExecError::NoStreams),
    }
}
