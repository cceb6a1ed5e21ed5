//! `node download`: fetches files and names each by its key and its type, as the original labs do.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hyper::Uri;
use protocol::name::FileName;
use protocol::role::RoleEvent;
use protocol::task::DownloadRecord;
use tokio::runtime::Builder;

use super::error::FetchError;
use super::{client, content_type};
use crate::lines;

/// Arguments of `node download`.
#[derive(Debug, clap::Args)]
pub struct DownloadArguments {
    /// Where the files go; made if it is not there.
    #[arg(long)]
    pub directory: PathBuf,
    /// The longest time for one file, in seconds.
    #[arg(long, default_value_t = 30)]
    pub seconds: u32,
    /// The most bytes of one file.
    #[arg(long, default_value_t = 1 << 30)]
    pub limit: u64,
    /// A key whose file may come in plain HTTP though its URL is https: its redirections are followed
    /// there; several with several `--downgrade`.
    #[arg(long)]
    pub downgrade: Vec<String>,
    /// A key, from which the file is named, and where it is, as in kompas=http://origin/a.jpg;
    /// several with several `--file`, fetched one after the other.
    #[arg(long = "file", required = true)]
    pub files: Vec<Wanted>,
}

/// A file to fetch.
#[derive(Debug, Clone)]
pub struct Wanted {
    key: String,
    url: Uri,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, url) = text.split_once('=').ok_or("write KEY=URL")?;
        let wrong = || FetchError::Url(url.to_owned()).to_string();
        Ok(Self {
            key: key.to_owned(),
            url: url.parse().map_err(|_| wrong())?,
        })
    }
}

/// Runs `node download`: fetches the files one after the other and prints what each came to. The code
/// is 1 if one could not be fetched; those before it are there.
pub fn download(arguments: &DownloadArguments) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => lines::fail(reason),
    }
}

fn run(arguments: &DownloadArguments) -> Result<(), String> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory)
        .map_err(|error| format!("cannot write into {}: {error}", directory.display()))?;
    let text = |error: std::io::Error| error.to_string();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(text)?;
    for wanted in &arguments.files {
        let fetched = runtime.block_on(in_time(arguments, wanted));
        let record = fetched.map_err(|error| format!("{}: {error}", wanted.key))?;
        lines::print(&RoleEvent::Downloaded(record)).map_err(text)?;
    }
    Ok(())
}

async fn in_time(
    arguments: &DownloadArguments,
    wanted: &Wanted,
) -> Result<DownloadRecord, FetchError> {
    let within = Duration::from_secs(arguments.seconds.into());
    let fetched = tokio::time::timeout(within, fetch(arguments, wanted)).await;
    fetched.unwrap_or_else(|_| {
        let url = wanted.url.to_string();
        Err(FetchError::Late { url, within })
    })
}

async fn fetch(
    arguments: &DownloadArguments,
    wanted: &Wanted,
) -> Result<DownloadRecord, FetchError> {
    let start = Instant::now();
    let downgrade = arguments.downgrade.contains(&wanted.key);
    let answer = client::get(wanted.url.clone(), downgrade).await?;
    let (url, found) = (answer.url.to_string(), answer.content_type.clone());
    let Some(ending) = content_type::ending(&found) else {
        let known = content_type::known();
        return Err(FetchError::Type { url, found, known });
    };
    let name = format!("{}.{ending}", wanted.key);
    let name: FileName = name
        .parse()
        .map_err(|_| FetchError::Key(wanted.key.clone()))?;
    let part = arguments.directory.join(format!(".{name}.part"));
    let bytes = match answer.save(&part, arguments.limit).await {
        Ok(bytes) => bytes,
        Err(error) => {
            // Nothing better can be done with a file that cannot be removed.
            let _ = tokio::fs::remove_file(&part).await;
            return Err(error);
        }
    };
    let path = arguments.directory.join(name.as_str());
    let renamed = tokio::fs::rename(&part, &path).await;
    renamed.map_err(|source| FetchError::Write { path, source })?;
    Ok(DownloadRecord {
        key: wanted.key.clone(),
        name,
        url,
        content_type: found,
        bytes,
        seconds: start.elapsed().as_secs_f64(),
    })
}
