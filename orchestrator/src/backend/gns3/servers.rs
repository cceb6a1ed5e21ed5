//! The servers that this process speaks with, each connected to when it is first needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::backend::BackendError;

use super::address::{Credentials, ServerUrl};
use super::error::at;
use super::server::Server;

/// The servers that this process speaks with.
#[derive(Debug, Default)]
pub(super) struct Servers {
    credentials: Option<Credentials>,
    known: Mutex<BTreeMap<ServerUrl, Arc<Server>>>,
}

impl Servers {
    /// Those that let in who has these credentials.
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self {
            credentials,
            known: Mutex::default(),
        }
    }

    /// The one at `url`.
    ///
    /// # Errors
    /// If none answers there, or it does not let us in.
    pub(super) async fn at(&self, url: &ServerUrl) -> Result<Arc<Server>, BackendError> {
        let mut known = self.known.lock().await;
        if let Some(server) = known.get(url) {
            return Ok(Arc::clone(server));
        }
        let server = Server::connect(url.clone(), self.credentials.clone()).await;
        let server = Arc::new(server.map_err(at(format!("connecting to {url}")))?);
        known.insert(url.clone(), Arc::clone(&server));
        Ok(server)
    }
}
