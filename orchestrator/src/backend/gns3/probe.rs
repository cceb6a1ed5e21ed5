//! Which version of the interface a server has, found by asking.

use reqwest::{Client, StatusCode};
use serde::Deserialize;

use super::address::{Credentials, ServerUrl};
use super::error::ServerError;
use super::server::{Dialect, PROBE_TIMEOUT, basic, innermost};

/// `GET /version`.
#[derive(Debug, Deserialize)]
struct VersionAnswer {
    version: String,
}

/// Which version answers.
pub(super) async fn probe(
    http: &Client,
    url: &ServerUrl,
    credentials: Option<&Credentials>,
) -> Result<(Dialect, String), ServerError> {
    for dialect in [Dialect::Three, Dialect::Two] {
        let request = http.get(format!("{url}/{}/version", dialect.path()));
        let request = match credentials {
            Some(known) => basic(request, known),
            None => request,
        };
        let answer = request.timeout(PROBE_TIMEOUT).send().await;
        let answer = answer.map_err(|error| {
            if error.is_timeout() && !error.is_connect() {
                return ServerError::Silent(url.clone());
            }
            ServerError::Unreachable {
                url: url.clone(),
                reason: innermost(&error),
            }
        })?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let user = credentials.map_or("somebody without a name", |known| &known.user);
            return Err(ServerError::Refused {
                url: url.clone(),
                user: user.to_owned(),
            });
        }
        if answer.status().is_success()
            && let Ok(known) = answer.json::<VersionAnswer>().await
        {
            return Ok((dialect, known.version));
        }
    }
    Err(ServerError::Stranger(url.clone()))
}
